"""A control group per host: hosts do not take each other's processes for their own, and their CPU time can be read."""

from __future__ import annotations

import re
from pathlib import Path

from tests.lab.errors import LabError

# The version 1 hierarchies that a host gets a group in; others, such as cpuset, take no process without settings.
_V1 = {"name=systemd", "cpuacct"}


def make_groups(name: str) -> list[Path]:
    """Return the host's control groups, one per hierarchy of this machine; create what is missing."""
    groups = [root / name for root in _hierarchies()]
    if not groups:
        raise LabError("no control groups are mounted under /sys/fs/cgroup; systemd needs them in a lab host")
    for group in groups:
        group.mkdir(exist_ok=True)
    return groups


def drop_groups(name: str) -> None:
    """Remove the host's control groups, the inner ones first; its processes are gone by now."""
    for root in _hierarchies():
        group = root / name
        if group.exists():
            for inner in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
                inner.rmdir()
            group.rmdir()


def cpu_seconds(name: str) -> float:
    """Return the CPU time that a host's processes have used since its control group was made."""
    for root in _hierarchies():
        usage = root / name / "cpuacct.usage"
        if usage.exists():
            return int(usage.read_text()) / 1e9
        stat = root / name / "cpu.stat"
        if stat.exists() and (found := re.search(r"^usage_usec (\d+)$", stat.read_text(), re.MULTILINE)):
            return int(found.group(1)) / 1e6
    raise LabError(f"no control group of {name} counts CPU time on this machine")


def _hierarchies() -> list[Path]:
    """Return the mounted hierarchies.

    Source: /proc/self/mountinfo (proc(5)): ... mount-point ... - type source options.
    """
    found: dict[Path, None] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        point = Path(before.split()[4])
        if point.is_relative_to("/sys/fs/cgroup") and (
            kind == "cgroup2" or (kind == "cgroup" and _V1 & set(options.split(",")))
        ):
            found.setdefault(point.resolve())
    return list(found)
