"""Waivers: an end that the workspace allows, an approver where it wants one, and what they say once they ended."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from hardening.errors import AskedWrongly
from hardening.judge import judge
from hardening.model import Status, Target
from hardening.reports.wording import seen_and_expired
from hardening.waivers import expired_for, load_waivers, unused, waiver_for
from tests.command_line import ROOT, CommandLine
from tests.evidence_examples import clean_evidence

TODAY = date(2026, 7, 1)
WAIVER = """\
waivers:
  - control: {control}
    hosts: [{hosts}]
    owner: Team
    reason: It is needed
    compensating: It is watched
    ticket: T-1
    expires: {expires}
"""


def written(
    path: Path, *, control: str = "linux_own_mode", hosts: str = "here", expires: date | str, more: str = ""
) -> Path:
    """Write a file with one waiver; `more` are further lines of it."""
    path.write_text(WAIVER.format(control=control, hosts=hosts, expires=expires) + more)
    return path


def test_the_workspace_decides_how_long_and_who_approves(tmp_path: Path) -> None:
    """Two years are too long unless allowed; an approver is missing only where one is wanted, and is told."""
    far = written(tmp_path / "w.yml", expires="2028-06-30")
    signed = written(tmp_path / "s.yml", expires="2026-12-31", more="    approver: The auditor\n")
    known = ["linux_own_mode"]

    with pytest.raises(AskedWrongly, match=r"w.yml:8: expires 2028-06-30 is more than a year ahead"):
        load_waivers(far, controls=known, today=TODAY)
    with pytest.raises(AskedWrongly, match=r"w.yml:8: expires 2028-06-30 is more than 400 days ahead"):
        load_waivers(far, controls=known, today=TODAY, longest_days=400)
    with pytest.raises(AskedWrongly, match=r"w.yml:2: approver is missing"):
        load_waivers(far, controls=known, today=TODAY, longest_days=800, approver_needed=True)
    assert load_waivers(far, controls=known, today=TODAY, longest_days=800)
    (waiver,) = load_waivers(signed, controls=known, today=TODAY, approver_needed=True)
    assert waiver.use.approver == "The auditor"


def test_an_expired_waiver_fails_again_and_says_so(tmp_path: Path) -> None:
    """In the reason and, in both languages, beside what was seen; a pass says nothing of it; the last end counts."""
    text = written(tmp_path / "w.yml", control="linux_x", hosts="'*'", expires="2026-06-01").read_text()
    entry = text.split("waivers:\n")[1]
    (tmp_path / "w.yml").write_text(text + entry.replace("2026-06-01", "2026-05-01").replace("T-1", "T-0"))
    waivers = load_waivers(tmp_path / "w.yml", controls=["linux_x"], today=TODAY)
    target = Target(host="h", component="linux")
    example = clean_evidence().findings[0]
    ended = expired_for(waivers, "linux_x", target, (), TODAY)

    other = dataclasses.replace(example.observation, seen={"value": "not this"})
    failed = judge(example.requirement, other, None, expired=ended)
    passed = judge(example.requirement, example.observation, None, expired=ended)

    assert waiver_for(waivers, "linux_x", target, (), TODAY) is None
    assert failed.status is Status.FAIL
    assert failed.reason.endswith("; waiver expired on 2026-06-01 (T-1)")
    assert seen_and_expired(failed, "en").endswith("; waiver expired on 2026-06-01 (T-1)")
    assert seen_and_expired(failed, "zh").endswith("; 豁免已于 2026-06-01 到期（T-1）")
    assert (passed.status, passed.expired) == (Status.PASS, None)
    assert "expired" not in passed.reason


def test_every_report_says_that_a_waiver_expired(hardening: CommandLine) -> None:
    """And one that matches nothing, or that no gap needs, is named with its line."""
    ended = date.today() - timedelta(days=1)
    holds = date.today() + timedelta(days=9)
    (hardening.place / "file").chmod(0o666)
    waivers = written(hardening.place / "waivers.yml", expires=ended).read_text()
    more = WAIVER.format(control="linux_own_text", hosts="here", expires=holds).split("waivers:\n")[1]
    more += more.replace("here", "there").replace("own_text", "own_mode")
    (hardening.place / "waivers.yml").write_text(waivers + more)
    formats = [f"--format={name}={name}.out" for name in ("junit", "html", "csv", "jsonl", "sarif", "markdown", "hdf")]

    said = hardening.scan("--json", *formats)
    table = hardening("report", "latest")

    assert said.code == 1
    assert hardening.statuses(said) == {"linux_own_mode": "FAIL", "linux_own_text": "PASS"}
    sentence = f"waiver expired on {ended.isoformat()}"
    for name in ("junit", "html", "csv", "jsonl", "sarif", "markdown", "hdf"):
        assert sentence in (hardening.place / f"{name}.out").read_text(), name
    assert sentence in said.out
    assert sentence in " ".join(table.out.split())
    assert "waivers.yml:9: the waiver of linux_own_text for here covers no gap any more" in said.err
    assert "waivers.yml:16: the waiver of linux_own_mode for there matches no host that was looked at" in said.err


def test_nothing_is_said_of_controls_that_were_not_looked_at(tmp_path: Path) -> None:
    """A narrowed scan does not call the waivers of the others unused."""
    waivers = load_waivers(
        written(tmp_path / "w.yml", control="linux_x", expires="2026-12-31"), controls=["linux_x"], today=TODAY
    )

    assert unused(waivers, clean_evidence().findings, {}, TODAY) == ()


def test_the_pytest_door_honours_waivers(hardening: CommandLine) -> None:
    """A covered gap is skipped with the ticket; one whose waiver ended fails and says so; others are as ever."""
    (hardening.place / "file").chmod(0o666)

    def door(expires: date) -> str:
        written(hardening.place / "w.yml", hosts="local*", expires=expires)
        argv = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "checks/", "--hosts=local://"]
        argv += ["--profile=own", f"--baselines={hardening.place / 'base'}", f"--waivers={hardening.place / 'w.yml'}"]
        return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False).stdout

    held = door(date.today() + timedelta(days=9))
    ended = door(date.today() - timedelta(days=9))

    assert "1 passed, 1 skipped" in held
    assert "T-1: It is needed" in held
    assert "1 failed, 1 passed" in ended
    assert "waiver expired on" in ended
