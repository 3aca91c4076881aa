"""What of a change campaign is still in force by the record: what an undo takes back, and what a drift starts from."""

from __future__ import annotations

from collections.abc import Sequence

from hardening.errors import AskedWrongly
from hardening.evidence import undone_by
from hardening.ledger import Ledger
from hardening.model import Change, ChangeState, Target


def still_made(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return what was changed and not put back by the host itself afterwards, oldest first, each once."""
    there: list[Change] = []
    for change in changes:
        if change.state is ChangeState.CHANGED:
            there.append(change)
        elif change.state is ChangeState.REVERTED:
            key = (change.target, change.control_id)
            there = [other for other in there if (other.target, other.control_id) != key]
    return _each_once(there)


def _each_once(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Leave out what is recorded a second time, as it came from the host's own journal after its answer was lost."""
    return tuple(
        change
        for index, change in enumerate(changes)
        if not any(
            (change.target, change.control_id, change.touches) == (other.target, other.control_id, other.touches)
            for other in changes[index + 1 :]
        )
    )


def undone_since(ledger: Ledger, of: str) -> set[tuple[Target, str]]:
    """Return which changes of a campaign later campaigns took back, and no host took back from them."""
    return set(undone_by(ledger, of))


def hosts_of_wave(ledger: Ledger, of: str, number: int) -> tuple[str, ...]:
    """Return the hosts of one wave of a campaign.

    Raises AskedWrongly where the campaign had no such wave, or two of that number: a resume counts its waves anew.
    """
    waves: dict[int, set[tuple[str, ...]]] = {}
    for step in ledger.steps(of):
        payload = step.payload if isinstance(step.payload, dict) else {}
        if step.step == "wave":
            hosts = payload.get("hosts")
            named = tuple(map(str, hosts if isinstance(hosts, list) else []))
            waves.setdefault(int(str(payload.get("number", 0))), set()).add(named)
    if number not in waves:
        known = f"its waves are {', '.join(map(str, sorted(waves)))}" if waves else "it never began one"
        raise AskedWrongly(f"{of} had no wave {number}; {known}")
    if len(waves[number]) > 1:
        both = "; ".join(", ".join(hosts) for hosts in sorted(waves[number]))
        raise AskedWrongly(f"{of} was resumed and had more than one wave {number} ({both}); name the hosts with --host")
    return next(iter(waves[number]))
