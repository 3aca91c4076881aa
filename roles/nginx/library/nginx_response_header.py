#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind nginx.response_header: every answer carries a header. with: {header}."""

from __future__ import annotations

import re

from ansible.module_utils.hardening_core import Control, System, run_module
from ansible.module_utils.hardening_nginx import CHECK, OURS, RELOAD, files_read, need_dropins, one_line

ANY_HEADER = re.compile(r"^\s*add_header\s")


def plan(control: Control, system: System) -> None:
    """Send it from http; a block that adds headers of its own inherits none, so it gets the line too."""
    header = str(control.params["header"])
    line = 'add_header {} "{}" always;'.format(header, one_line(control.value).replace('"', ""))
    need_dropins(system)
    same = re.compile(r"^\s*add_header\s+" + re.escape(header) + r"\s", re.IGNORECASE)
    for path in files_read(system):
        if path == OURS:
            continue
        file = system.file(path)
        lines = []
        in_block = False
        for each in file.lines:
            if same.match(each):
                if each.strip() != line:
                    continue
                in_block = True
            elif ANY_HEADER.match(each) and not in_block:
                if line not in [other.strip() for other in file.lines]:
                    lines.append(re.match(r"^\s*", each).group(0) + line)  # type: ignore[union-attr]  # always matches
                in_block = True
            elif "{" in each or "}" in each:
                in_block = False
            lines.append(each)
        if lines != file.lines:
            file.set_text("\n".join(lines) + "\n")
    system.dropin(OURS).set(control.id, line)


def main() -> None:
    """Validate with nginx itself, then reload."""
    run_module(plan, validate=[CHECK], reload=[RELOAD])


if __name__ == "__main__":
    main()
