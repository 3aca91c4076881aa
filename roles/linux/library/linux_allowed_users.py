#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.allowed_users: an allow list exists. with: {path}; the value is its names, or `everybody` for no list."""

from __future__ import annotations

import os
import pwd
from typing import Set

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

JOBS = {"cron": "/var/spool/cron/crontabs", "at": "/var/spool/cron/atjobs"}
# crontab reads its list with the rights of this group, at with those of daemon.
READERS = {"cron": "crontab", "at": "daemon"}


def plan(control: Control, system: System) -> None:
    """Make the list; who has jobs already stays on it, so that nobody is cut off from his own."""
    path = str(control.params["path"])
    service = os.path.basename(path).split(".")[0]
    file = system.file(path)
    if str(control.value) == "everybody":
        file.remove()
        return
    if service not in JOBS:
        raise CannotApply(path + " is no allow list of cron or at")
    present = set(file.text.split())
    wanted = set(str(control.value).split()) | owners(system.host.path(JOBS[service]))
    if file.exists and wanted <= present:
        return
    file.set_text("".join(name + "\n" for name in sorted(wanted | present)), mode="0640")
    file.set_owner("root", READERS[service])


def owners(directory: str) -> Set[str]:
    """Return the users who have jobs."""
    found = set()
    for entry in os.scandir(directory) if os.path.isdir(directory) else ():
        if entry.is_file(follow_symlinks=False) and not entry.name.startswith("."):
            try:
                found.add(pwd.getpwuid(entry.stat(follow_symlinks=False).st_uid).pw_name)
            except KeyError:
                continue  # Jobs of an account that is gone run for nobody.
    return found


if __name__ == "__main__":
    run_module(plan)
