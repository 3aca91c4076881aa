"""Which incident another one follows from: a service that stops is told once, with what it takes along. Pure."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hardening.inspected import Act, Incident, Reading, Verdict
from hardening.inspection.items import Item


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """What items say of each other: `depends_on` and `repeats`, by item."""

    depends_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    repeats: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, items: Iterable[Item]) -> Grouping:
        """Return what these items say."""
        known = tuple(items)
        return cls(
            depends_on={item.id: item.depends_on for item in known if item.depends_on},
            repeats={item.id: item.repeats for item in known if item.repeats},
        )

    def rank(self, item: str) -> int:
        """Return how far an item is from having no cause: causes come first, and have the lower numbers."""
        return self._rank(item, frozenset())

    def _rank(self, item: str, passed: frozenset[str]) -> int:
        causes = {*self.depends_on.get(item, ()), *self.repeats.get(item, ())} - passed
        return max((1 + self._rank(each, passed | {item}) for each in causes), default=0)

    def moves(
        self, incidents: Mapping[str, Incident], came: frozenset[str], readings: Sequence[Reading]
    ) -> Iterator[tuple[Incident, Act, str, Reading]]:
        """Yield which open incidents follow from another from now on, or no longer: incident, act, the other's number.

        `incidents` are all, as the readings leave them, and `came` the numbers of those that came with them. What was
        there before its cause is none of its consequences; what is still bad when its cause is gone is its own.
        """
        now_open = [incident for incident in incidents.values() if incident.is_open]
        causes: dict[tuple[str, str], list[Incident]] = {}
        for incident in now_open:
            if _can_cause(incident):
                causes.setdefault((incident.first.host, incident.first.item), []).append(incident)
        own = {incident.first.key: incident for incident in now_open}
        for reading in readings:
            held = own.get(reading.key)
            if not reading.verdict.is_bad or held is None:
                continue
            found = self._causes_of(reading, causes)
            before = incidents.get(held.consequence_of)
            if found and before is not None and before.number in {each.number for each in found}:
                continue
            if found and (held.number in came or held.consequence_of):
                yield held, Act.ATTACHED, found[0].number, reading
            elif held.consequence_of:
                yield held, Act.DETACHED, held.consequence_of, reading

    def _causes_of(
        self, reading: Reading, causes: Mapping[tuple[str, str], Sequence[Incident]]
    ) -> tuple[Incident, ...]:
        """Return the incidents that a bad reading follows from, in the order in which its item names them."""
        told = self._repeated(reading, causes) if isinstance(reading.value, list) else []
        for name in self.depends_on.get(reading.item, ()):
            told += [each for each in causes.get((reading.host, name), ()) if _is_about(each, reading)]
        return tuple(told)

    def _repeated(self, reading: Reading, causes: Mapping[tuple[str, str], Sequence[Incident]]) -> list[Incident]:
        """Return the incidents that tell of everything that a list names; none where it names anything else, too."""
        repeated = self.repeats.get(reading.item, {})
        told: list[Incident] = []
        for each in reading.value if isinstance(reading.value, list) else ():
            standing = [
                incident
                for name, pattern in repeated.items()
                if fnmatch.fnmatchcase(str(each), pattern)
                for incident in causes.get((reading.host, name), ())
            ]
            if not standing:
                return []
            told += standing
        return told


def _can_cause(incident: Incident) -> bool:
    """Tell whether something was seen to be bad, and still is: nothing follows from what nobody could look at."""
    return incident.good_since is None and incident.worst.verdict is not Verdict.UNKNOWN


def _is_about(cause: Incident, reading: Reading) -> bool:
    """Tell whether a reading is of the same object as a cause, or of a part of it; where one names none, it is."""
    whole, part = cause.first.subject, reading.subject
    return not whole or not part or part == whole or part.startswith(f"{whole} ")


def root_of(incident: Incident, incidents: Mapping[str, Incident]) -> Incident:
    """Return the incident that everything before it follows from: itself where it follows from none."""
    found, passed = incident, {incident.number}
    while found.consequence_of in incidents and found.consequence_of not in passed:
        passed.add(found.consequence_of)
        found = incidents[found.consequence_of]
    return found


def followers(incidents: Iterable[Incident]) -> Mapping[str, tuple[Incident, ...]]:
    """Return by number what follows from each incident, and what follows from that, in the order of their numbers.

    One from which nothing follows is not in it.
    """
    known = {each.number: each for each in incidents}
    found: dict[str, tuple[Incident, ...]] = {}
    for _, each in sorted(known.items()):
        passed, at = {each.number}, each.consequence_of
        while at and at not in passed:
            passed.add(at)
            found[at] = (*found.get(at, ()), each)
            at = known[at].consequence_of if at in known else ""
    return found


def in_groups(incidents: Sequence[Incident]) -> list[Incident]:
    """Return incidents in their order, each with those of its consequences that are among them right behind it."""
    known = {incident.number: incident for incident in incidents}
    follow = followers(incidents)
    roots = [incident for incident in incidents if root_of(incident, known) is incident]
    return [each for root in roots for each in (root, *follow.get(root.number, ()))]
