#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.faillock: an option of pam_faillock. with: {option}; true is a bare word, null is none."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

PATH = "/etc/security/faillock.conf"


def plan(control: Control, system: System) -> None:
    """Set the option, and have every way in ask pam_faillock: without that the option means nothing."""
    option = str(control.params["option"])
    file = system.file(PATH)
    if not file.exists:
        raise CannotApply(PATH + " does not exist; this system's PAM has no pam_faillock with a configuration file")
    if control.value is None or str(control.value) == "false":
        file.unset_key(option, note=control.id)
        return
    if control.value is True or str(control.value) == "true":
        file.set_key(option, "", separator="")
    else:
        file.set_key(option, str(control.value), separator=" = ")
    # The profile stays as long as one control wants it.
    system.resource("pam_profile", "faillock").change(**{control.id: ""})


if __name__ == "__main__":
    run_module(plan)
