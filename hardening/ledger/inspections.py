"""Inspections and incidents in the ledger: the same entries, the same chain, read and written through one value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from hardening.errors import AskedWrongly
from hardening.inspected import IncidentEvent, Installed, Reading, Run, Written
from hardening.ledger.book import Ledger
from hardening.ledger.projection import utc_text
from hardening.ledger.reading import NO_REQUIREMENTS
from hardening.ledger.records import HostInspected, IncidentsNoted, Inspecting, PlanInstalled, ReportWritten
from hardening.ledger.schema import INCIDENT_EVENTS, INSPECTION_PLANS, INSPECTIONS, READINGS, REPORTS_WRITTEN

Decide = Callable[[Sequence[IncidentEvent]], Sequence[IncidentEvent]]
NAMED_AT_MOST = 5
RUNS_LOOKED_BACK = 10


class InspectionBook:
    """What a ledger holds of inspections. Every method is one transaction."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        # Entries never change, so those that were read stand: a run over a thousand hosts reads each once.
        self._known: dict[int, tuple[IncidentEvent, ...]] = {}

    def record_run(self, run: Run) -> None:
        """Record that a run begins, or that it ends."""
        self._ledger._append(run.id, Inspecting(run=run))

    def record_readings(self, run_id: str, host: str, readings: Sequence[Reading]) -> None:
        """Record what was read on one host; when this returns it is on the disk."""
        self._ledger._append(run_id, HostInspected(host=host, readings=tuple(readings)))

    def record_installed(self, act_id: str, installed: Installed) -> None:
        """Record that a plan is to be kept from now on."""
        self._ledger._append(act_id, PlanInstalled(installed=installed))

    def note_incidents(self, act_id: str, decide: Decide) -> tuple[IncidentEvent, ...]:
        """Record what `decide` makes of all events so far, and return it.

        Nobody else writes between what it is shown and what it answers, so that a number is given once.
        """
        ledger = self._ledger
        with ledger._database.write() as connection:
            events = tuple(decide(self._events(connection)))
            if events:
                ledger._append_in(connection, act_id, IncidentsNoted(events=events), NO_REQUIREMENTS)
        return events

    def incident_events(self) -> tuple[IncidentEvent, ...]:
        """Return everything that happened to incidents, oldest first."""
        with self._ledger._database.read() as connection:
            return tuple(self._events(connection))

    def _events(self, connection: Connection) -> list[IncidentEvent]:
        """Return the events of all entries that are there now, in their order."""
        found: list[IncidentEvent] = []
        for seq in list(connection.scalars(select(INCIDENT_EVENTS.c.seq).order_by(INCIDENT_EVENTS.c.seq))):
            if seq not in self._known:
                _, record = self._ledger._records.at(connection, seq)
                self._known[seq] = record.events if isinstance(record, IncidentsNoted) else ()
            found += self._known[seq]
        return found

    def installed(self) -> tuple[Installed, ...]:
        """Return which plans were installed, oldest first."""
        with self._ledger._database.read() as connection:
            seqs = list(connection.scalars(select(INSPECTION_PLANS.c.seq).order_by(INSPECTION_PLANS.c.seq)))
            records = [self._ledger._records.at(connection, seq)[1] for seq in seqs]
        return tuple(record.installed for record in records if isinstance(record, PlanInstalled))

    def record_written(self, act_id: str, written: Written) -> None:
        """Record that a periodic report was written."""
        self._ledger._append(act_id, ReportWritten(written=written))

    def written(self) -> tuple[Written, ...]:
        """Return which periodic reports were written, oldest first."""
        with self._ledger._database.read() as connection:
            seqs = list(connection.scalars(select(REPORTS_WRITTEN.c.seq).order_by(REPORTS_WRITTEN.c.seq)))
            records = [self._ledger._records.at(connection, seq)[1] for seq in seqs]
        return tuple(record.written for record in records if isinstance(record, ReportWritten))

    def runs(
        self, *, plan: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> tuple[Run, ...]:
        """Return runs by when they started (`since` included, `until` not), oldest first."""
        table = INSPECTIONS
        query = select(table.c.seq).order_by(table.c.started_at, table.c.seq)
        if plan is not None:
            query = query.where(table.c.plan == plan)
        if since is not None:
            query = query.where(table.c.started_at >= utc_text(since))
        if until is not None:
            query = query.where(table.c.started_at < utc_text(until))
        with self._ledger._database.read() as connection:
            records = [self._ledger._records.at(connection, seq)[1] for seq in list(connection.scalars(query))]
        return tuple(record.run for record in records if isinstance(record, Inspecting))

    def run(self, asked: str) -> Run:
        """Return the run that is meant by an id, its beginning, or `latest`. Raises AskedWrongly where none is."""
        table = INSPECTIONS
        with self._ledger._database.read() as connection:
            names = list(connection.scalars(select(table.c.campaign_id).order_by(table.c.started_at, table.c.seq)))
            found = names[-1:] if asked == "latest" else [name for name in names if name.startswith(asked)]
            if len(found) != 1 and asked not in found:
                newest = ", ".join(names[-NAMED_AT_MOST:]) or "none yet; `hardening inspect run` makes one"
                what = "names several inspections" if found else "is no inspection"
                raise AskedWrongly(f"{asked} {what} (the newest are: {newest})")
            name = asked if asked in found else found[0]
            seq = connection.scalar(select(table.c.seq).where(table.c.campaign_id == name))
            _, record = self._ledger._records.at(connection, int(seq or 0))
        if not isinstance(record, Inspecting):
            raise AskedWrongly(f"{asked} is no inspection")
        return record.run

    def counted(self, hosts: Sequence[str], items: Sequence[str], until: datetime) -> dict[str, list[Reading]]:
        """Return by key what was read of these items' counters in the latest runs that began before `until`.

        Of each host the newest run counts that asked for one of the items, also where there was nothing to read.
        """
        if not items:
            return {}
        query = select(INSPECTIONS.c.seq).where(INSPECTIONS.c.started_at < utc_text(until))
        query = query.order_by(INSPECTIONS.c.started_at.desc(), INSPECTIONS.c.seq.desc()).limit(RUNS_LOOKED_BACK)
        with self._ledger._database.read() as connection:
            records = [self._ledger._records.at(connection, seq)[1] for seq in list(connection.scalars(query))]
        found: dict[str, list[Reading]] = {}
        missing = set(hosts)
        for record in records:
            if not missing or not isinstance(record, Inspecting):
                continue
            run = record.run
            if not missing & set(run.hosts) or not {item.id for item in run.items} & set(items):
                continue
            read = [each for each in self.readings(run.id) if each.host in missing and each.item in items]
            for reading in read:
                if reading.total is not None:
                    found.setdefault(reading.key, []).append(reading)
            missing -= {reading.host for reading in read}
        return found

    def readings(self, run_id: str) -> Iterator[Reading]:
        """Yield what a run read, host by host, in the order of recording."""
        query = select(READINGS.c.seq).where(READINGS.c.campaign_id == run_id).order_by(READINGS.c.seq)
        with self._ledger._database.read() as connection:
            seqs = list(connection.scalars(query))
        for seq in seqs:
            with self._ledger._database.read() as connection:
                _, record = self._ledger._records.at(connection, seq)
            if isinstance(record, HostInspected):
                yield from record.readings
