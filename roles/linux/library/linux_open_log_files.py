#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.open_log_files: logs are not readable or writable by everybody, nor writable by their group."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

FOR_EVERYBODY = ("wtmp", "btmp", "lastlog", "wtmp.db")


def plan(control: Control, system: System) -> None:
    """Take the permissions of others, and the group's to write, from every log."""
    tests = [part for name in FOR_EVERYBODY for part in ("!", "-name", name)] + ["!", "-path", "/var/log/apt/*"]
    ran = system.ask("find", "/var/log", "-xdev", "-type", "f", "-perm", "/0026", *tests, "-print0")
    if ran.rc != 0:
        raise CannotApply("/var/log cannot be walked: " + ran.said)
    for path in sorted(name for name in ran.out.split("\0") if name):
        system.file(path, follow=False).limit_mode("0751")


if __name__ == "__main__":
    run_module(plan)
