"""How incidents come, go and are handled: from events to incidents, and from readings to events. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hardening.errors import AskedWrongly
from hardening.inspected import REACHABLE, Act, Incident, IncidentEvent, Reading, Verdict
from hardening.inspection.grouping import Grouping, followers
from hardening.inspection.response import ResponseTable
from hardening.yaml_lines import did_you_mean

SYSTEM = "inspection"
SENT = "sent"


def incidents_of(events: Iterable[IncidentEvent], before: Mapping[str, Incident] | None = None) -> dict[str, Incident]:
    """Return every incident by its number, as its events leave it; `before` is how earlier ones left them."""
    found: dict[str, Incident] = dict(before or {})
    for event in events:
        known = found.get(event.number)
        if known is None:
            if event.act is not Act.OPENED or event.reading is None:
                continue  # What opened it was purged; the rest says nothing without it.
            found[event.number] = _opened(event, event.reading)
        else:
            found[event.number] = dataclasses.replace(_after(known, event), events=(*known.events, event))
    return found


class Standing:
    """All incidents as they stand, kept from one host of a run to the next: only what is new is worked out."""

    def __init__(self) -> None:
        self._incidents: Mapping[str, Incident] = {}
        self._count = 0
        self._last: IncidentEvent | None = None

    def after(self, events: Sequence[IncidentEvent]) -> Mapping[str, Incident]:
        """Return every incident by its number after all these events, which only grow while nothing is purged."""
        is_longer = 0 < self._count <= len(events) and events[self._count - 1] is self._last
        begin = self._count if is_longer else 0
        self._incidents = incidents_of(events[begin:], self._incidents if is_longer else None)
        self._count, self._last = len(events), events[-1] if events else None
        return self._incidents


def _opened(event: IncidentEvent, reading: Reading) -> Incident:
    return Incident(
        number=event.number,
        opened_at=event.at,
        first=reading,
        worst=reading,
        level=int(event.told["level"]),
        owner=event.told.get("owner", ""),
        respond_by=_moment(event.told, "respond_by"),
        resolve_by=_moment(event.told, "resolve_by"),
        report_by=_moment(event.told, "report_by"),
        events=(event,),
    )


def _after(known: Incident, event: IncidentEvent) -> Incident:
    told = event.told
    match event.act:
        case Act.WORSE:
            return dataclasses.replace(
                known,
                worst=event.reading or known.worst,
                level=int(told["level"]),
                respond_by=_moment(told, "respond_by") or known.respond_by,
                resolve_by=_moment(told, "resolve_by") or known.resolve_by,
                report_by=_moment(told, "report_by") or known.report_by,
            )
        case Act.REOPENED:
            return dataclasses.replace(known, closed_at=None, closed_by="", reopened=known.reopened + 1)
        case Act.HELD:
            return dataclasses.replace(known, is_held=True)
        case Act.RECOVERED:
            return dataclasses.replace(known, good_since=event.at)
        case Act.RELAPSED:
            return dataclasses.replace(known, good_since=None)
        case Act.ASSIGNED:
            return dataclasses.replace(known, owner=told["owner"])
        case Act.RESPONDED:
            return dataclasses.replace(known, responded_at=known.responded_at or event.at)
        case Act.ATTACHED:
            return dataclasses.replace(known, consequence_of=told["to"])
        case Act.DETACHED:
            return dataclasses.replace(known, consequence_of="")
        case Act.CLOSED:
            return dataclasses.replace(
                known,
                closed_at=event.at,
                closed_by=event.by,
                is_held=False,
                good_since=None,
                responded_at=known.responded_at or (event.at if event.by != SYSTEM else None),
                cause=told.get("cause", known.cause),
                handling=told.get("handling", known.handling),
                prevention=told.get("prevention", known.prevention),
            )
    return known


def _moment(told: Mapping[str, str], name: str) -> datetime | None:
    return datetime.fromisoformat(told[name]) if told.get(name) else None


@dataclass(frozen=True, kw_only=True)
class Registrar:
    """Turns the readings of one run into what happens to incidents.

    `categories` are those of the items, for their owners; `grouping` is what items say of each other.
    """

    table: ResponseTable
    categories: Mapping[str, str]
    now: datetime
    grouping: Grouping = dataclasses.field(default_factory=Grouping)
    standing: Standing = dataclasses.field(default_factory=Standing)

    def decide(self, known: Sequence[IncidentEvent], readings: Sequence[Reading]) -> list[IncidentEvent]:
        """Return the events that the readings make, in their order; what is known already makes none."""
        incidents = self.standing.after(known)
        by_key: dict[str, list[Incident]] = {}
        for incident in incidents.values():
            by_key.setdefault(incident.first.key, []).append(incident)
        events: list[IncidentEvent] = []
        last = max((_serial(incident.number, self._year) for incident in incidents.values()), default=0)
        told = sorted(_worth_telling(readings), key=lambda reading: self.grouping.rank(reading.item))
        for reading in told:
            own = by_key.get(reading.key, [])
            standing = next((incident for incident in own if incident.is_open), None)
            if reading.verdict.is_bad and standing is not None:
                events += self._still_bad(standing, reading)
            elif reading.verdict.is_bad:
                again = self._comes_again(own)
                if again is not None:
                    events += self._reopened(again, reading)
                else:
                    last += 1
                    events.append(self._new(reading, f"INC-{self._year}-{last:04d}"))
            elif standing is not None and _ends(standing, reading):
                events += self._good(standing, reading)
        events += self._seen_again(by_key, readings)
        return [*events, *self._grouped(incidents, events, told)]

    def _grouped(
        self, incidents: Mapping[str, Incident], events: Sequence[IncidentEvent], readings: Sequence[Reading]
    ) -> Iterator[IncidentEvent]:
        """Yield which incidents follow from which, once the events have happened."""
        came = frozenset(event.number for event in events if event.act in (Act.OPENED, Act.REOPENED))
        for incident, act, other, reading in self.grouping.moves(incidents_of(events, incidents), came, readings):
            told = {"to" if act is Act.ATTACHED else "from": other}
            yield self._event(incident.number, act, told, reading)

    def _seen_again(
        self, by_key: Mapping[str, Sequence[Incident]], readings: Sequence[Reading]
    ) -> Iterator[IncidentEvent]:
        """Yield the end of what could not be looked at and was read again, by its objects.

        A look that fails names no object, so its incident has none, and no reading of an object has its key.
        """
        read: dict[tuple[str, str], list[Reading]] = {}
        for reading in readings:
            read.setdefault((reading.host, reading.item), []).append(reading)
        for (host, item), found in read.items():
            if any(not each.subject or each.verdict is Verdict.UNKNOWN for each in found):
                continue
            for standing in by_key.get(f"{host}|{item}|", ()):
                if standing.is_open and standing.worst.verdict is Verdict.UNKNOWN:
                    yield from self._good(standing, found[0])

    @property
    def _year(self) -> int:
        return self.now.astimezone(self.table.zone).year

    def _new(self, reading: Reading, number: str) -> IncidentEvent:
        level = self.table.level_of(reading.verdict, reading.level)
        owner = self.table.owner_of(self.categories.get(reading.item, ""), reading.host)
        return self._event(number, Act.OPENED, {**self._deadlines(level), "owner": owner}, reading)

    def _deadlines(self, level: int) -> dict[str, str]:
        due = self.table.deadlines(level, self.now)
        told = {
            "level": str(level),
            "respond_by": due.respond_by.isoformat(),
            "resolve_by": due.resolve_by.isoformat(),
        }
        return told if due.report_by is None else {**told, "report_by": due.report_by.isoformat()}

    def _still_bad(self, standing: Incident, reading: Reading) -> list[IncidentEvent]:
        events = []
        if standing.good_since is not None:
            events.append(self._event(standing.number, Act.RELAPSED, {}, reading))
        if reading.verdict.rank > standing.worst.verdict.rank:
            level = min(standing.level, self.table.level_of(reading.verdict, reading.level))
            told = self._deadlines(level)
            for name, held in (("respond_by", standing.respond_by), ("resolve_by", standing.resolve_by)):
                # What gets worse must not get more time.
                if held is not None and held < datetime.fromisoformat(told[name]):
                    told[name] = held.isoformat()
            events.append(self._event(standing.number, Act.WORSE, told, reading))
        return events

    def _comes_again(self, own: Sequence[Incident]) -> Incident | None:
        """Return the incident that closed by itself a short while ago: the same trouble, and not a new one."""
        within = timedelta(minutes=self.table.flapping.within_minutes)
        recent = [
            incident
            for incident in own
            if incident.closed_by == SYSTEM
            and incident.closed_at is not None
            and self.now - incident.closed_at <= within
        ]
        return recent[-1] if recent else None

    def _reopened(self, again: Incident, reading: Reading) -> list[IncidentEvent]:
        events = [self._event(again.number, Act.REOPENED, {}, reading)]
        if again.reopened + 1 >= self.table.flapping.reopenings:
            minutes = str(self.table.flapping.quiet_minutes)
            events.append(self._event(again.number, Act.HELD, {"quiet_minutes": minutes}))
        return events

    def _good(self, standing: Incident, reading: Reading) -> list[IncidentEvent]:
        if standing.is_held:
            if standing.good_since is None:
                return [self._event(standing.number, Act.RECOVERED, {}, reading)]
            if self.now - standing.good_since < timedelta(minutes=self.table.flapping.quiet_minutes):
                return []
        return [self._event(standing.number, Act.CLOSED, {}, reading)]

    def _event(self, number: str, act: Act, told: Mapping[str, str], reading: Reading | None = None) -> IncidentEvent:
        return IncidentEvent(number=number, act=act, at=self.now, by=SYSTEM, told=told, reading=reading)


def _ends(standing: Incident, reading: Reading) -> bool:
    """Tell whether a reading ends an incident: a good one does.

    That the thing is not there any more does only where nobody could look: what was bad and is gone is for a person.
    """
    is_gone = reading.verdict is Verdict.NOT_APPLICABLE
    return reading.verdict is Verdict.OK or (is_gone and standing.worst.verdict is Verdict.UNKNOWN)


def _worth_telling(readings: Sequence[Reading]) -> list[Reading]:
    """Return the readings, without those that only say that a host, which is told of, was not reached."""
    lost = {reading.host for reading in readings if reading.item == REACHABLE and reading.verdict is Verdict.CRITICAL}
    return [reading for reading in readings if not (reading.host in lost and reading.verdict is Verdict.UNKNOWN)]


def _serial(number: str, year: int) -> int:
    head, _, serial = number.rpartition("-")
    return int(serial) if head == f"INC-{year}" else 0


def pending(incidents: Iterable[Incident]) -> list[tuple[Incident, IncidentEvent]]:
    """Return the open incidents that nobody was told of since they came or got worse, each with that event.

    One that comes and goes is not told again; what could not be sent is pending until it was. What follows from another
    is told with that one, and makes it pending again only where it is graver than what was told.
    """
    known = tuple(incidents)
    follow = followers(known)
    found = []
    for incident in known:
        if not incident.is_open or incident.consequence_of:
            continue
        event, told_level = None, 0
        for each in incident.events:
            if each.act in (Act.OPENED, Act.WORSE, Act.DETACHED) or (each.act is Act.REOPENED and not incident.is_held):
                event = each
            elif each.act is Act.NOTIFIED and each.told.get("result") == SENT:
                event, told_level = None, int(each.told.get("level", incident.level))
        graver = [each for each in follow.get(incident.number, ()) if each.is_open and each.level < told_level]
        if event is None and graver:
            event = graver[0].events[-1]
        if event is not None:
            found.append((incident, event))
    return found


def chosen(incidents: Mapping[str, Incident], number: str) -> Incident:
    """Return an incident by its number, or the end of it. Raises AskedWrongly where none or several are meant."""
    exact = [incident for name, incident in incidents.items() if name == number or name.endswith(f"-{number}")]
    if len(exact) != 1:
        near = did_you_mean(number, incidents)
        raise AskedWrongly(f"{number} is no incident{near}; `hardening incidents list --all` shows them")
    return exact[0]


def by_person(
    incident: Incident, act: Act, *, by: str, now: datetime, told: Mapping[str, str] | None = None
) -> IncidentEvent:
    """Return what a person did with an incident. Raises AskedWrongly where that makes no sense."""
    if not incident.is_open:
        raise AskedWrongly(f"{incident.number} is closed since {incident.closed_at:%Y-%m-%d %H:%M} UTC")
    if now < incident.opened_at:
        raise AskedWrongly(
            f"{incident.number} was opened at {incident.opened_at:%Y-%m-%d %H:%M} UTC, and this machine's clock says"
            f" {now:%Y-%m-%d %H:%M} UTC; nothing can be done with it before it was there"
        )
    if act is Act.CLOSED and any(
        not (told or {}).get(name, "").strip() for name in ("cause", "handling", "prevention")
    ):
        raise AskedWrongly("a person closes an incident with its cause, its handling and how it is prevented")
    return IncidentEvent(number=incident.number, act=act, at=now, by=by, told=told or {})
