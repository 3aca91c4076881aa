"""A run that is killed between two writes: nothing is lost, the next run or an undo finds what was written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hardening_core import Host
from hardening_core.restore import Undo, journal_of

from tests.core_tree import apply, changed, control, failures, snapshot

# Kills itself without a goodbye right before (or after) the file whose turn it is takes its place.
KILLED = """
import os, signal, sys
from hardening_core import store
from hardening_core.resources.file import FileResource
from tests.core_tree import apply, control
from pathlib import Path

place, moment = sys.argv[2], sys.argv[3]
write = FileResource.write

def killed(self, name, present, wanted):
    if name == place and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, name, present, wanted)
    if name == place and moment == "after":
        os.kill(os.getpid(), signal.SIGKILL)

FileResource.write = killed
apply(Path(sys.argv[1]),
      control("a", "5", file="/etc/a.conf", key="level"), control("b", "1", dropin="/etc/b.d/x.conf"),
      control("c", "1", dropin="/etc/b.d/x.conf"), control("d", "5", file="/etc/d.conf", key="level"))
"""
CONTROLS = (
    control("a", "5", file="/etc/a.conf", key="level"),
    control("b", "1", dropin="/etc/b.d/x.conf"),
    control("c", "1", dropin="/etc/b.d/x.conf"),
    control("d", "5", file="/etc/d.conf", key="level"),
)
POINTS = [
    (place, moment)
    for place in ("/etc/a.conf", "/etc/b.d", "/etc/b.d/x.conf", "/etc/d.conf")
    for moment in ("before", "after")
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with two shipped files."""
    (tmp_path / "etc").mkdir()
    for name in ("a", "d"):
        (tmp_path / f"etc/{name}.conf").write_text("level 1\n")
    return tmp_path


def killed_run(root: Path, place: str, moment: str) -> None:
    """Apply the four controls in a process that dies at one point."""
    here = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{here}:{here}/roles/core/module_utils"}
    died = subprocess.run([sys.executable, "-c", KILLED, root, place, moment], env=environment, check=False)
    assert died.returncode == -signal.SIGKILL


def everything(root: Path) -> dict[str, Any]:
    """Return the tree, files beside others included."""
    return dict(snapshot(root))


@pytest.mark.parametrize(("place", "moment"), POINTS)
def test_an_undo_from_the_journal_brings_everything_back(root: Path, place: str, moment: str) -> None:
    """Without any record but the host's own, the tree is as before the run."""
    before = everything(root)
    killed_run(root, place, moment)

    host = Host(str(root))
    results = Undo(journal_of(host, "c1").changes(), host, campaign="undo").results

    assert failures(results) == {}
    assert everything(root) == before


@pytest.mark.parametrize(("place", "moment"), POINTS)
def test_the_next_run_of_the_campaign_reports_what_the_killed_one_wrote(root: Path, place: str, moment: str) -> None:
    """Every control is reported as changed exactly once, so the record of the campaign can undo all of it."""
    before = everything(root)
    killed_run(root, place, moment)

    results = apply(root, *CONTROLS)

    assert changed(results) == ["linux_a", "linux_b", "linux_c", "linux_d"]
    assert changed(apply(root, *CONTROLS)) == []
    assert failures(Undo(list(reversed(results)), Host(str(root)), campaign="undo").results) == {}
    assert everything(root) == before


def test_another_kind_does_not_end_the_killed_run(root: Path) -> None:
    """It comes next in the same campaign, knows nothing of those controls, and leaves them to be written once more."""
    killed_run(root, "/etc/b.d/x.conf", "after")

    apply(root, control("else", dropin="/etc/else.d/x.conf"), campaign="c1")

    ended = [event for event in events_of(root) if event["event"] == "end"]
    begun = [event for event in events_of(root) if event["event"] == "begin"]
    assert (len(begun), len(ended)) == (2, 1)
    assert ended[0]["run"] == begun[1]["run"]


def events_of(root: Path) -> list[dict[str, Any]]:
    """Return what the journal of the campaign says."""
    return [json.loads(line) for line in (root / "var/lib/hardening/journal/c1.jsonl").read_text().splitlines() if line]


def test_another_campaign_does_not_claim_the_killed_ones_changes(root: Path) -> None:
    """Its journal is its own."""
    killed_run(root, "/etc/b.d/x.conf", "after")

    assert changed(apply(root, *CONTROLS, campaign="c2")) == []


def test_contents_before_are_on_disk_before_the_first_write(root: Path) -> None:
    """Killed right before the first write, the store holds the old contents and the journal names them."""
    killed_run(root, "/etc/a.conf", "before")

    lines = (root / "var/lib/hardening/journal/c1.jsonl").read_text().splitlines()
    planned = [json.loads(line) for line in lines]
    digests = [t["before"]["sha256"] for e in planned for t in e.get("touches", []) if "sha256" in t["before"]]
    assert len(digests) >= 2
    for digest in digests:
        assert (root / "var/lib/hardening/objects" / digest).exists()


def test_a_torn_last_line_of_the_journal_is_no_obstacle(root: Path) -> None:
    """What was cut off by a power loss had not been acted on; the next run writes on a line of its own."""
    killed_run(root, "/etc/d.conf", "before")
    with (root / "var/lib/hardening/journal/c1.jsonl").open("a") as file:
        file.write('{"event": "pl')

    assert changed(apply(root, *CONTROLS)) == ["linux_a", "linux_b", "linux_c", "linux_d"]
    assert len(journal_of(Host(str(root)), "c1").changes()) >= 4
