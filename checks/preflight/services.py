"""Units: who needs them, and who is connected to them."""

from __future__ import annotations

import re
from typing import Any

from checks import CannotLook, read
from checks.preflight.marking import look

SHOWN = "Id,ActiveState,UnitFileState,RequiredBy,RequisiteOf,BoundBy,ControlGroup"

TREES = ("/sys/fs/cgroup", "/sys/fs/cgroup/systemd")  # The second where the first is of version 1.


@look
def unit_users(host: Any, *, names: list[str]) -> list[dict[str, Any]]:
    """Return for each of the units that runs: which running units need it, and the other ends of its connections.

    `needed_by` holds units that stop or fail without it (RequiredBy, RequisiteOf, BoundBy); targets are left out.
    """
    found = []
    sockets = [line.split() for line in read(host, "ss -Htnp state established").splitlines()]
    for name in names:
        unit = _shown(host, name)
        if unit["ActiveState"] != "active":
            continue
        needing = {
            other
            for relation in ("RequiredBy", "RequisiteOf", "BoundBy")
            for other in unit.get(relation, "").split()
            if not other.endswith((".target", ".slice"))
        }
        pids = set(_processes(host, unit.get("ControlGroup", "")))
        ends = [words[3] for words in sockets if words and pids & set(re.findall(r"pid=([0-9]+)", words[-1]))]
        running = [other for other in sorted(needing) if _shown(host, other)["ActiveState"] == "active"]
        found.append({"unit": unit["Id"], "asked": name, "needed_by": running, "connections": sorted(set(ends))})
    return found


def _shown(host: Any, name: str) -> dict[str, str]:
    shown = read(host, f"systemctl show --property={SHOWN} -- %s", name)
    unit = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    if "ActiveState" not in unit:
        raise CannotLook(f"systemctl told nothing about {name}")
    return unit


def _processes(host: Any, group: str) -> list[str]:
    """Return the processes of a control group; a group that is not there has none."""
    trees = [tree for tree in TREES if host.run("test -e %s", f"{tree}/cgroup.procs").rc == 0]
    if not trees:
        raise CannotLook("which processes belong to a unit cannot be told: there is no tree of control groups")
    if not group or host.run("test -d %s", trees[0] + group).rc != 0:
        return []
    return read(host, "find %s -name cgroup.procs -exec cat {} +", trees[0] + group).split()
