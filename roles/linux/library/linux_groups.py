#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.groups: groups of a sort there shall be none of. with: {which}; `shadow_members` can be mended."""

from __future__ import annotations

import re

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module


def plan(control: Control, system: System) -> None:
    """Empty the group's list of members."""
    if control.params["which"] != "shadow_members":
        sort = str(control.params["which"]).replace("_", " ")
        raise CannotApply("what to do about " + sort + " a person has to decide")
    for path in ("/etc/group", "/etc/gshadow"):
        file = system.file(path)
        for line in file.lines:
            fields = line.split(":")
            if fields[0] == "shadow" and len(fields) == 4:
                if path == "/etc/group" and is_main_group(fields[2], system):
                    raise CannotApply("shadow is the main group of an account; `usermod --gid` gives it another")
                file.replace_lines(r"^shadow:", ":".join([*fields[:3], ""]))


def is_main_group(number: str, system: System) -> bool:
    """Tell whether an account has the group as its main one."""
    return any(re.match(r"^[^:]*:[^:]*:[^:]*:" + number + ":", line) for line in system.file("/etc/passwd").lines)


if __name__ == "__main__":
    run_module(plan)
