"""Where the register says one thing and the hosts another, or nothing at all. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from hardening.resource_model import HostSampled
from hardening.resources.entries import DataKind, Register, State
from hardening.resources.using import GIB

# Firmware and kernel keep some memory, and makers count disks by thousands.
TOLERANCE = 0.12
# These are there in every PostgreSQL server.
_OWN_DATABASES = {"postgres", "template0", "template1"}


class Kind(StrEnum):
    """What a difference is: facts that differ, something nobody registered, something that is due, or not seen."""

    DIFFERS = "differs"
    UNREGISTERED = "unregistered"
    DUE = "due"
    UNSEEN = "unseen"


@dataclass(frozen=True, kw_only=True)
class Drift:
    """One difference: what it is about, what the register says and what was seen (empty where nothing)."""

    kind: Kind
    subject: str
    field: str
    declared: str
    observed: str


def drifts(
    register: Register,
    hosts: Collection[str],
    newest: Mapping[str, HostSampled],
    *,
    today: date,
    due_days: int = 60,
) -> list[Drift]:
    """Return every difference, hosts first; `newest` is the newest look at each host, reached or not."""
    found = [
        *_hosts(register, hosts, newest),
        *_lines(register, newest),
        *_services(register, newest),
        *_data(register, newest),
        *_due(register, today, due_days),
    ]
    order = list(Kind)
    return sorted(found, key=lambda each: (order.index(each.kind), each.subject, each.field))


def _hosts(register: Register, hosts: Collection[str], newest: Mapping[str, HostSampled]) -> Iterator[Drift]:
    for name in sorted(set(hosts) | set(register.hosts)):
        entry, look = register.hosts.get(name), newest.get(name)
        if entry is None:
            yield _drift(Kind.UNREGISTERED, name, "host", "", "in the inventory")
        if entry is not None and entry.state in (State.PLANNED, State.RETIRED):
            if look is not None and look.unreachable is None:
                yield _drift(Kind.DIFFERS, name, "state", entry.state.value, "answers")
            continue
        if look is None:
            yield _drift(Kind.UNSEEN, name, "host", "" if entry is None else entry.state.value, "never looked at")
            continue
        if look.unreachable is not None:
            declared = "" if entry is None else entry.state.value
            yield _drift(Kind.UNSEEN, name, "host", declared, f"not reached: {look.unreachable}")
            continue
        for part, why in sorted(look.unseen.items()):
            yield _drift(Kind.UNSEEN, name, part, "", why)
        if entry is not None:
            yield from _hardware(name, entry, look.facts)


def _hardware(name: str, entry: Any, facts: Mapping[str, Any]) -> Iterator[Drift]:
    if entry.cpus is not None and "cpu" in facts and facts["cpu"]["count"] != entry.cpus:
        yield _drift(Kind.DIFFERS, name, "cpus", str(entry.cpus), str(facts["cpu"]["count"]))
    if entry.memory_gib is not None and "memory" in facts:
        seen = facts["memory"]["total_bytes"] / GIB
        if abs(seen - entry.memory_gib) > TOLERANCE * entry.memory_gib:
            yield _drift(Kind.DIFFERS, name, "memory_gib", f"{entry.memory_gib:g}", f"{seen:.1f}")
    if entry.disk_gib is not None and facts.get("disks"):
        seen = sum(disk["size_bytes"] for disk in facts["disks"]) / GIB
        if abs(seen - entry.disk_gib) > TOLERANCE * entry.disk_gib:
            yield _drift(Kind.DIFFERS, name, "disk_gib", f"{entry.disk_gib:g}", f"{seen:.1f}")
    if entry.form is not None and "form" in facts and facts["form"]["form"] != entry.form.value:
        yield _drift(Kind.DIFFERS, name, "form", entry.form.value, str(facts["form"]["form"]))


def _lines(register: Register, newest: Mapping[str, HostSampled]) -> Iterator[Drift]:
    for name, line in register.lines.items():
        interfaces: Any = _seen(newest, line.host, "interfaces")
        if line.host is None or interfaces is None or line.state is not State.IN_USE:
            continue
        held = interfaces.get(line.interface)
        if held is None:
            known = ", ".join(sorted(interfaces)) or "none"
            yield _drift(Kind.DIFFERS, name, "interface", f"{line.host} {line.interface}", f"interfaces: {known}")
        elif held.get("speed_mbps") is not None and held["speed_mbps"] < line.bandwidth_mbps:
            observed = f"{line.interface} runs at {held['speed_mbps']} Mbit/s"
            yield _drift(Kind.DIFFERS, name, "bandwidth_mbps", f"{line.bandwidth_mbps:g}", observed)


def _services(register: Register, newest: Mapping[str, HostSampled]) -> Iterator[Drift]:
    for name, service in register.services.items():
        for host in service.hosts:
            listening: Any = _seen(newest, host, "listening")
            if listening is None:
                continue
            ports = {each["port"] for each in listening}
            for port in service.ports:
                if port not in ports:
                    yield _drift(Kind.DIFFERS, name, "ports", f"{host} port {port}", "nothing listens there")


def _data(register: Register, newest: Mapping[str, HostSampled]) -> Iterator[Drift]:
    declared: set[tuple[str, str]] = set()
    for name, entry in register.data.items():
        if entry.kind is not DataKind.DATABASE or entry.database is None:
            continue
        seen = databases_of(newest.get(entry.host))
        if seen is None:
            continue
        matching = {key for key in seen if database_matches(key, entry.database)}
        declared |= {(entry.host, key) for key in matching}
        if not matching:
            known = ", ".join(sorted(seen)) or "none"
            yield _drift(Kind.DIFFERS, name, "database", f"{entry.host} {entry.database}", f"databases: {known}")
    for host, look in newest.items():
        for key in sorted(databases_of(look) or ()):
            if (host, key) not in declared and key.rpartition("/")[2] not in _OWN_DATABASES:
                yield _drift(Kind.UNREGISTERED, host, "database", "", key)


def databases_of(look: HostSampled | None) -> dict[str, int] | None:
    """Return the databases of a host with their bytes, `postgresql:5432/app`; None where they were not seen."""
    servers: Any = None if look is None else look.facts.get("postgresql")
    if servers is None:
        return None
    return {
        f"postgresql:{port}/{name}": size
        for port, held in servers.items()
        for name, size in (held.get("databases") or {}).items()
    }


def database_matches(key: str, asked: str) -> bool:
    """Tell whether a database that was seen is the one that is asked for: its whole name, or the last part alone."""
    return key in (asked, f"postgresql:{asked}") or key.rpartition("/")[2] == asked


def _due(register: Register, today: date, due_days: int) -> Iterator[Drift]:
    ends = [("warranty_ends", name, host.warranty_ends, host.state) for name, host in register.hosts.items()]
    ends += [("expires_on", name, line.expires_on, line.state) for name, line in register.lines.items()]
    for field, name, day, state in ends:
        if day is None or state is State.RETIRED or (day - today).days > due_days:
            continue
        left = (day - today).days
        yield _drift(Kind.DUE, name, field, day.isoformat(), _in_days(left))


def _in_days(left: int) -> str:
    if left < 0:
        return "over"
    return "today" if left == 0 else f"in {left} day{'s' if left != 1 else ''}"


def _seen(newest: Mapping[str, HostSampled], host: str | None, part: str) -> Any:
    look = newest.get(host or "")
    return None if look is None or look.unreachable is not None else look.facts.get(part)


def _drift(kind: Kind, subject: str, field: str, declared: str, observed: str) -> Drift:
    return Drift(kind=kind, subject=subject, field=field, declared=declared, observed=observed)
