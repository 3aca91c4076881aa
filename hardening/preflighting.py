"""Preflights on a fleet: predict for a plan, and ask right before each wave what may be written or taken back.

What is expected to break and was not acknowledged is left out with its reason; the rest goes on. Both the predictions
and who was told so stand in the journal.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hardening import remote
from hardening.change import Piece, Undone, Wanted, not_written
from hardening.context import Context
from hardening.model import Campaign, Change, Danger, HostSeen, Json
from hardening.plan import Plan, foreseen
from hardening.plan_file import sealed
from hardening.prediction import NOT_ACKNOWLEDGED, Consequence, Fact, Planned, Prediction, Us
from hardening.preflights import predict, preflights, unreached
from hardening.preflights.sshd import needs_offers
from hardening.preflights.taking_back import taken_back
from hardening.survey import HostAsk, PreflightAsk, survey
from hardening.waves import WaveRules

Key = tuple[str, str]
# What an undo saw on a host before its first wave still counts for so long; after that it looks again.
FRESH_S = 600.0


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """What preflights looked at before the first wave, by host, and when by the stopwatch."""

    taken_s: float
    facts: Mapping[str, Mapping[str, Fact]]
    unreachable: Mapping[str, str]

    @classmethod
    def of(cls, context: Context, hosts: Sequence[HostSeen], facts: Mapping[str, Mapping[str, Fact]]) -> Ahead:
        """Keep what was seen just now."""
        away = {host.name: host.unreachable for host in hosts if host.unreachable is not None}
        return cls(taken_s=context.stopwatch(), facts=facts, unreachable=away)


def with_predictions(context: Context, made: Plan, facts: Mapping[str, Mapping[str, Fact]]) -> Plan:
    """Return a plan with what its preflights expect to break, and put it into the journal of its campaign."""
    items = [
        Planned(
            control_id=item.control_id,
            target=item.target,
            kind=item.kind,
            params=item.params,
            seen=item.seen,
            value=item.set_to,
        )
        for item in made.open_items()
    ]
    found: list[Prediction] = []
    for host, planned in by_host(items).items():
        found += predict(host, planned, facts.get(host, {}), us_of(context.inventory.host(host).connection, planned))
    _record(context, made.campaign_id, found, acknowledged=[])
    return sealed(foreseen(made, found))


def clear_to_write(context: Context, campaign: Campaign, wanted: Sequence[Wanted]) -> list[Wanted]:
    """Look at the hosts of a wave once more, and return what may be written; the rest is recorded as skipped.

    What counts is what is seen now: a breakage that the plan foretold and that is no longer expected needs nothing.
    """
    seen = {finding.key: finding.observation.seen for finding in context.ledger.findings(campaign.id, "before")}
    planned = [
        Planned(
            control_id=item.control_id,
            target=item.target,
            kind=item.kind,
            params=item.params,
            seen=seen.get((item.target.name, item.control_id), {}),
            value=item.value,
        )
        for item in wanted
    ]
    return _cleared(context, campaign, wanted, _looked_at(context, by_host(planned)), holds_back=lambda each: True)


def clear_to_undo(
    context: Context,
    campaign: Campaign,
    back: Sequence[Planned],
    undos: Sequence[Undone],
    *,
    ahead: Ahead | None = None,
) -> list[Undone]:
    """Return what of a wave may be taken back; the rest is recorded as skipped, and stays changed.

    `back` is what the undos bring back (`planned_back`). Nobody is looked at again who was looked at just now
    (`ahead`). An undo that breaks something as far as can be told waits for an acknowledgement. What cannot be told
    is said, and goes on: the state before was in force until the campaign, and the host's own guard stands behind it.
    Without a guard it waits, too.
    """
    guarded = WaveRules.from_json(campaign.options.get("waves")).guard_s > 0
    asked = {(undo.target.name, undo.control_id) for undo in undos}
    seen = {finding.key: finding.observation.seen for finding in context.ledger.findings(campaign.id, "before")}
    planned = by_host(
        dataclasses.replace(item, seen=seen.get((item.target.name, item.control_id), {}))
        for item in back
        if (item.target.name, item.control_id) in asked
    )
    known = ahead if ahead is not None and context.stopwatch() - ahead.taken_s < FRESH_S else None
    found = _looked_at(context, planned) if known is None else _foreseen(context, planned, known)
    return _cleared(context, campaign, undos, found, holds_back=lambda each: _undo_waits(each, guarded=guarded))


def planned_back(context: Context, of: str, changes: Sequence[Change]) -> tuple[Planned, ...]:
    """Return what undoing changes of a campaign brings back, by what the ledger holds of that campaign."""
    before = {finding.key: finding.observation for finding in context.ledger.findings(of, "before")}
    controls = {each.control.id: each.control for each in context.ledger.profile(of).requirements}
    return tuple(
        taken_back(change, controls[change.control_id], before.get((change.target.name, change.control_id)))
        for change in changes
    )


def by_host(items: Iterable[Planned]) -> dict[str, list[Planned]]:
    """Return what is planned, by host."""
    found: dict[str, list[Planned]] = {}
    for item in items:
        found.setdefault(item.target.host, []).append(item)
    return found


def _undo_waits(prediction: Prediction, *, guarded: bool) -> bool:
    """Tell whether an undo needs an acknowledgement of this: what breaks, and what may lock out with no guard behind.

    A full disk or a busy package manager does not: an undo that fails for it fails alone, and says so.
    """
    if prediction.consequence is Consequence.UNKNOWN:
        return not guarded and _locks_out(prediction)
    return prediction.consequence is not Consequence.FAILURE


def _locks_out(prediction: Prediction) -> bool:
    """Tell whether it is about our way in, also where it could not be told."""
    return preflights()[prediction.code].consequence is Consequence.LOCKOUT


def _cleared(
    context: Context,
    campaign: Campaign,
    items: Sequence[Piece],
    found: Sequence[Prediction],
    *,
    holds_back: Callable[[Prediction], bool],
) -> list[Piece]:
    """Record and tell what is foreseen, and return what may go on; what could lock out goes under the guard."""
    said = campaign.options.get("acknowledge")
    acknowledged = [str(each) for each in said] if isinstance(said, list) else []
    _record(context, campaign.id, found, acknowledged)
    stops: dict[Key, Prediction] = {}
    for prediction in found:
        for key in prediction.controls:
            if holds_back(prediction) and not prediction.acknowledged_by(acknowledged):
                stops.setdefault(key, prediction)
    _tell(context, found, acknowledged, holds_back)
    left = [item for item in items if _key(item) in stops]
    if left:
        codes = sorted({stops[_key(item)].code for item in left})
        are = "changes are" if len(left) != 1 else "change is"
        context.progress.say(f"{len(left)} {are} left out: nobody acknowledged {', '.join(codes)}")
        context.ledger.record_changes(campaign.id, [_skipped(context, item, stops[_key(item)]) for item in left])
    risky = {key for prediction in found if _locks_out(prediction) for key in prediction.controls}
    return [
        dataclasses.replace(item, danger=Danger.LOCKOUT) if _key(item) in risky else item
        for item in items
        if _key(item) not in stops
    ]


def _tell(
    context: Context,
    found: Sequence[Prediction],
    acknowledged: Collection[str],
    holds_back: Callable[[Prediction], bool],
) -> None:
    """Say what goes on although it is foreseen: acknowledged, or nothing that waits.

    What could lock out, or is expected, is said in full; of what cannot be told of services the code is enough.
    """
    for code in dict.fromkeys(each.code for each in found if each.acknowledged_by(acknowledged)):
        hosts = [each.host for each in found if each.code == code and each.acknowledged_by(acknowledged)]
        context.progress.say(f"acknowledged: {code} on {_some(hosts)}")
    going_on: dict[str, list[str]] = {}
    for each in found:
        if not each.acknowledged_by(acknowledged) and not holds_back(each):
            is_short = each.consequence is Consequence.UNKNOWN and not _locks_out(each)
            says = "could not tell whether it happens" if is_short else each.says
            going_on.setdefault(f"{each.code}: {says}", []).append(each.host)
    for says, hosts in going_on.items():
        context.progress.say(f"{_some(hosts)}: {says}; the undo goes on")


def _some(hosts: Collection[str]) -> str:
    names = sorted(set(hosts))
    return f"{', '.join(names[:5])}{' and more' if len(names) > 5 else ''}"


def us_of(connection: remote.Connection, planned: Sequence[Planned]) -> Us:
    """Return how we come to a host; this machine's ssh is asked only where something planned depends on it."""
    become = connection.become
    asks_client = connection.transport == "ssh" and any(needs_offers(item) for item in planned)
    return Us(
        transport=connection.transport,
        become=become.method if become is not None else None,
        gives_password=become is not None and become.password is not None,
        offers=remote.client_offers(connection) if asks_client else {},
        known_keys=remote.trusted_key_types(connection) if asks_client else (),
    )


