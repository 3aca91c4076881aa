#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.pam_option: an argument of a module. with: {services, type, module, option}; true: a word, null: none."""

from __future__ import annotations

import re
from typing import List

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module


def plan(control: Control, system: System) -> None:
    """Change the argument in every file that the services go through and that loads the module."""
    type_, module, option = (str(control.params[name]) for name in ("type", "module", "option"))
    files = [
        name
        for name in reached([str(service) for service in control.params["services"]], type_, system)
        if any(loads(line, type_, module) for line in system.file("/etc/pam.d/" + name).lines)
    ]
    if not files:
        raise CannotApply("none of the services goes through " + module + ", so it can be given no argument")
    for name in files:
        handle = system.resource("pam_argument", " ".join((name, type_, module, option)))
        count = sum(1 for line in system.file("/etc/pam.d/" + name).lines if loads(line, type_, module))
        if control.value is None or str(control.value) == "false":
            words: List[List[object]] = []
        else:
            bare = control.value is True or str(control.value) == "true"
            words = [[ordinal, option if bare else option + "=" + str(control.value)] for ordinal in range(count)]
        if handle.state["words"] != words:
            handle.change(words=words, places=handle.state["places"] if words else [])


def reached(services: List[str], type_: str, system: System) -> List[str]:
    """Return the files of /etc/pam.d that the services go through for a type."""
    files: List[str] = []
    waiting = list(services)
    while waiting:
        name = waiting.pop(0)
        if name in files or not system.file("/etc/pam.d/" + name).exists:
            continue
        files.append(name)
        for line in system.file("/etc/pam.d/" + name).lines:
            found = re.match(r"^\s*(?:@include|-?" + type_ + r"\s+(?:include|substack))\s+(\S+)", line)
            if found:
                waiting.append(found.group(1))
    return files


def loads(line: str, type_: str, module: str) -> bool:
    """Tell whether a line loads the module for the type."""
    pattern = r"^\s*-?" + type_ + r"\s+(\[[^\]]*\]|\S+)\s+(\S*/)?" + re.escape(module) + r"(\s|$)"
    return re.match(pattern, line) is not None


if __name__ == "__main__":
    run_module(plan)
