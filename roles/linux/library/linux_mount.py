#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.mount: a file system is mounted with options. with: {path}; the value is a list of options."""

from __future__ import annotations

import re
from typing import List, Sequence

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

OPPOSITES = {"nodev": "dev", "nosuid": "suid", "noexec": "exec", "ro": "rw"}
OPPOSITES.update({opposite: option for option, opposite in OPPOSITES.items()})
# What the kernel adds to the table and fstab cannot say, or what is a default.
NOT_FOR_FSTAB = re.compile(r"^(rw|relatime|seclabel|inode64|uuid=.*|lowerdir=.*|upperdir=.*|workdir=.*)$")


def plan(control: Control, system: System) -> None:
    """Remount with the options, and have them in fstab, which also overrides systemd's own units."""
    path = str(control.params["path"])
    wanted = [str(option) for option in (control.value if isinstance(control.value, list) else [control.value])]
    unknown = [option for option in wanted if option not in OPPOSITES]
    if unknown:
        raise CannotApply("cannot set the mount option " + ", ".join(unknown))
    mount = system.mount(path)
    if not mount.mounted:
        raise CannotApply(path + " has no file system of its own")
    options = with_options(mount.options, wanted, spoken=False)
    if sorted(options) != sorted(mount.options):
        mount.change(options=sorted(options))
    keep_in_fstab(control.id, path, wanted, system)
    # systemd makes its mount units from fstab only when told to.
    system.after("run:daemon-reload")


def keep_in_fstab(control_id: str, path: str, wanted: Sequence[str], system: System) -> None:
    """Have the options in the line of the mount point; a mount point without a line gets one."""
    fstab = system.file("/etc/fstab")
    pattern = r"^\s*[^#\s]\S*\s+" + re.escape(path) + r"/?\s"
    for line in fstab.lines:
        if re.match(pattern, line):
            fields = re.split(r"(\s+)", line.strip())
            fields[6] = ",".join(with_options(fields[6].split(","), wanted, spoken=True))
            fstab.replace_lines("^" + re.escape(line) + "$", "".join(fields))
            return
    source, kind, present = in_table(path, system)
    if kind not in ("tmpfs", "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs"):
        raise CannotApply(
            path + " is a " + kind + " that no line of /etc/fstab mounts; set its options where it is mounted"
        )
    options = with_options([option for option in present if not NOT_FOR_FSTAB.match(option)], wanted, spoken=True)
    system.dropin("/etc/fstab").set(control_id, " ".join([source, path, kind, ",".join(options), "0", "0"]))


def with_options(present: Sequence[str], wanted: Sequence[str], *, spoken: bool) -> List[str]:
    """Return the options with the wanted ones in and their opposites out; the kernel leaves its defaults unspoken."""
    gone = {OPPOSITES[option] for option in wanted}
    options = [option for option in present if option not in gone and option != "defaults"]
    options += [option for option in wanted if option not in options and (option.startswith("no") or option == "ro")]
    return options or (["defaults"] if spoken else options)


def in_table(path: str, system: System) -> List[object]:
    """Return [source, type, options] of the mount that is seen on a point."""
    found: List[object] = []
    for line in system.ask("cat", "/proc/self/mounts").out.splitlines():
        fields = line.split(" ")
        if fields[1] == path:
            found = [fields[0], fields[2], fields[3].split(",")]
    if not found:
        raise CannotApply(path + " is not in the table of mounts")
    return found


if __name__ == "__main__":
    run_module(plan)
