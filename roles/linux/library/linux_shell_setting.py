#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.shell_setting: a variable of login shells, or `umask`. with: {name}; null takes our line away."""

from __future__ import annotations

import re

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

# Read last of /etc/profile.d; plain sh reads it, too.
OURS = "/etc/profile.d/zz-hardening.sh"


def plan(control: Control, system: System) -> None:
    """Write our drop-in: a variable that is fixed already stays as it is, and does not end the login."""
    name, value = str(control.params["name"]), control.value
    dropin = system.dropin(OURS)
    if value is None:
        dropin.remove(control.id)
        return
    if not re.match(r"^[A-Za-z_][A-Za-z0-9_]*$", name) or "'" in str(value) or "\n" in str(value):
        raise CannotApply("{!r} cannot be {!r}".format(name, value))
    if name == "umask":
        dropin.set(control.id, "umask " + str(value))
    else:
        dropin.set(control.id, "(unset {0}) 2>/dev/null && {0}='{1}'; export {0}".format(name, value))


if __name__ == "__main__":
    run_module(plan)
