"""The commands about what should be: controls, profiles, baseline; nothing but files is read."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import click

from hardening import listing
from hardening.catalogue import check_roles
from hardening.commands.completing import component_names, control_names, profile_names
from hardening.commands.ending import answering, printing
from hardening.commands.options import (
    output_options,
)
from hardening.commands.world import Asked, Options
from hardening.errors import Exit
from hardening.kinds import kinds


@click.group()
def controls() -> None:
    """What is known of what should be. Example: hardening controls list --component sshd"""


@click.group()
def profiles() -> None:
    """Selections of controls with their values and clauses. Example: hardening profiles list"""


@click.group()
def baseline() -> None:
    """The catalogue's files. Example: hardening baseline check"""


@controls.command("list")
@output_options
@click.option("--component", "components", multiple=True, shell_complete=component_names, help="Only this component.")
@click.pass_obj
@answering
def controls_list(asked: Asked, components: tuple[str, ...], **options: Any) -> Exit:
    """List controls. Example: hardening controls list --component sshd"""
    return show_catalogue_item(asked, "controls", None, options, components=components)


@controls.command("show")
@click.argument("name", metavar="CONTROL", shell_complete=control_names)
@output_options
@click.pass_obj
@answering
def controls_show(asked: Asked, name: str, **options: Any) -> Exit:
    """Show one control. Example: hardening controls show sshd_permit_root_login"""
    return show_catalogue_item(asked, "controls", name, options)


@profiles.command("list")
@output_options
@click.pass_obj
@answering
def profiles_list(asked: Asked, **options: Any) -> Exit:
    """List profiles. Example: hardening profiles list"""
    return show_catalogue_item(asked, "profiles", None, options)


@profiles.command("show")
@click.argument("name", metavar="PROFILE", shell_complete=profile_names)
@output_options
@click.pass_obj
@answering
def profiles_show(asked: Asked, name: str, **options: Any) -> Exit:
    """Show one profile. Example: hardening profiles show mlps-l3"""
    return show_catalogue_item(asked, "profiles", name, options)


@baseline.command("check")
@output_options
@click.option(
    "--schemas", type=click.Path(path_type=Path, file_okay=False), help="Also write JSON Schemas for editors here."
)
@click.pass_obj
@answering
def baseline_check(asked: Asked, schemas: Path | None, **options: Any) -> Exit:
    """Validate every control, profile and standard. Example: hardening --baselines mine baseline check"""
    return show_catalogue_item(asked, "check", None, options, schemas=schemas)


def show_catalogue_item(
    asked: Asked,
    what: str,
    name: str | None,
    options: Options,
    *,
    components: Collection[str] = (),
    schemas: Path | None = None,
) -> Exit:
    """Print controls, profiles or the outcome of a check of the catalogue."""
    catalogue = asked.catalogue()
    if what == "check":
        check_roles(catalogue, kinds())
    document = listing.document(catalogue, what, name, components=components)
    if schemas is not None:
        listing.write_schemas(schemas, catalogue, kinds())
        _write_more_schemas(asked, schemas)
    with printing():
        if options["as_json"]:
            click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))
        else:
            listing.print_document(document, what, lang=options["lang"])
    return Exit.CLEAN


def _write_more_schemas(asked: Asked, place: Path) -> None:
    from hardening.inspection import kinds as looks
    from hardening.inspection.items import load_items
    from hardening.inspection.schemas import inspection_schemas
    from hardening.reports.output import write_text

    items = load_items(asked.place.baselines(asked.baselines), looks.kinds())
    for name, schema in inspection_schemas(looks.kinds(), items.values()).items():
        write_text(place / name, json.dumps(schema, ensure_ascii=False, indent=2) + "\n")
