#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.module: a kernel module is never loaded. with: {name}; the value is `blocked` or `loadable`."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

OURS = "/etc/modprobe.d/zz-hardening.conf"


def plan(control: Control, system: System) -> None:
    """Tell modprobe, and unload what is loaded; a module in use is refused."""
    name = str(control.params["name"])
    value = str(control.value)
    if value not in ("blocked", "loadable"):
        raise CannotApply(repr(value) + " is nothing a module can be; use blocked or loadable")
    if value == "loadable":
        system.dropin(OURS).remove(control.id)
        return
    # install answers for every way of loading it; blacklist keeps its aliases from being tried in vain.
    system.dropin(OURS).set(control.id, "install " + name + " /bin/false\nblacklist " + name)
    module = system.kernel_module(name)
    if module.loaded:
        module.unload()


if __name__ == "__main__":
    run_module(plan)
