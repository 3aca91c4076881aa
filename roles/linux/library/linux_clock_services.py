#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.clock_services: one service sets the clock. The value is its unit, or `none`."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

EVERY = ("chrony.service", "chronyd.service", "ntp.service", "ntpd.service", "ntpsec.service", "openntpd.service")
EVERY += ("systemd-timesyncd.service",)


def plan(control: Control, system: System) -> None:
    """Have the wanted service run and every other one masked."""
    wanted = str(control.value)
    if wanted not in (*EVERY, "none"):
        raise CannotApply(wanted + " is no service that sets the clock; there are: " + ", ".join(EVERY))
    if wanted != "none" and not system.unit(wanted).exists:
        raise CannotApply(wanted + " is not installed")
    if wanted != "none":
        system.unit(wanted).enable()
    for name in EVERY:
        # An alias is a service under another name (chronyd.service on Debian); it goes with the service.
        known_as = system.ask("systemctl", "show", "-p", "Id", "--value", "--", name).out.strip()
        if known_as == name and name != wanted and system.unit(name).active:
            system.unit(name).disable()


if __name__ == "__main__":
    run_module(plan)
