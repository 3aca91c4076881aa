"""Where a request fits: a placement over the fleet that a solver found, and for every host why, or why not.

Each host has room for vCPUs, memory and disk: what was seen, times what its business level allows to commit, less what
is taken. Taken is the larger of what was allocated and what was used (95th percentile), for the two overlap. The
solver (OR-tools CP-SAT) places as many instances as it can; among those placements it keeps services off hosts of a
higher level than they need, and then leaves the fullest host as free as it can. One thread and a fixed seed: the same
question has the same answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hardening.resource_model import Share
from hardening.resources.entries import Level
from hardening.resources.requests import Apart, Request, ServiceNeed

SOLVER_S = 20.0
# The solver counts in whole numbers: hundredths of a vCPU, mebibytes.
_PER_VCPU = 100
_PER_GIB = 1024


@dataclass(frozen=True, kw_only=True)
class Headroom:
    """What a host of a level may be filled to: vCPUs for each CPU that is there, shares of memory and of disk."""

    vcpus_per_cpu: float
    memory: float
    disk: float


HEADROOM: Mapping[Level, Headroom] = {
    Level.CORE: Headroom(vcpus_per_cpu=1.0, memory=0.7, disk=0.7),
    Level.IMPORTANT: Headroom(vcpus_per_cpu=1.5, memory=0.8, disk=0.8),
    Level.GENERAL: Headroom(vcpus_per_cpu=2.0, memory=0.9, disk=0.85),
}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A host as placing sees it. `refused` says why it takes nothing at all, or is empty.

    Sizes are of the whole host, `taken` what is allocated or used of them, whichever is more. `keeps_off` names what
    those of its services that were allocated must be apart from.
    """

    name: str
    level: Level | None
    mlps: int | None
    zone: str
    rack: str
    location: str
    cpus: float
    memory_gib: float
    disk_gib: float
    taken_vcpus: float
    taken_memory_gib: float
    taken_disk_gib: float
    services: tuple[str, ...] = ()
    keeps_off: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    refused: str = ""

    def room(self) -> Share:
        """Return what may still be given away."""
        rule = HEADROOM[self.level or Level.GENERAL]
        return Share(
            host=self.name,
            vcpus=max(self.cpus * rule.vcpus_per_cpu - self.taken_vcpus, 0.0),
            memory_gib=max(self.memory_gib * rule.memory - self.taken_memory_gib, 0.0),
            disk_gib=max(self.disk_gib * rule.disk - self.taken_disk_gib, 0.0),
        )


