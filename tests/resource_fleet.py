"""A fleet's months of looks at resources, made from what lab hosts really answered, and recorded in a real ledger."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from hardening.ledger import Ledger
from hardening.resource_model import HostSampled
from hardening.resources.collecting import PASSING
from hardening.resources.probes import READERS
from hardening.resources.sampling import samples_of
from tests.recorded import RecordedHost

RECORDINGS = Path(__file__).parent / "resource_recordings"
GIB = 1024**3
MBIT = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Habit:
    """How a host of the simulation lives: what it starts with, and what every day adds."""

    fs_used_gib: float = 30.0
    fs_size_gib: float = 100.0
    fs_per_day_gib: float = 0.5
    busy: float = 0.3
    memory_used: float = 0.5
    line_mbps: float = 20.0
    database_gib: float = 2.0
    database_per_day_gib: float = 0.1


@cache
def _recorded(image: str) -> Mapping[str, Any]:
    answers = json.loads((RECORDINGS / f"{image}.json").read_text("utf-8"))
    return {command: (held[0], held[1], held[2]) for command, held in answers.items()}


def recorded_host(image: str, **instead: tuple[int, str, str]) -> RecordedHost:
    """Return a lab host as it answered; `instead` replaces answers of commands by the names in `probes`."""
    from hardening.resources import probes

    replies = dict(_recorded(image))
    for name, reply in instead.items():
        replies[getattr(probes, name)] = reply
    return RecordedHost(replies)


@cache
def _facts(image: str) -> str:
    host = recorded_host(image)
    return json.dumps({part: reader(host) for part, reader in READERS.items()})


def recorded_facts(image: str = "debian12") -> dict[str, Any]:
    """Return everything that was seen on a lab host, a copy of one's own."""
    facts: dict[str, Any] = json.loads(_facts(image))
    return facts


def looks(
    name: str, moments: Iterable[datetime], *, habit: Habit, image: str = "debian12", noise: float = 0.01, seed: int = 1
) -> Iterator[HostSampled]:
    """Yield looks at one host: disk and database grow, CPU and line go up and down around their habit."""
    chance = random.Random(f"{name}{seed}")  # noqa: S311 - a simulation, the same every time
    facts = recorded_facts(image)
    before: HostSampled | None = None
    began: datetime | None = None
    for at in moments:
        began = began or at
        days = (at - began) / timedelta(days=1)
        step_s = 0.0 if before is None else (at - before.taken_at).total_seconds()
        _live(facts, habit, days, step_s, lambda: 1 + chance.uniform(-noise, noise))
        facts["system"]["hostname"] = name
        samples = samples_of(facts, taken_at=at, before=before)
        kept = copy.deepcopy({part: held for part, held in facts.items() if part not in PASSING})
        before = HostSampled(host=name, taken_at=at, facts=kept, samples=samples)
        yield before


def _live(facts: dict[str, Any], habit: Habit, days: float, step_s: float, about: Any) -> None:
    root = facts["file_systems"]["mounted"]["/"]
    size = habit.fs_size_gib * GIB
    used = min((habit.fs_used_gib + habit.fs_per_day_gib * days) * GIB * about(), size)
    root.update(size_bytes=int(size), used_bytes=int(used), free_bytes=int(size - used))
    memory = facts["memory"]
    memory["available_bytes"] = int(memory["total_bytes"] * (1 - min(habit.memory_used * about(), 1.0)))
    facts["cpu_time"]["all_s"] += step_s * facts["cpu"]["count"]
    facts["cpu_time"]["busy_s"] += step_s * facts["cpu"]["count"] * min(habit.busy * about(), 1.0)
    for held in facts["interfaces"].values():
        held["rx_bytes"] += int(habit.line_mbps * MBIT / 8 * step_s * about())
        held["tx_bytes"] += int(habit.line_mbps * MBIT / 80 * step_s * about())
    databases = facts["postgresql"]["5432"]["databases"]
    databases["cases"] = int((habit.database_gib + habit.database_per_day_gib * days) * GIB * about())


def every(hours: float, *, until: datetime, days: float) -> list[datetime]:
    """Return moments some hours apart over some days, the last one at `until`."""
    count = int(days * 24 / hours)
    return [until - timedelta(hours=hours * back) for back in range(count, -1, -1)]


def record(ledger: Ledger, of_hosts: Mapping[str, Iterable[HostSampled]]) -> None:
    """Record looks, an act for each moment at which all hosts were looked at."""
    for number, together in enumerate(zip(*of_hosts.values(), strict=True)):
        ledger.record_looks(f"{together[0].taken_at:%Y%m%dT%H%M%SZ}-collect-{number:04x}", together)
