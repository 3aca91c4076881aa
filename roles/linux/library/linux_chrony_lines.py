#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.chrony_lines: lines of chrony's configuration. with: {directive}; the value follows it, or null."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

OURS = "/etc/chrony/conf.d/zz-hardening.conf"


def plan(control: Control, system: System) -> None:
    """Have no such line anywhere, or one of our own; chronyd reads its configuration only when it starts."""
    directive = str(control.params["directive"])
    if directive == "source":
        raise CannotApply(
            "which time servers are right is for the organisation to say; write them into chrony's sources.d"
        )
    if control.value is None:
        system.dropin(OURS).remove(control.id)
        for path in ["/etc/chrony/chrony.conf", *system.glob("/etc/chrony/conf.d/*.conf")]:
            if path != OURS and system.file(path).exists:
                system.file(path).comment_out(r"^\s*" + directive + r"(\s|$)", note=control.id)
    else:
        system.dropin(OURS).set(control.id, directive + " " + str(control.value))
    system.after("restart:chrony.service")


if __name__ == "__main__":
    run_module(plan)
