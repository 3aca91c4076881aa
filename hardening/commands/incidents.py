"""The commands of the register of incidents: list, show, assign, respond, close, report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hardening.commands.ending import answering, printing
from hardening.commands.options import docx_template_option, output_options
from hardening.commands.world import Asked, actor
from hardening.context import random_suffix, utc_now
from hardening.errors import Exit
from hardening.inspected import Act


@click.group()
def incidents() -> None:
    """The register of anomalies. Example: hardening incidents list"""


@incidents.command("list")
@click.option("--all", "every", is_flag=True, help="Closed ones, too.")
@click.option("--late", is_flag=True, help="Only those that were or are not resolved in time.")
@click.option("--level", "levels", type=int, multiple=True, help="Only this level (may be repeated).")
@output_options
@click.pass_obj
@answering
def incidents_list(asked: Asked, every: bool, late: bool, levels: tuple[int, ...], **options: Any) -> Exit:
    """List incidents, the gravest first; any open one answers 1.

    \b
    Example: hardening incidents list --late
    """
    from hardening.inspection.grouping import followers
    from hardening.inspection.incidents import incidents_of
    from hardening.inspection.listing import incident_row, print_incidents, print_json
    from hardening.inspection.response import load_response, owner_names
    from hardening.ledger import InspectionBook

    table, now = load_response(asked.place.baselines(asked.baselines)), utc_now()
    with asked.read_ledger() as ledger:
        known = tuple(incidents_of(InspectionBook(ledger).incident_events()).values())
    follow = followers(known)
    shown = [
        incident
        for incident in known
        if (every or incident.is_open or late)
        and (not late or incident.is_late(now))
        and (not levels or incident.level in levels)
    ]
    with printing():
        if options["as_json"]:
            print_json(
                {"incidents": [incident_row(incident, now, follow.get(incident.number, ())) for incident in shown]}
            )
        else:
            owners = owner_names(table, options["lang"])
            print_incidents(shown, now, table.zone, lang=options["lang"], owners=owners, with_closed=every or late)
    return Exit.GAPS if any(incident.is_open for incident in shown) else Exit.CLEAN


@incidents.command("show")
@click.argument("number")
@output_options
@click.pass_obj
@answering
def incidents_show(asked: Asked, number: str, **options: Any) -> Exit:
    """Show one incident with its course; the end of its number is enough.

    \b
    Example: hardening incidents show 0001
    """
    from hardening.codec import encode
    from hardening.inspection.document_text import markdown_of
    from hardening.inspection.listing import incident_row, print_json

    incident, document, follow = _paper(asked, number, options["lang"], is_brief=False)
    with printing():
        if options["as_json"]:
            events = [encode(event) for event in incident.events]
            print_json({**incident_row(incident, utc_now(), follow), "events": events})
        else:
            click.echo(markdown_of(document), nl=False)
    return Exit.CLEAN


@incidents.command("assign")
@click.argument("number")
@click.option("--to", "owner", required=True, help="Who has it from now on.")
@output_options
@click.pass_obj
@answering
def incidents_assign(asked: Asked, number: str, owner: str, **options: Any) -> Exit:
    """Give an incident to somebody.

    \b
    Example: hardening incidents assign 0001 --to "Database administrator"
    """
    return _act(asked, number, Act.ASSIGNED, {"owner": owner}, options)


@incidents.command("respond")
@click.argument("number")
@click.option("--note", default="", help="What is being done.")
@output_options
@click.pass_obj
@answering
def incidents_respond(asked: Asked, number: str, note: str, **options: Any) -> Exit:
    """Take an incident on: the clock of the response stops.

    \b
    Example: hardening incidents respond 0001 --note "On it"
    """
    return _act(asked, number, Act.RESPONDED, {"note": note} if note else {}, options)


@incidents.command("close")
@click.argument("number")
@click.option("--cause", required=True, help="Why it came to be.")
@click.option("--handling", required=True, help="What was done.")
@click.option("--prevention", required=True, help="What keeps it from coming again.")
@output_options
@click.pass_obj
@answering
def incidents_close(asked: Asked, number: str, cause: str, handling: str, prevention: str, **options: Any) -> Exit:
    """Close an incident by hand; if it is still there, the next inspection registers it anew.

    \b
    Example: hardening incidents close 0001 --cause "Log disk full" --handling "Moved" --prevention "Rotate daily"
    """
    told = {"cause": cause, "handling": handling, "prevention": prevention}
    return _act(asked, number, Act.CLOSED, told, options)


@incidents.command("report")
@click.argument("number")
@click.option("--brief", is_flag=True, help="The one-page brief.")
@click.option(
    "--to",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Where: a name that ends with .docx, .html or .md.",
)
@docx_template_option
@output_options
@click.pass_obj
@answering
def incidents_report(asked: Asked, number: str, brief: bool, path: Path, template: Path | None, **options: Any) -> Exit:
    """Write the report on an incident, or its brief.

    \b
    Example: hardening incidents report 0001 --to incident.docx --lang zh
    """
    from hardening.inspection.listing import print_json
    from hardening.inspection.writing import check_format, check_template, write_document

    check_format(path)
    check_template(template, [path])
    incident, document, _ = _paper(asked, number, options["lang"], is_brief=brief)
    write_document(document, path, template=template)
    with printing():
        if options["as_json"]:
            print_json({"number": incident.number, "file": str(path)})
        else:
            click.echo(str(path))
    return Exit.CLEAN


def _paper(asked: Asked, number: str, lang: str, *, is_brief: bool) -> Any:
    """Return an incident, its document, and its consequences."""
    from hardening.inspection.grouping import followers
    from hardening.inspection.incident_report import incident_document
    from hardening.inspection.incidents import chosen, incidents_of
    from hardening.inspection.response import load_response
    from hardening.ledger import InspectionBook

    table = load_response(asked.place.baselines(asked.baselines))
    with asked.read_ledger() as ledger:
        book = InspectionBook(ledger)
        known = incidents_of(book.incident_events())
        incident = chosen(known, number)
        items = {item.id: item for run in book.runs(until=None) for item in run.items}
    consequences = followers(known.values()).get(incident.number, ())
    document = incident_document(
        incident,
        items.get(incident.first.item),
        table,
        now=utc_now(),
        lang=lang,
        is_brief=is_brief,
        consequences=consequences,
        items=items,
    )
    return incident, document, consequences


def _act(asked: Asked, number: str, act: Act, told: dict[str, str], options: Any) -> Exit:
    """Record what a person did with an incident."""
    from hardening.inspection.grouping import followers
    from hardening.inspection.incidents import by_person, chosen, incidents_of
    from hardening.inspection.listing import incident_row, print_json
    from hardening.ledger import InspectionBook

    asked.read_ledger().close()  # One that does not exist must not be made.
    now, by = utc_now(), actor()
    with asked.open_ledger() as ledger:
        book = InspectionBook(ledger)
        clean = {name: ledger.redaction.text(text) for name, text in told.items()}
        (event,) = book.note_incidents(
            f"{now:%Y%m%dT%H%M%SZ}-incident-{random_suffix()}",
            lambda known: [by_person(chosen(incidents_of(known), number), act, by=by, now=now, told=clean)],
        )
        known = incidents_of(book.incident_events())
    with printing():
        if options["as_json"]:
            print_json(incident_row(known[event.number], now, followers(known.values()).get(event.number, ())))
        else:
            click.echo(f"{event.number}: {act.value}")
    return Exit.CLEAN
