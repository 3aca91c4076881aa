#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.system_entries: no line of the account files begins with a plus or minus sign."""

from __future__ import annotations

from ansible.module_utils.hardening_core import Control, System, run_module


def plan(control: Control, system: System) -> None:
    """Remove such lines: these files know no comments."""
    for path in ("/etc/passwd", "/etc/shadow", "/etc/group"):
        system.file(path).replace_lines(r"^[+-]", None)


if __name__ == "__main__":
    run_module(plan)
