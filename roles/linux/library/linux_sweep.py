#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.sweep: what a walk over the local file systems finds is put right. with: {what}."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

NOT_WALKED = (
    "/proc",
    "/sys",
    "/dev",
    "/run",
    "/var/lib/docker",
    "/var/lib/containers",
    "/var/lib/containerd",
    "/var/lib/lxc",
    "/var/lib/machines",
    "/snap",
)
LOCAL = ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "jfs", "reiserfs", "bcachefs")
TESTS = {
    "world_writable_files": ["-type", "f", "-perm", "-0002"],
    "world_writable_directories_without_sticky_bit": ["-type", "d", "-perm", "-0002", "!", "-perm", "-1000"],
}


def plan(control: Control, system: System) -> None:
    """Take the write permission of others from files; give directories the sticky bit."""
    what = str(control.params["what"])
    if what not in TESTS:
        raise CannotApply("what a sweep finds of " + what + " needs a person to decide")
    for path in found(TESTS[what], system):
        file = system.file(path, follow=False)
        mode = int(file.mode, 8)
        file.set_mode("{:04o}".format(mode | 0o1000 if file.type == "directory" else mode & ~0o002))


def found(tests: list[str], system: System) -> list[str]:
    """Return the paths that a walk finds."""
    prunes: list[str] = []
    for path in NOT_WALKED:
        prunes += ["-o", "-path", path]
    ran = system.ask("find", *roots(system), "-xdev", "(", *prunes[1:], ")", "-prune", "-o", *tests, "-print0")
    vanished = all(line.endswith("No such file or directory") for line in ran.err.splitlines())
    if ran.rc != 0 and not (ran.err and vanished):
        raise CannotApply("the walk over the file systems failed: " + ran.said)
    return sorted(path for path in set(ran.out.split("\0")) if path)


def roots(system: System) -> list[str]:
    """Return / and the other mounted file systems that lie on this host's own disks."""
    points = ["/"]
    for line in system.ask("cat", "/proc/self/mounts").out.splitlines():
        fields = line.split(" ")
        if fields[2] in LOCAL and not fields[1].startswith(("/proc", "/sys", "/dev", "/run")) and "\\" not in fields[1]:
            points.append(fields[1])
    return list(dict.fromkeys(points))


if __name__ == "__main__":
    run_module(plan)
