#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.apt_option: apt has an option. with: {option}; the value is the option's."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

# apt reads the parts in order of name, and the last one wins.
OURS = "/etc/apt/apt.conf.d/zz-hardening"


def plan(control: Control, system: System) -> None:
    """Write the option into our own part."""
    value = "" if control.value is None else str(control.value)
    if '"' in value or "\n" in value:
        raise CannotApply("a value of apt's configuration holds no quotes and no line breaks")
    line = str(control.params["option"]) + ' "' + value + '";'
    system.dropin(OURS, comment="//").set(control.id, line)


if __name__ == "__main__":
    run_module(plan)
