"""`report` over real campaigns of this machine: history, comparison, fleet, JUnit for other tools."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from tests.command_line import CommandLine


@pytest.fixture
def twice(hardening: CommandLine) -> tuple[str, str]:
    """Two scans: one that found a gap, and one after it was closed."""
    (hardening.place / "file").chmod(0o666)
    first = hardening.scan("--json").document()
    (hardening.place / "file").chmod(0o644)
    second = hardening.scan("--json").document()
    return first["campaign"]["id"], second["campaign"]["id"]


def test_two_scans_are_compared_and_lined_up(hardening: CommandLine, twice: tuple[str, str]) -> None:
    """The gap that was closed shows as a move from FAIL to PASS, and as one gap less in the line."""
    first, second = twice

    said = hardening("report", second, "--against", first, "--since", first, "--json", "--html", "report.html")

    document = said.document()
    assert said.code == 0
    assert {"before": "FAIL", "after": "PASS", "count": 1} in document["transitions"]
    assert document["against"] == first
    assert [(point["campaign"], point["by_status"]["FAIL"]) for point in document["trend"]] == [(first, 1), (second, 0)]
    page = (hardening.place / "report.html").read_text()
    assert f"--since {first} --against {first}" in page
    again = hardening("report", second, "--against", first, "--since", first, "--html", "again.html")
    assert again.code == 0
    assert (hardening.place / "again.html").read_text() == page


def test_a_fleet_is_reported_from_all_campaigns(hardening: CommandLine, twice: tuple[str, str]) -> None:
    """As its hosts were last seen; up to the first campaign it is what that one saw."""
    first, second = twice

    now, then = (hardening("report", name, "--fleet", "--json") for name in (second, first))

    assert (now.code, then.code) == (0, 1)
    assert now.document()["campaign"]["id"] == f"fleet-{second}"
    assert now.document()["tally"]["by_status"]["FAIL"] == 0
    assert then.document()["tally"]["by_status"]["FAIL"] == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--since", "2026-13-01"), "there is no such day; write it as 2026-08-01"),
        (("--since", "nonsense"), "the ledger has no campaign 'nonsense'"),
        (("--against", "nonsense"), "the ledger has no campaign 'nonsense'"),
        (("--against", "latest"), "cannot be compared with itself"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(
    hardening: CommandLine, twice: tuple[str, str], options: tuple[str, ...], said: str
) -> None:
    """One sentence, and 2."""
    answer = hardening("report", "latest", *options)

    assert answer.code == 2
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_junit_is_written_for_the_tool_that_reads_it(hardening: CommandLine, twice: tuple[str, str]) -> None:
    """By `--junit` and by `--format junit=` alike; with the look before as suites of its own."""
    first, second = twice
    options = ("--junit-dialect", "gitlab", "--junit-before", "--against", first)

    hardening("report", second, *options, "--junit", "one.xml", "--format", "junit=two.xml")

    assert (hardening.place / "one.xml").read_bytes() == (hardening.place / "two.xml").read_bytes()
    cases = list(ET.parse(hardening.place / "one.xml").getroot().iter("testcase"))  # noqa: S314 - our own file
    names = [str(case.get("name")) for case in cases]
    assert sum(name.startswith("before: ") for name in names) == 2
    assert all(case.get("file") for case in cases if "::linux_own" in str(case.get("name")))
    assert json.loads(hardening("report", second, "--json").out)["against"] is None
