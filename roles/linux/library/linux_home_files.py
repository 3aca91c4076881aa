#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.home_files: dot files in homes. with: {which}; `writable`, `open_secrets` are closed, `trusting` go."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module
from ansible.module_utils.hardening_core.people import people

SECRETS = (".netrc", ".pgpass", ".my.cnf", ".git-credentials", ".bash_history", ".psql_history", ".mysql_history")
TRUSTING = ("/.rhosts", "/.shosts")


def plan(control: Control, system: System) -> None:
    """Go through the homes of people and of root."""
    which = str(control.params["which"])
    if which not in ("writable", "open_secrets", "trusting"):
        raise CannotApply("what to do about ." + which + " its owner has to decide")
    places = sorted({fields[5].rstrip("/") for fields in people(system).values() if fields[5] != "/"} | {"/root"})
    for path in [path for place in places for path in system.glob(place + "/.*")]:
        mend(which, path, system)
    if which == "trusting":
        for path in ("/etc/hosts.equiv", "/etc/shosts.equiv"):
            if system.file(path, follow=False).type == "file":
                system.file(path, follow=False).remove()


def mend(which: str, path: str, system: System) -> None:
    """Close or remove one file; links and directories stay."""
    file = system.file(path, follow=False)
    if file.type != "file":
        return
    if which == "writable":
        file.limit_mode("7755")
    elif which == "open_secrets" and path.endswith(tuple("/" + name for name in SECRETS)):
        file.limit_mode("7700")
    elif which == "trusting" and path.endswith(TRUSTING):
        file.remove()


if __name__ == "__main__":
    run_module(plan)
