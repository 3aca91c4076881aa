#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.file_mode: a path has no permission bit beyond the wanted ones. with: {path}; value: octal mode."""

from __future__ import annotations

from ansible.module_utils.hardening_core import Control, System, run_module


def plan(control: Control, system: System) -> None:
    """Take bits away; what is stricter already stays."""
    system.file(str(control.params["path"])).limit_mode(str(control.value))


if __name__ == "__main__":
    run_module(plan)
