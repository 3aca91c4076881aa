#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.homes: homes of people are there, or are theirs. with: {which: missing | owned_by_other}."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module
from ansible.module_utils.hardening_core.people import people


def plan(control: Control, system: System) -> None:
    """Make the home, or give it to its person; what is in it stays as it is."""
    for name, fields in people(system).items():
        home = system.file(fields[5]) if fields[5].startswith("/") else None
        if home is None or fields[5] == "/":
            raise CannotApply(name + " has no home directory in /etc/passwd; `usermod --home` gives it one")
        if control.params["which"] == "missing" and not home.exists:
            home.make_directory(mode="0700", user=int(fields[2]), group=int(fields[3]))
        elif control.params["which"] == "owned_by_other" and home.type == "directory":
            home.set_owner(int(fields[2]))


if __name__ == "__main__":
    run_module(plan)
