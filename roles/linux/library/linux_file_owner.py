#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.file_owner: a path belongs to the wanted user and group. with: {path}; value: user:group."""

from __future__ import annotations

from ansible.module_utils.hardening_core import Control, System, run_module


def plan(control: Control, system: System) -> None:
    """Give the path away; an empty side stays as it is."""
    user, _, group = str(control.value).partition(":")
    system.file(str(control.params["path"])).set_owner(user or None, group or None)


if __name__ == "__main__":
    run_module(plan)
