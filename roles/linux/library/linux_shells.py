#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.shells: /etc/shells lists no program that refuses logins."""

from __future__ import annotations

from ansible.module_utils.hardening_core import Control, System, run_module


def plan(control: Control, system: System) -> None:
    """Put such lines behind a comment sign."""
    system.file("/etc/shells").comment_out(r"^\s*(/usr)?/s?bin/(nologin|false|true|sync)\s*$", note=control.id)


if __name__ == "__main__":
    run_module(plan)
