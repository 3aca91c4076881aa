"""What a period amounts to: runs, readings, incidents, and what grew. One pass over the readings, none is held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hardening.inspected import MISSED, Incident, ItemSeen, Reading, Run, Verdict


@dataclass(kw_only=True)
class Series:
    """One figure of one object over a period: how often, from where to where, and its extremes."""

    count: int = 0
    total: float = 0.0
    low: float = float("inf")
    high: float = float("-inf")
    last: float = 0.0

    def add(self, value: float) -> None:
        """Add one reading."""
        self.count, self.total, self.last = self.count + 1, self.total + value, value
        self.low, self.high = min(self.low, value), max(self.high, value)

    @property
    def mean(self) -> float:
        """The mean."""
        return self.total / self.count


@dataclass(kw_only=True)
class Figures:
    """What a period amounts to."""

    runs: list[Run] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    items: dict[str, ItemSeen] = field(default_factory=dict)
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    by_category: dict[str, Counter[Verdict]] = field(default_factory=dict)
    bad: Counter[tuple[str, str]] = field(default_factory=Counter)
    series: dict[tuple[str, str, str], Series] = field(default_factory=dict)
    missed: set[str] = field(default_factory=set)

    def add(self, run: Run, readings: Iterable[Reading]) -> None:
        """Add one run with its readings."""
        self.runs.append(run)
        self.hosts.update(run.hosts)
        self.items.update({item.id: item for item in run.items})
        for reading in readings:
            if reading.item == MISSED:
                self.missed.update(f"{reading.subject} {moment}" for moment in _texts(reading))
                continue
            self.verdicts[reading.verdict] += 1
            category = self.items[reading.item].category
            self.by_category.setdefault(category, Counter())[reading.verdict] += 1
            if reading.verdict.is_bad:
                self.bad[(reading.item, reading.host)] += 1
            if isinstance(reading.value, int | float) and not isinstance(reading.value, bool):
                key = (reading.item, reading.host, reading.subject)
                self.series.setdefault(key, Series()).add(float(reading.value))

    @property
    def looked(self) -> int:
        """How many readings gave a verdict."""
        return sum(count for verdict, count in self.verdicts.items() if verdict is not Verdict.NOT_APPLICABLE)

    @property
    def good_share(self) -> float | None:
        """The share of good readings among those that apply, in percent; None where there are none."""
        return round(100 * self.verdicts[Verdict.OK] / self.looked, 2) if self.looked else None


def _texts(reading: Reading) -> list[str]:
    return [str(each) for each in reading.value] if isinstance(reading.value, list) else []


@dataclass(frozen=True, kw_only=True)
class IncidentFigures:
    """What happened to incidents in a period."""

    opened: tuple[Incident, ...]
    closed: tuple[Incident, ...]
    standing: tuple[Incident, ...]
    late: int
    mean_minutes: float | None

    @property
    def by_level(self) -> Mapping[int, int]:
        """How many were opened, by level."""
        return dict(sorted(Counter(incident.level for incident in self.opened).items()))

    @property
    def followed(self) -> int:
        """How many of those that were opened follow from another."""
        return sum(bool(incident.consequence_of) for incident in self.opened)


def incident_figures(incidents: Sequence[Incident], since: datetime, until: datetime) -> IncidentFigures:
    """Return what happened to incidents from `since` up to `until`; whether one was late is judged at `until`."""
    opened = tuple(each for each in incidents if since <= each.opened_at < until)
    closed = tuple(each for each in incidents if each.closed_at is not None and since <= each.closed_at < until)
    standing = tuple(
        each for each in incidents if each.opened_at < until and (each.closed_at is None or each.closed_at >= until)
    )
    took = [(each.closed_at - each.opened_at).total_seconds() / 60 for each in closed if each.closed_at is not None]
    return IncidentFigures(
        opened=opened,
        closed=closed,
        standing=standing,
        late=sum(each.is_late(until) for each in (*closed, *standing)),
        mean_minutes=round(sum(took) / len(took), 1) if took else None,
    )
