"""Preflights on a fleet: predict for a plan, and ask again right before each wave what may be written.

What is expected to break and was not acknowledged is left out with its reason; the rest goes on. Both the predictions
and who was told so stand in the journal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hardening import remote
from hardening.change import Wanted
from hardening.context import Context
from hardening.model import Campaign, Change, ChangeState, Json
from hardening.plan import Plan, foreseen
from hardening.plan_file import sealed
from hardening.prediction import NOT_ACKNOWLEDGED, Fact, Planned, Prediction, Us
from hardening.preflights import predict, unreached
from hardening.preflights.sshd import needs_offers
from hardening.survey import HostAsk, PreflightAsk, survey

Key = tuple[str, str]


def with_predictions(context: Context, made: Plan, facts: Mapping[str, Mapping[str, Fact]]) -> Plan:
    """Return a plan with what its preflights expect to break, and put it into the journal of its campaign."""
    by_host: dict[str, list[Planned]] = {}
    for item in made.open_items():
        of_host = by_host.setdefault(item.target.host, [])
        of_host.append(
            Planned(
                control_id=item.control_id,
                target=item.target,
                kind=item.kind,
                params=item.params,
                seen=item.seen,
                value=item.set_to,
            )
        )
    found: list[Prediction] = []
    for host, planned in by_host.items():
        found += predict(host, planned, facts.get(host, {}), us_of(context.inventory.host(host).connection, planned))
    _record(context, made.campaign_id, found, acknowledged=[])
    return sealed(foreseen(made, found))


def clear_to_write(context: Context, campaign: Campaign, wanted: Sequence[Wanted]) -> list[Wanted]:
    """Look at the hosts of a wave once more, and return what may be written; the rest is recorded as skipped.

    What counts is what is seen now: a breakage that the plan foretold and that is no longer expected needs nothing.
    """
    said = campaign.options.get("acknowledge")
    acknowledged = [str(each) for each in said] if isinstance(said, list) else []
    found = _predicted_now(context, campaign, wanted)
    _record(context, campaign.id, found, acknowledged)
    stops: dict[Key, Prediction] = {}
    for prediction in found:
        for key in prediction.controls:
            if not prediction.acknowledged_by(acknowledged):
                stops.setdefault(key, prediction)
    for code in dict.fromkeys(each.code for each in found if each.acknowledged_by(acknowledged)):
        hosts = sorted({each.host for each in found if each.code == code and each.acknowledged_by(acknowledged)})
        context.progress.say(f"acknowledged: {code} on {', '.join(hosts[:5])}{' and more' if len(hosts) > 5 else ''}")
    left = [item for item in wanted if (item.target.name, item.control_id) in stops]
    if left:
        codes = sorted({stops[(item.target.name, item.control_id)].code for item in left})
        context.progress.say(f"{len(left)} changes are left out: nobody acknowledged {', '.join(codes)}")
        context.ledger.record_changes(
            campaign.id, [_skipped(context, item, stops[(item.target.name, item.control_id)]) for item in left]
        )
    return [item for item in wanted if (item.target.name, item.control_id) not in stops]


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


def _predicted_now(context: Context, campaign: Campaign, wanted: Sequence[Wanted]) -> list[Prediction]:
    seen = {finding.key: finding.observation.seen for finding in context.ledger.findings(campaign.id, "before")}
    by_host: dict[str, list[Planned]] = {}
    for item in wanted:
        of_host = by_host.setdefault(item.target.host, [])
        of_host.append(
            Planned(
                control_id=item.control_id,
                target=item.target,
                kind=item.kind,
                params=item.params,
                seen=seen.get((item.target.name, item.control_id), {}),
                value=item.value,
            )
        )
    asked = [
        HostAsk(
            connection=context.inventory.host(host).connection, asks=(), preflight=PreflightAsk(planned=tuple(items))
        )
        for host, items in by_host.items()
    ]
    found: list[Prediction] = []
    for looked in survey(asked, clock=context.clock, limits=context.limits, processes=context.processes):
        host = looked.host.name
        planned_there = by_host[host]
        if looked.host.unreachable is not None:
            found += unreached(host, planned_there, looked.host.unreachable)
        else:
            us = us_of(context.inventory.host(host).connection, planned_there)
            found += predict(host, planned_there, looked.facts, us)
    return found


def _skipped(context: Context, item: Wanted, prediction: Prediction) -> Change:
    return Change(
        control_id=item.control_id,
        target=item.target,
        kind=item.kind,
        state=ChangeState.SKIPPED,
        reason=f"{NOT_ACKNOWLEDGED}{prediction.code}: {prediction.says} (--acknowledge {prediction.code})",
        taken_at=context.clock(),
    )


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
