#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.firewall_policy: what no rule names is dropped. with: {hook, family}; the value is `drop` or `accept`."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module
from ansible.module_utils.hardening_core.firewall import Table, input_rules, refuse_other_front_ends


def plan(control: Control, system: System) -> None:
    """Have a table of our own that drops by default and lets in what is served now; or none."""
    hook, family = str(control.params["hook"]), str(control.params["family"])
    table = Table(system, family=family, purpose=hook)
    if str(control.value) == "accept":
        table.remove(control.id)
        return
    refuse_other_front_ends(system)
    if hook == "input":
        table.set(control.id, hook, [*input_rules(system, family, known=table.ports)], policy="drop")
    elif system.sysctl("net.ipv4.ip_forward" if family == "ip" else "net.ipv6.conf.all.forwarding").value == "1":
        raise CannotApply(
            "this host forwards packets (containers, or it is a router); their rules are for its engine to make"
        )
    else:
        table.set(control.id, hook, [], policy="drop")


if __name__ == "__main__":
    run_module(plan)
