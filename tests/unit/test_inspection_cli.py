"""Inspection from the command line, on this machine: an anomaly comes, is registered once, handled, and reported."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import venv
from pathlib import Path

import docx
import pytest

from tests.command_line import CommandLine

ITEM = """\
---
own_files:
  title: Nothing lies where nothing should
  title_zh: 目录中无多余文件
  kind: files_in
  with: {{directories: [{place}/watched]}}
  critical_when: {{any: true}}
  advice: Look who put it there.
  advice_zh: 查明来源。
  not_proven: it belongs to the test
"""
PLAN = """\
---
title: What the test owns
title_zh: 测试计划
items: [own_files]
schedule: {minutes: 5, zone: Asia/Shanghai}
grace_minutes: 600
"""
HOOK = "import sys; print(sys.stdin.read(), file=open('told', 'a'))"


@pytest.fixture
def house(hardening: CommandLine) -> CommandLine:
    """The command line with an item, a plan, and a response table of the test's own, which tells a command."""
    place = hardening.place
    (place / "watched").mkdir()
    own = place / "base" / "inspection"
    for name, text in (("items/own.yml", ITEM.format(place=place)), ("plans/own.yml", PLAN)):
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_text(text)
    shipped = Path(__file__).parents[2] / "baselines" / "inspection" / "response.yml"
    table = shipped.read_text().replace(
        "notify: []", f'notify: [{{levels: [1, 2, 3], command: [python3, -c, "{HOOK}"]}}]'
    )
    (own / "response.yml").write_text(table)
    return hardening


def inspected(house: CommandLine, *more: str) -> dict[str, object]:
    """Inspect and return the document with its exit code."""
    said = house("inspect", "run", "--item", "own_files", "-i", "hosts", "--json", *more)
    document: dict[str, object] = said.document()
    return {**document, "code": said.code}


def acts(document: dict[str, object]) -> list[str]:
    """Return what happened to incidents in a run."""
    events = document["incidents"]
    assert isinstance(events, list)
    return [event["act"] for event in events]


def test_an_anomaly_from_its_coming_to_its_end(house: CommandLine) -> None:
    """Registered and told once, listed, given to somebody, closed by the next good reading."""
    assert inspected(house)["code"] == 0
    (house.place / "watched" / "stranger").write_text("x")
    first, second = inspected(house), inspected(house)
    listed = house("incidents", "list", "--json")
    given = house("incidents", "assign", "0001", "--to", "Night shift", "--json")
    taken = house("incidents", "respond", "0001", "--note", "on it", "--json")
    (house.place / "watched" / "stranger").unlink()
    last = inspected(house)

    assert (first["code"], acts(first)) == (1, ["opened"])
    assert (second["code"], acts(second)) == (1, [])
    assert listed.code == 1
    (incident,) = listed.document()["incidents"]
    assert (incident["item"], incident["level"]) == ("own_files", 2)
    assert incident["value"] == [f"{house.place}/watched/stranger"]
    told = [json.loads(line) for line in (house.place / "told").read_text().splitlines()]
    assert [each["number"] for each in told] == [incident["number"]]
    assert given.document()["owner"] == "Night shift"
    assert taken.document()["responded_at"] is not None
    assert (last["code"], acts(last)) == (0, ["closed"])
    assert house("incidents", "list", "--json").document()["incidents"] == []
    assert house("incidents", "list").out == "0 open\n"
    assert house("incidents", "list", "--all").out.endswith("\n0 open, 1 closed\n")
    assert house("status", "--verify").code == 0


