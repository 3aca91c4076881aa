#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.audit_status: a field of the audit system's state. with: {field: enabled | failure | backlog_limit}."""

from __future__ import annotations

import re

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

# The last line about a field counts, and Debian sets some in audit.rules; the lock has to be the last line of all.
OURS = "/etc/audit/rules.d/zy-hardening-state.rules"
LOCK = "/etc/audit/rules.d/zz-hardening-lock.rules"
OPTIONS = {"enabled": "-e", "failure": "-f", "backlog_limit": "-b"}


def plan(control: Control, system: System) -> None:
    """Write our file; augenrules merges and loads it."""
    field, value = str(control.params["field"]), str(control.value)
    if not system.file("/etc/audit/rules.d").exists:
        raise CannotApply("/etc/audit/rules.d does not exist; install auditd first")
    system.dropin(LOCK if field == "enabled" else OURS, mode="0640").set(control.id, OPTIONS[field] + " " + value)
    if system.overlay.has_work and re.search(r"^enabled 2$", system.ask("auditctl", "-s").out, re.M):
        raise CannotApply("the audit system is locked until the next reboot (enabled 2), so nothing can be changed")


if __name__ == "__main__":
    run_module(plan, reload=["run:audit-rules"])
