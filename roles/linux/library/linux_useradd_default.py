#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.useradd_default: a default of new accounts. with: {option}; the value is the option's."""

from __future__ import annotations

from ansible.module_utils.hardening_core import Control, System, run_module


def plan(control: Control, system: System) -> None:
    """Edit the file that `useradd -D` reads."""
    system.file("/etc/default/useradd").set_key(str(control.params["option"]), str(control.value))


if __name__ == "__main__":
    run_module(plan)
