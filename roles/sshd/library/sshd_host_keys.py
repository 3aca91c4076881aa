#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind sshd.host_keys: private host keys have no permission bit too many. value: the bits that may be."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module


def plan(control: Control, system: System) -> None:
    """Take the other bits away from every key."""
    keys = system.glob("/etc/ssh/ssh_host_*_key")
    if not keys:
        raise CannotApply("there is no /etc/ssh/ssh_host_*_key")
    for path in keys:
        system.file(path).limit_mode(str(control.value))


def main() -> None:
    """The service need not be told."""
    run_module(plan)


if __name__ == "__main__":
    main()
