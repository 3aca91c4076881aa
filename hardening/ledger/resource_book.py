"""The ledger's part about resources: looks with their samples, days rolled up, and what was allocated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from statistics import fmean

from sqlalchemy import Connection, Select, func, select

from hardening.errors import AskedWrongly
from hardening.ledger.chain import Entry
from hardening.ledger.database import Database
from hardening.ledger.projection import utc_text
from hardening.ledger.purging import doomed, empty
from hardening.ledger.reading import NO_REQUIREMENTS, Records
from hardening.ledger.records import Purged, Record, Requirements
from hardening.ledger.schema import ALLOCATIONS, RESOURCE_LOOKS, SAMPLE_ROLLUPS, SAMPLES
from hardening.redaction_policy import RedactionPolicy
from hardening.resource_model import AllocationStep, HostSampled, Reading, RolledUp, Rollup, Series

# Counters only serve to work out rates with the next look; a mean of them says nothing.
COUNTER = "_total"
ROLLUPS_IN_ENTRY = 5000
NAMED_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Tidied:
    """What retention took: looks whose samples were rolled up, and days that it made of them."""

    acts: int
    rollups: int


class ResourceBook:
    """What the ledger knows of resources; part of `Ledger`."""

    redaction: RedactionPolicy
    _database: Database
    _records: Records
    _clock: Callable[[], datetime]

    def _append_in(self, connection: Connection, campaign_id: str, record: Record, known: Requirements) -> Entry:
        raise NotImplementedError

    def record_looks(self, act_id: str, looks: Iterable[HostSampled]) -> None:
        """Record looks at resources, an entry for each host, all of them or none."""
        with self._database.write() as connection:
            for look in looks:
                self._append_in(connection, act_id, self.redaction.sampled(look), NO_REQUIREMENTS)

    def newest_looks(self, *, reached: bool = False, until: datetime | None = None) -> dict[str, HostSampled]:
        """Return the newest look at each host, by name; with `reached` the newest at which the host answered.

        `until` leaves out what was looked at later: the clock may have been set back since.
        """
        last = select(RESOURCE_LOOKS.c.host, func.max(RESOURCE_LOOKS.c.taken_at).label("at"))
        if reached:
            last = last.where(RESOURCE_LOOKS.c.reached == 1)
        if until is not None:
            last = last.where(RESOURCE_LOOKS.c.taken_at <= utc_text(until))
        newest = last.group_by(RESOURCE_LOOKS.c.host).subquery()
        query = (
            select(RESOURCE_LOOKS.c.seq)
            .join(newest, (RESOURCE_LOOKS.c.host == newest.c.host) & (RESOURCE_LOOKS.c.taken_at == newest.c.at))
            .order_by(RESOURCE_LOOKS.c.host, RESOURCE_LOOKS.c.seq)
        )
        if reached:
            query = query.where(RESOURCE_LOOKS.c.reached == 1)
        found: dict[str, HostSampled] = {}
        with self._database.read() as connection:
            for seq in list(connection.scalars(query)):
                _, record = self._records.at(connection, seq)
                if isinstance(record, HostSampled):
                    found[record.host] = record
        return found

    def looks_of(self, host: str) -> tuple[tuple[datetime, bool], ...]:
        """Return when a host was looked at, and whether it answered, oldest first."""
        query = (
            select(RESOURCE_LOOKS.c.taken_at, RESOURCE_LOOKS.c.reached)
            .where(RESOURCE_LOOKS.c.host == host)
            .order_by(RESOURCE_LOOKS.c.taken_at)
        )
        with self._database.read() as connection:
            return tuple((datetime.fromisoformat(at), bool(reached)) for at, reached in connection.execute(query))

    def series(
        self,
        metrics: Sequence[str],
        *,
        since: datetime,
        host: str | None = None,
        subject: str | None = None,
    ) -> tuple[Series, ...]:
        """Return how numbers went since a moment, of all hosts and subjects or of one; sorted by name."""
        readings: dict[tuple[str, str, str], list[Reading]] = defaultdict(list)
        with self._database.read() as connection:
            rolled = _narrowed(select(SAMPLE_ROLLUPS), SAMPLE_ROLLUPS, metrics, host, subject)
            for row in connection.execute(rolled.where(SAMPLE_ROLLUPS.c.day >= since.date().isoformat())):
                # At the day's middle, where its mean belongs.
                at = datetime.combine(date.fromisoformat(row.day), time(12), tzinfo=UTC)
                readings[row.host, row.subject, row.metric].append(
                    Reading(
                        at=at, value=row.mean, minimum=row.minimum, maximum=row.maximum, count=row._mapping["count"]
                    )
                )
            single = _narrowed(select(SAMPLES), SAMPLES, metrics, host, subject)
            for row in connection.execute(single.where(SAMPLES.c.taken_at >= utc_text(since))):
                readings[row.host, row.subject, row.metric].append(
                    Reading(
                        at=datetime.fromisoformat(row.taken_at), value=row.value, minimum=row.value, maximum=row.value
                    )
                )
        return tuple(
            Series(host=key[0], subject=key[1], metric=key[2], readings=tuple(sorted(held, key=lambda each: each.at)))
            for key, held in sorted(readings.items())
        )

    def roll_up(self, act_id: str, *, before: date, by: str) -> Tidied:
        """Sum up the days before a date, and purge the looks that they came from; tombstones stay in the chain."""
        limit = utc_text(datetime.combine(before, time(), tzinfo=UTC))
        ended = (
            select(RESOURCE_LOOKS.c.campaign_id)
            .group_by(RESOURCE_LOOKS.c.campaign_id)
            .having(func.max(RESOURCE_LOOKS.c.taken_at) < limit)
        )
        with self._database.write() as connection:
            acts = sorted(connection.scalars(ended))
            if not acts:
                return Tidied(acts=0, rollups=0)
            # An act that reaches over the limit keeps its samples, also those of the days before.
            query = (
                select(SAMPLES)
                .where(SAMPLES.c.taken_at < limit, SAMPLES.c.campaign_id.in_(ended))
                .order_by(SAMPLES.c.host, SAMPLES.c.subject, SAMPLES.c.metric, SAMPLES.c.taken_at)
            )
            rollups = list(_days(connection, query))
            for at in range(0, len(rollups), ROLLUPS_IN_ENTRY):
                record = RolledUp(rollups=tuple(rollups[at : at + ROLLUPS_IN_ENTRY]))
                self._append_in(connection, act_id, record, NO_REQUIREMENTS)
            self._purge_acts(connection, acts, by=by, reason=f"retention: rolled up by {act_id}")
        return Tidied(acts=len(acts), rollups=len(rollups))

    def forget_rollups(self, *, before: date, by: str) -> int:
        """Purge the days before a date, where all that were rolled up together are older; return how many went."""
        old = (
            select(SAMPLE_ROLLUPS.c.campaign_id, func.count())
            .group_by(SAMPLE_ROLLUPS.c.campaign_id)
            .having(func.max(SAMPLE_ROLLUPS.c.day) < before.isoformat())
        )
        with self._database.write() as connection:
            found = [(str(act), int(number)) for act, number in connection.execute(old)]
            if found:
                self._purge_acts(connection, [act for act, _ in found], by=by, reason="retention: too old")
        return sum(number for _, number in found)

    def oldest_look(self) -> datetime | None:
        """Return when the oldest look was taken whose samples are still kept; None where there is none."""
        with self._database.read() as connection:
            oldest = connection.scalar(select(func.min(RESOURCE_LOOKS.c.taken_at)))
        return None if oldest is None else datetime.fromisoformat(oldest)

    def record_allocation(self, step: AllocationStep, *, known: int) -> None:
        """Record a step of an allocation, decided while `known` steps were on record.

        Raises AskedWrongly where others came between: they may have taken the same room.
        """
        with self._database.write() as connection:
            present = connection.scalar(select(func.count()).select_from(ALLOCATIONS)) or 0
            if present != known:
                raise AskedWrongly("somebody else recorded an allocation in between; look again, and decide anew")
            self._append_in(connection, f"allocation-{step.request_id}", step, NO_REQUIREMENTS)

    def allocation_steps(self) -> tuple[AllocationStep, ...]:
        """Return every step of every allocation, oldest first."""
        with self._database.read() as connection:
            places = list(connection.scalars(select(ALLOCATIONS.c.seq).order_by(ALLOCATIONS.c.seq)))
            records = (self._records.at(connection, seq)[1] for seq in places)
            return tuple(record for record in records if isinstance(record, AllocationStep))

    def _purge_acts(self, connection: Connection, acts: Sequence[str], *, by: str, reason: str) -> None:
        gone = doomed(connection, *acts)
        entries: Mapping[str, int] = gone.by_campaign
        for act in acts:
            # Looks share the texts of their facts, so that a text is of no one act.
            tombstone = Purged(by=by, reason=reason, entries=entries.get(act, 0), texts=0, texts_shared=0)
            self._append_in(connection, act, tombstone, NO_REQUIREMENTS)
        empty(connection, gone)


def _narrowed(
    query: Select[tuple[object, ...]], table: object, metrics: Sequence[str], host: str | None, subject: str | None
) -> Select[tuple[object, ...]]:
    columns = table.c  # type: ignore[attr-defined]  # a Table, whose columns have no static names
    query = query.where(columns.metric.in_(list(metrics)))
    if host is not None:
        query = query.where(columns.host == host)
    if subject is not None:
        query = query.where(columns.subject == subject)
    return query


def _days(connection: Connection, query: Select[tuple[object, ...]]) -> Iterator[Rollup]:
    """Yield a day of each number; the rows come in the order of number and time."""
    key: tuple[str, str, str, str] | None = None
    held: list[float] = []
    for row in connection.execute(query):
        if row.metric.endswith(COUNTER):
            continue
        of = (row.host, row.subject, row.metric, row.taken_at[:10])
        if of != key and key is not None:
            yield _rollup(key, held)
            held = []
        key = of
        held.append(row.value)
    if key is not None:
        yield _rollup(key, held)


def _rollup(key: tuple[str, str, str, str], values: list[float]) -> Rollup:
    ordered = sorted(values)
    host, subject, metric, day = key
    return Rollup(
        host=host,
        subject=subject,
        metric=metric,
        day=date.fromisoformat(day),
        count=len(values),
        minimum=ordered[0],
        maximum=ordered[-1],
        mean=fmean(values),
        # Nearest rank: a value that was really measured.
        p95=ordered[max(0, -(-95 * len(ordered) // 100) - 1)],
        last=values[-1],
    )
