#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.su_group: the group whose members alone may use su. The value is its name, null for everybody."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

PATH = "/etc/pam.d/su"
ASKS = r"^\s*auth\s+(required|requisite)\s+(\S*/)?pam_wheel\.so(?!.*\b(deny|trust)\b)"


def plan(control: Control, system: System) -> None:
    """Have pam_wheel asked right after root was let through."""
    file = system.file(PATH)
    if not file.exists:
        raise CannotApply(PATH + " does not exist: there is no su here, or it keeps its PAM rules elsewhere")
    if control.value is None:
        file.replace_lines(ASKS, None)
        return
    group = str(control.value)
    members = system.ask("getent", "group", group)
    if members.rc != 0:
        raise CannotApply("there is no group " + group + "; make it, and put into it who is to use su")
    line = "auth\trequired\tpam_wheel.so use_uid group=" + group
    lines = file.lines
    if line in lines:
        return
    file.replace_lines(ASKS, None)
    file.insert_after(r"^\s*auth\s+sufficient\s+(\S*/)?pam_rootok\.so", line)


if __name__ == "__main__":
    run_module(plan)
