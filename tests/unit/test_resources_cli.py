"""The resources commands over a month that was recorded in a real ledger: what they answer, print and write."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from openpyxl import load_workbook

from hardening.ledger import open_ledger
from hardening.resource_model import HostSampled
from tests.command_line import CommandLine
from tests.resource_fleet import Habit, every, looks, record

REGISTER = """\
---
hosts:
  web01: {system: Case <b>service</b>, level: important, mlps: 3, department: IT, owner: Li, location: Room 1,
          zone: business, state: in_use, cpus: 16}
  app01: {system: Case service, level: important, mlps: 3, department: IT, owner: Li, location: Room 1, zone: business}
  db01: {system: Case service, level: core, mlps: 3, department: IT, owner: 王伟, location: Room 1, zone: business}
lines:
  internet-1: {provider: Carrier, type: internet, bandwidth_mbps: 22, end_a: Room 1, end_b: ISP, department: IT,
               owner: Li, host: web01, interface: host0, expires_on: 2020-01-01}
  spare: {provider: Carrier, type: leased, bandwidth_mbps: 50, end_a: Room 1, end_b: City, department: IT, owner: Li}
services:
  case-web: {system: Case service, level: important, department: IT, owner: Li, hosts: [web01], ports: [443, 8443]}
data:
  cases: {kind: database, category: Cases, host: db01, database: cases, department: IT, owner: Li, capacity_gib: 8}
"""
REQUEST = """\
---
id: REQ-1
system: Case service
services:
  portal: {vcpus: 1, memory_gib: 2, disk_gib: 5, level: important, zone: business, mlps: 3}
"""
INVENTORY = """\
web01 ansible_host=192.0.2.11
db01 ansible_host=192.0.2.12
app01 ansible_host=192.0.2.14
lost01 ansible_host=192.0.2.13
"""
WHO = ("--ticket", "CHG-1", "--by")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with thirty days of three hosts: web01 fills its disk and its line; lost01 does not answer."""
    now = datetime.now(UTC)
    moments = every(12, until=now, days=30)
    fleet = {
        "web01": looks("web01", moments, habit=Habit(fs_used_gib=30, fs_per_day_gib=2.0, line_mbps=20), noise=0.005),
        "db01": looks("db01", moments, habit=Habit(fs_per_day_gib=0.0, busy=0.95), image="debian13", noise=0.005),
        "app01": looks("app01", moments, habit=Habit(fs_per_day_gib=0.0, busy=0.05, memory_used=0.2), noise=0.005),
    }
    path = tmp_path_factory.mktemp("month") / "ledger.sqlite3"
    with open_ledger(path, clock=lambda: now) as ledger:
        record(ledger, fleet)
        ledger.record_looks("lost", [HostSampled(host="lost01", taken_at=now, unreachable="no route to host")])
    return path


@pytest.fixture
def month(hardening: CommandLine, recorded: Path) -> CommandLine:
    """The command line beside a copy of that ledger, a register, a request and an inventory."""
    (hardening.place / ".hardening").mkdir()
    shutil.copy(recorded, hardening.place / ".hardening" / "ledger.sqlite3")
    (hardening.place / "resources.yml").write_text(REGISTER)
    (hardening.place / "request.yml").write_text(REQUEST)
    (hardening.place / "lab").write_text(INVENTORY)
    return hardening


def test_forecasts_name_the_day_and_how_sure_they_are(month: CommandLine) -> None:
    """web01 is at 90 of 100 GiB and grows two a day: full in about five days; the line is told beside it."""
    said = month("resources", "forecast", "-i", "web01,db01,app01,", "--json")
    found = {(each["host"], each["subject"]): each for each in said.document()["forecast"]}
    whole = month("resources", "forecast")

    disk = found["web01", "fs:/"]
    assert said.code == 1
    assert (whole.code, "nothing was seen that could be forecast of lost01" in whole.err) == (3, True)
    assert disk["outlook"] == "filling"
    assert 4 <= disk["days"] <= 6
    assert disk["earliest_days"] <= disk["days"] <= disk["latest_days"]
    assert disk["growth_per_day"] == pytest.approx(2 * 1024**3, rel=0.05)
    # 2 GiB and 0.1 a day for 30 days, up to the 8 GiB that are registered for it.
    assert found["db01", "db:postgresql:5432/cases"]["days"] == pytest.approx(30, rel=0.2)
    assert found["web01", "line:internet-1"]["limit"] == 22_000_000
    assert found["web01", "inodes:/"]["outlook"] == "steady"
    assert "Theil-Sen" in said.document()["method"]


