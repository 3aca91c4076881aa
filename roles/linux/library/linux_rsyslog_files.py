#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.rsyslog_files: messages of a facility go to a file. with: {facility}; the value is the file."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

OURS = "/etc/rsyslog.d/zz-hardening.conf"


def plan(control: Control, system: System) -> None:
    """Write a rule of our own; where rules of others do it already nobody asks us."""
    if not system.file("/etc/rsyslog.conf").exists:
        raise CannotApply("rsyslog is not installed")
    facility = str(control.params["facility"])
    names = "auth,authpriv" if facility in ("auth", "authpriv") else facility
    system.dropin(OURS).set(control.id, names + ".*\t" + str(control.value))


if __name__ == "__main__":
    run_module(plan, validate=[["rsyslogd", "-N1"]], reload=["restart:rsyslog.service"])
