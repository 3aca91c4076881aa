"""What was seen of resources and what was allocated, as the ledger keeps it. Plain values, no rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

from hardening.model import Json

Samples: TypeAlias = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class HostSampled:
    """One look at the resources of one host.

    `facts` are what was seen, by part (`cpu`, `file_systems`, ...), `unseen` why a part could not be: a part stands
    in one of the two, and of a host that was not reached in neither. `samples` are numbers by subject and metric:
    `{"fs:/": {"used_bytes": 1e9}}`. What was not seen has no number.
    """

    host: str
    taken_at: datetime
    unreachable: str | None = None
    facts: Mapping[str, Json] = field(default_factory=dict)
    unseen: Mapping[str, str] = field(default_factory=dict)
    samples: Samples = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Rollup:
    """A day (UTC) of one number, when its samples are not kept any more."""

    host: str
    subject: str
    metric: str
    day: date
    count: int
    minimum: float
    maximum: float
    mean: float
    p95: float
    last: float


@dataclass(frozen=True, kw_only=True)
class RolledUp:
    """Days whose samples were summed up, so that the looks themselves may go."""

    rollups: tuple[Rollup, ...]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One number of a series: a sample (`count` 1), or a day that was rolled up."""

    at: datetime
    value: float
    minimum: float
    maximum: float
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class Series:
    """How one number went, oldest first."""

    host: str
    subject: str
    metric: str
    readings: tuple[Reading, ...]


class Step(StrEnum):
    """What can happen to an allocation, in this order; a change needs an approval of its own ticket."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"
    ALLOCATED = "allocated"
    CHANGED = "changed"
    RELEASED = "released"


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one instance of a service has of one host."""

    host: str
    vcpus: float
    memory_gib: float
    disk_gib: float


@dataclass(frozen=True, kw_only=True)
class AllocationStep:
    """One step in the life of an allocation. `request` is what was asked for, with the first step and a change."""

    request_id: str
    step: Step
    by: str
    ticket: str
    taken_at: datetime
    reason: str = ""
    request: Mapping[str, Json] = field(default_factory=dict)
    shares: tuple[Share, ...] = ()
