#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.pwhistory: an option of pam_pwhistory. with: {option}; true is a bare word, null is none."""

from __future__ import annotations

from ansible.module_utils.hardening_core import Control, System, run_module


def plan(control: Control, system: System) -> None:
    """Have passwords pass pam_pwhistory, the option as its argument: Debian 12 knows no configuration file for it."""
    option = str(control.params["option"])
    if control.value is None or str(control.value) == "false":
        return
    bare = control.value is True or str(control.value) == "true"
    words = option if bare else option + "=" + str(control.value)
    system.resource("pam_profile", "pwhistory").change(**{control.id: words})


if __name__ == "__main__":
    run_module(plan)
