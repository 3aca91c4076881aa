#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.audit_rules: rules of the audit system. with: {rules}; the value is `present` or `absent`."""

from __future__ import annotations

import os
import re
from typing import List

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

OURS = "/etc/audit/rules.d/60-hardening.rules"


def plan(control: Control, system: System) -> None:
    """Write our file of rules, one block per control; augenrules merges and loads it."""
    if not system.file("/etc/audit/rules.d").exists:
        raise CannotApply("/etc/audit/rules.d does not exist; install auditd first")
    if str(control.value) not in ("present", "absent"):
        raise CannotApply(repr(control.value) + " is nothing a rule can be; use present or absent")
    if str(control.value) == "absent":
        system.dropin(OURS, mode="0640").remove(control.id)
    else:
        # Two rules that are alike with the same key are refused, so ours are named like nobody else's.
        key = control.id.replace("linux_", "", 1)
        rules = [str(rule) for rule in control.params["rules"]]
        for rule in rules:
            refuse_unloadable(rule, system)
        system.dropin(OURS, mode="0640").set(control.id, "\n".join(with_key(rule, key) for rule in rules))
    if system.overlay.has_work and is_locked(system):
        raise CannotApply("the rules are locked until the next reboot (enabled 2), so none can be loaded now")


def with_key(rule: str, key: str) -> str:
    """Give a rule the name it is searched by (`ausearch -k`)."""
    return rule + (" -k " if rule.startswith("-w") else " -F key=") + key


def refuse_unloadable(rule: str, system: System) -> None:
    """A watch needs the directory of its path, or auditctl stops there and loads none of the rules after it."""
    found: List[str] = re.findall(r"(?:-w |-F (?:path|dir)=)(\S+)", rule)
    for path in found:
        if not system.file(os.path.dirname(path)).exists:
            raise CannotApply(os.path.dirname(path) + " does not exist, so nothing in it can be watched")


def is_locked(system: System) -> bool:
    """Tell whether the kernel takes no rules any more."""
    return re.search(r"^enabled 2$", system.ask("auditctl", "-s").out, re.M) is not None


if __name__ == "__main__":
    run_module(plan, reload=["run:audit-rules"])
