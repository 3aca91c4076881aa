"""Where the lab keeps its images and its running hosts."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.errors import LabError


def lab_root() -> Path:
    """Return the lab's directory: $HARDENING_LAB, or ~/.cache/hardening-lab."""
    named = os.environ.get("HARDENING_LAB")
    return Path(named).absolute() if named else Path.home() / ".cache" / "hardening-lab"


def require_root() -> None:
    """Refuse to go on without the privilege that namespaces and mounts need."""
    if os.geteuid() != 0:
        raise LabError("the lab boots real hosts in namespaces, which needs root; run as root")


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lab's lock of that name, waiting for whoever has it; the kernel frees it if we die."""
    locks = lab_root() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with (locks / name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
