"""Processes that outlive the call that started them, remembered by pid and start time."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.lab.commands import run

_DETACH = """
log=$1; shift
while [ "$1" != -- ]; do cgroup=$1; shift; echo $$ > "$cgroup/cgroup.procs" || exit 1; done
shift
setsid "$@" > "$log" 2>&1 < /dev/null &
echo $!
"""


def start_detached(
    argv: Sequence[str | Path],
    *,
    log: Path,
    pid_file: Path,
    env: Mapping[str, str] | None = None,
    cgroups: Sequence[Path] = (),
) -> int:
    """Start a program in a session of its own and in the given control groups; return its pid and remember it."""
    words = ["sh", "-c", _DETACH, "sh", log, *cgroups, "--", *argv]
    pid = int(run(words, env=None if env is None else {**os.environ, **env}))
    remember(pid_file, pid)
    return pid


def remember(pid_file: Path, pid: int) -> None:
    """Write down a process so that a later reader cannot mistake another one with the same pid for it."""
    pid_file.write_text(f"{pid} {_identity(pid)}\n")


def recall(pid_file: Path) -> int | None:
    """Return the remembered pid if that very process still runs."""
    try:
        pid, identity = pid_file.read_text().split()
    except (FileNotFoundError, ValueError):
        return None
    return int(pid) if identity == _identity(int(pid)) else None


def stop(pid: int, *, ask: int = signal.SIGTERM, asked: int | None = None, patience_s: float = 10) -> bool:
    """End a process: send `ask` to `asked` (default: the process itself), and SIGKILL when patience runs out.

    Signal 0 asks nothing: somebody else has. Returns whether it went by itself.
    """
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        _send(asked or pid, ask)
        if _ended(handle, patience_s):
            return True
        _send(pid, signal.SIGKILL)
        _ended(handle, 10)
        return False
    finally:
        os.close(handle)


def children(pid: int) -> list[int]:
    """Return the pids of a process's children."""
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def _ended(handle: int, timeout_s: float) -> bool:
    return bool(select.select([handle], [], [], timeout_s)[0])


def _send(pid: int, sent: int) -> None:
    try:
        os.kill(pid, sent)
    except ProcessLookupError:
        return  # It went first, which is what we want.


def _identity(pid: int) -> str:
    """Return what no other process has: this boot's id and the start time in clock ticks; empty if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    if fields[0] == "Z":
        return ""
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}:{fields[19]}"
