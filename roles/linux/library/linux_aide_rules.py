#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.aide_rules: AIDE compares paths by checksum. with: {paths}; the value is `checksummed` or `ignored`."""

from __future__ import annotations

from typing import Optional, Sequence

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

MAIN = "/etc/aide/aide.conf"
# A rule that names a path beats the general ones; `aide --path-check` tells which won.
OURS = "/etc/aide/aide.conf.d/05_hardening"
ATTRIBUTES = "p+i+n+u+g+s+b+acl+xattrs+sha512"


def plan(control: Control, system: System) -> None:
    """Write our own file of rules."""
    if not system.file(MAIN).exists:
        raise CannotApply(MAIN + " does not exist; install aide first")
    paths = [str(path) for path in control.params["paths"]]
    if str(control.value) == "checksummed":
        lines = [path + "$ " + ATTRIBUTES for path in paths]
    elif str(control.value) == "ignored":
        lines = ["!" + path + "$" for path in paths]
    else:
        raise CannotApply(repr(control.value) + " is nothing a path can be; use checksummed or ignored")
    system.dropin(OURS).set(control.id, "\n".join(lines))


def checker(system: System) -> Optional[Sequence[str]]:
    """AIDE's own check of its configuration, where there is one to check."""
    return ["aide", "--config-check", "--config=" + MAIN] if system.file(MAIN).exists else None


if __name__ == "__main__":
    run_module(plan, validate=[checker])
