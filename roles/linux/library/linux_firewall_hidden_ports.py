#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.firewall_hidden_ports: every port that serves others is let in by our own filter."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module
from ansible.module_utils.hardening_core.firewall import Table, input_rules


def plan(control: Control, system: System) -> None:
    """Derive the allowances of our tables again; a filter that somebody else wrote is his to change."""
    ours = [
        table for table in (Table(system, family=family, purpose="input") for family in ("ip", "ip6")) if table.text
    ]
    if not ours:
        raise CannotApply("the filter that drops by default is not ours; name the ports in its own rules")
    for table in ours:
        rules = input_rules(system, table.family, known=table.ports)
        table.set(table.owner or control.id, "input", rules, policy="drop")


if __name__ == "__main__":
    run_module(plan)
