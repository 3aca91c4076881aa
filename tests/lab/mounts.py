"""Mounts of this machine that belong to the lab."""

from __future__ import annotations

import re
from pathlib import Path

from tests.lab.commands import run


def mounts_under(directory: Path) -> list[Path]:
    """Return the mount points at or under a directory, the innermost first."""
    points = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        # proc(5): spaces and the like stand as octal escapes.
        point = Path(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), line.split()[4]))
        if point.is_relative_to(directory):
            points.append(point)
    return sorted(points, reverse=True)


def is_mounted(point: Path) -> bool:
    """Say whether something is mounted exactly there."""
    return point in mounts_under(point)


def unmount(directory: Path) -> None:
    """Unmount everything at or under a directory."""
    for point in mounts_under(directory):
        run(["umount", "--lazy", point])
