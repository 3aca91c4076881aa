"""A week of inspections on two real servers: a service breaks, is found, registered, handled and reported."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import docx
import yaml

from hardening import __version__
from hardening.context import Context
from hardening.inspected import Act, Level, Run, Verdict
from hardening.inspection.document import Document
from hardening.inspection.document_docx import docx_of
from hardening.inspection.document_text import markdown_of
from hardening.inspection.figures import Figures, incident_figures
from hardening.inspection.incidents import by_person, incidents_of
from hardening.inspection.items import load_items
from hardening.inspection.keeping import keeping_of
from hardening.inspection.kinds import kinds
from hardening.inspection.periods import period_of
from hardening.inspection.plans import load_plans
from hardening.inspection.report import period_report
from hardening.inspection.response import load_response
from hardening.inspection.run import Inspected, inspect_hosts
from hardening.inventory import load_inventory
from hardening.ledger import InspectionBook, Ledger, open_ledger
from tests.command_line import ROOT, CommandLine
from tests.lab.host import LabHost
from tests.lab.inventory import write_inventory
from tests.lab.plugin import HostFactory

ROOTS = [ROOT / "baselines"]
# Eight in the morning of Monday in Shanghai, and five minutes.
MONDAY = datetime(2026, 8, 17, 0, 5, tzinfo=UTC)


class Week:
    """Two servers that are inspected at whatever moment the test says it is."""

    def __init__(self, ledger: Ledger, hosts: Sequence[LabHost], place: Path) -> None:
        items = load_items(ROOTS, kinds())
        self.table = load_response(ROOTS)
        self.plan = load_plans(ROOTS, items)["daily"]
        # What belongs to this machine (its load, its memory, its clock) would make the test depend on it.
        own = tuple(
            item for item in self.plan.items if item.category in ("service", "interface", "nginx", "postgresql", "job")
        )
        self.plan = dataclasses.replace(self.plan, items=own)
        self.ledger = ledger
        self.book = InspectionBook(ledger)
        self.inventory = load_inventory([write_inventory(place / "lab.yml", hosts)])

    def inspect(self, at: datetime) -> Inspected:
        """Inspect both servers by the daily plan, at that moment."""
        context = Context(
            ledger=self.ledger,
            inventory=self.inventory,
            inventory_sources=("lab.yml",),
            catalogue_digest="",
            actor="test",
            tool_version=__version__,
            clock=lambda: at,
        )
        return inspect_hosts(context, self.plan.items, self.table, plan=self.plan, due_at=at - timedelta(minutes=5))


def bad(done: Inspected) -> dict[tuple[str, str], Verdict]:
    """Return what is wrong, by host and item."""
    return {(each.host, each.item): each.verdict for each in done.readings if each.verdict.is_bad}


def words(content: bytes) -> str:
    """Return all text of a Word document."""
    document = docx.Document(io.BytesIO(content))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([paragraph.text for paragraph in document.paragraphs] + cells)


def test_a_week_on_two_servers(own_host: HostFactory, tmp_path: Path) -> None:
    """The web server breaks on Wednesday, Friday's inspection is left out, and the report tells both."""
    web, database = own_host(services=("nginx",)), own_host(image="debian13", services=("postgresql",))
    moment = [MONDAY]
    with open_ledger(tmp_path / "ledger.sqlite3", clock=lambda: moment[0]) as ledger:
        week = Week(ledger, [web, database], tmp_path)

        def at(day: int) -> Inspected:
            moment[0] = MONDAY + timedelta(days=day)
            return week.inspect(moment[0])

        calm = at(0)
        assert bad(calm) == {}, [each for each in calm.readings if each.verdict.is_bad]
        at(1)
        web.run("systemctl stop nginx.service")
        broken = at(2)
        opened = [event for event in broken.events if event.act is Act.OPENED]
        assert (web.name, "service_web") in bad(broken)
        assert (web.name, "interface_http_port") in bad(broken)
        assert {event.reading.host for event in opened if event.reading} == {web.name}
        incident = next(event.number for event in opened if event.reading and event.reading.item == "service_web")
        web.run("systemctl start nginx.service")
        told = {"cause": "stopped by hand", "handling": "started", "prevention": "sudo is limited"}
        week.book.note_incidents(
            "act",
            lambda known: [by_person(incidents_of(known)[incident], Act.CLOSED, by="ops", now=moment[0], told=told)],
        )
        mended = at(3)
        assert bad(mended) == {}
        assert {event.act for event in mended.events} == {Act.CLOSED}
        at(5)

        runs = week.book.runs(plan="daily")
        kept = keeping_of(week.plan, runs, (), moment[0])
        assert kept.missed == (datetime(2026, 8, 21, tzinfo=UTC),)
        assert ledger.verify() == []
        for lang, title in (("zh", "周运维报告"), ("en", "Weekly operations report")):
            text = words(docx_of(_report(week, runs, lang)))
            assert title in text
            assert incident in text
            assert "stopped by hand" in text
        assert "| Inspections | 5 | 0 | +5 |" in _markdown(week, runs)


def _report(week: Week, runs: Sequence[Run], lang: str) -> Document:
    period = period_of("week", MONDAY.date(), week.table.zone)
    figures = Figures()
    for run in runs:
        figures.add(run, week.book.readings(run.id))
    known = tuple(incidents_of(week.book.incident_events()).values())
    now, before = (incident_figures(known, each.since, each.until) for each in (period, period.before))
    return period_report(period, figures, Figures(), now, before, lang=lang)


def _markdown(week: Week, runs: Sequence[Run]) -> str:
    return markdown_of(_report(week, runs, "en"))


