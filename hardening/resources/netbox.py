"""A register to and from NetBox's JSON: devices, virtual machines and circuits, as its REST API has them.

Sizes are NetBox's since 4.1: memory and disk of a virtual machine in megabytes, the disk's by thousands; the rate of
a circuit in kbit/s. What NetBox has no field for is in `custom_fields` under our own names, which win when read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hardening.errors import AskedWrongly
from hardening.model import Json
from hardening.resources.columns import NAME, TableText, fields_of
from hardening.resources.entries import Form, HostEntry, LineEntry, Register, State

_STATUS_OF = {
    State.PLANNED: "planned",
    State.IN_USE: "active",
    State.SPARE: "inventory",
    State.RETIRED: "decommissioning",
}
_STATE_OF = {
    "active": State.IN_USE,
    "failed": State.IN_USE,
    "planned": State.PLANNED,
    "staged": State.PLANNED,
    "provisioning": State.PLANNED,
    "inventory": State.SPARE,
    "offline": State.SPARE,
    "paused": State.SPARE,
    "decommissioning": State.RETIRED,
    "decommissioned": State.RETIRED,
    "deprovisioning": State.RETIRED,
}
# Statuses of a virtual machine and of a circuit that NetBox calls differently.
_VM_STATUS = {**_STATUS_OF, State.SPARE: "offline"}
_CIRCUIT_STATUS = {**_STATUS_OF, State.SPARE: "offline", State.RETIRED: "decommissioned"}
_MIB_PER_GIB = 1024
_BYTES_PER_GIB = 1024**3
_BYTES_PER_MB = 10**6
_KBPS_PER_MBPS = 1000


def netbox_document(register: Register) -> dict[str, Json]:
    """Return devices, virtual machines and circuits. Services and data are not NetBox's, and are left out."""
    devices: list[Json] = []
    machines: list[Json] = []
    for name, host in sorted(register.hosts.items()):
        virtual = host.form is not None and host.form is not Form.PHYSICAL
        (machines if virtual else devices).append(_machine(name, host, virtual=virtual))
    circuits: list[Json] = [_circuit(name, line) for name, line in sorted(register.lines.items())]
    return {"devices": devices, "virtual_machines": machines, "circuits": circuits}


def _machine(name: str, host: HostEntry, *, virtual: bool) -> dict[str, Json]:
    made: dict[str, Json] = {
        "name": name,
        "status": {"value": (_VM_STATUS if virtual else _STATUS_OF)[host.state]},
        "site": {"name": host.location},
        "tenant": {"name": host.department},
        "comments": host.note,
        "custom_fields": _custom(host),
    }
    if virtual:
        made["vcpus"] = host.cpus
        made["memory"] = None if host.memory_gib is None else round(host.memory_gib * _MIB_PER_GIB)
        made["disk"] = None if host.disk_gib is None else round(host.disk_gib * _BYTES_PER_GIB / _BYTES_PER_MB)
    elif host.rack:
        made["rack"] = {"name": host.rack}
    return made


def _circuit(name: str, line: LineEntry) -> dict[str, Json]:
    return {
        "cid": name,
        "provider": {"name": line.provider},
        "type": {"slug": line.type.value.replace("_", "-"), "name": line.type.value},
        "status": {"value": _CIRCUIT_STATUS[line.state]},
        "tenant": {"name": line.department},
        "termination_date": None if line.expires_on is None else line.expires_on.isoformat(),
        "commit_rate": round(line.bandwidth_mbps * _KBPS_PER_MBPS),
        "comments": line.note,
        "custom_fields": _custom(line),
    }


def _custom(entry: HostEntry | LineEntry) -> dict[str, Json]:
    dumped: dict[str, Json] = entry.model_dump(mode="json", exclude_defaults=True)
    return {key: value for key, value in dumped.items() if key not in ("note", "state")}


