#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.audit_privileged: use of every set-user-ID and set-group-ID program is recorded. `present` or `absent`."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

OURS = "/etc/audit/rules.d/60-hardening.rules"
NOT_WALKED = (
    "/proc", "/sys", "/dev", "/run", "/var/lib/docker", "/var/lib/containers", "/var/lib/containerd", "/var/lib/lxc",
    "/var/lib/machines", "/snap",
)  # fmt: skip
LOCAL = ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "jfs", "reiserfs", "bcachefs")
RULE = "-a always,exit -F path={} -F perm=x -F auid>=1000 -F auid!=unset -F key=privileged"


def plan(control: Control, system: System) -> None:
    """Write a rule for each program that a walk over the local file systems finds."""
    if not system.file("/etc/audit/rules.d").exists:
        raise CannotApply("/etc/audit/rules.d does not exist; install auditd first")
    if str(control.value) == "absent":
        system.dropin(OURS, mode="0640").remove(control.id)
    else:
        lines = [RULE.format(path) for path in programs(system)]
        system.dropin(OURS, mode="0640").set(control.id, "\n".join(lines))
    if system.overlay.has_work and "\nenabled 2\n" in "\n" + system.ask("auditctl", "-s").out:
        raise CannotApply("the rules are locked until the next reboot (enabled 2), so none can be loaded now")


def programs(system: System) -> "list[str]":
    """Return the programs that run with rights of their owner or group."""
    roots = ["/"]
    for line in system.ask("cat", "/proc/self/mounts").out.splitlines():
        fields = line.split(" ")
        if fields[2] in LOCAL and not fields[1].startswith(("/proc", "/sys", "/dev", "/run")) and "\\" not in fields[1]:
            roots.append(fields[1])
    prunes = [word for path in NOT_WALKED for word in ("-o", "-path", path)]
    wanted = ["-type", "f", "-perm", "/6000", "-print"]
    found = system.ask("find", *dict.fromkeys(roots), "-xdev", "(", *prunes[1:], ")", "-prune", "-o", *wanted)
    if found.rc != 0:
        raise CannotApply("the walk over the file systems failed: " + found.said)
    return sorted({path for path in found.out.splitlines() if " " not in path})


if __name__ == "__main__":
    run_module(plan, reload=["run:audit-rules"])
