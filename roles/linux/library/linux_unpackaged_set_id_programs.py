#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.unpackaged_set_id_programs: programs of no package do not change the user or group they run as."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

PRUNED = (
    "/proc",
    "/sys",
    "/dev",
    "/run",
    "/snap",
    *("/var/lib/" + name for name in ("docker", "containers", "containerd")),
)
PRUNED += ("/var/lib/lxc", "/var/lib/machines")
LOCAL = ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "jfs", "reiserfs", "bcachefs")


def plan(control: Control, system: System) -> None:
    """Take the set-user-ID and set-group-ID bits from what no package owns."""
    programs = set_id_programs(system)
    if not programs:
        return
    names = [name for path in programs for name in (path, path[4:] if path.startswith("/usr/") else path)]
    said = system.ask("dpkg-query", "--search", *names)
    if said.rc not in (0, 1):
        raise CannotApply("dpkg-query cannot tell what belongs to packages: " + said.said)
    owned = {line.rpartition(": ")[2] for line in said.out.splitlines()}
    for path in programs:
        if path not in owned and (path[4:] if path.startswith("/usr/") else path) not in owned:
            file = system.file(path, follow=False)
            file.set_mode("{:04o}".format(int(file.mode, 8) & ~0o6000))


def set_id_programs(system: System) -> list[str]:
    """Return them from / and the other file systems of this host's own disks."""
    points = ["/"]
    for line in system.ask("cat", "/proc/self/mounts").out.splitlines():
        fields = line.split(" ")
        if fields[2] in LOCAL and not fields[1].startswith(("/proc", "/sys", "/dev", "/run")) and "\\" not in fields[1]:
            points.append(fields[1])
    prunes: list[str] = []
    for path in PRUNED:
        prunes += ["-o", "-path", path]
    tests = ["-type", "f", "-perm", "/6000", "-print0"]
    ran = system.ask("find", *dict.fromkeys(points), "-xdev", "(", *prunes[1:], ")", "-prune", "-o", *tests)
    vanished = all(line.endswith("No such file or directory") for line in ran.err.splitlines())
    if ran.rc != 0 and not (ran.err and vanished):
        raise CannotApply("the walk over the file systems failed: " + ran.said)
    return sorted(path for path in set(ran.out.split("\0")) if path)


if __name__ == "__main__":
    run_module(plan)
