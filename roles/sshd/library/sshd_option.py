#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind sshd.option: an option of the SSH server has the wanted value for every login. with: {option}."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

MAIN = "/etc/ssh/sshd_config"
# sshd takes the first value it meets, and reads drop-ins in the order of their names.
OURS = "/etc/ssh/sshd_config.d/00-hardening.conf"
INCLUDE = "Include /etc/ssh/sshd_config.d/*.conf"


def plan(control: Control, system: System) -> None:
    """Write our drop-in; see to it that the main file reads drop-ins before anything else."""
    option, value = str(control.params["option"]), str(control.value)
    if not option.isalnum() or "\n" in value:
        raise CannotApply("{!r} {!r} is no option of sshd on one line".format(option, value))
    system.dropin(OURS, mode="0600").set(control.id, option + " " + value)
    main = system.file(MAIN)
    settings = [line.split("#")[0].split() for line in main.lines if line.split("#")[0].strip()]
    includes = [
        words for words in settings if words[0].lower() == "include" and "/etc/ssh/sshd_config.d/*.conf" in words
    ]
    if not includes or includes[0] is not settings[0]:
        main.insert_before(r"^\s*[A-Za-z]", INCLUDE)


def main() -> None:
    """The service is ssh.service with Debian and sshd.service elsewhere; whichever does not run is left alone."""
    run_module(plan, validate=[["sshd", "-t"]], reload=["reload:ssh.service"])


if __name__ == "__main__":
    main()
