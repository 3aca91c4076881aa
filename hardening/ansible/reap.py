"""Ends every process of a run, however far it strayed. Linux only: /proc tells who is who.

Ansible's workers leave the process group (`setsid`), ssh's connection sharing goes into the background, and sudo
empties the environment; so a process belongs to a run if it carries the run's mark in its environment,
or descends from one that does.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

MARK = "HARDENING_RUN"
GRACE_S = 2.0


def processes_of(mark: str) -> set[int]:
    """Return the pids of all living processes of a run, without our own."""
    parents: dict[int, int] = {}
    marked = set()
    wanted = f"{MARK}={mark}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        # Processes come and go while we read, and those of other users may not be read.
        with suppress(OSError, IndexError, ValueError):
            state, parent = (entry / "stat").read_bytes().rpartition(b")")[2].split()[:2]
            if state in (b"Z", b"X"):
                continue
            parents[int(entry.name)] = int(parent)
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                marked.add(int(entry.name))
    family = set(marked)
    while True:
        more = {pid for pid, parent in parents.items() if parent in family} - family
        if not more:
            return family - {os.getpid()}
        family |= more


def end_processes_of(mark: str, *, spare: frozenset[int] = frozenset()) -> None:
    """End all processes of a run: asked first, killed after a grace; returns when none is left."""
    deadline = time.monotonic() + GRACE_S
    asked: set[int] = set()
    while left := processes_of(mark) - spare:
        late = time.monotonic() > deadline
        for pid in left if late else left - asked:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
        if time.monotonic() > deadline + GRACE_S:
            # A process of another user that will not go; whoever reads /proc next will see it too.
            return
        asked |= left
        time.sleep(0.02)
