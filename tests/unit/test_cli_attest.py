"""People attest what only people can see: by command, by sheet, and until a day; and what goes out of texts."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from hardening.context import Context
from tests.bundles import unpacked
from tests.command_line import CommandLine
from tests.scanned_workspace import ATTEST, SCAN, SOON, TODAY, finding


def test_an_attestation_counts_from_the_next_scan_on(scanned: CommandLine) -> None:
    """PASS or FAIL in a person's name; the look stays a person's, and the newest word counts."""
    assert finding(scanned, "report", "latest")["status"] == "MANUAL"
    said = scanned(*ATTEST, "--expires", SOON)
    assert (said.code, said.err) == (0, "")

    passed = finding(scanned, *SCAN)
    assert (passed["status"], passed["verdict"], passed["look"]) == ("PASS", "PASS", "manual")
    assert passed["reason"] == f"attested by Li Wei on {TODAY}, until {SOON}: the lock is shut"
    assert passed["attestation"]["by"] == "Li Wei"  # type: ignore[index]  # the JSON says so
    scanned(*ATTEST, "--expires", SOON, "--verdict", "fail")
    assert finding(scanned, "report", "latest", "--attested")["status"] == "PASS"  # What was counted stays.
    failed = scanned(*SCAN, "--json")
    assert (failed.code, scanned.statuses(failed)["linux_own_person"]) == (1, "FAIL")


def test_a_report_of_an_earlier_campaign_counts_it_only_where_asked(scanned: CommandLine) -> None:
    """What was recorded stays what it was."""
    scanned(*ATTEST, "--expires", SOON)

    assert finding(scanned, "report", "latest")["status"] == "MANUAL"
    assert finding(scanned, "report", "latest", "--attested")["status"] == "PASS"
    assert "attested_by=Li Wei" in _written(scanned, "--junit", "--attested")
    assert all(said in _written(scanned, "--html", "--attested") for said in ("attested by Li Wei", SOON))


def _written(scanned: CommandLine, option: str, *more: str) -> str:
    assert scanned("report", "latest", option, "report.out", *more).code == 0
    return (scanned.place / "report.out").read_text()


def test_one_that_has_ended_is_manual_again_and_says_so(scanned: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The day after."""
    scanned(*ATTEST, "--expires", TODAY.isoformat())
    later = datetime.now(UTC) + timedelta(days=1)
    monkeypatch.setattr("hardening.commands.world.Context", _later(later))

    found = finding(scanned, *SCAN)

    assert found["status"] == "MANUAL"
    assert f"the attestation by Li Wei of {TODAY} ended on {TODAY}" in str(found["reason"])


def _later(moment: datetime) -> object:
    """Return how to make a context whose clock is ahead."""
    return partial(Context, clock=lambda: moment)


def test_an_attestation_that_makes_no_sense_is_refused(scanned: CommandLine) -> None:
    """With one sentence, exit code 2, and nothing recorded."""
    wrong = [
        ({"--expires": "tomorrow"}, "a day is written like"),
        ({"--expires": "2020-01-01"}, "that day has passed"),
        ({"--expires": "2099-01-01"}, "more than a year"),
        ({"--seen-on": "2099-01-01"}, "that day has not come"),
        ({"--by": " "}, "who attests is missing"),
        ({"--seen": ""}, "what was seen is missing"),
        ({"--attach": "missing.png"}, "no such file"),
        ({"control": "linux_own_mode"}, "looked at by the suite itself"),
        ({"control": "linux_own_persn"}, "did you mean linux_own_person?"),
    ]
    for change, said in wrong:
        asked = {"control": "linux_own_person", "--host": "here", "--by": "Li", "--seen": "x", "--expires": SOON}
        control, *options = [*(asked | change).items()]

        answer = scanned("attest", control[1], *[word for pair in options for word in pair])

        assert answer.code == 2, change
        assert said in answer.err, change
    assert scanned("attest", "list", "--json").document() == []


def test_attachments_lie_in_the_ledger_and_secrets_do_not(scanned: CommandLine) -> None:
    """A photograph by its digest; what was copied from a console is redacted."""
    Path("photo.png").write_bytes(b"\x89PNG photo")
    scanned(*ATTEST[:-1], "password=hunter22", "--expires", SOON, "--attach", "photo.png", "--host", "elsewhere")

    (held,) = scanned("attest", "list", "--json").document()

    assert len(held["attachments"]) == 1
    assert "hunter22" not in json.dumps(held)
    assert scanned("status", "--verify").code == 0
    assert b"\x89PNG photo" in Path(".hardening/ledger.sqlite3").read_bytes() + _log()


def _log() -> bytes:
    log = Path(".hardening/ledger.sqlite3-wal")
    return log.read_bytes() if log.exists() else b""


def fill_in(path: str, **cells: Any) -> None:
    """Fill in the first row of the sheet as an assessor does."""
    book = load_workbook(path)
    sheet = book["attest"]
    names = {str(cell.value).split()[0]: cell.column for cell in sheet[1]}
    for name, value in cells.items():
        sheet.cell(row=2, column=names[name]).value = value
    book.save(path)


FILLED: dict[str, object] = {
    "verdict": "pass",
    "seen": "the lock is shut",
    "by": "Wang Fang",
    "seen_on": TODAY,
    "expires_on": SOON,
}


