#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.home_modes: homes of people have no permission bit beyond the wanted ones. The value is an octal mode."""

from __future__ import annotations

from ansible.module_utils.hardening_core import Control, System, run_module
from ansible.module_utils.hardening_core.people import people


def plan(control: Control, system: System) -> None:
    """Take bits away; what is stricter already stays."""
    for fields in people(system).values():
        if fields[5].startswith("/") and system.file(fields[5]).type == "directory":
            system.file(fields[5]).limit_mode(str(control.value))


if __name__ == "__main__":
    run_module(plan)
