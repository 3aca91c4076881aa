#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.interface_sysctl: a parameter of every present interface. with: {key} with * for the interface."""

from __future__ import annotations

import glob
import os

from ansible.module_utils.hardening_core import Control, System, run_module

OURS = "/etc/sysctl.d/zz-hardening.conf"
# Interfaces that container engines and hypervisors make and remove by the minute; they start with the default.
PASSING = ("veth", "docker", "br-", "cni", "cali", "flannel", "virbr", "vnet", "tap", "lxc")


def plan(control: Control, system: System) -> None:
    """Set it on each interface now, and name each for the next boot."""
    parts = str(control.params["key"]).split(".")
    star = parts.index("*")
    directory = "/proc/sys/" + "/".join(parts[:star])
    lines = []
    for path in sorted(glob.glob(system.host.path(directory) + "/*")):
        interface = os.path.basename(path)
        if interface in ("all", "default", "lo") or interface.startswith(PASSING):
            continue
        # Slashes separate here, as the name of an interface may hold dots.
        name = "/".join([*parts[:star], interface, *parts[star + 1 :]])
        system.sysctl(name).set(str(control.value))
        lines.append(name + " = " + str(control.value))
    if lines:
        system.dropin(OURS).set(control.id, "\n".join(lines))


if __name__ == "__main__":
    run_module(plan)
