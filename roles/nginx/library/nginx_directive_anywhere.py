#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind nginx.directive_anywhere: a directive has no other value in any block. with: {directive}."""

from __future__ import annotations

import re

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module
from ansible.module_utils.hardening_nginx import CHECK, OURS, RELOAD, files_read, need_dropins, one_line


def plan(control: Control, system: System) -> None:
    """Lines with another value become comments; ours stands at the level of http."""
    directive, value = str(control.params["directive"]), one_line(control.value)
    need_dropins(system)
    other = re.compile(r"^\s*" + re.escape(directive) + r"\s+(?!" + re.escape(value) + r"\s*;)[^;{}]+;\s*(#.*)?$")
    any_other = re.compile(r"[{;]\s*" + re.escape(directive) + r"\s+(?!" + re.escape(value) + r"\s*;)")
    for path in files_read(system):
        if path == OURS:
            continue
        file = system.file(path)
        for line in file.lines:
            if any_other.search(line.split("#")[0]):
                raise CannotApply(
                    path + ": " + directive + " does not stand on a line of its own: " + line.strip()[:80]
                )
        file.comment_out(other, note=control.id)
    system.dropin(OURS).set(control.id, directive + " " + value + ";")


def main() -> None:
    """Validate with nginx itself, then reload."""
    run_module(plan, validate=[CHECK], reload=[RELOAD])


if __name__ == "__main__":
    main()
