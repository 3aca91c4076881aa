# SPDX-License-Identifier: Apache-2.0
"""What the modules of this role share: which files nginx reads, and our drop-in at the level of http."""

from __future__ import annotations

import os
import re
from typing import List

from ansible.module_utils.hardening_core import CannotApply, System

MAIN = "/etc/nginx/nginx.conf"
OURS = "/etc/nginx/conf.d/00-hardening.conf"
CHECK = ["nginx", "-t"]
RELOAD = "reload:nginx.service"
DEEPEST = 20


def files_read(system: System) -> List[str]:
    """Return every file that nginx reads, the main file first, by following `include`."""
    found: List[str] = []
    waiting = [(MAIN, 0)]
    while waiting:
        path, depth = waiting.pop(0)
        if path in found or not system.file(path).exists:
            continue
        if depth > DEEPEST:
            raise CannotApply(path + " is included more than " + str(DEEPEST) + " files deep")
        found.append(path)
        for line in system.file(path).lines:
            match = re.match(r"^\s*include\s+([^;]+);", line)
            if match:
                pattern = os.path.join(os.path.dirname(MAIN), match.group(1).strip().strip("\"'"))
                waiting += [(each, depth + 1) for each in system.glob(pattern)]
    return found


def need_dropins(system: System) -> None:
    """Refuse where nginx does not read our drop-in."""
    for line in system.file(MAIN).lines:
        if re.match(r"^\s*include\s+/etc/nginx/conf\.d/\*\.conf\s*;", line):
            return
    raise CannotApply(MAIN + " does not include /etc/nginx/conf.d/*.conf; add that line to its http block")


def one_line(value: object) -> str:
    """Return a value that can stand in a directive."""
    text = str(value)
    if not text or re.search(r"[;{}\n#]", text):
        raise CannotApply(repr(text) + " cannot stand in a directive of nginx")
    return text