def test_use_over_use_and_the_right_size(month: CommandLine) -> None:
    """db01 is busy all day: over-used, with more CPUs proposed."""
    said = month("resources", "use", "--json")
    found = {(each["host"], each["subject"]): each for each in said.document()["use"]}

    assert said.code == 1
    assert found["db01", "cpu"]["use"] == "over"
    assert found["db01", "cpu"]["proposed"] > found["db01", "cpu"]["size"]
    assert found["web01", "cpu"]["use"] == "right"


def test_lines_are_held_against_their_contract(month: CommandLine) -> None:
    """20 of 22 Mbit/s is over-used, and the contract has ended; the other one is said not to be measured."""
    said = month("resources", "lines", "--json")
    found = {each["name"]: each for each in said.document()["lines"]}

    assert said.code == 1
    assert found["internet-1"]["share"] == pytest.approx(20 / 22, rel=0.02)
    assert found["internet-1"]["days_left"] < 0
    assert found["spare"]["p95_bps"] is None
    assert "not measured" in month("resources", "lines").out
    assert "未测量" in month("resources", "lines", "--lang", "zh").out


def test_drift_names_what_differs_and_what_was_not_seen(month: CommandLine) -> None:
    """CPUs, a port that nothing listens on, an unregistered host, one that was not reached: 3 wins over 1."""
    said = month("resources", "drift", "-i", "lab", "--json")
    found = {(each["kind"], each["subject"], each["field"]): each for each in said.document()["drift"]}

    assert said.code == 3
    assert found["differs", "web01", "cpus"]["declared"] == "16"
    assert found["differs", "case-web", "ports"]["declared"] == "web01 port 8443"
    assert ("differs", "case-web", "ports") in found
    assert found["unregistered", "lost01", "host"]
    assert "no route to host" in found["unseen", "lost01", "host"]["observed"]
    assert found["due", "internet-1", "expires_on"]["observed"] == "over"
    assert found["unregistered", "web01", "database"]["observed"] == "postgresql:5432/cases"
    chinese = month("resources", "drift", "-i", "lab", "--lang", "zh").out
    assert all(words in chinese for words in ("web01 端口 8443", "无监听", "在主机清单中", "已过期", "未连通："))
    assert not any(words in chinese for words in ("nothing listens", "expires_on", "ports", "over"))


def test_a_request_goes_from_plan_to_release(month: CommandLine) -> None:
    """Planned with a reason for every host, then asked for, approved, allocated, seen, changed, and given back."""
    planned = month("resources", "plan", "request.yml", "-i", "lab", "--json")
    assert planned.code == 0
    verdicts = {each["host"]: each for each in planned.document()["placement"]["verdicts"]}
    assert verdicts["lost01"]["why"] == "is not in the register"
    assert verdicts["app01"]["chosen"] == 1
    assert "GiB disk of 5 GiB" in verdicts["web01"]["why"]

    early = month("resources", "allocate", "REQ-1", *WHO, "Li")
    assert (early.code, "no request REQ-1" in early.err) == (2, True)
    assert month("resources", "request", "request.yml", *WHO, "Li").code == 0
    unapproved = month("resources", "allocate", "REQ-1", *WHO, "Li")
    assert unapproved.code == 2
    assert "it can be approved, refused, requested, not allocated" in unapproved.err
    assert month("resources", "approve", "REQ-1", *WHO, "Wang").code == 0
    done = month("resources", "allocate", "REQ-1", *WHO, "Zhang", "--json")
    assert done.code == 0
    share = done.document()["recorded"]["shares"][0]
    assert (share["vcpus"], share["memory_gib"], share["disk_gib"]) == (1, 2, 5)

    shown = month("resources", "show", share["host"], "--json").document()
    assert shown["allocated"][0]["request"] == "REQ-1"
    assert "portal" in shown["services"]
    bigger = REQUEST.replace("memory_gib: 2", "memory_gib: 3")
    (month.place / "request.yml").write_text(bigger)
    assert month("resources", "change", "request.yml", "--ticket", "CHG-2", "--by", "Zhang").code == 0
    (month.place / "request.yml").write_text(bigger.replace("memory_gib: 3", "memory_gib: 3000"))
    huge = month("resources", "change", "request.yml", "--ticket", "CHG-3", "--by", "Zhang")
    assert huge.code == 1
    assert "nothing was recorded" in huge.err
    assert "buy 1 host in zone business" in huge.err
    assert month("resources", "release", "REQ-1", "--ticket", "CHG-4", "--by", "Li").code == 0
    steps = month("resources", "allocations", "--json").document()["allocations"]["REQ-1"]["steps"]
    assert [(step["step"], step["by"], step["ticket"]) for step in steps] == [
        ("requested", "Li", "CHG-1"),
        ("approved", "Wang", "CHG-1"),
        ("allocated", "Zhang", "CHG-1"),
        ("changed", "Zhang", "CHG-2"),
        ("released", "Li", "CHG-4"),
    ]
    assert month("status", "--verify").code == 0