def test_a_person_closes_and_reports_an_incident(house: CommandLine) -> None:
    """In Chinese and English, as Word, Markdown and a page; what is still there is registered anew."""
    (house.place / "watched" / "stranger").write_text("x")
    inspected(house)
    words = ("--cause", "误放文件", "--handling", "已移走", "--prevention", "权限收紧")

    wrong = house("incidents", "close", "0001", "--cause", " ", "--handling", "b", "--prevention", "c")
    closed = house("incidents", "close", "0001", *words)
    reports = [
        house("incidents", "report", "0001", "--to", name, "--lang", lang, *more)
        for name, lang, more in (("r.docx", "zh", ()), ("b.md", "en", ("--brief",)), ("r.html", "zh", ()))
    ]

    assert closed.code == 0, closed.err
    assert wrong.code == 2
    assert [said.code for said in reports] == [0, 0, 0]
    document = docx.Document(io.BytesIO((house.place / "r.docx").read_bytes()))
    cells = {cell.text for table in document.tables for row in table.rows for cell in row.cells}
    assert any("own_files" in text for text in cells)
    assert any("误放文件" in paragraph.text for paragraph in document.paragraphs)
    assert "权限收紧" in (house.place / "b.md").read_text()
    assert "已移走" in (house.place / "r.html").read_text()
    assert acts(inspected(house)) == ["opened"]
    assert "INC-" in house("incidents", "show", "0002").out


def test_a_period_that_has_not_begun_has_no_report(house: CommandLine) -> None:
    """A mistyped day would be on record as a report that was written."""
    inspected(house)

    said = house("reports", "write", "week", "--of", "2199-01-05", "--to", "week.html")

    assert (said.code, said.err) == (2, "--of 2199-01-05: this week has not begun\n")
    assert not (house.place / "week.html").exists()


def test_a_host_that_is_not_reached_is_incomplete(house: CommandLine) -> None:
    """And one incident; no item of it is taken for good."""
    (house.place / "gone").write_text("far ansible_host=127.0.0.1 ansible_port=1 ansible_user=nobody\n")
    said = house("inspect", "run", "--category", "capacity", "-i", "gone", "--json")

    assert said.code == 3
    document = said.document()
    assert document["counts"]["ok"] == 0
    assert document["counts"]["unknown"] > 5
    assert [event["reading"]["item"] for event in document["incidents"]] == ["host_reachable"]


def test_a_plan_is_installed_kept_and_run_when_due(house: CommandLine) -> None:
    """A timer that fires twice inspects once."""
    assert house("inspect", "due").code == 2  # There is no ledger yet, and asking makes none.
    installed = house("inspect", "install", "own", "-i", "hosts", "--to", "units", "--json")
    cron = house("inspect", "install", "own", "-i", "hosts", "--cron", "--to", "cron.d")
    due = house("inspect", "due", "--json")
    first = house("inspect", "run", "own", "-i", "hosts", "--scheduled", "--json")
    again = house("inspect", "run", "own", "-i", "hosts", "--scheduled")

    assert installed.code == cron.code == 0, installed.err + cron.err
    assert {path.name for path in (house.place / "units").iterdir()} == {
        "hardening-inspect-own.service",
        "hardening-inspect-own.timer",
    }
    assert "--scheduled" in (house.place / "units" / "hardening-inspect-own.service").read_text()
    (own,) = [each for each in due.document()["plans"] if each["plan"] == "own"]
    assert own["since"] is not None
    assert own["missed"] == []
    assert first.code == 0
    assert first.document()["run"]["due_at"] is not None
    assert (again.code, again.err) == (0, "own: nothing is due\n")


def test_a_timer_imports_no_file_of_its_workspace(house: CommandLine) -> None:
    """A `yaml.py` or a `hardening.py` that lies there would run as the account of the timer, often root."""
    for name in ("yaml", "click", "hardening"):
        (house.place / f"{name}.py").write_text("raise SystemExit('this is not ours')\n")

    house("inspect", "install", "own", "-i", "hosts", "--cron", "--to", "cron.d")
    house("inspect", "run", "own", "-i", "hosts", "--scheduled")
    last_line = (house.place / "cron.d" / "hardening-inspect-own").read_text().splitlines()[-1]
    command = last_line.split(maxsplit=6)[-1]
    fired = subprocess.run(["sh", "-c", command], cwd="/", capture_output=True, text=True, check=False)

    assert (fired.returncode, fired.stderr) == (0, "own: nothing is due\n")


