"""Accounts of people: those who can log in and are no system accounts. Several kinds go through their homes."""

from __future__ import annotations

import re
from typing import Dict, List

from .system import System

# Names of shells that let nobody work.
NO_SHELLS = ("nologin", "false", "true", "sync")


def people(system: System) -> Dict[str, List[str]]:
    """Return the fields of /etc/passwd of each person's account, by name."""
    lowest, highest = bound("UID_MIN", 1000, system), bound("UID_MAX", 60000, system)
    rows = [line.split(":") for line in system.file("/etc/passwd").lines]
    return {
        fields[0]: fields
        for fields in rows
        if len(fields) == 7
        and fields[2].isdigit()
        and lowest <= int(fields[2]) <= highest
        and fields[6].rsplit("/", 1)[-1] not in NO_SHELLS
    }


def bound(name: str, default: int, system: System) -> int:
    """Return a number of /etc/login.defs."""
    found = re.search(r"^\s*" + name + r"\s+([0-9]+)", system.file("/etc/login.defs").text, re.M)
    return int(found.group(1)) if found else default
