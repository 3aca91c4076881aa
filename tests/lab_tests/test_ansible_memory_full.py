"""The memory file system of the controller is full: nothing is made up and nothing is left running (fact 10)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardening import private_room
from hardening.ansible import AnsibleRun, ControlItem, ControlOutcome, HostFailed, RunDone, run_changes
from hardening.ansible.reap import MARK, processes_of
from hardening.errors import Incomplete
from tests.lab.commands import run as command
from tests.probe_roles import write_probe_roles

FILES_OF_A_ROOM = 16


@pytest.fixture
def small_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Stand in for /dev/shm with a file system that has room for a few files only; remount it to give more."""
    mount = tmp_path / "memory"
    mount.mkdir()
    command(["mount", "-t", "tmpfs", "-o", f"size=4m,nr_inodes={FILES_OF_A_ROOM}", "tmpfs", mount])
    monkeypatch.setattr(private_room, "MEMORY", mount)
    yield mount
    command(["umount", "-l", mount])


def probing_run(directory: Path) -> AnsibleRun:
    (directory / "hosts").write_text(f"a ansible_connection=local ansible_python_interpreter={sys.executable}\n")
    return AnsibleRun(
        campaign="c",
        inventory_sources=(str(directory / "hosts"),),
        hosts={"a": {"probe.echo": (ControlItem(id="echo", target="a"),)}},
        roles_path=write_probe_roles(directory / "roles"),
        deadline_s=60,
    )


def give_files(memory: Path, files: int) -> None:
    command(["mount", "-o", f"remount,size=4m,nr_inodes={files}", memory])


def test_a_full_memory_starts_nothing(tmp_path: Path, small_memory: Path) -> None:
    """Where the room cannot even be furnished the run is refused with the reason."""
    give_files(small_memory, 4)

    with pytest.raises(Incomplete, match="No space left on device; nothing was started"):
        list(run_changes(probing_run(tmp_path)))

    assert list(small_memory.iterdir()) == []


@pytest.mark.parametrize("files", [14, 16, 18, 20, 22])
def test_a_memory_that_fills_up_makes_nothing_up(tmp_path: Path, small_memory: Path, files: int) -> None:
    """At whatever point it is full: the control is reported, or it is listed as not reported with a reason."""
    give_files(small_memory, files)

    *events, done = run_changes(probing_run(tmp_path))

    reported = [event.id for event in events if isinstance(event, ControlOutcome)]
    reasons = [event.sentence for event in events if isinstance(event, HostFailed)]
    assert isinstance(done, RunDone)
    assert reported + [left.id for left in done.not_reported] == ["echo"]
    assert len(reasons) == len(done.not_reported)
    assert list(small_memory.iterdir()) == []
    assert _marked_children() == set()


def _marked_children() -> set[int]:
    """Return the processes of any run that descends from this one."""
    left = set()
    for child in Path(f"/proc/self/task/{Path('/proc/self').resolve().name}/children").read_text().split():
        for entry in Path(f"/proc/{child}/environ").read_bytes().split(b"\0"):
            if entry.startswith(f"{MARK}=".encode()):
                left |= processes_of(entry.partition(b"=")[2].decode())
    return left
