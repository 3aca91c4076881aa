#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.sudo_option: a `Defaults` option of sudo. with: {option}; true or false for a flag, else its value."""

from __future__ import annotations

import re

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

# Drop-ins are read in order of name and the last value wins; names with a dot are not read.
OURS = "/etc/sudoers.d/zz-hardening"


def plan(control: Control, system: System) -> None:
    """Write our drop-in; lines that name a user, a host or a command stay, and the look reports them."""
    if not any(re.match(r"^[@#]includedir\s+/etc/sudoers\.d\s*$", line) for line in system.file("/etc/sudoers").lines):
        raise CannotApply("/etc/sudoers does not include /etc/sudoers.d; add `@includedir /etc/sudoers.d` at its end")
    system.dropin(OURS, mode="0440").set(control.id, "Defaults " + said(str(control.params["option"]), control.value))


def said(option: str, value: object) -> str:
    """Spell an option as sudoers(5) has it."""
    if value is None or value is False or str(value) == "false":
        return "!" + option
    if value is True or str(value) == "true":
        return option
    if re.match(r"^-?[A-Za-z0-9_./]+$", str(value)):
        return option + "=" + str(value)
    if '"' in str(value) or "\n" in str(value):
        raise CannotApply(repr(value) + " cannot stand in a line of sudoers")
    return option + '="' + str(value) + '"'


if __name__ == "__main__":
    # With -f the rules alone are checked: a wrong mode of another file is no reason to refuse a line of ours.
    run_module(plan, validate=[["visudo", "-c", "-q", "-f", "/etc/sudoers"]])
