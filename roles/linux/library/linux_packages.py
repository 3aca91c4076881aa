#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.packages: packages are installed, or are not. with: {names}; the value is `absent` or `present`."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module


def plan(control: Control, system: System) -> None:
    """Remove all that are named, or install the first that can be had; the core refuses what takes others along."""
    names = [str(name) for name in control.params["names"]]
    value = "absent" if control.value is None else str(control.value)
    if value not in ("absent", "present"):
        raise CannotApply(repr(value) + " is nothing a package can be; use absent or present")
    installed = [name for name in names if system.package(name).installed]
    if value == "absent":
        for name in installed:
            system.package(name).remove()
    elif not installed:
        install_one(names, system)


def install_one(names: list[str], system: System) -> None:
    """Install the first of the names that a repository has."""
    for name in names:
        # A transitional package only drags in another of the list; a virtual one has no version of its own.
        if any(line.strip() for line in system.ask("apt-cache", "madison", name).out.splitlines()):
            system.package(name).install()
            return
    raise CannotApply("no repository of this host has any of: " + ", ".join(names))


if __name__ == "__main__":
    run_module(plan)
