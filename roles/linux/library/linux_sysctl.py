#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.sysctl: a kernel parameter has the wanted value, now and after a restart. with: {key}."""

from __future__ import annotations

import re

from ansible.module_utils.hardening_core import Control, System, run_module

OURS = "/etc/sysctl.d/zz-hardening.conf"


def plan(control: Control, system: System) -> None:
    """Write our drop-in, silence what would override it, and set the running value."""
    key = str(control.params["key"])
    value = " ".join(str(control.value).split())
    system.sysctl(key).set(value)
    system.dropin(OURS).set(control.id, key + " = " + value)
    # procps reads /etc/sysctl.conf after every drop-in, so a line there would win over ours.
    name = "[./]".join(re.escape(part) for part in re.split(r"[./]", key))
    for path in ["/etc/sysctl.conf", *system.glob("/etc/sysctl.d/*.conf")]:
        if path == OURS or (path != "/etc/sysctl.conf" and path.rsplit("/", 1)[1] < OURS.rsplit("/", 1)[1]):
            continue
        if system.file(path).exists:
            system.file(path).comment_out(r"^\s*-?\s*" + name + r"\s*=", note=control.id)


if __name__ == "__main__":
    run_module(plan)
