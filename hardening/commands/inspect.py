"""The commands of routine inspection: run, items, plan, due, install, report."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from hardening.commands.ending import answering, printing, say
from hardening.commands.options import docx_template_option, host_options, output_options
from hardening.commands.world import Asked, actor, fleet_context
from hardening.context import random_suffix, utc_now
from hardening.errors import AskedWrongly, Exit, worst


@click.group("inspect")
def inspect_group() -> None:
    """Routine inspection of servers. Example: hardening inspect run daily -i inventory"""


@inspect_group.command("run")
@click.argument("plan", required=False)
@click.option("--item", "items", multiple=True, help="Only this item (may be repeated).")
@click.option("--category", "categories", multiple=True, help="Only items of this category (may be repeated).")
@click.option("-l", "--limit", help="Ansible host pattern.")
@click.option("--scheduled", is_flag=True, help="Do nothing unless the plan is due: what timers call.")
@host_options
@output_options
@click.pass_obj
@answering
def inspect_run(
    asked: Asked,
    plan: str | None,
    items: tuple[str, ...],
    categories: tuple[str, ...],
    scheduled: bool,
    **options: Any,
) -> Exit:
    """Inspect hosts, by a plan or by named items; register what is wrong at once, and tell its owner.

    Answers 1 where anything is wrong, 3 where anything could not be looked at.

    \b
    Example: hardening inspect run daily -i inventory
    Example: hardening inspect run --item capacity_disk_space -i inventory --limit db01
    """
    from hardening.inspection.items import load_items
    from hardening.inspection.kinds import kinds
    from hardening.inspection.listing import print_json, print_run, run_document
    from hardening.inspection.plans import load_plans, plan_named
    from hardening.inspection.response import load_response
    from hardening.inspection.run import inspect_hosts
    from hardening.inspection.telling import tell_pending
    from hardening.ledger import InspectionBook

    if plan is None and not items and not categories:
        raise AskedWrongly("say what to inspect: a PLAN, --item or --category (`hardening inspect plan` shows plans)")
    if scheduled and plan is None:
        raise AskedWrongly("--scheduled is for a plan")
    roots = asked.place.baselines(asked.baselines)
    every = load_items(roots, kinds())
    chosen_plan = None if plan is None else plan_named(load_plans(roots, every), plan)
    table = load_response(roots)
    chosen = _chosen(tuple(every.values()) if chosen_plan is None else chosen_plan.items, items, categories)
    due_at = None if chosen_plan is None else chosen_plan.schedule.latest(utc_now())
    with fleet_context(asked, options) as context:
        book = InspectionBook(context.ledger)
        if scheduled and (due_at is None or book.runs(plan=plan, since=due_at)):
            say(f"{plan}: nothing is due")
            return Exit.CLEAN
        done = inspect_hosts(context, chosen, table, plan=chosen_plan, due_at=due_at if scheduled else None)
        titles = {item.id: item.title_zh if options["lang"] == "zh" else item.title for item in done.run.items}
        untold = tell_pending(book, table, titles, act_id=done.run.id, by=actor(), now=utc_now)
        with printing():
            if options["as_json"]:
                print_json(run_document(done.run, done.readings, done.events))
            else:
                print_run(done.run, done.readings, done.events, options["lang"])
    for sentence in untold:
        say(sentence)
    return worst([Exit(done.run.exit_code or 0), Exit.INCOMPLETE if untold else Exit.CLEAN])


def _chosen(known: Any, items: tuple[str, ...], categories: tuple[str, ...]) -> Any:
    from hardening.yaml_lines import did_you_mean

    names, groups = {item.id for item in known}, {item.category for item in known}
    for name in items:
        if name not in names:
            raise AskedWrongly(f"{name} is not an item here{did_you_mean(name, names)}")
    for name in categories:
        if name not in groups:
            raise AskedWrongly(f"{name} is not a category here{did_you_mean(name, groups)}")
    if not items and not categories:
        return known
    return tuple(item for item in known if item.id in items or item.category in categories)


@inspect_group.command("items")
@click.argument("category", required=False)
@output_options
@click.pass_obj
@answering
def inspect_items(asked: Asked, category: str | None, **options: Any) -> Exit:
    """List inspection items with their thresholds. Touches no host.

    \b
    Example: hardening inspect items postgresql
    """
    from hardening.inspection.items import load_items
    from hardening.inspection.kinds import kinds
    from hardening.inspection.listing import item_rows, print_items, print_json

    every = tuple(load_items(asked.place.baselines(asked.baselines), kinds()).values())
    chosen = _chosen(every, (), (category,) if category else ())
    with printing():
        if options["as_json"]:
            print_json({"items": item_rows(chosen)})
        else:
            print_items(chosen, options["lang"])
    return Exit.CLEAN


@inspect_group.command("plan")
@click.argument("name", required=False)
@output_options
@click.pass_obj
@answering
def inspect_plan(asked: Asked, name: str | None, **options: Any) -> Exit:
    """List the plans, or show one with its items. Touches no host.

    \b
    Example: hardening inspect plan daily
    """
    from hardening.inspection.items import load_items
    from hardening.inspection.kinds import kinds
    from hardening.inspection.listing import plan_row, print_items, print_json
    from hardening.inspection.plans import load_plans, plan_named
    from hardening.inspection.words import local

    roots = asked.place.baselines(asked.baselines)
    plans = load_plans(roots, load_items(roots, kinds()))
    shown = tuple(plans.values()) if name is None else (plan_named(plans, name),)
    now, lang = utc_now(), options["lang"]
    with printing():
        if options["as_json"]:
            print_json({"plans": [plan_row(plan, now) for plan in shown]})
            return Exit.CLEAN
        for plan in shown:
            title = plan.title_zh if lang == "zh" else plan.title
            zone = plan.schedule.zone
            upcoming = plan.schedule.next(now)
            due = "no next date" if upcoming is None else f"next {local(upcoming, zone)} {zone.key}"
            click.echo(f"{plan.name:<20}  {len(plan.items):>3} items  {due}  {title}")
        if name is not None:
            print_items(shown[0].items, lang)
    return Exit.CLEAN


@inspect_group.command("due")
@output_options
@click.pass_obj
@answering
def inspect_due(asked: Asked, **options: Any) -> Exit:
    """Show how plans are kept, and what was missed; a missed inspection answers 1, and is registered.

    \b
    Example: hardening inspect due
    """
    from hardening.inspection.incidents import Registrar
    from hardening.inspection.items import load_items
    from hardening.inspection.keeping import PLAN_KEPT, keeping_of, reading_of
    from hardening.inspection.kinds import kinds
    from hardening.inspection.listing import keeping_row, print_json, print_keeping
    from hardening.inspection.plans import load_plans
    from hardening.inspection.response import load_response
    from hardening.inspection.run import register
    from hardening.inspection.telling import tell_pending
    from hardening.ledger import InspectionBook

    roots = asked.place.baselines(asked.baselines)
    plans = load_plans(roots, load_items(roots, kinds()))
    table, now = load_response(roots), utc_now()
    asked.read_ledger().close()  # One that does not exist must not be made.
    with asked.open_ledger() as ledger:
        book = InspectionBook(ledger)
        installed = book.installed()
        keepings = [keeping_of(plan, book.runs(plan=plan.name), installed, now) for plan in plans.values()]
        act = f"{now:%Y%m%dT%H%M%SZ}-due-{random_suffix()}"
        readings = tuple(reading_of(keeping, now) for keeping in keepings if keeping.since is not None)
        categories = {PLAN_KEPT.id: PLAN_KEPT.category}
        register(book, act, readings, Registrar(table=table, categories=categories, now=now))
        untold = tell_pending(book, table, {PLAN_KEPT.id: PLAN_KEPT.title}, act_id=act, by=actor(), now=utc_now)
    with printing():
        if options["as_json"]:
            print_json({"plans": [keeping_row(keeping) for keeping in keepings]})
        else:
            print_keeping(keepings)
    for sentence in untold:
        say(sentence)
    is_missed = any(keeping.missed for keeping in keepings)
    return worst([Exit.GAPS if is_missed else Exit.CLEAN, Exit.INCOMPLETE if untold else Exit.CLEAN])


@inspect_group.command("install")
@click.argument("plan")
@click.option("-i", "--inventory", "inventory", multiple=True, required=True, help="Inventory (may be repeated).")
@click.option("--cron", is_flag=True, help="A file for /etc/cron.d in place of systemd units.")
@click.option("--user", default="root", show_default=True, help="The account that inspects.")
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory [default: /etc/systemd/system, or /etc/cron.d].",
)
@output_options
@click.pass_obj
@answering
def inspect_install(
    asked: Asked,
    plan: str,
    inventory: tuple[str, ...],
    cron: bool,
    user: str,
    target: Path | None,
    **options: Any,
) -> Exit:
    """Write the timer of a plan on this machine, and expect the plan to be kept from now on.

    Secrets stand in no timer: let the account log in by key, and become root without a password or by vault.

    \b
    Example: hardening inspect install daily -i inventory --to ./units
    """
    from hardening.inspected import Installed
    from hardening.inspection.installing import timer_files
    from hardening.inspection.items import load_items
    from hardening.inspection.kinds import kinds
    from hardening.inspection.listing import print_json
    from hardening.inspection.plans import load_plans, plan_named
    from hardening.ledger import InspectionBook

    roots = asked.place.baselines(asked.baselines)
    chosen = plan_named(load_plans(roots, load_items(roots, kinds())), plan)
    place = target or Path("/etc/cron.d" if cron else "/etc/systemd/system")
    files = timer_files(chosen, _command(asked, plan, inventory), directory=Path.cwd(), user=user, cron=cron)
    written = []
    for name, text in files.items():
        try:
            place.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text)
        except OSError as problem:
            raise AskedWrongly(
                f"{place / name}: cannot be written: {problem.strerror}; name a place with --to"
            ) from None
        written.append(str(place / name))
    now = utc_now()
    with asked.open_ledger() as ledger:
        installed = Installed(plan=plan, at=now, by=actor())
        InspectionBook(ledger).record_installed(f"{now:%Y%m%dT%H%M%SZ}-install-{random_suffix()}", installed)
    with printing():
        if options["as_json"]:
            print_json({"plan": plan, "files": written})
        else:
            click.echo("\n".join(written))
            if not cron:
                click.echo(f"systemctl daemon-reload && systemctl enable --now hardening-inspect-{plan}.timer")
    return Exit.CLEAN


def _command(asked: Asked, plan: str, inventory: tuple[str, ...]) -> list[str]:
    """Return the command line of a timer, with absolute paths."""
    python = [str(Path(sys.executable).absolute()), "-P"]
    # Without -P a `yaml.py` in the directory of the timer would be imported, and run as its account.
    if subprocess.run([*python, "-c", "import hardening"], capture_output=True, check=False).returncode != 0:
        raise AskedWrongly(f"hardening is not installed for {python[0]}, and no timer would find it: pip install .")
    program = [*python, "-m", "hardening"]
    program += ["--workspace", str(asked.workspace.absolute())]
    for root in asked.baselines:
        program += ["--baselines", str(root.absolute())]
    if asked.ledger_url not in (None, os.environ.get("HARDENING_LEDGER")):
        # A URL may hold a password, which must not stand in a file that all can read.
        raise AskedWrongly("a timer takes its ledger from HARDENING_LEDGER of its own environment; leave --ledger out")
    sources = [source if "," in source else str(Path(source).absolute()) for source in inventory]
    return [*program, "inspect", "run", plan, "--scheduled", *(word for each in sources for word in ("-i", each))]


@inspect_group.command("report")
@click.argument("run", default="latest")
@click.option(
    "--to",
    "paths",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    required=True,
    help="Where (may be repeated): .xlsx is the record with signatures, .docx, .html and .md are the report.",
)
@docx_template_option
@output_options
@click.pass_obj
@answering
def inspect_report(asked: Asked, run: str, paths: tuple[Path, ...], template: Path | None, **options: Any) -> Exit:
    """Write the record or the report of one inspection from the ledger. Touches no host.

    \b
    Example: hardening inspect report latest --to record.xlsx --to report.docx --lang zh
    """
    from hardening.inspection.incidents import incidents_of
    from hardening.inspection.listing import print_json
    from hardening.inspection.record_sheet import record_workbook
    from hardening.inspection.report import run_report
    from hardening.inspection.response import load_response, owner_names
    from hardening.inspection.writing import check_format, check_template, write_document, write_file
    from hardening.ledger import InspectionBook

    for path in paths:
        check_format(path, ".xlsx")
    check_template(template, paths)
    table, lang = load_response(asked.place.baselines(asked.baselines)), options["lang"]
    with asked.read_ledger() as ledger:
        book = InspectionBook(ledger)
        chosen = book.run(run)
        readings = tuple(book.readings(chosen.id))
        known = tuple(incidents_of(book.incident_events()).values())
    bad = {reading.key for reading in readings if reading.verdict.is_bad}
    own = [each for each in known if each.first.key in bad and each.opened_at <= (chosen.finished_at or utc_now())]
    owners = owner_names(table, lang)
    for path in paths:
        if path.suffix == ".xlsx":
            systems = {name: entry.system for name, entry in asked.register().hosts.items()}
            book_of_run = record_workbook(
                chosen, readings, own, zone=table.zone, lang=lang, owners=owners, systems=systems
            )
            write_file(path, book_of_run)
        else:
            document = run_report(chosen, readings, own, zone=table.zone, lang=lang, owners=owners)
            write_document(document, path, template=template)
    with printing():
        if options["as_json"]:
            print_json({"run": chosen.id, "files": [str(path) for path in paths]})
        else:
            click.echo("\n".join(str(path) for path in paths))
    return Exit.CLEAN