def test_no_timer_is_written_that_would_not_find_us(house: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who starts a checkout that is not installed is told now, and not by a timer that fails at night."""
    venv.create(house.place / "bare", symlinks=True)
    monkeypatch.setattr(sys, "executable", str(house.place / "bare" / "bin" / "python"))

    said = house("inspect", "install", "own", "-i", "hosts", "--to", "units")

    assert (said.code, (house.place / "units").exists()) == (2, False)
    assert "hardening is not installed for" in said.err


def test_a_run_is_recorded_as_a_sheet_and_a_report(house: CommandLine) -> None:
    """From the ledger, and a period's report with it, which is then not due any more."""
    inspected(house)
    record = house("inspect", "report", "--to", "record.xlsx", "--to", "report.docx", "--to", "r.html", "--lang", "zh")
    week = house("reports", "write", "week", "--of", "2026-08-19", "--to", "week.docx", "--json")
    due = house("reports", "due", "--json")

    assert record.code == week.code == 0, record.err + week.err
    assert (house.place / "record.xlsx").read_bytes()[:2] == b"PK"
    assert "巡检报告" in (house.place / "r.html").read_text()
    assert week.document()["runs"] == 0
    assert due.code == 0
    assert due.document()["reports"] == []  # No period since the first inspection is over.


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("inspect", "run", "-i", "hosts"), "say what to inspect"),
        (("inspect", "run", "dayly", "-i", "hosts"), "did you mean daily"),
        (("inspect", "run", "--item", "own_file", "-i", "hosts"), "did you mean own_files"),
        (("inspect", "run", "own"), "say which hosts"),
        (("inspect", "report", "--to", "r.pdf"), "must end with one of"),
        (("incidents", "report", "1", "--to", "x"), "must end with one of"),
        (("incidents", "list"), "there is no ledger yet"),
        (("reports", "due"), "there is no ledger yet"),
    ],
)
def test_what_is_asked_wrongly_is_said(house: CommandLine, arguments: tuple[str, ...], sentence: str) -> None:
    """With exit code 2, and nothing is made."""
    said = house(*arguments)

    assert said.code == 2
    assert sentence in said.err
    assert not (house.place / ".hardening").exists()


def test_an_inventory_that_asks_wrongly_is_refused(house: CommandLine) -> None:
    """Parameters that the item's kind does not take, and a level that there is not."""
    params = json.dumps({"own_files": {"directory": "/"}})
    (house.place / "odd").write_text(f"here ansible_connection=local inspection_params='{params}'\n")
    (house.place / "level").write_text("here ansible_connection=local business_level=huge\n")

    for inventory, sentence in (("odd", "inspection_params.own_files.directory"), ("level", "business_level huge")):
        said = house("inspect", "run", "--item", "own_files", "-i", inventory)
        assert said.code == 2
        assert sentence in said.err


def test_items_and_plans_are_listed(house: CommandLine) -> None:
    """In both languages, with thresholds; JSON is one document."""
    items = house("inspect", "items", "--json").document()["items"]

    assert len(items) > 100
    assert "文件系统剩余空间充足" in house("inspect", "items", "capacity", "--lang", "zh").out
    assert {"daily", "own"} <= {each["plan"] for each in house("inspect", "plan", "--json").document()["plans"]}
    assert "own_files" in house("inspect", "plan", "own").out


def test_things_whose_names_differ_in_a_secret_alone_are_told_apart(house: CommandLine) -> None:
    """Whoever names queues or pages must not end an inspection by two names that read the same without secrets."""
    own = house.place / "base" / "inspection" / "items" / "own.yml"
    pages = [f"http://127.0.0.1:1/?password={word}" for word in ("first", "second")]
    text = own.read_text().replace("kind: files_in", "kind: http_status").replace("{any: true}", "{at_most: 0}")
    own.write_text(re.sub(r"with: .*", f"with: {{urls: {json.dumps(pages)}}}", text))

    said = house("inspect", "run", "--item", "own_files", "-i", "hosts", "--json")

    subjects = [each["subject"] for each in said.document()["readings"] if each["item"] == "own_files"]
    assert len(set(subjects)) == 2, said.err
    assert not any(word in said.out for word in ("first", "second"))