def test_four_eyes_where_the_house_wants_them(month: CommandLine) -> None:
    """`approver_may_plan: false` holds for requests, too; a refusal needs a reason."""
    (month.place / "hardening.yml").write_text("approver_may_plan: false\n")
    month("resources", "request", "request.yml", *WHO, "Li")

    own = month("resources", "approve", "REQ-1", *WHO, "Li")
    silent = month("resources", "approve", "REQ-1", "--refuse", *WHO, "Wang")

    assert (own.code, "somebody else" in own.err) == (2, True)
    assert (silent.code, "--reason" in silent.err) == (2, True)
    assert month("resources", "approve", "REQ-1", *WHO, "Wang").code == 0


def test_a_request_with_mistakes_is_refused_with_lines(month: CommandLine) -> None:
    """Every problem at its line, with the nearest word."""
    (month.place / "request.yml").write_text(
        "id: x\nsystem: A\nservices:\n  web: {vcpu: 2, memory_gib: 1, level: cor}\n"
    )

    said = month("resources", "plan", "request.yml")

    assert said.code == 2
    assert "request.yml:4: services.web.vcpu is not known here; did you mean vcpus?" in said.err
    assert "request.yml:4: services.web.vcpus is missing" in said.err


def test_the_list_and_the_trend(month: CommandLine) -> None:
    """Titles in both languages; every reading of a number; an unknown host is named with the nearest."""
    listed = month("resources", "list", "-i", "lab")
    assert listed.code == 0
    assert "192.0.2.11" in listed.out
    assert "服务器资源台账" in month("resources", "list", "--lang", "zh").out
    rows = month("resources", "list", "-i", "lab", "--json").document()["hosts"]
    assert rows["lost01"]["newest"]["unreachable"] == "no route to host"
    assert rows["lost01"]["seen"] is None

    trend = month("resources", "trend", "web01", "--subject", "fs:/", "--metric", "used_bytes", "--json")
    assert len(trend.document()["series"][0]["readings"]) >= 2 * 29
    nothing = month("resources", "trend", "web01", "--metric", "nonsense")
    assert (nothing.code, "no numbers of nonsense" in nothing.err) == (3, True)
    wrong = month("resources", "show", "web02")
    assert (wrong.code, "did you mean web01?" in wrong.err) == (2, True)
    assert month("resources", "data", "--json").document()["data"]["cases"]["capacity_gib"] == 8


class _Page(HTMLParser):
    """Collects what could run, load or be styled in place."""

    def __init__(self) -> None:
        super().__init__()
        self.suspicious: list[str] = []
        self.charts = 0
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        self.charts += tag == "polyline"
        if held.get("http-equiv") == "Content-Security-Policy":
            self.policy = held["content"] or ""
        if tag in ("script", "iframe", "object", "img", "form"):
            self.suspicious.append(tag)
        self.suspicious += [name for name in held if name == "style" or name.startswith("on")]
        for name in ("href", "src"):
            if name in held and not (held[name] or "").startswith(("#", "data:")):
                self.suspicious.append(f"{tag} {name}")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_is_one_safe_file_with_charts(month: CommandLine, lang: str) -> None:
    """No script, nothing loaded, no style in place; the policy names the style; what people say is escaped."""
    said = month("resources", "report", "-i", "lab", "--html", "page.html", "--lang", lang)
    text = (month.place / "page.html").read_text("utf-8")
    page = _Page()
    page.feed(text)

    assert said.code == 0
    assert page.suspicious == []
    assert page.charts >= 10
    assert "Case &lt;b&gt;service&lt;/b&gt;" in text
    style = re.search(r"<style>(.*?)</style>", text, re.S)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert page.policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "script" not in page.policy
    assert f'id="lang-{lang}" value="{lang}" checked' in text
    assert "容量预测" in text
    assert "Forecast" in text


