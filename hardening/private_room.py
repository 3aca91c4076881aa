"""A directory in memory that only we can read, for what must never reach a disk."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hardening.errors import Incomplete

MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp below makes an unguessable directory of mode 0700 in it
PREFIX = "hardening-"
LOCK = "lock"
YOUNG_S = 60.0


@contextmanager
def private_room() -> Iterator[Path]:
    """Give a fresh directory (0700) on a memory file system, and remove it with all it holds, whatever happens.

    A room whose owner was killed is removed by the next one who takes a room.
    """
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK | os.X_OK)):
        raise Incomplete(f"{MEMORY} is not writable; secrets are kept in memory only, so nothing was started")
    _sweep()
    room = None
    try:
        # The name stays short: control sockets of ssh stand below it, and a socket's path ends at 108 bytes.
        room = Path(tempfile.mkdtemp(prefix=PREFIX, dir=MEMORY))
        with (room / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield room
    except OSError as problem:
        if room is None or not (room / LOCK).exists():
            raise Incomplete(f"{MEMORY}: {problem.strerror}; nothing was started") from None
        raise
    finally:
        if room is not None:
            shutil.rmtree(room, ignore_errors=True)


def write_private(path: Path, text: str) -> Path:
    """Write a new file of mode 0600, which has that mode before the first byte is in it."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _sweep() -> None:
    """Remove rooms of ours whose lock nobody holds: their owner is dead."""
    for room in MEMORY.glob(f"{PREFIX}*"):
        # A room may vanish, or belong to another user, while we look at it.
        with suppress(OSError):
            about = room.stat()
            # A young room may be one whose owner is about to take the lock.
            if about.st_uid != os.getuid() or time.time() - about.st_mtime < YOUNG_S:
                continue
            with (room / LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(room, ignore_errors=True)
