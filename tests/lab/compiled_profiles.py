"""AppArmor's profiles, compiled by the first machine of a disk and kept for the next ones.

Compiling them is half of an emulated machine's first boot. The cache is keyed by the kernel's features, so AppArmor
itself compiles again what does not fit.
"""

from __future__ import annotations

import base64
from pathlib import Path

from tests.lab.commands import run
from tests.lab.disks import Disk
from tests.lab.reachable import Reachable

_CACHE = "var/cache/apparmor"


def keep_profiles(machine: Reachable, disk: Disk) -> None:
    """Copy a booted machine's compiled profiles beside its disk, if none are there yet."""
    archive = _archive(disk)
    if archive.exists():
        return
    packed = machine.run(f"tar -C / -czf - {_CACHE} | base64")
    partial = archive.with_name(f"{archive.name}.{machine.directory.name}")
    partial.write_bytes(base64.b64decode(packed))
    partial.rename(archive)


def lay_in_profiles(root: Path, disk: Disk) -> None:
    """Put the compiled profiles, if they are there, into a root that will be copied over a machine's own."""
    if _archive(disk).exists():
        run(["tar", "-C", root, "-xzpf", _archive(disk)])


def _archive(disk: Disk) -> Path:
    return disk.directory / "apparmor-cache.tar.gz"