def test_the_workbook_has_every_table(month: CommandLine) -> None:
    """Ten sheets under their Chinese names, and what was not seen is said in its cell."""
    month("resources", "list", "-i", "lab", "--xlsx", "all.xlsx", "--lang", "zh")
    book = load_workbook(month.place / "all.xlsx")
    servers = {row[0].value: [cell.value for cell in row] for row in book["服务器资源台账"].iter_rows()}

    assert {"网络线路台账", "数据分布表", "资源分配记录", "容量预测", "未能采集"} <= set(book.sheetnames)
    assert servers["主机"][1:3] == ["主机名", "所属系统"]
    assert "从未采集" in servers["lost01"]
    assert any("no route to host" in str(held) for held in servers["lost01"])
    assert 2 in servers["web01"] or any(isinstance(held, int) for held in servers["web01"])


def test_import_takes_good_rows_and_keeps_the_bad(month: CommandLine, tmp_path: Path) -> None:
    """A dry run writes nothing; then the good row is in the register, the bad one in a file, and the answer is 3."""
    rows = "Name,System,Business level,Location,Department,Owner\nlost01,S,general,R,IT,Li\nnope,S,general,R,IT,Li\n"
    (month.place / "more.csv").write_text(rows)
    arguments = ("resources", "import", "more.csv", "--kind", "hosts", "-i", "lab", "--json")
    before = (month.place / "resources.yml").read_text()

    dry = month(*arguments, "--dry-run")
    unwritten = (month.place / "resources.yml").read_text(), (month.place / "more.csv.rejected.csv").exists()
    done = month(*arguments)

    assert (dry.code, unwritten) == (3, (before, False))
    assert done.code == 3
    assert done.document()["added"] == ["hosts/lost01"]
    assert done.document()["rejected"][0]["row"] == 3
    assert "nope" in (month.place / "more.csv.rejected.csv").read_text("utf-8-sig")
    assert month("resources", "check", "-i", "lab", "--schema", "s.json").out.startswith("hosts: 4, lines: 2")
    assert json.loads((month.place / "s.json").read_text())["title"] == "Register of resources"
    for name in ("out.xlsx", "out.json"):
        assert month("resources", "export", name).code == 0
        assert month("resources", "import", name, "-i", "lab", "--dry-run", "--json").document()["changed"] == []


def test_without_a_look_nothing_is_claimed(hardening: CommandLine) -> None:
    """No register and no ledger: the list is empty, forecasts answer 3, and no ledger is made by asking."""
    assert hardening("resources", "list").code == 0
    assert hardening("resources", "forecast").code == 3
    assert hardening("resources", "drift", "-i", "hosts").code == 3
    assert not (hardening.place / ".hardening").exists()
    assert hardening("resources", "check", "--register", "no.yml").code == 2
    assert hardening("resources", "collect", "-i", "hosts", "--part", "cpus").code == 2


def test_retention_is_done_while_collecting(month: CommandLine) -> None:
    """With ten days kept, looks of a month become days; forecasts still see them; the chain verifies."""
    (month.place / "hardening.yml").write_text("samples_kept_days: 10\n")

    done = month("resources", "collect", "-i", "hosts", "--part", "memory", "--json")

    assert "rolled up" in done.document()["retention"]
    found = {
        (each["host"], each["subject"]): each
        for each in month("resources", "forecast", "--json").document()["forecast"]
    }
    assert found["web01", "fs:/"]["days_seen"] >= 29
    assert 4 <= found["web01", "fs:/"]["days"] <= 6
    assert month("status", "--verify").code == 0
    assert month("resources", "trend", "web01", "--days", "40").code == 0


def test_moments_of_the_simulation_end_now() -> None:
    """The simulation itself: the last look is the newest."""
    now = datetime.now(UTC)

    assert every(6, until=now, days=1) == [now - timedelta(hours=6 * back) for back in range(4, -1, -1)]
