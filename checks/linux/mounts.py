"""Mounted file systems: which directories have one of their own, and its options now and after a reboot."""

from __future__ import annotations

import re
from typing import Any

from checks import NotApplicable, Truths, kind, read
from checks.linux.reading import text_or_none


@kind
def mount(host: Any, *, path: str) -> list[str] | Truths:
    """Return the options a directory is mounted with now, and those in fstab or its systemd mount unit.

    What systemd mounts by itself and nobody configured (`/dev/shm`) has only the first truth.
    """
    now = mounted(read(host, "cat /proc/self/mounts")).get(path)
    if now is None:
        raise NotApplicable(f"{path} has no file system of its own")
    fstab = fstab_options(text_or_none(host, "/etc/fstab") or "", path)
    if fstab is not None:
        return Truths(running=now, on_disk=fstab)
    unit = f"{path.strip('/').replace('-', chr(92) + 'x2d').replace('/', '-')}.mount"
    shown = read(host, "systemctl show --property=FragmentPath --property=DropInPaths %s", unit)
    if not re.search(r"=/(etc|usr|lib|run/systemd/system)/", shown):
        return now
    return Truths(running=now, on_disk=unit_options(read(host, "systemctl cat %s", unit)))


@kind
def mount_point(host: Any, *, path: str) -> str:
    """Return whether a directory has a file system of its own (`separate`) or lies on that of a parent."""
    if path in mounted(read(host, "cat /proc/self/mounts")):
        return "separate"
    if host.run("test -d %s", path).rc != 0:
        raise NotApplicable(f"{path} is no directory on this host")
    return "not separate"


def mounted(table: str) -> dict[str, list[str]]:
    """Return the options by mount point from /proc/self/mounts; the last mount on a point covers earlier ones."""
    found = {}
    for line in table.splitlines():
        fields = line.split(" ")
        if len(fields) >= 4:
            found[re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[1])] = fields[3].split(",")
    return found


def fstab_options(fstab: str, path: str) -> list[str] | None:
    """Return the options that fstab gives a mount point, or None where it does not name it."""
    options = None
    for line in fstab.splitlines():
        fields = line.split()
        if len(fields) >= 4 and not line.lstrip().startswith("#") and fields[1].rstrip("/") == path:
            options = fields[3].split(",")
    return options


def unit_options(unit_text: str) -> list[str]:
    """Return the options of a mount unit with its drop-ins as `systemctl cat` prints them; the last line wins."""
    options: list[str] = []
    for line in unit_text.splitlines():
        name, _, value = line.strip().partition("=")
        if name.strip() == "Options":
            options = [option.strip() for option in value.split(",") if option.strip()]
    return options
