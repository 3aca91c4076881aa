"""A workspace in which one scan was done, with a control that only a person can look at."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.command_line import CommandLine

TODAY = datetime.now(UTC).date()
SOON = (TODAY + timedelta(days=30)).isoformat()
MANUAL = """\
linux_own_person:
  title: Somebody looked
  title_zh: 有人看过
  why: It is what the test attests.
  severity: high
  manual: Only a person can see it.
"""
SCAN = ("scan", "-i", "hosts", "-p", "own")
ATTEST = ("attest", "linux_own_person", "--host", "here", "--by", "Li Wei", "--seen", "the lock is shut")


def own_control(place: Path) -> None:
    """Add the manual control to the baseline of the test."""
    with (place / "base" / "linux" / "own.yml").open("a") as file:
        file.write(MANUAL)
    with (place / "base" / "profiles" / "own.yml").open("a") as file:
        file.write("  linux_own_person: {}\n")


@pytest.fixture(scope="session")
def scanned_place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which one scan was done; a scan takes seconds, a copy none."""
    place = tmp_path_factory.mktemp("scanned")
    with pytest.MonkeyPatch.context() as patch:
        first = CommandLine(place, patch, None)  # type: ignore[arg-type]  # nothing is run in this process
        own_control(place)
        process = first.start(*SCAN)
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    return place


@pytest.fixture
def scanned(hardening: CommandLine, scanned_place: Path) -> CommandLine:
    """The command line with a manual control, and one scan done."""
    own_control(hardening.place)
    shutil.copytree(scanned_place / ".hardening", hardening.place / ".hardening")
    return hardening


def finding(scanned: CommandLine, *command: str | Path) -> dict[str, object]:
    """Return the finding of the manual control in what a command answers."""
    found = [
        each for each in scanned(*command, "--json").document()["findings"] if each["control"] == "linux_own_person"
    ]
    assert len(found) == 1
    return dict(found[0])
