#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.limit: pam_limits gives a hard limit. with: {domain, item}; the value is the limit."""

from __future__ import annotations

from ansible.module_utils.hardening_core import Control, System, run_module

# pam_limits reads limits.d in order of name, and the last line for a domain and item wins.
OURS = "/etc/security/limits.d/zz-hardening.conf"


def plan(control: Control, system: System) -> None:
    """Write the limit into our own file."""
    words = (str(control.params["domain"]), "hard", str(control.params["item"]), str(control.value))
    system.dropin(OURS).set(control.id, " ".join(words))


if __name__ == "__main__":
    run_module(plan)
