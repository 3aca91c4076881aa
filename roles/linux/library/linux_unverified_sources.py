#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.unverified_sources: no package source is trusted without a signature. No parameters, no value."""

from __future__ import annotations

import re

from ansible.module_utils.hardening_core import Control, System, run_module

BLIND = r"(trusted|allow-insecure|allow-weak|allow-downgrade-to-insecure)"
YES = r"(yes|true|1|on)"


def plan(control: Control, system: System) -> None:
    """Take the options that switch signature checks off out of every list; sources without a key stop working."""
    for path in ["/etc/apt/sources.list", *system.glob("/etc/apt/sources.list.d/*.list")]:
        file = system.file(path)
        if file.exists:
            file.set_text("".join(without(line) for line in file.text.splitlines(True)))
    for path in system.glob("/etc/apt/sources.list.d/*.sources"):
        system.file(path).comment_out(
            re.compile(r"^\s*" + BLIND + r"\s*:\s*" + YES + r"\s*$", re.IGNORECASE), note=control.id
        )


def without(line: str) -> str:
    """Return a one-line source without such options, and without empty brackets."""
    found = re.match(r"^(\s*deb(?:-src)?\s+)\[([^\]]*)\](.*)$", line, re.DOTALL)
    if found is None:
        return line
    words = found.group(2).split()
    kept = [word for word in words if not re.match("^" + BLIND + r"\+?=" + YES + "$", word, re.IGNORECASE)]
    if kept == words:
        return line
    rest = found.group(3)
    return found.group(1) + ("[" + " ".join(kept) + "]" + rest if kept else rest.lstrip(" \t"))


if __name__ == "__main__":
    run_module(plan)
