#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.rsyslog_directive: a global directive of rsyslog. with: {name}; the value is the directive's."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

# Included before the rules, so that it holds for every file they name; the last value before a rule wins.
OURS = "/etc/rsyslog.d/zz-hardening.conf"


def plan(control: Control, system: System) -> None:
    """Write our drop-in."""
    if not system.file("/etc/rsyslog.conf").exists:
        raise CannotApply("rsyslog is not installed")
    system.dropin(OURS).set(control.id, "$" + str(control.params["name"]) + " " + str(control.value))


if __name__ == "__main__":
    run_module(plan, validate=[["rsyslogd", "-N1"]], reload=["restart:rsyslog.service"])
