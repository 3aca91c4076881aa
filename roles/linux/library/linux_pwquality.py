#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.pwquality: an option of libpwquality. with: {option}; true is a bare word, null is none."""

from __future__ import annotations

import re

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

MAIN = "/etc/security/pwquality.conf"
OURS = "/etc/security/pwquality.conf.d/zz-hardening.conf"


def plan(control: Control, system: System) -> None:
    """Write our drop-in, and silence lines of other files that come after it: libpwquality reads its main file last."""
    option = str(control.params["option"])
    if not system.file(MAIN).exists:
        raise CannotApply(MAIN + " does not exist; install libpam-pwquality (or libpwquality) first")
    for path in system.glob("/etc/pam.d/*"):
        argument = r"pam_pwquality\.so[^#]*\s" + re.escape(option) + r"(=|\s|$)"
        if any(re.search(argument, line.partition("#")[0] + " ") for line in system.file(path).lines):
            raise CannotApply(path + " gives pam_pwquality " + option + " as an argument, which wins over every file")
    if control.value is None or str(control.value) == "false":
        system.dropin(OURS).remove(control.id)
    else:
        bare = control.value is True or str(control.value) == "true"
        system.dropin(OURS).set(control.id, option if bare else option + " = " + str(control.value))
    for path in [MAIN, *system.glob("/etc/security/pwquality.conf.d/*.conf")]:
        if path == MAIN or (path != OURS and path > OURS):
            system.file(path).comment_out(r"^\s*" + re.escape(option) + r"\s*(=|$)", note=control.id)


if __name__ == "__main__":
    run_module(plan)