def _looked_at(context: Context, planned: Mapping[str, Sequence[Planned]]) -> list[Prediction]:
    """Look at hosts for what is planned there, each in a session of its own, and return what is foreseen."""
    asked = [
        HostAsk(
            connection=context.inventory.host(host).connection, asks=(), preflight=PreflightAsk(planned=tuple(items))
        )
        for host, items in planned.items()
    ]
    seen: list[HostSeen] = []
    facts: dict[str, Mapping[str, Fact]] = {}
    for looked in survey(asked, clock=context.clock, limits=context.limits, processes=context.processes):
        seen.append(looked.host)
        facts[looked.host.name] = looked.facts
    return _foreseen(context, planned, Ahead.of(context, seen, facts))


def _foreseen(context: Context, planned: Mapping[str, Sequence[Planned]], ahead: Ahead) -> list[Prediction]:
    found: list[Prediction] = []
    for host, items in planned.items():
        if host in ahead.unreachable:
            found += unreached(host, items, ahead.unreachable[host])
        else:
            us = us_of(context.inventory.host(host).connection, items)
            found += predict(host, items, ahead.facts.get(host, {}), us)
    return found


def _key(item: Piece) -> Key:
    return (item.target.name, item.control_id)


def _skipped(context: Context, item: Piece, prediction: Prediction) -> Change:
    reason = f"{NOT_ACKNOWLEDGED}{prediction.code}: {prediction.says} (--acknowledge {prediction.code})"
    return not_written(context, item, reason)


def _record(context: Context, campaign_id: str, found: Sequence[Prediction], acknowledged: Sequence[str]) -> None:
    """Put into the journal what is expected to break, where, by which controls, and whether that was acknowledged."""
    if not found:
        return
    told: list[Json] = [
        {
            "code": each.code,
            "host": each.host,
            "consequence": each.consequence.value,
            "says": each.says,
            "items": [[target, control] for target, control in each.controls],
            "acknowledged": each.acknowledged_by(acknowledged),
        }
        for each in found
    ]
    context.ledger.record_step(campaign_id, "preflights", {"predicted": told})
