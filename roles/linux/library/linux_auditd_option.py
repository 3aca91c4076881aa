#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.auditd_option: an option of auditd.conf. with: {option}; the value is the option's."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

PATH = "/etc/audit/auditd.conf"


def plan(control: Control, system: System) -> None:
    """Edit the file: it has no drop-ins."""
    file = system.file(PATH)
    if not file.exists:
        raise CannotApply(PATH + " does not exist; install auditd first")
    option, value = str(control.params["option"]), str(control.value)
    now = [line.partition("=")[2].strip() for line in file.lines if line.partition("=")[0].strip() == option]
    if not now or now[-1].lower() != value.lower():
        file.set_key(option, value, separator=" = ")


if __name__ == "__main__":
    # Debian's unit cannot reload. A restart keeps the rules, and a daemon that refuses its file has it put back.
    run_module(plan, reload=["reload:auditd.service"])
