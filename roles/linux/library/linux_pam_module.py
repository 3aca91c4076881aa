#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.pam_module: services go through a PAM module. with: {services, type, module}; `present` or `absent`."""

from __future__ import annotations

import re

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

# What Debian's packages bring as profiles of pam-auth-update is switched on there.
PACKAGED = {"pam_pwquality.so": "pwquality"}


def plan(control: Control, system: System) -> None:
    """Enable the package's profile, or edit the file of each service."""
    type_, module, value = str(control.params["type"]), str(control.params["module"]), str(control.value)
    if value not in ("present", "absent"):
        raise CannotApply(repr(value) + " is nothing a module can be; use present or absent")
    if module in PACKAGED:
        system.resource("pam_profile", PACKAGED[module]).change(enabled=value == "present")
        return
    pattern = r"^\s*-?" + type_ + r"\s+(\[[^\]]*\]|\S+)\s+(\S*/)?" + re.escape(module) + r"(\s|$)"
    for service in map(str, control.params["services"]):
        file = system.file("/etc/pam.d/" + service)
        if not file.exists:
            continue
        if value == "absent":
            file.replace_lines(pattern, None)
        elif not any(re.search(pattern, line) for line in file.lines):
            file.insert_after(r"^\s*" + type_ + r"\s|^@include common-" + type_, type_ + "\trequired\t" + module)


if __name__ == "__main__":
    run_module(plan)
