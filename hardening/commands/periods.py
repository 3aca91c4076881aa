"""The commands of periodic reports: write one, and see which are due."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from hardening.commands.ending import answering, printing
from hardening.commands.options import docx_template_option, output_options
from hardening.commands.world import Asked, actor
from hardening.context import random_suffix, utc_now
from hardening.errors import AskedWrongly, Exit

PERIODS = ("day", "week", "month", "quarter", "half-year", "year")


@click.group()
def reports() -> None:
    """Periodic reports on operations. Example: hardening reports due"""


@reports.command("write")
@click.argument("period", type=click.Choice(PERIODS))
@click.option(
    "--of", "day", type=click.DateTime(["%Y-%m-%d"]), help="A day of the period [default: the last one ended]."
)
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
def reports_write(
    asked: Asked, period: str, day: datetime | None, path: Path, template: Path | None, **options: Any
) -> Exit:
    """Write the report on a period from the ledger, compared with the one before, and record that it was written.

    \b
    Example: hardening reports write week --of 2026-11-23 --to week.docx --lang zh
    """
    from hardening.inspected import Written
    from hardening.inspection.figures import Figures, incident_figures
    from hardening.inspection.incidents import incidents_of
    from hardening.inspection.listing import print_json
    from hardening.inspection.periods import last_ended, period_of
    from hardening.inspection.report import period_report
    from hardening.inspection.response import load_response, owner_names
    from hardening.inspection.writing import check_format, check_template, write_document
    from hardening.ledger import InspectionBook

    check_format(path)
    check_template(template, [path])
    table, now = load_response(asked.place.baselines(asked.baselines)), utc_now()
    chosen = last_ended(period, now, table.zone) if day is None else period_of(period, day.date(), table.zone)
    if day is not None and chosen.since > now:
        raise AskedWrongly(f"--of {day:%Y-%m-%d}: this {period} has not begun")
    asked.read_ledger().close()  # One that does not exist must not be made.
    with asked.open_ledger() as ledger:
        book = InspectionBook(ledger)
        known = tuple(incidents_of(book.incident_events()).values())
        sides = []
        for each in (chosen, chosen.before):
            figures = Figures()
            for run in book.runs(since=each.since, until=each.until):
                figures.add(run, book.readings(run.id))
            sides.append((figures, incident_figures(known, each.since, min(each.until, now))))
        (figures, incidents), (before, earlier) = sides
        document = period_report(
            chosen,
            figures,
            before,
            incidents,
            earlier,
            lang=options["lang"],
            resources=_resources(asked, ledger, min(chosen.until, now), days=(chosen.until - chosen.since).days),
            owners=owner_names(table, options["lang"]),
        )
        write_document(document, path, template=template)
        written = Written(
            period=period,
            first=chosen.first.isoformat(),
            at=now,
            by=actor(),
            file=path.name,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        book.record_written(f"{now:%Y%m%dT%H%M%SZ}-report-{random_suffix()}", written)
    with printing():
        if options["as_json"]:
            counts = {"runs": len(figures.runs), "incidents": len(incidents.opened)}
            print_json(
                {"period": period, "first": str(chosen.first), "last": str(chosen.last), "file": str(path), **counts}
            )
        else:
            click.echo(f"{path}: {chosen}, {len(figures.runs)} inspections, {len(incidents.opened)} incidents")
    return Exit.CLEAN


def _resources(asked: Asked, ledger: Any, at: datetime, *, days: int) -> Any:
    """Return what is known of resources at a moment, with the numbers of the period, or of a month where it is less."""
    from hardening.resources.forecasting import MOST_DAYS
    from hardening.resources.knowing import overview_of
    from hardening.resources.overview import WINDOW_DAYS

    return overview_of(ledger, asked.register(), now=at, window_days=min(MOST_DAYS, max(WINDOW_DAYS, days)))


@reports.command("due")
@click.option("--within", type=click.IntRange(0), default=3, show_default=True, help="Warn so many days ahead.")
@output_options
@click.pass_obj
@answering
def reports_due(asked: Asked, within: int, **options: Any) -> Exit:
    """Show which periodic reports are due by the contract; one that is overdue or nearly due answers 1.

    \b
    Example: hardening reports due --within 5
    """
    from hardening.inspection.listing import print_json
    from hardening.inspection.periods import reports_due as due_of
    from hardening.inspection.response import load_response
    from hardening.ledger import InspectionBook

    table, now = load_response(asked.place.baselines(asked.baselines)), utc_now()
    with asked.read_ledger() as ledger:
        book = InspectionBook(ledger)
        starts = [each.at for each in book.installed()] + [run.started_at for run in book.runs()]
        began = min(starts, default=None)
        found = due_of(table.reports.due_days, book.written(), began=began, now=now, zone=table.zone)
    pressing = [each for each in found if each.written is None and each.days_left <= within]
    with printing():
        if options["as_json"]:
            rows = [
                {
                    "period": each.period.kind,
                    "first": str(each.period.first),
                    "last": str(each.period.last),
                    "due_on": str(each.due_on),
                    "days_left": each.days_left,
                    "written": each.written.file if each.written else None,
                }
                for each in found
            ]
            print_json({"reports": rows})
        else:
            for each in sorted(found, key=lambda due: due.due_on):
                click.echo(
                    f"{each.period.kind:<10}  {each.period!s:<24}  {_state(each.written, each.days_left, each.due_on)}"
                )
            click.echo(f"{len(pressing)} to be written now")
    return Exit.GAPS if pressing else Exit.CLEAN


def _state(written: Any, days_left: int, due_on: date) -> str:
    if written is not None:
        return f"written {written.at:%Y-%m-%d} as {written.file}"
    return f"OVERDUE since {due_on}" if days_left < 0 else f"due on {due_on}, {days_left} days left"
