"""What an inspection sees and registers: the values that the ledger keeps and every report is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hardening.model import Json

MISSED = "inspection_missed"
REACHABLE = "host_reachable"
# Findings about the plans themselves stand under this name: they belong to no host.
PLANS = "(plans)"


class Level(StrEnum):
    """How much the business depends on a host: thresholds, plans and deadlines go by it."""

    CORE = "core"
    IMPORTANT = "important"
    ORDINARY = "ordinary"


class Verdict(StrEnum):
    """What one reading says. `unknown` is never good: nobody could look."""

    OK = "ok"
    WARN = "warn"
    CRITICAL = "critical"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"

    @property
    def is_bad(self) -> bool:
        """True for what becomes an incident."""
        return self in (Verdict.WARN, Verdict.CRITICAL, Verdict.UNKNOWN)

    @property
    def rank(self) -> int:
        """How bad it is; more is worse."""
        return _RANKS[self]


_RANKS = {
    Verdict.NOT_APPLICABLE: 0,
    Verdict.OK: 1,
    Verdict.UNKNOWN: 2,
    Verdict.WARN: 3,
    Verdict.CRITICAL: 4,
}


@dataclass(frozen=True, kw_only=True)
class ItemSeen:
    """An item as a run knew it, so that a report outlives the catalogue."""

    id: str
    title: str
    title_zh: str
    category: str
    method: str
    unit: str = ""
    advice: str = ""
    advice_zh: str = ""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One item, read once on one host; `subject` tells several apart (a file system, a cluster).

    `threshold` is what was bad for this host's level, as a sentence; `reason` says why there is no value, or none good.
    Where the value is a rate, `total` is what its counter had come to, and `up_s` for how long its server had run.
    """

    host: str
    item: str
    subject: str
    level: Level
    verdict: Verdict
    taken_at: datetime
    value: Json = None
    threshold: str = ""
    reason: str = ""
    total: float | None = None
    up_s: float | None = None

    @property
    def key(self) -> str:
        """What an incident is about: the same trouble has the same key in every run."""
        return f"{self.host}|{self.item}|{self.subject}"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One inspection: which plan, over which hosts, with which items, and how it ended.

    `due_at` is the moment of the plan that this run answers; None for one that was asked for by hand.
    """

    id: str
    plan: str
    started_at: datetime
    actor: str
    tool_version: str
    hosts: tuple[str, ...]
    items: tuple[ItemSeen, ...]
    inventory: tuple[str, ...] = ()
    plan_title: str = ""
    plan_title_zh: str = ""
    addresses: Mapping[str, str] = field(default_factory=dict)
    due_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None


@dataclass(frozen=True, kw_only=True)
class Installed:
    """From this moment on a plan is expected to be kept: what is not run after it is missed."""

    plan: str
    at: datetime
    by: str


@dataclass(frozen=True, kw_only=True)
class Written:
    """A periodic report was written: for which period (its kind and first day), with the digest of the file."""

    period: str
    first: str
    at: datetime
    by: str
    file: str
    sha256: str


class Act(StrEnum):
    """What can happen to an incident."""

    OPENED = "opened"
    WORSE = "worse"
    REOPENED = "reopened"
    HELD = "held"
    ASSIGNED = "assigned"
    RESPONDED = "responded"
    NOTIFIED = "notified"
    RECOVERED = "recovered"
    RELAPSED = "relapsed"
    CLOSED = "closed"
    ATTACHED = "attached"
    DETACHED = "detached"


@dataclass(frozen=True, kw_only=True)
class IncidentEvent:
    """One thing that happened to an incident. `told` holds what belongs to the act: level, owner, cause, and so on."""

    number: str
    act: Act
    at: datetime
    by: str
    told: Mapping[str, str] = field(default_factory=dict)
    reading: Reading | None = None


@dataclass(frozen=True, kw_only=True)
class Incident:
    """An incident as its events leave it. `level` is that of the response table, 1 the worst.

    `respond_by` and `resolve_by` follow from the response table when it opens; a person who takes it on has responded.
    `consequence_of` is the number of the incident that it follows from, and stays when both are closed.
    """

    number: str
    opened_at: datetime
    first: Reading
    worst: Reading
    level: int
    owner: str
    respond_by: datetime | None
    resolve_by: datetime | None
    report_by: datetime | None = None
    responded_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str = ""
    is_held: bool = False
    good_since: datetime | None = None
    reopened: int = 0
    cause: str = ""
    handling: str = ""
    prevention: str = ""
    consequence_of: str = ""
    events: tuple[IncidentEvent, ...] = ()

    @property
    def is_open(self) -> bool:
        """True until it is closed."""
        return self.closed_at is None

    def is_late(self, now: datetime) -> bool:
        """True where it was, or is, not resolved in time."""
        return self.resolve_by is not None and (self.closed_at or now) > self.resolve_by
