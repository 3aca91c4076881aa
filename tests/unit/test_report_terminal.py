"""The terminal report: numbers that line up, bad news first, colour only where a person sits."""

from __future__ import annotations

import dataclasses
import io
import os
import pty
import re
from datetime import UTC, datetime

import pytest

from hardening.model import Evidence, Status
from hardening.plan_making import make_plan
from hardening.reports import write_terminal
from hardening.reports.console import console_of
from hardening.reports.plan_table import print_plan
from tests.evidence_examples import (
    apply_evidence,
    clean_evidence,
    empty_evidence,
    hostile_evidence,
    large_evidence,
    scan_evidence,
)
from tests.golden_files import assert_golden


def written(evidence: Evidence, lang: str = "en", width: int | None = None) -> str:
    stream = io.StringIO()
    write_terminal(evidence, stream, lang=lang, width=width)
    return stream.getvalue()


def at_a_terminal(evidence: Evidence) -> str:
    """Return what a real pseudo-terminal receives."""
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w") as stream, os.fdopen(leader, "rb", buffering=0) as screen:
        write_terminal(evidence, stream)
        stream.flush()
        return screen.read(100_000).decode()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_golden_terminal(lang: str) -> None:
    """What a person sees for the example campaigns is what somebody last looked at."""
    assert_golden(f"apply.{lang}.txt", written(apply_evidence(), lang))
    assert_golden(f"scan.{lang}.txt", written(scan_evidence(), lang))
    assert_golden(f"clean.{lang}.txt", written(clean_evidence(), lang))
    assert_golden(f"empty.{lang}.txt", written(empty_evidence(), lang))


def test_golden_plan() -> None:
    """A plan on the terminal is the one somebody last looked at."""
    evidence = scan_evidence()
    plan = make_plan(
        campaign_id=evidence.campaign.id,
        made_at=datetime(2026, 8, 21, tzinfo=UTC),
        made_by="ops@bastion",
        profile=evidence.profile.name,
        profile_digest=evidence.profile.digest,
        inventory=evidence.campaign.inventory,
        findings=evidence.findings,
        previews={},
    )
    stream = io.StringIO()

    print_plan(plan, console_of(stream, width=140))

    assert_golden("plan.en.txt", "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines()))


def test_bad_news_comes_first_and_the_result_last() -> None:
    """The first line says that the run is incomplete; the targets follow with the lost ones on top."""
    lines = written(scan_evidence()).splitlines()

    assert lines[0].startswith("Incomplete: 20 of 54 checks were not answered")
    assert lines[2].startswith("app-02/")
    assert any(line.startswith("17 gaps and 20 unknown on 11 targets.") for line in lines[-2:])


def test_numbers_line_up() -> None:
    """Every count ends in the column in which its heading ends."""
    lines = written(scan_evidence(), width=200).splitlines()
    heading = next(line for line in lines if line.startswith("target "))
    end = heading.index("pass") + len("pass")

    rows = [line for line in lines if "/" in line.split("  ")[0] and line[end - 1 : end].isdigit()]
    assert len(rows) == 11
    assert all(line[end : end + 1] in ("", " ") for line in rows)


def test_no_colour_in_a_file_nor_with_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe gets no escape codes; a terminal does, unless NO_COLOR is set."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b" not in written(apply_evidence())
    assert "\x1b[32m" in at_a_terminal(clean_evidence())

    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in at_a_terminal(clean_evidence())


def test_hostile_text_cannot_work_on_the_terminal() -> None:
    """Escape codes, bidirectional controls and markup of a host are shown, not obeyed, and are bounded."""
    text = written(hostile_evidence("[bold]x[/bold] \x1b[2J\x07 \u202e \x00 \ud800 " + "A" * 1_000_000))

    assert not any(bad in text for bad in ("\x1b", "\x07", "\u202e", "\x00", "\ud800"))
    assert "[bold]x[/bold]" in text
    assert "\\x1b[2J" in text
    assert len(text) < 60_000


def test_many_clean_targets_are_summed_not_hidden() -> None:
    """With hundreds of targets the clean ones share a line, and the line of all still adds up."""
    evidence = large_evidence(hosts=20, controls=60)

    text = written(evidence)

    table = text[: text.index("\n\n")].splitlines()
    rows = [found for found in map(re.compile(r"^(\S.*?)((?: +[\d,]+){5})(?:  |$)").match, table) if found]
    names = [row[1] for row in rows]
    assert names[-1] == "all"
    assert "targets without bad news" in names[-2]
    counts = [[int(count.replace(",", "")) for count in row[2].split()] for row in rows]
    assert [sum(column) for column in zip(*counts[:-1], strict=True)] == counts[-1]
    assert sum(counts[-1]) == evidence.tally.total
    assert "more gaps: write a report to see them all" in text


def test_a_fleet_fits_a_screen_or_two() -> None:
    """Of thousands of targets with bad news the worst are shown and the others summed up; the total stays whole."""
    evidence = large_evidence(hosts=300, controls=20)
    stream = io.StringIO()
    write_terminal(evidence, stream)
    lines = stream.getvalue().splitlines()

    assert len(lines) < 150
    assert any(" more targets " in line for line in lines)
    total = next(line.split() for line in lines if line.startswith("all "))
    assert [int(number.replace(",", "")) for number in total[1:3]] == [
        evidence.tally.by_status[Status.PASS],
        evidence.tally.by_status[Status.FAIL],
    ]


def test_a_long_value_of_a_plan_takes_a_few_lines() -> None:
    """A list of ciphers in a narrow column would push everything else off the screen."""
    finding = next(each for each in scan_evidence().findings if each.status is Status.FAIL)
    long = ",".join(f"cipher-{number}@example.org" for number in range(40))
    observation = dataclasses.replace(finding.observation, seen={"running": long})
    plan = make_plan(
        campaign_id="c",
        made_at=datetime(2026, 8, 21, tzinfo=UTC),
        made_by="ops@bastion",
        profile="p",
        profile_digest="d",
        inventory=(),
        findings=[dataclasses.replace(finding, observation=observation)],
        previews={},
    )
    stream = io.StringIO()

    print_plan(plan, console_of(stream, width=140))

    assert "cipher-0" in stream.getvalue()
    assert sum("example.org" in line or "cipher-" in line for line in stream.getvalue().splitlines()) <= 4