def test_a_host_that_dies_is_one_incident_and_comes_back(own_host: HostFactory, tmp_path: Path) -> None:
    """Nothing that could not be looked at is good; its own return closes it."""
    host = own_host()
    moment = [MONDAY]
    with open_ledger(tmp_path / "ledger.sqlite3", clock=lambda: moment[0]) as ledger:
        week = Week(ledger, [host], tmp_path)
        host.power_off()
        gone = week.inspect(MONDAY)
        host.boot()
        back = week.inspect(MONDAY + timedelta(hours=2))

    assert gone.run.exit_code == 3
    assert [event.act for event in gone.events] == [Act.OPENED]
    assert not [each for each in gone.readings if each.verdict is Verdict.OK and each.host == host.name]
    assert [(event.number, event.act) for event in back.events] == [(gone.events[0].number, Act.CLOSED)]


def test_a_broken_service_from_the_command_line(hardening: CommandLine, own_host: Callable[..., LabHost]) -> None:
    """What docs/inspection.md has a newcomer do: break, see, close, hand in."""
    host = own_host(services=("nginx",))
    write_inventory(hardening.place / "lab.yml", [host])
    run = ("inspect", "run", "--category", "service", "--category", "interface", "-i", "lab.yml")
    host.run("systemctl stop nginx.service")

    broken = hardening(*run, "--json")
    listed = hardening("incidents", "list", "--json")
    host.run("systemctl start nginx.service")
    mended = hardening(*run)
    report = hardening("inspect", "report", "--to", "record.xlsx", "--to", "report.docx", "--lang", "zh")
    today = hardening("reports", "write", "day", "--of", f"{datetime.now(UTC):%Y-%m-%d}", "--to", "day.docx")

    found = {each["item"] for each in broken.document()["readings"] if each["verdict"] == "critical"}
    assert broken.code == 1
    assert {"service_web", "interface_http_port", "interface_https_status", "service_enabled_stopped"} <= found
    assert {each["level"] for each in listed.document()["incidents"]} == {2}
    assert mended.code == 0, mended.out
    assert report.code == today.code == 0
    assert Level.ORDINARY.value in broken.out


def test_one_stopped_service_wakes_somebody_once(hardening: CommandLine, own_host: Callable[..., LabHost]) -> None:
    """With all that it takes along; what is independent is told by itself, and what outlives its cause, then."""
    host = own_host(services=("nginx",))
    write_inventory(hardening.place / "lab.yml", [host])
    told = hardening.place / "told"
    told.mkdir()
    page = ["sh", "-c", f"cat > $(mktemp {told}/XXXXXX)"]
    table = yaml.safe_load((ROOT / "baselines" / "inspection" / "response.yml").read_text("utf-8"))
    (hardening.place / "base" / "inspection").mkdir()
    (hardening.place / "base" / "inspection" / "response.yml").write_text(
        yaml.safe_dump({**table, "notify": [{"levels": [1, 2, 3], "command": page}]}, allow_unicode=True), "utf-8"
    )

    def inspect() -> tuple[dict[str, set[str]], dict[str, Any]]:
        """Inspect, and return of what somebody was told with what, by item, and the register of what is open."""
        named = (
            "--category",
            "service",
            "--category",
            "interface",
            "--category",
            "nginx",
            "--item",
            "certificate_served",
        )
        done = hardening("inspect", "run", *named, "-i", "lab.yml")
        assert done.code in (0, 1, 3), done.out + done.err
        pages = [json.loads(each.read_text("utf-8")) for each in told.iterdir()]
        for each in told.iterdir():
            each.unlink()
        rows = hardening("incidents", "list", "--json").document()["incidents"]
        return (
            {each["item"]: {one["item"] for one in each["consequences"]} for each in pages},
            {each["item"]: each for each in rows},
        )

    assert inspect() == ({}, {})
    host.run("systemctl stop nginx.service")
    pages, standing = inspect()
    root = standing["service_web"]
    assert pages.keys() == {"service_web"}
    assert pages["service_web"] == standing.keys() - {"service_web"}
    assert {"service_enabled_stopped", "interface_http_port", "interface_https_status", "nginx_workers"} <= pages[
        "service_web"
    ]
    assert root["consequences"] == sorted(each["number"] for each in standing.values() if each is not root)
    assert inspect()[0] == {}
    for lang, suffix, word in (("zh", "html", "连带于"), ("en", "md", "follows from"), ("zh", "docx", "连带于")):
        assert hardening("inspect", "report", "--to", f"run.{suffix}", "--lang", lang).code == 0
        paper = hardening.place / f"run.{suffix}"
        text = words(paper.read_bytes()) if suffix == "docx" else paper.read_text("utf-8")
        assert f"{word} {root['number']}" in text
    assert hardening("incidents", "report", root["number"], "--to", "root.docx", "--lang", "zh").code == 0
    assert set(root["consequences"]) <= set(words((hardening.place / "root.docx").read_bytes()).split())

    host.run("systemctl start nginx.service")
    assert inspect() == ({}, {})

    host.run("systemctl stop nginx.service cron.service")
    pages, standing = inspect()
    assert pages.keys() == {"service_web", "service_cron"}
    assert "service_enabled_stopped" in pages["service_web"] | pages["service_cron"]

    host.run("mkdir /var/away && mv /var/www/html/index* /var/away/; systemctl start nginx.service cron.service")
    pages, standing = inspect()
    assert pages == {"interface_http_status": {"interface_http_text"}, "interface_https_status": set()}, standing
    assert standing.keys() == {"interface_http_status", "interface_http_text", "interface_https_status"}
    host.run("mv /var/away/index* /var/www/html/")
    assert inspect() == ({}, {})
