#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.login_defs: an option of /etc/login.defs. with: {option}; the value is the option's."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

PATH = "/etc/login.defs"


def plan(control: Control, system: System) -> None:
    """Edit the file: it has no drop-ins."""
    file = system.file(PATH)
    if not file.exists:
        raise CannotApply(PATH + " does not exist; it comes with the login tools of the system")
    file.set_key(str(control.params["option"]), str(control.value), separator="\t")


if __name__ == "__main__":
    run_module(plan)
