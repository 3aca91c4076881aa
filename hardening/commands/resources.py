"""The commands about server resources that look and tell: collect, list, show, drift, use, trend, forecast, lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hardening.commands.ending import answering, say
from hardening.commands.options import host_options, output_options
from hardening.commands.resources_allocation import (
    allocate_command,
    allocations_command,
    approve_command,
    change_command,
    plan_command,
    release_command,
    request_command,
)
from hardening.commands.resources_register import check_command, export_command, import_command
from hardening.commands.resources_world import FILE, answer, known, known_options, plain
from hardening.commands.world import Asked, hosts_context
from hardening.context import utc_now
from hardening.errors import AskedWrongly, Exit, worst

SOON_DAYS = 30
# Host, system, level, address, operating system, CPUs, memory, disk, of which used, owner, state, when looked at.
LIST_COLUMNS = (0, 2, 4, 5, 7, 9, 10, 11, 12, 16, 24, 26)


@click.group()
def resources() -> None:
    """What servers, data and lines there are, whose, and what will run out. Example: hardening resources list"""


@resources.command("collect")
@host_options
@click.option("-l", "--limit", help="Ansible host pattern.")
@click.option("--part", "parts", multiple=True, help="Only this part, such as file_systems (may be repeated).")
@output_options
@click.pass_obj
@answering
def collect_command(asked: Asked, parts: tuple[str, ...], **options: Any) -> Exit:
    """Look at the resources of every host over one session each, and record them. Nothing is installed or changed.

    Answers 3 where a host was not reached or a part could not be seen: it is recorded as not seen, never as zero.

    \b
    Example: hardening resources collect -i inventory
    """
    from hardening.reports.resource_grids import unseen_grid
    from hardening.resources.collecting import Retention, collect
    from hardening.resources.entries import Register
    from hardening.resources.knowing import overview_of
    from hardening.resources.probes import READERS
    from hardening.yaml_lines import did_you_mean

    for part in parts:
        if part not in READERS:
            near = did_you_mean(part, READERS)
            raise AskedWrongly(f"--part: {part} is no part of a look{near} (known: {', '.join(READERS)})")
    settings = asked.settings()
    retention = Retention(samples_days=settings.samples_kept_days, rollups_days=settings.rollups_kept_days)
    with hosts_context(asked, options) as context:
        done = collect(context, parts=parts, retention=retention)
        hosts = context.inventory.hosts
        view = overview_of(context.ledger, Register(), now=utc_now(), inventory=hosts, with_series=False)
    document = {"act": done.act_id, "hosts": done.hosts, "traffic": done.traffic, "retention": done.tidied}
    reached = [host for host in done.hosts if host.unreachable is None]
    blind = sum(bool(host.unseen) for host in reached)
    answer(document, [unseen_grid(view, options["lang"])] if done.exit else [], options)
    say(f"{len(reached)} of {len(done.hosts)} hosts seen, {blind} of them in part   {done.act_id}")
    if done.tidied:
        say(done.tidied)
    return done.exit


@resources.command("list")
@known_options
@click.option("--xlsx", type=FILE, help="Write all tables as a workbook.")
@output_options
@click.pass_obj
@answering
def list_command(asked: Asked, xlsx: Path | None, **options: Any) -> Exit:
    """List the servers: what is registered, and what was last seen. The workbook has every column and every table.

    \b
    Example: hardening resources list -i inventory --xlsx register.xlsx --lang zh
    """
    from hardening.reports.resource_registers import servers_grid

    with known(asked, options) as there:
        view = there.view
    lang = options["lang"]
    grid = servers_grid(view, lang)
    if xlsx is not None:
        _write_workbook(view, xlsx, lang)
    rows = {
        name: {
            "registered": view.register.hosts.get(name),
            "services": view.services_on(name),
            "seen": view.answered.get(name),
            "newest": view.newest.get(name),
        }
        for name in view.hosts
    }
    answer({"hosts": rows, "of": view.now}, [grid], options, columns=LIST_COLUMNS)
    return Exit.CLEAN


def _write_workbook(view: Any, path: Path, lang: str) -> None:
    from hardening.reports import resource_grids as grids
    from hardening.reports import resource_registers as registers
    from hardening.reports.resource_book import write_grids

    makers = (
        registers.servers_grid, registers.data_grid, registers.lines_grid, registers.services_grid,
        registers.allocations_grid, grids.forecast_grid, grids.use_grid, grids.commit_grid, grids.drift_grid,
        grids.unseen_grid,
    )  # fmt: skip
    write_grids([make(view, lang) for make in makers], path, now=view.now, lang=lang)


@resources.command("show")
@click.argument("host")
@known_options
@output_options
@click.pass_obj
@answering
def show_command(asked: Asked, host: str, **options: Any) -> Exit:
    """Show everything that is known of one host. Example: hardening resources show web01"""
    import yaml

    with known(asked, options) as there:
        view = there.view
        name = view.named(host)
        looks = () if there.ledger is None else there.ledger.looks_of(name)
    newest = view.newest.get(name)
    document = {
        "host": name,
        "registered": view.register.hosts.get(name),
        "services": view.services_on(name),
        "allocated": [
            {"request": allocation.request_id, "share": share}
            for allocation in view.allocations.values()
            for share in allocation.shares
            if share.host == name
        ],
        "seen": view.answered.get(name),
        "not_reached": None if newest is None else newest.unreachable,
        "use": [each for each in view.uses if each.host == name],
        "forecast": [each for each in view.forecasts if each.host == name],
        "looks": {"count": len(looks), "answered": sum(reached for _, reached in looks)},
    }
    if options["as_json"]:
        answer(document, [], options)
        return Exit.CLEAN
    # One host's facts are a tree: a table would cut it.
    click.echo(yaml.safe_dump(plain(document), sort_keys=False, allow_unicode=True, width=110), nl=False)
    return Exit.CLEAN


@resources.command("drift")
@known_options
@output_options
@click.pass_obj
@answering
def drift_command(asked: Asked, **options: Any) -> Exit:
    """Tell where the register and the hosts differ, and what is due. A difference answers 1, a part not seen 3.

    \b
    Example: hardening resources drift -i inventory
    """
    from hardening.reports.resource_grids import drift_grid
    from hardening.resources.drifting import Kind

    with known(asked, options, with_series=False) as there:
        view = there.view
    answer({"drift": view.drifts, "of": view.now}, [drift_grid(view, options["lang"])], options)
    return worst(Exit.INCOMPLETE if each.kind is Kind.UNSEEN else Exit.GAPS for each in view.drifts)


@resources.command("use")
@known_options
@output_options
@click.pass_obj
@answering
def use_command(asked: Asked, **options: Any) -> Exit:
    """Tell what is over- and under-used and over-committed, and what would be the right size; over-use answers 1.

    \b
    Example: hardening resources use --days 14
    """
    from hardening.reports.resource_grids import commit_grid, use_grid
    from hardening.resources.using import Use

    with known(asked, options) as there:
        view = there.view
    commit = commit_grid(view, options["lang"])
    document = {"use": view.uses, "hosts": view.candidates(), "rules": view.rules, "of": view.now}
    answer(document, [use_grid(view, options["lang"]), commit], options)
    return Exit.GAPS if any(each.use is Use.OVER for each in view.uses) else Exit.CLEAN


@resources.command("trend")
@click.argument("host")
@click.option("--subject", help="Only this subject: cpu, memory, fs:/, nic:eth0, db:postgresql:5432/app.")
@click.option("--metric", "metrics", multiple=True, help="Only this metric (may be repeated).")
@known_options
@output_options
@click.pass_obj
@answering
def trend_command(asked: Asked, host: str, subject: str | None, metrics: tuple[str, ...], **options: Any) -> Exit:
    """Show how the numbers of a host went; days that were rolled up show mean, lowest and highest.

    \b
    Example: hardening resources trend web01 --subject fs:/ --metric used_bytes
    """
    from datetime import timedelta

    from hardening.reports.resource_grids import trend_grid
    from hardening.resources.overview import METRICS

    with known(asked, options, with_series=False) as there:
        name = there.view.named(host)
        since = there.view.now - timedelta(days=options["days"])
        series = (
            ()
            if there.ledger is None
            else there.ledger.series(metrics or METRICS, since=since, host=name, subject=subject)
        )
    answer({"host": name, "series": series}, [trend_grid(series, options["lang"])], options)
    if not series:
        with_metric = f" of {', '.join(metrics)}" if metrics else ""
        about = f" of {subject}" if subject else ""
        say(
            f"{name}: no numbers{with_metric}{about} since {since:%Y-%m-%d}; `hardening resources trend {name}` shows"
            " which there are, and `hardening resources collect` records them"
        )
        return Exit.INCOMPLETE
    return Exit.CLEAN


@resources.command("forecast")
@known_options
@click.option(
    "--within",
    type=click.IntRange(1, 3650),
    default=SOON_DAYS,
    show_default=True,
    help="What may be full within so many days answers 1.",
)
@output_options
@click.pass_obj
@answering
def forecast_command(asked: Asked, within: int, **options: Any) -> Exit:
    """Tell when file systems, databases and lines will be full, and how sure that is.

    A Theil-Sen line goes through one value a day; the days between which it will be full are its 95 % interval.
    Fewer than five days give no forecast, say so, and answer 3.

    \b
    Example: hardening resources forecast --within 60
    """
    from hardening.reports.resource_grids import forecast_grid, is_due
    from hardening.resources.forecasting import FEWEST_DAYS, METHOD, Outlook

    with known(asked, options) as there:
        view = there.view
    rows = [
        {**plain(each), "full_on": each.full_on, "earliest_on": each.earliest_on, "latest_on": each.latest_on}
        for each in view.forecasts
    ]
    answer({"forecast": rows, "method": METHOD, "of": view.now}, [forecast_grid(view, options["lang"])], options)
    blind = [host for host in view.hosts if host not in {each.host for each in view.forecasts}]
    if blind or not view.forecasts:
        say(f"nothing was seen that could be forecast of {', '.join(blind) or 'any host'}: `resources collect` looks")
    few = sum(each.outlook is Outlook.TOO_FEW for each in view.forecasts)
    if few:
        say(
            f"{few} of {len(view.forecasts)} have fewer than {FEWEST_DAYS} days on record: what they will be is unknown"
        )
    return worst(
        [
            Exit.INCOMPLETE if blind or few or not view.forecasts else Exit.CLEAN,
            Exit.GAPS if any(is_due(each, within) for each in view.forecasts) else Exit.CLEAN,
        ]
    )


@resources.command("lines")
@known_options
@output_options
@click.pass_obj
@answering
def lines_command(asked: Asked, **options: Any) -> Exit:
    """List network lines with mean, 95th percentile and peak against the contract; over-use or an ended one answers 1.

    \b
    Example: hardening resources lines --days 7
    """
    from hardening.reports.resource_registers import lines_grid
    from hardening.resources.using import Use

    with known(asked, options) as there:
        view = there.view
    rows = [{**plain(each), "share": each.share, "line": view.register.lines[each.name]} for each in view.lines]
    answer({"lines": rows, "of": view.now}, [lines_grid(view, options["lang"])], options)
    ended = any(each.days_left is not None and each.days_left < 0 for each in view.lines)
    return Exit.GAPS if ended or any(each.use is Use.OVER for each in view.lines) else Exit.CLEAN


@resources.command("data")
@known_options
@output_options
@click.pass_obj
@answering
def data_command(asked: Asked, **options: Any) -> Exit:
    """List which data lies where, how big it is and how it grows. Example: hardening resources data"""
    from hardening.reports.resource_registers import data_grid

    with known(asked, options) as there:
        view = there.view
    seen = {name: view.databases_on(name) for name in view.hosts}
    answer({"data": view.register.data, "databases": seen, "of": view.now}, [data_grid(view, options["lang"])], options)
    return Exit.CLEAN


@resources.command("report")
@known_options
@click.option("--html", type=FILE, help="Write a page with charts here.")
@click.option("--xlsx", type=FILE, help="Write all tables as a workbook here.")
@output_options
@click.pass_obj
@answering
def report_command(asked: Asked, html: Path | None, xlsx: Path | None, **options: Any) -> Exit:
    """Write what is known of the fleet as a page with charts, and as a workbook. Touches no host.

    \b
    Example: hardening resources report -i inventory --html resources.html --xlsx resources.xlsx
    """
    from hardening.reports.resource_page import write_resource_page

    if html is None and xlsx is None:
        raise AskedWrongly("say where to write it: --html PATH, --xlsx PATH")
    with known(asked, options) as there:
        view = there.view
    if html is not None:
        write_resource_page(view, html, lang=options["lang"])
    if xlsx is not None:
        _write_workbook(view, xlsx, options["lang"])
    written = [path for path in (html, xlsx) if path is not None]
    if options["as_json"]:
        answer({"written": [str(path) for path in written]}, [], options)
    else:
        for path in written:
            click.echo(path)
    return Exit.CLEAN


for each in (
    check_command,
    export_command,
    import_command,
    plan_command,
    request_command,
    approve_command,
    allocate_command,
    change_command,
    release_command,
    allocations_command,
):
    resources.add_command(each)
