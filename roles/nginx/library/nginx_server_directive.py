#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind nginx.server_directive: a directive holds in every server. with: {directive, tls_only}."""

from __future__ import annotations

import re

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module
from ansible.module_utils.hardening_nginx import CHECK, OURS, RELOAD, files_read, need_dropins, one_line


def plan(control: Control, system: System) -> None:
    """Set it once for all servers in our drop-in; other values of it become comments, so that all inherit ours."""
    directive, value = str(control.params["directive"]), one_line(control.value)
    need_dropins(system)
    here = re.compile(r"^\s*" + re.escape(directive) + r"\s+[^;{}]+;\s*(#.*)?$")
    for path in files_read(system):
        if path == OURS:
            continue
        file = system.file(path)
        for line in file.lines:
            if re.match(r"^\s*" + re.escape(directive) + r"\s", line) and not here.match(line):
                raise CannotApply(
                    path + ": " + directive + " does not stand on a line of its own: " + line.strip()[:80]
                )
        file.comment_out(here, note=control.id)
    system.dropin(OURS).set(control.id, directive + " " + value + ";")


def main() -> None:
    """Validate with nginx itself, then reload."""
    run_module(plan, validate=[CHECK], reload=[RELOAD])


if __name__ == "__main__":
    main()
