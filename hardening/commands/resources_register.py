"""The commands about the register itself: check, import, export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from hardening.commands.ending import answering, say
from hardening.commands.options import output_options
from hardening.commands.resources_world import FILE, answer, inventory_of, register_of, register_option
from hardening.commands.world import Asked
from hardening.context import utc_now
from hardening.errors import AskedWrongly, Exit
from hardening.resources.entries import ENTRIES

inventory_option = click.option(
    "-i", "--inventory", "inventory", multiple=True, help="Inventory: says which hosts there are (may be repeated)."
)
kind_option = click.option("--kind", type=click.Choice(list(ENTRIES)), help="What the rows are, for CSV.")


@click.command("check")
@inventory_option
@register_option
@click.option("--schema", type=FILE, help="Also write the JSON Schema for editors here.")
@output_options
@click.pass_obj
@answering
def check_command(asked: Asked, schema: Path | None, **options: Any) -> Exit:
    """Validate the register; every problem is said with file and line.

    \b
    Example: hardening resources check -i inventory
    """
    from hardening.reports.output import write_text
    from hardening.resources.register import register_schema

    if schema is not None:
        write_text(schema, json.dumps(register_schema(), ensure_ascii=False, indent=2) + "\n")
    register = register_of(asked, options, inventory_of(options))
    counts = {kind: len(register.entries(kind)) for kind in ENTRIES}
    if options["as_json"]:
        answer({"entries": counts}, [], options)
    else:
        click.echo(", ".join(f"{kind}: {number}" for kind, number in counts.items()))
    return Exit.CLEAN


@click.command("export")
@click.argument("path", type=FILE)
@inventory_option
@register_option
@kind_option
@output_options
@click.pass_obj
@answering
def export_command(asked: Asked, path: Path, kind: str | None, **options: Any) -> Exit:
    """Write the register as .xlsx, .csv (one --kind) or NetBox's .json; what is exported can be imported again.

    \b
    Example: hardening resources export register.xlsx --lang zh
    """
    from hardening.reports.output import write_text
    from hardening.reports.resource_book import write_register, write_register_csv
    from hardening.resources.netbox import netbox_document

    register = register_of(asked, options, inventory_of(options))
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        write_register(register, path, now=utc_now(), lang=options["lang"])
    elif suffix == ".csv":
        if kind is None:
            raise AskedWrongly(f"a CSV file holds one table: say which, with --kind {'|'.join(ENTRIES)}")
        write_register_csv(register, kind, path, lang=options["lang"])
    elif suffix == ".json":
        write_text(path, json.dumps(netbox_document(register), ensure_ascii=False, indent=2) + "\n")
    else:
        raise AskedWrongly(f"{path}: name it .xlsx, .csv or .json (NetBox)")
    if options["as_json"]:
        answer({"written": str(path)}, [], options)
    else:
        click.echo(path)
    return Exit.CLEAN


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@inventory_option
@register_option
@kind_option
@click.option("--dry-run", is_flag=True, help="Say what would come of it, and write nothing.")
@output_options
@click.pass_obj
@answering
def import_command(asked: Asked, path: Path, kind: str | None, dry_run: bool, **options: Any) -> Exit:
    """Take a workbook, a CSV file or NetBox's JSON into the register; a row replaces its entry as a whole.

    A row that is wrong is named with row, column and reason, kept in PATH.rejected.csv, and answers 3; the others are
    taken. Comments in the register are not kept, so commit it before.

    \b
    Example: hardening resources import register.xlsx -i inventory --dry-run
    """
    from hardening.reports.output import write_text
    from hardening.resources.importing import read_tables, rejected_csv, take
    from hardening.resources.netbox import read_netbox
    from hardening.resources.register import register_text

    inventory = inventory_of(options)
    if inventory is None:
        raise AskedWrongly("say which hosts there are, so that names can be checked: -i INVENTORY")
    hosts = [host.name for host in inventory.hosts]
    destination = options["register"] or asked.place.register
    register = register_of(asked, {"register": None if not destination.exists() else destination}, inventory)
    tables = read_netbox(path) if path.suffix.lower() == ".json" else read_tables(path, kind=kind)
    done = take(register, tables, hosts=hosts)
    rejects = path.with_name(f"{path.name}.rejected.csv")
    if not dry_run:
        if done.added or done.changed:
            write_text(destination, register_text(done.register))
        if done.rejected:
            write_text(rejects, "\ufeff" + rejected_csv(done.rejected))
    fate = {name: getattr(done, name) for name in ("added", "changed", "unchanged")}
    if options["as_json"]:
        answer({**fate, "rejected": done.rejected, "dry_run": dry_run}, [], options)
    else:
        click.echo(
            "  ".join(f"{len(names)} {name}" for name, names in fate.items()) + f"  {len(done.rejected)} rejected"
        )
    for each in done.rejected:
        say(str(each))
    if done.rejected and not dry_run:
        say(f"the rejected rows are kept in {rejects}: mend and import them")
    return Exit.INCOMPLETE if done.rejected else Exit.CLEAN
