"""What systemd, container engines, PostgreSQL and `du` print, as plain values. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hardening.model import Json
from hardening.resources.parsing import CannotSee

_UNLIMITED = "infinity"
_LIMITS = ("MemoryMax", "CPUQuotaPerSecUSec", "TasksMax", "LimitNOFILE")


def limits(printed: str) -> dict[str, Json]:
    """Read `systemctl show`: a block with the manager's defaults, then a block for each running service.

    Of each service the memory that it uses, and the limits that are not the defaults.
    """
    blocks = [_block(text) for text in printed.strip().split("\n\n")]
    defaults = {key.removeprefix("Default"): value for key, value in blocks[0].items()}
    found: dict[str, Json] = {}
    for said in blocks[1:]:
        if "Id" not in said:
            continue
        used = said.get("MemoryCurrent", "")
        usual = {_UNLIMITED, *defaults.values()}
        found[said["Id"]] = {
            "memory_bytes": int(used) if used.isdigit() and int(used) < 2**63 else None,
            **{key: said[key] for key in _LIMITS if said.get(key, _UNLIMITED) not in usual},
        }
    if not found:
        raise CannotSee("`systemctl` lists no running service")
    return found


def _block(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def directories(printed: str, *, most: int, limit_s: int) -> list[Json]:
    """Read `du --max-depth=1` of some places; the biggest ones that are no place themselves."""
    body, _, answered = printed.rpartition("rc=")
    code = answered.strip()
    if code == "124":
        raise CannotSee(f"measuring directories was not done in {limit_s} s")
    # 1: some place does not exist, or some directory went while it was read.
    if code not in ("0", "1"):
        raise CannotSee(f"`du` answered {code}")
    sizes = [(int(size), path) for size, _, path in (line.partition("\t") for line in body.splitlines()) if path]
    parents = {path.rpartition("/")[0] for _, path in sizes}
    leaves = sorted(((size, path) for size, path in sizes if path not in parents), reverse=True)
    return [{"path": path, "size_bytes": size} for size, path in leaves[:most]]


def containers(printed: str) -> dict[str, Json]:
    """Read what docker and podman list, one JSON object a line; an engine that does not answer is unknown."""
    if not printed.rstrip().endswith("end"):
        raise CannotSee("the list of containers broke off")
    found: dict[str, Json] = {}
    held: list[Json] = []
    for line in printed.splitlines():
        if line.startswith("engine="):
            held = []
            found[line.removeprefix("engine=")] = held
        elif line.startswith("failed="):
            raise CannotSee(f"`{line.removeprefix('failed=')} ps` does not answer")
        elif line.startswith("{"):
            each: Mapping[str, Any] = json.loads(line)
            names = each.get("Names")
            held.append(
                {
                    "name": ", ".join(names) if isinstance(names, list) else names,
                    "image": each.get("Image"),
                    "state": each.get("State"),
                }
            )
    return found


def postgresql(printed: str) -> dict[str, Json]:
    """Read a line `cluster PORT` and a JSON object for each server, or `absent`.

    A server that does not answer has nothing but `unseen`, the reason; the others are as they are.
    """
    lines = printed.splitlines()
    if lines[-1:] == ["absent"]:
        return {}
    if lines[-1:] == ["hidden"]:
        raise CannotSee("a PostgreSQL server runs, and its socket is in no usual place")
    found: dict[str, Json] = {}
    for number, line in enumerate(lines):
        if not line.startswith("cluster "):
            continue
        port = line.removeprefix("cluster ")
        answer = lines[number + 1] if number + 1 < len(lines) else ""
        try:
            found[port] = json.loads(answer)
        except ValueError:
            found[port] = {"unseen": f"the server on port {port} does not answer: {answer[:200]}"}
    if not found:
        raise CannotSee("the list of PostgreSQL servers is empty")
    return found
