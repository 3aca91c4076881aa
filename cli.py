"""The command line: which commands there are. Each stands in a file of `hardening/commands`."""

from __future__ import annotations

from pathlib import Path

import click

from hardening import __version__
from hardening.commands.approvals import approve
from hardening.commands.attest import attest
from hardening.commands.campaigns import apply, plan, resume, scan, stop, undo
from hardening.commands.catalogue import baseline, controls, profiles
from hardening.commands.clean import clean
from hardening.commands.ending import close
from hardening.commands.evidence import evidence
from hardening.commands.incidents import incidents
from hardening.commands.inspect import inspect_group
from hardening.commands.periods import reports
from hardening.commands.purge import purge
from hardening.commands.records import report, status
from hardening.commands.resources import resources
from hardening.commands.setup import completion, init
from hardening.commands.since import drift, recheck
from hardening.commands.waivers import waivers
from hardening.commands.world import Asked


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="hardening")
@click.option(
    "--workspace",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Where the ledger and waivers lie [default: here].",
)
@click.option(
    "--ledger",
    metavar="PATH|URL",
    envvar="HARDENING_LEDGER",
    help="Another ledger: a file or a postgresql+psycopg:// URL.",
)
@click.option(
    "--baselines",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    help="A further directory of controls and profiles.",
)
@click.pass_context
def cli(ctx: click.Context, workspace: Path, ledger: str | None, baselines: tuple[Path, ...]) -> None:
    """Scan hosts against a security baseline, plan, apply, look again, undo, and leave evidence.

    Exit codes: 0 clean, 1 gaps, 2 asked wrongly, 3 incomplete (could not look or act everywhere),
    4 evidence does not verify, 5 a bug, 130 interrupted.

    \b
    Example: hardening scan -i inventories/example -p mlps-l3
    """
    ctx.obj = Asked(workspace=workspace, ledger_url=ledger, baselines=baselines)


for command in (
    scan,
    plan,
    approve,
    apply,
    undo,
    resume,
    drift,
    recheck,
    stop,
    report,
    status,
    resources,
    inspect_group,
    incidents,
    reports,
    clean,
    evidence,
    attest,
    purge,
    waivers,
    controls,
    profiles,
    baseline,
    init,
    completion,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line and leave with the design's exit codes."""
    close(cli)


if __name__ == "__main__":
    main()