def test_a_sheet_goes_out_and_comes_back(scanned: CommandLine) -> None:
    """Every manual control of every host, with blank cells to fill in; dates as dates or as text."""
    assert scanned("attest", "export", "manual.xlsx").code == 0
    assert scanned("attest", "export", "manual.xlsx").code == 2  # Somebody may have filled it in.
    assert scanned("attest", "import", "manual.xlsx").code == 2  # Nothing is filled in.
    Path("photos").mkdir()
    Path("photos/lock.png").write_bytes(b"\x89PNG lock")
    fill_in("manual.xlsx", **FILLED, attachments="photos/lock.png")

    said = scanned("attest", "import", "manual.xlsx")

    assert (said.code, said.err) == (0, "")
    assert (
        finding(scanned, "report", "latest", "--attested")["reason"]
        == f"attested by Wang Fang on {TODAY}, until {SOON}: the lock is shut"
    )


WRONG_CELLS: list[tuple[dict[str, object], str]] = [
    ({"verdict": "maybe"}, "write pass or fail"),
    ({"verdict": None}, "write pass or fail"),
    ({"by": None}, "who attests is missing"),
    ({"expires_on": None}, "expires_on is missing"),
    ({"expires_on": date(2020, 1, 1)}, "that day has passed"),
    ({"control": "linux_own_mode"}, "looked at by the suite itself"),
    ({"host": None}, "no host is named"),
    ({"attachments": "../../etc/shadow"}, "lie beside the sheet"),
    ({"attachments": "/etc/shadow"}, "lie beside the sheet"),
    ({"attachments": "missing.png"}, "no such file"),
]


def test_rows_that_cannot_be_taken_are_named(scanned: CommandLine) -> None:
    """With sheet, row and reason; nothing else is taken then, unless --partial says so."""
    scanned("attest", "export", "manual.xlsx")
    book = load_workbook("manual.xlsx")
    sheet = book["attest"]
    heading = [str(cell.value).split()[0] for cell in sheet[1]]
    known = dict(zip(heading, [cell.value for cell in sheet[2]], strict=True))
    sheet.delete_rows(2)
    for cells, _ in WRONG_CELLS:
        sheet.append([{**known, **FILLED, **cells}.get(name) for name in heading])
    good = {**known, **FILLED, "host": "elsewhere", "verdict": "不符合", "seen_on": TODAY.isoformat()}
    sheet.append([good.get(name) for name in heading])
    book.save("manual.xlsx")

    refused = scanned("attest", "import", "manual.xlsx")
    nothing = scanned("attest", "list", "--json").document()
    partial = scanned("attest", "import", "manual.xlsx", "--partial")

    assert refused.code == 2
    *rows, last = refused.err.splitlines()
    for number, (said, (_, reason)) in enumerate(zip(rows, WRONG_CELLS, strict=True), start=2):
        assert said.startswith(f"manual.xlsx: attest:{number}: ")
        assert reason in said
    assert last == "nothing was taken: 10 rows cannot be taken, 1 could be: --partial takes them"
    assert nothing == []
    assert partial.code == 3
    (held,) = scanned("attest", "list", "--json").document()
    assert (held["hosts"], held["verdict"]) == (["elsewhere"], "FAIL")


def test_what_is_no_sheet_is_said_to_be_none(scanned: CommandLine) -> None:
    """Text, another workbook, nothing at all."""
    Path("text.xlsx").write_text("hello")
    scanned("report", "latest", "--format", "xlsx=other.xlsx")

    assert "no Excel workbook" in scanned("attest", "import", "text.xlsx").err
    assert "first row with the columns" in scanned("attest", "import", "other.xlsx").err
    assert "no such file" in scanned("attest", "import", "missing.xlsx").err


def test_the_redaction_policy_of_the_workspace_holds_for_every_output(scanned: CommandLine) -> None:
    """What it names is in no ledger, plan or report; the verdict is as without it."""
    Path("redaction.yml").write_text(
        "patterns:\n  - name: staff-number\n    pattern: 'E(?P<secret>[0-9]{6})'\n    why: Numbers of people\n"
    )
    (scanned.place / "text").write_text("Debian E123456\n")
    formats = ("json", "jsonl", "html", "csv", "junit", "xlsx", "docx")
    written = [word for name in formats for word in ("--format", f"{name}=out/{name}")]

    said = scanned("plan", "-i", "hosts", "-p", "own", "--no-preview", "-o", "plan.yml", "--json", *written)
    scanned("evidence", "export", "-o", "out/bundle", "--format", "json")

    assert scanned.statuses(said)["linux_own_text"] == "FAIL"
    assert "Debian E[redacted:staff-number]" in said.out
    held = [
        path for path in (*Path("out").rglob("*"), *Path(".hardening").iterdir(), Path("plan.yml")) if path.is_file()
    ]
    assert len(held) > len(formats)
    assert [str(path) for path in held if any(b"123456" in part for part in unpacked(path))] == []


def test_a_redaction_policy_that_is_wrong_is_refused_with_its_lines(scanned: CommandLine) -> None:
    """Every problem at once; nothing is scanned."""
    Path("redaction.yml").write_text(
        "patterns:\n"
        "  - {name: one, pattern: '(', why: because}\n"
        "  - {name: two, pattern: 'x*', why: because}\n"
        "  - {name: Three, pattern: 'x', why: because}\n"
        "  - {name: four, pattern: 'x'}\n"
        "  - {name: five, pattern: 'red', why: because}\n"
    )

    said = scanned.scan()

    assert said.code == 2
    assert [row.split(": ")[0] for row in said.err.splitlines()] == [
        f"redaction.yml:{number}" for number in range(2, 7)
    ]
    Path("redaction.yml").write_text("pattern: []\n")
    assert scanned.scan().err.startswith("redaction.yml:1: must be a mapping with the list `patterns`")
