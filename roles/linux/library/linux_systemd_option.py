#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.systemd_option: an option of systemd. with: {file, section, option}; the value is the option's."""

from __future__ import annotations

from ansible.module_utils.hardening_core import Control, System, run_module


def plan(control: Control, system: System) -> None:
    """Write a drop-in that is read last; systemd itself reads its own file again."""
    file = str(control.params["file"])
    dropin = system.dropin(
        "/etc/systemd/" + file + ".d/zz-hardening.conf", preamble="[" + str(control.params["section"]) + "]\n"
    )
    dropin.set(control.id, str(control.params["option"]) + "=" + str(control.value))
    if file == "journald.conf":
        system.after("restart:systemd-journald.service")
    if file == "system.conf":
        system.after("run:daemon-reload")


if __name__ == "__main__":
    run_module(plan)
