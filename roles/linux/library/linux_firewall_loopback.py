#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.firewall_loopback: loopback addresses from outside. with: {family}; the value is `dropped` or `let in`."""

from __future__ import annotations

from ansible.module_utils.hardening_core import Control, System, run_module
from ansible.module_utils.hardening_core.firewall import Table, refuse_other_front_ends

NETWORK = {"ip": "ip saddr 127.0.0.0/8", "ip6": "ip6 saddr ::1"}


def plan(control: Control, system: System) -> None:
    """Have a table of our own that drops them before any other rule sees them; or none."""
    family = str(control.params["family"])
    table = Table(system, family=family, purpose="loopback")
    if str(control.value) == "let in":
        table.remove(control.id)
        return
    refuse_other_front_ends(system)
    table.set(control.id, "input", ['iif != "lo" ' + NETWORK[family] + " drop"], policy="accept", priority="-10")


if __name__ == "__main__":
    run_module(plan)
