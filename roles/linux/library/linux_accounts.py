#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.accounts: accounts of a sort that there shall be none of. with: {which, ignoring}."""

from __future__ import annotations

import re
from typing import Dict, List

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module
from ansible.module_utils.hardening_core.people import NO_SHELLS, bound

PASSWD, SHADOW = "/etc/passwd", "/etc/shadow"
NOLOGIN = "/usr/sbin/nologin"


def plan(control: Control, system: System) -> None:
    """Mend each account that is of the sort."""
    which = str(control.params["which"])
    mend = {
        "empty_password": lock_empty,
        "unshadowed": move_hashes,
        "system_with_shell": take_shells,
        "system_with_password": lock_passwords,
        "shell_less_with_password": lock_passwords,
    }.get(which)
    if mend is None:
        raise CannotApply("what to do about " + which.replace("_", " ") + " a person has to decide")
    mend(which, [str(name) for name in control.params.get("ignoring") or ()], system)


def lock_empty(_which: str, ignoring: List[str], system: System) -> None:
    """Put a lock where an account has no password at all."""
    hashes = table(SHADOW, system)
    for name, fields in table(PASSWD, system).items():
        if name not in ignoring and fields[1] in ("x", "") and name in hashes and hashes[name][1] == "":
            put(SHADOW, name, 1, "!", system)


def move_hashes(_which: str, ignoring: List[str], system: System) -> None:
    """Move password hashes from the file that everybody reads to the one that root reads."""
    for name, fields in table(PASSWD, system).items():
        if name in ignoring or fields[1] == "x" or fields[1][:1] in ("!", "*"):
            continue
        if name not in table(SHADOW, system):
            system.file(SHADOW).ensure_line(name + ":!:::::::")
        put(SHADOW, name, 1, fields[1] or "!", system)
        put(PASSWD, name, 1, "x", system)


def take_shells(_which: str, ignoring: List[str], system: System) -> None:
    """Give accounts of services the shell that refuses."""
    for name, fields in table(PASSWD, system).items():
        is_system = 0 < int(fields[2]) < bound("UID_MIN", 1000, system)
        if is_system and name not in ignoring and fields[6].rsplit("/", 1)[-1] not in NO_SHELLS:
            put(PASSWD, name, 6, NOLOGIN, system)


def lock_passwords(which: str, ignoring: List[str], system: System) -> None:
    """Put a lock before the hash; `usermod --unlock` takes it away again."""
    hashes = table(SHADOW, system)
    for name, fields in table(PASSWD, system).items():
        number, lowest = int(fields[2]), bound("UID_MIN", 1000, system)
        closed = fields[6].rsplit("/", 1)[-1] in NO_SHELLS
        meant = 0 < number < lowest if which == "system_with_password" else closed and number >= lowest
        if meant and name not in ignoring and name in hashes and hashes[name][1][:1] not in ("", "!", "*"):
            put(SHADOW, name, 1, "!" + hashes[name][1], system)


def table(path: str, system: System) -> Dict[str, List[str]]:
    """Return the fields of each account in a file; lines that are none are left alone."""
    count = 7 if path == PASSWD else 9
    rows = [line.split(":") for line in system.file(path).lines if line[:1] not in ("+", "-", "#", "")]
    return {fields[0]: fields for fields in rows if len(fields) == count and (path == SHADOW or fields[2].isdigit())}


def put(path: str, name: str, place: int, value: str, system: System) -> None:
    """Have one field of an account's line."""
    fields = list(table(path, system)[name])
    fields[place] = value
    system.file(path).replace_lines("^" + re.escape(name) + ":", ":".join(fields))


if __name__ == "__main__":
    run_module(plan)
