#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.sudo_file_modes: mode and owner of sudoers and of the files it includes. The value is the mode."""

from __future__ import annotations

from ansible.module_utils.hardening_core import Control, System, run_module


def plan(control: Control, system: System) -> None:
    """Set mode and owner of each file."""
    for path in ["/etc/sudoers", *system.glob("/etc/sudoers.d/*")]:
        file = system.file(path)
        if file.type == "file":
            file.limit_mode(str(control.value))
            file.set_owner("root", "root")


if __name__ == "__main__":
    # With -f the rules alone are checked: a wrong mode of another file is no reason to refuse a line of ours.
    run_module(plan, validate=[["visudo", "-c", "-q", "-f", "/etc/sudoers"]])
