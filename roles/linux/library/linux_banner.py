#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.banner: a text that people see when they log in. with: {path}; the value is the text."""

from __future__ import annotations

from ansible.module_utils.hardening_core import Control, System, run_module


def plan(control: Control, system: System) -> None:
    """Have the text and a newline in the file."""
    system.file(str(control.params["path"])).set_text(str(control.value).rstrip("\n") + "\n")


if __name__ == "__main__":
    run_module(plan)