@dataclass(frozen=True, kw_only=True)
class Placed:
    """An instance of a service on a host."""

    service: str
    host: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Why a host was chosen for a service, or why it was not."""

    service: str
    host: str
    chosen: int
    why: str


@dataclass(frozen=True, kw_only=True)
class Placement:
    """A proposal. `missing` counts instances that fit nowhere, by service; `advice` says what to buy or free."""

    placed: tuple[Placed, ...]
    missing: Mapping[str, int]
    verdicts: tuple[Verdict, ...]
    advice: tuple[str, ...] = ()
    optimal: bool = True
    shares: tuple[Share, ...] = field(default=())

    @property
    def fits(self) -> bool:
        """True where every instance has its place."""
        return not self.missing


def place(request: Request, hosts: Sequence[Candidate]) -> Placement:
    """Return a placement of the whole request over the hosts."""
    barred = {
        (service, host.name): _barred(service, need, host)
        for service, need in request.services.items()
        for host in hosts
    }
    counts, optimal = _solve(request, hosts, barred)
    placed = tuple(
        Placed(service=service, host=host.name)
        for service in request.services
        for host in hosts
        for _ in range(counts.get((service, host.name), 0))
    )
    missing = {
        service: need.instances - sum(1 for each in placed if each.service == service)
        for service, need in request.services.items()
    }
    missing = {service: number for service, number in missing.items() if number}
    shares = [
        Share(host=each.host, vcpus=need.vcpus, memory_gib=need.memory_gib, disk_gib=need.disk_gib)
        for each in placed
        for need in [request.services[each.service]]
    ]
    return Placement(
        placed=placed,
        missing=missing,
        verdicts=tuple(_verdicts(request, hosts, barred, counts)),
        advice=tuple(_advice(request, hosts, barred, missing)),
        optimal=optimal,
        shares=tuple(shares),
    )


def _barred(service: str, need: ServiceNeed, host: Candidate) -> str:
    """Return why an empty fleet would not put a service there; an empty text where it might."""
    if host.refused:
        return host.refused
    if need.only_hosts and host.name not in need.only_hosts:
        return "the request names other hosts"
    if need.zone and host.zone != need.zone:
        return (
            f"is in zone {host.zone}, not {need.zone}" if host.zone else f"no zone is registered; {need.zone} is asked"
        )
    if host.level is None:
        return "no business level is registered"
    if host.level.rank < need.level.rank:
        return f"is of level {host.level.value}, and the service of level {need.level.value}"
    if need.mlps is not None and (host.mlps or 0) < need.mlps:
        registered = f"is of MLPS level {host.mlps}" if host.mlps else "no MLPS level is registered"
        return f"{registered}, and level {need.mlps} is asked"
    keeping_off = {other for other, apart_from in host.keeps_off.items() if service in apart_from}
    near = sorted((set(need.apart_from) & set(host.services)) | keeping_off)
    if near:
        return f"has {', '.join(near)}, which {service} must be apart from"
    short = _short(need, host.room())
    return f"has not enough room: {short}" if short else ""


def _short(need: ServiceNeed, room: Share) -> str:
    lacks = []
    for what, asked, there, unit in (
        ("vCPUs", need.vcpus, room.vcpus, ""),
        ("memory", need.memory_gib, room.memory_gib, " GiB"),
        ("disk", need.disk_gib, room.disk_gib, " GiB"),
    ):
        if asked > there + 1e-9:
            lacks.append(f"{there:.1f}{unit} {what} of {asked:g}{unit}")
    return ", ".join(lacks)


def _solve(
    request: Request, hosts: Sequence[Candidate], barred: Mapping[tuple[str, str], str]
) -> tuple[dict[tuple[str, str], int], bool]:
    """Return how many instances of a service go to a host, and whether nothing better exists."""
    # A second or more is what the import takes; only who places should wait for it.
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    amount: dict[tuple[str, str], Any] = {}
    for service, need in request.services.items():
        for host in hosts:
            if not barred[service, host.name]:
                most = 1 if need.apart is not Apart.NOTHING else need.instances
                amount[service, host.name] = model.new_int_var(0, most, f"{service}@{host.name}")
        of_service = [held for (name, _), held in amount.items() if name == service]
        if of_service:
            model.add(sum(of_service) <= need.instances)
        for together in _together(need, hosts):
            shared = [amount[service, name] for name in together if (service, name) in amount]
            if len(shared) > 1:
                model.add(sum(shared) <= 1)
    _keep_apart(model, request, hosts, amount)
    fullest = model.new_int_var(0, 1000, "fullest")
    for host in hosts:
        _within(model, request, host, amount, fullest)
    by_name = {host.name: host for host in hosts}
    excess = [
        ((by_name[name].level or Level.GENERAL).rank - request.services[service].level.rank) * held
        for (service, name), held in amount.items()
    ]
    most = sum(need.instances for need in request.services.values())
    # Weighted so that no lower aim outweighs a higher one: place, then level, then balance.
    model.maximize(sum(amount.values()) * (1001 * (2 * most + 1) + 1) - sum(excess) * 1001 - fullest)
    solver = cp_model.CpSolver()
    solver.parameters.num_search_workers = 1
    solver.parameters.random_seed = 1
    solver.parameters.max_time_in_seconds = SOLVER_S
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return {}, False
    return {key: int(solver.value(held)) for key, held in amount.items()}, status == cp_model.OPTIMAL


def _together(need: ServiceNeed, hosts: Iterable[Candidate]) -> list[list[str]]:
    """Return the hosts that share what the instances must not share; a host without a rack is a rack of its own."""
    if need.apart not in (Apart.RACK, Apart.LOCATION):
        return []
    shared: dict[str, list[str]] = {}
    for host in hosts:
        place_of = (
            host.location if need.apart is Apart.LOCATION else f"{host.location}/{host.rack}" if host.rack else ""
        )
        if place_of:
            shared.setdefault(place_of, []).append(host.name)
    return list(shared.values())


def _keep_apart(
    model: Any, request: Request, hosts: Iterable[Candidate], amount: Mapping[tuple[str, str], Any]
) -> None:
    for service, need in request.services.items():
        for other in need.apart_from:
            for host in hosts:
                one, two = amount.get((service, host.name)), amount.get((other, host.name))
                if one is None or two is None:
                    continue
                first = model.new_bool_var(f"{service} not {other} @ {host.name}")
                model.add(one == 0).only_enforce_if(first.negated())
                model.add(two == 0).only_enforce_if(first)


def _within(model: Any, request: Request, host: Candidate, amount: Mapping[tuple[str, str], Any], fullest: Any) -> None:
    room = host.room()
    for per, there, asked in (
        (_PER_VCPU, room.vcpus, {name: need.vcpus for name, need in request.services.items()}),
        (_PER_GIB, room.memory_gib, {name: need.memory_gib for name, need in request.services.items()}),
        (_PER_GIB, room.disk_gib, {name: need.disk_gib for name, need in request.services.items()}),
    ):
        load = [
            math.ceil(asked[service] * per - 1e-6) * held
            for (service, name), held in amount.items()
            if name == host.name and asked[service]
        ]
        if not load:
            continue
        limit = math.floor(there * per + 1e-6)
        model.add(sum(load) <= limit)
        # In thousandths: what is the fullest of any host and resource after all is placed.
        model.add(1000 * sum(load) <= fullest * max(limit, 1))


def _verdicts(
    request: Request,
    hosts: Sequence[Candidate],
    barred: Mapping[tuple[str, str], str],
    counts: Mapping[tuple[str, str], int],
) -> Iterable[Verdict]:
    for service, need in request.services.items():
        for host in hosts:
            chosen = counts.get((service, host.name), 0)
            yield Verdict(service=service, host=host.name, chosen=chosen, why=_why(service, need, host, barred, chosen))


def _why(service: str, need: ServiceNeed, host: Candidate, barred: Mapping[tuple[str, str], str], chosen: int) -> str:
    if barred[service, host.name]:
        return barred[service, host.name]
    room = host.room()
    left = f"{room.vcpus:.1f} vCPUs, {room.memory_gib:.1f} GiB memory, {room.disk_gib:.1f} GiB disk were free"
    if chosen:
        return f"fits: {left}"
    higher = host.level is not None and host.level.rank > need.level.rank
    kept = "; kept for services of a higher level" if higher else ""
    return f"would fit ({left}), others were better{kept}"


def _advice(
    request: Request,
    hosts: Sequence[Candidate],
    barred: Mapping[tuple[str, str], str],
    missing: Mapping[str, int],
) -> Iterable[str]:
    """Say what would make room: on hosts that only lack room, else new hosts."""
    for service, number in missing.items():
        need = request.services[service]
        short = [host for host in hosts if barred[service, host.name].startswith("has not enough room")]
        for host in sorted(short, key=lambda each: _lack(need, each.room()))[:3]:
            room = host.room()
            parts = [
                f"{asked - there:.1f} {unit}"
                for asked, there, unit in (
                    (need.vcpus, room.vcpus, "vCPUs"),
                    (need.memory_gib, room.memory_gib, "GiB memory"),
                    (need.disk_gib, room.disk_gib, "GiB disk"),
                )
                if asked > there
            ]
            yield f"{service}: free or add {', '.join(parts)} on {host.name}"
        rule = HEADROOM[need.level]
        zone = f" in zone {need.zone}" if need.zone else ""
        cpus = math.ceil(need.vcpus / rule.vcpus_per_cpu)
        what = (
            f"{cpus} CPU{'s' if cpus != 1 else ''},"
            f" {math.ceil(need.memory_gib / rule.memory)} GiB memory"
            f" and {math.ceil(need.disk_gib / rule.disk)} GiB disk"
        )
        hosts_word, each = ("hosts", " each") if number > 1 else ("host", "")
        buy = f"{'or ' if short else ''}buy {number} {hosts_word}{zone}"
        yield f"{service}: {buy} of level {need.level.value} with at least {what}{each}"


def _lack(need: ServiceNeed, room: Share) -> float:
    """Return how much is missing, as shares of what is asked, to order hosts by."""
    return sum(
        max(asked - there, 0.0) / asked
        for asked, there in (
            (need.vcpus, room.vcpus),
            (need.memory_gib, room.memory_gib),
            (need.disk_gib, room.disk_gib),
        )
        if asked
    )
