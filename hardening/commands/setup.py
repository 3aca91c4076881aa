"""The commands that prepare: a workspace, the completion of a shell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hardening.commands.completing import profile_names
from hardening.commands.ending import answering
from hardening.commands.options import (
    output_options,
)
from hardening.commands.world import Asked
from hardening.errors import AskedWrongly, Exit
from hardening.workspace import create_workspace


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option(
    "-p",
    "--profile",
    default="mlps-l3",
    show_default=True,
    shell_complete=profile_names,
    help="The profile the CI files scan with.",
)
@output_options
@click.pass_obj
@answering
def init(asked: Asked, directory: Path, profile: str, **options: Any) -> Exit:
    """Make a workspace: example inventory, waiver file, CI for GitLab and GitHub.

    \b
    Example: hardening init campaign-2026
    """
    asked.catalogue().profile(profile)
    written = create_workspace(directory, profile=profile)
    if options["as_json"]:
        import json

        click.echo(json.dumps({"written": [str(path) for path in written]}, ensure_ascii=False))
    else:
        for path in written:
            click.echo(path)
        click.echo(
            f"next: put your hosts into {written[0]}, then: hardening scan -i {written[0].parent} -p {profile}",
            err=True,
        )
    return Exit.CLEAN


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def completion(shell: str, as_json: bool) -> None:
    """Print the completion script of a shell. Example: hardening completion bash > /etc/bash_completion.d/hardening"""
    import json

    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise AskedWrongly(f"there is no completion for {shell}")
    root = click.get_current_context().find_root().command
    script = found(root, {}, "hardening", "_HARDENING_COMPLETE").source()
    click.echo(json.dumps({"shell": shell, "script": script}) if as_json else script)
