"""One proof of many items on one real host. Nothing here knows what an item looks at."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hardening import remote
from hardening.context import utc_now
from hardening.inspected import Level, Reading, Verdict
from hardening.inspection.items import Item
from hardening.inspection.kinds import kinds
from hardening.inspection.looking import Ask, HostAsk, read_hosts

PATIENCE_S = 60.0


@dataclass(kw_only=True)
class Proof:
    """What became of every item: no complaint means proven. `stood_in` are those whose fault was put in front.

    `left_behind` is what was bad after all and not before: the item is proven, and another's mending is not whole.
    """

    system: str
    asked: tuple[str, ...]
    complaints: dict[str, list[str]] = field(default_factory=dict)
    stood_in: list[str] = field(default_factory=list)
    not_tried: list[str] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)

    @property
    def proven(self) -> list[str]:
        """The items whose fault was seen, and seen no more."""
        left_out = self.complaints.keys() | set(self.not_tried)
        return [name for name in self.asked if name not in left_out]

    def joined(self, other: Proof) -> Proof:
        """Return both as one: what was proven on several hosts of a system."""
        return Proof(
            system=self.system,
            asked=self.asked + other.asked,
            complaints=self.complaints | other.complaints,
            stood_in=self.stood_in + other.stood_in,
            not_tried=self.not_tried + other.not_tried,
            left_behind=self.left_behind + other.left_behind,
        )

    def complain(self, name: str, sentence: str) -> None:
        """Note why an item is not proven."""
        self.complaints.setdefault(name, []).append(sentence)


def prove(
    system: str,
    connection: remote.Connection,
    shell: Callable[[str], object],
    items: Sequence[Item],
    *,
    say: Callable[[str], None] = lambda sentence: None,
) -> Proof:
    """Cause, find and mend the fault of every item, one after the other on one host.

    What was good before the first and is not after the last was left behind by one of them, nobody knows by which.
    """
    proof = Proof(system=system, asked=tuple(item.id for item in items))
    tried = [_as_tried(item) for item in items if item.fault is not None]
    was_good = _good_ones(connection, tried)
    for item in items:
        if item.fault is None:
            proof.not_tried.append(item.id)
            continue
        if item.fault.stands_in:
            proof.stood_in.append(item.id)
        try:
            _prove_one(proof, connection, shell, item)
        except Exception as problem:  # one item's trouble must not hide the others'; it is counted as a failure
            proof.complain(item.id, f"{type(problem).__name__}: {problem}"[:400])
        say(f"{item.id}: {'; '.join(proof.complaints.get(item.id, ['proven']))}")
    left_good = _good_ones(connection, tried)
    for item in tried:
        if item.id in was_good - left_good:
            left = _until(connection, item, _is_good)
            if not _is_good(_worst(left)):
                proof.left_behind.append(f"{item.id}: good before all, and after all {_said(left)}")
                say(proof.left_behind[-1])
    return proof


def _as_tried(item: Item) -> Item:
    """Return an item as its proof reads it."""
    fault = item.fault
    if fault is None:
        raise ValueError(f"{item.id} has no fault")
    return dataclasses.replace(
        item, params={**item.params, **fault.params}, thresholds=fault.thresholds or item.thresholds
    )


def _good_ones(connection: remote.Connection, items: Sequence[Item]) -> set[str]:
    """Return the items of which nothing is bad, read in one session."""
    readings = _read(connection, *items)[1:]
    return {item.id for item in items} - {each.item for each in readings if not _is_good(each.verdict)}


def _prove_one(proof: Proof, connection: remote.Connection, shell: Callable[[str], object], item: Item) -> None:
    tried, fault = _as_tried(item), item.fault
    assert fault is not None, f"{item.id} has no fault"
    # A fault whose item asks for something of the test's own begins where its mending leaves off.
    if fault.cause.strip() == "true":
        seen = _until(connection, tried, lambda verdict: verdict == fault.expect)
        if _worst(seen) != fault.expect:
            proof.complain(item.id, f"without what it asks for: {_said(seen)}")
        shell(fault.mend)
    else:
        before = _until(connection, tried, _is_good)
        if _worst(before) in (fault.expect, Verdict.UNKNOWN):
            proof.complain(item.id, f"found before it was caused: {_said(before)}")
        try:
            shell(fault.cause)
            seen = _until(connection, tried, lambda verdict: verdict == fault.expect)
            if _worst(seen) != fault.expect:
                proof.complain(item.id, f"caused, and seen as {_said(seen)}, not as {fault.expect}")
        finally:
            shell(fault.mend)
    after = _until(connection, tried, _is_good)
    shell(fault.clear or "true")
    if not _is_good(_worst(after)):
        proof.complain(item.id, f"mended, and still seen as {_said(after)}")


def _until(connection: remote.Connection, item: Item, is_met: Callable[[Verdict], bool]) -> Sequence[Reading]:
    """Read until the verdict is as wanted, or patience ends: a service takes a moment to stop or start."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        readings = _read(connection, item)
        if is_met(_worst(readings)) or time.monotonic() > deadline:
            return readings


def _read(connection: remote.Connection, *items: Item) -> Sequence[Reading]:
    ask = HostAsk(
        connection=connection,
        level=Level.ORDINARY,
        asks=tuple(Ask(item=item, params=item.params, thresholds=item.thresholds) for item in items),
    )
    for host in read_hosts([ask], kinds(), clock=utc_now, limits=remote.Limits(command_s=60)):
        return host.readings
    raise AssertionError("the host gave no answer")


def _is_good(verdict: Verdict) -> bool:
    return verdict in (Verdict.OK, Verdict.NOT_APPLICABLE)


def _worst(readings: Sequence[Reading]) -> Verdict:
    return max((reading.verdict for reading in readings[1:]), key=lambda verdict: verdict.rank)


def _said(readings: Sequence[Reading]) -> str:
    said: Mapping[str, str] = {
        reading.subject: f"{reading.verdict.value} ({reading.value!r}{' ' + reading.reason if reading.reason else ''})"
        for reading in readings
    }
    return "; ".join(f"{subject} {words}".strip() for subject, words in said.items())[:300]
