#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.firewall_services: one service loads the packet filter at boot. The value is its unit, or `none`."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module
from ansible.module_utils.hardening_core.firewall import FRONT_ENDS


def plan(control: Control, system: System) -> None:
    """Enable the wanted one where there is none; which of two that are enabled has to go is for a person to say.

    Nothing is started or stopped: both would flush the rules that are loaded now, those of containers included.
    """
    wanted = str(control.value)
    enabled = [name for name in FRONT_ENDS if system.unit(name).state["enabled"] == "enabled"]
    if wanted == "none":
        for name in enabled:
            system.unit(name).change(enabled="disabled", links=None)
        return
    if len(enabled) > 1:
        raise CannotApply(
            "several services load a packet filter at boot: " + ", ".join(enabled) + "; disable all but one"
        )
    if not enabled:
        if not system.unit(wanted).exists:
            raise CannotApply(wanted + " is not installed")
        system.unit(wanted).change(enabled="enabled", links=None)


if __name__ == "__main__":
    run_module(plan)
