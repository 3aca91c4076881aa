"""The private directory in memory: only ours, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hardening import private_room as rooms
from hardening.errors import Incomplete
from hardening.private_room import private_room, write_private

HOLDER = """
import sys
from hardening.private_room import private_room
with private_room() as room:
    print(room, flush=True)
    sys.stdin.read()
"""


def test_only_we_can_read_it_and_it_goes_with_an_exception() -> None:
    """Mode 0700, files of mode 0600, in memory, gone after the block."""
    with pytest.raises(RuntimeError, match="in between"), private_room() as room:  # noqa: PT012 - room is looked at
        modes = (room.stat().st_mode & 0o777, write_private(room / "secret", "x").stat().st_mode & 0o777)
        raise RuntimeError("in between")

    assert modes == (0o700, 0o600)
    assert room.parent == Path("/dev/shm")
    assert not room.exists()


def test_the_room_of_a_killed_owner_is_removed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as its owner lives a room stays, however old; after kill -9 the next taker clears it away."""
    monkeypatch.setattr(rooms, "YOUNG_S", -1.0)
    owner = subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with owner:
        assert owner.stdout is not None
        room = Path(owner.stdout.readline().strip())
        with private_room():
            while_it_lives = room.exists()

        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
        after_its_death = room.exists()
        with private_room():
            pass

    assert (while_it_lives, after_its_death, room.exists()) == (True, True, False)


def test_no_memory_file_system_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than writing secrets to a disk nothing is started."""
    monkeypatch.setattr(rooms, "MEMORY", tmp_path / "absent")

    with pytest.raises(Incomplete, match="nothing was started"), private_room():
        pass