def read_netbox(path: Path) -> tuple[TableText, ...]:
    """Return the tables of an answer of NetBox's API, of a list of its items, or of our own export.

    Raises AskedWrongly for what is none of them, or an item that is neither device, virtual machine nor circuit.
    """
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise AskedWrongly(f"{path}: cannot be read: {problem.strerror}") from None
    except ValueError as problem:
        raise AskedWrongly(f"{path}: is no JSON: {problem}") from None
    found: dict[str, list[tuple[int, dict[str, Any]]]] = {"hosts": [], "lines": []}
    for number, item in enumerate(_items(path, held), start=1):
        if not isinstance(item, dict):
            raise AskedWrongly(f"{path}: item {number} is no object")
        if "cid" in item:
            found["lines"].append((number, _of_circuit(item)))
        elif "name" in item:
            found["hosts"].append((number, _of_machine(item)))
        else:
            raise AskedWrongly(f"{path}: item {number} is neither a device, a virtual machine nor a circuit")
    return tuple(_table(kind, rows) for kind, rows in found.items() if rows)


def _items(path: Path, held: Any) -> Iterator[Any]:
    if isinstance(held, list):
        yield from held
    elif isinstance(held, dict) and isinstance(held.get("results"), list):
        if held.get("next"):
            raise AskedWrongly(f"{path}: holds one page of several; ask NetBox with ?limit=0")
        yield from held["results"]
    elif isinstance(held, dict) and held.keys() & {"devices", "virtual_machines", "circuits"}:
        for key in ("devices", "virtual_machines", "circuits"):
            yield from held.get(key) or ()
    else:
        raise AskedWrongly(f"{path}: is no answer of NetBox's API: it has no `results`")


def _table(kind: str, rows: list[tuple[int, dict[str, Any]]]) -> TableText:
    fields = fields_of(kind)
    return TableText(
        kind=kind,
        headings=fields,
        rows=tuple((number, tuple(row.get(field) for field in fields)) for number, row in rows),
    )


def _of_machine(item: Mapping[str, Any]) -> dict[str, Any]:
    virtual = any(key in item for key in ("vcpus", "memory", "virtual_machine_role")) or "cluster" in item
    disk_mb, memory_mb = item.get("disk"), item.get("memory")
    made = {
        NAME: item["name"],
        "state": _state(item),
        "location": _name(item, "site") or _name(item, "location"),
        "rack": _name(item, "rack"),
        "platform": _name(item, "cluster"),
        "department": _name(item, "tenant"),
        "form": Form.VIRTUAL.value if virtual else Form.PHYSICAL.value if "device_type" in item else None,
        "cpus": item.get("vcpus"),
        "memory_gib": None if memory_mb is None else memory_mb / _MIB_PER_GIB,
        "disk_gib": None if disk_mb is None else round(disk_mb * _BYTES_PER_MB / _BYTES_PER_GIB, 3),
        "note": item.get("comments") or item.get("description"),
    }
    return {**made, **_own(item, "hosts")}


def _of_circuit(item: Mapping[str, Any]) -> dict[str, Any]:
    rate_kbps = item.get("commit_rate")
    kind = item.get("type")
    slug = str(kind.get("slug", "")).replace("-", "_") if isinstance(kind, dict) else kind
    made = {
        NAME: item["cid"],
        "provider": _name(item, "provider"),
        "type": slug,
        "bandwidth_mbps": None if rate_kbps is None else rate_kbps / _KBPS_PER_MBPS,
        "state": _state(item),
        "department": _name(item, "tenant"),
        "expires_on": item.get("termination_date"),
        "end_a": _end(item, "termination_a"),
        "end_b": _end(item, "termination_z"),
        "note": item.get("comments") or item.get("description"),
    }
    return {**made, **_own(item, "lines")}


def _state(item: Mapping[str, Any]) -> Any:
    status = item.get("status")
    value = status.get("value") if isinstance(status, dict) else status
    return _STATE_OF.get(str(value), value)


def _name(item: Mapping[str, Any], key: str) -> Any:
    held = item.get(key)
    return held.get("name") or held.get("display") if isinstance(held, dict) else held


def _end(item: Mapping[str, Any], key: str) -> Any:
    held = item.get(key)
    if not isinstance(held, dict):
        return held
    return _name(held, "site") or _name(held, "termination") or held.get("display")


def _own(item: Mapping[str, Any], kind: str) -> dict[str, Any]:
    fields = set(fields_of(kind)) - {NAME}
    held = item.get("custom_fields")
    return {key: value for key, value in (held or {}).items() if key in fields and value not in (None, "")}
