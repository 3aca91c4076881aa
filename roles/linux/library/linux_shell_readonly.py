#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.shell_readonly: can people change a variable of their shell? with: {name}; `readonly` or `writable`."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

# After the file that sets the values.
OURS = "/etc/profile.d/zzz-hardening-fixed.sh"


def plan(control: Control, system: System) -> None:
    """Write our drop-in, or take our line out of it."""
    if str(control.value) not in ("readonly", "writable"):
        raise CannotApply(repr(control.value) + " is nothing a variable can be; use readonly or writable")
    if str(control.value) == "readonly":
        system.dropin(OURS).set(control.id, "readonly " + str(control.params["name"]))
    else:
        system.dropin(OURS).remove(control.id)


if __name__ == "__main__":
    run_module(plan)
