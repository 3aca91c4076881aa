#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.units: systemd units run, or do not. with: {names}; the value is `on`, `off` (masked) or `allowed`."""

from __future__ import annotations

import os
import re
from typing import List

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

UNIT_DIRECTORY = "/etc/systemd/system/"


def plan(control: Control, system: System) -> None:
    """Enable, mask or allow every unit of the list that this host has."""
    names = [str(name) for name in control.params["names"]]
    # What is done to a unit holds for its other names; an alias cannot be masked itself.
    present = sorted({unit_of(name, system) for name in names if system.unit(name).exists})
    value = str(control.value)
    if value not in ("on", "off", "allowed"):
        raise CannotApply(repr(value) + " is nothing a unit can be; use on, off or allowed")
    if value == "on" and not present:
        raise CannotApply("none of these units is installed: " + ", ".join(names))
    for name in present:
        if value == "on":
            system.unit(name).enable()
        elif value == "off":
            switch_off(name, system)
        elif system.unit(name).state["enabled"] == "masked":
            system.unit(name).change(enabled="disabled", links=None)


def unit_of(name: str, system: System) -> str:
    """Return the unit that a name stands for: the name itself, or what it is an alias of."""
    said = system.ask("systemctl", "show", "--property=Id", "--", name).out.strip()
    return said[len("Id=") :] if said.startswith("Id=") else name


def switch_off(name: str, system: System) -> None:
    """Mask a unit, unless somebody is being served by it this moment."""
    unit = system.unit(name)
    clients = served(name, system) if unit.active else []
    if clients:
        raise CannotApply(
            name
            + " serves "
            + str(len(clients))
            + " connections now ("
            + ", ".join(clients[:3])
            + "); stop it yourself "
            "when nobody needs it, or waive the control"
        )
    if system.file(UNIT_DIRECTORY + name, follow=False).type == "file":
        # Where the unit itself stands no mask can be laid over it.
        unit.disable()
    else:
        unit.mask()


def served(name: str, system: System) -> List[str]:
    """Return the other sides of the connections that the unit's processes have with other hosts."""
    clients = []
    for line in system.ask("ss", "-Htnp", "state", "established").out.splitlines():
        words = line.split()
        peer = words[3].rpartition(":")[0] if len(words) > 3 else ""
        if not peer.startswith(("127.", "[::1]", "[::ffff:127.")):
            pids = re.findall(r"pid=([0-9]+)", line)
            if any(("/" + name) in cgroups(pid, system) for pid in pids):
                clients.append(peer)
    return clients


def cgroups(pid: str, system: System) -> str:
    """Return the control groups of a process; one that ended has none."""
    try:
        with open(os.path.join(system.host.path("/proc"), pid, "cgroup"), encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


if __name__ == "__main__":
    run_module(plan)
