#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.root_path: directories of root's search path are root's alone. with: {which: open}."""

from __future__ import annotations

import os

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

ENVIRONMENT = ("env", "-i", "HOME=/root", "USER=root", "LOGNAME=root", "TERM=dumb")
SHELL = (*ENVIRONMENT, "bash", "--login", "-c", "printf '\\nPATH=%s\\n' \"$PATH\"")


def plan(control: Control, system: System) -> None:
    """Take the write permission of group and others away, and give the directory to root."""
    if control.params["which"] != "open":
        raise CannotApply("a person has to take the entry out where it is put in")
    said = system.ask(*SHELL)
    if said.rc != 0 or "\nPATH=" not in said.out:
        raise CannotApply("root's login shell told no PATH: " + said.said)
    for entry in said.out.rpartition("\nPATH=")[2].rstrip("\n").split(":"):
        if entry.startswith("/") and system.file(entry).type == "directory":
            directory = system.file(os.path.normpath(entry))
            directory.limit_mode("7755")
            directory.set_owner("root")


if __name__ == "__main__":
    run_module(plan)
