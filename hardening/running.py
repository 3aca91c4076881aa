"""Which process of which controller carries a campaign, and whether it still runs: so that nobody runs it twice."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hardening.model import Json


def this_process() -> dict[str, Json]:
    """Return what tells this process from every other one: controller, boot, process id and when it began."""
    return {
        "controller": os.uname().nodename,
        "boot": _boot(),
        "pid": os.getpid(),
        "began": _began(os.getpid()),
    }


def still_runs(written: Mapping[str, Any]) -> bool | None:
    """Tell whether the process that `this_process` described runs; None for one of another controller."""
    if written.get("controller") != os.uname().nodename:
        return None
    if written.get("boot") != _boot():
        return False
    pid = written.get("pid")
    return isinstance(pid, int) and _began(pid) == written.get("began") is not None


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _began(pid: int) -> int | None:
    """Return when a process began, in clock ticks since the boot; None for one that is gone or dead."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(") ")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else int(fields[19])
