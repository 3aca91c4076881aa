"""apply: look, refuse what changed since the plan, write in waves through Ansible, look again over new connections."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Iterator, Mapping, Sequence

from hardening.ansible import refuse_names
from hardening.change import Wanted, apply_changes, not_written, wanted_of
from hardening.context import Context
from hardening.errors import AskedWrongly
from hardening.evidence import evidence_of
from hardening.health import commands_of
from hardening.holders import holders, refuse_held
from hardening.holding import holding, pin, refuse
from hardening.identity import refused_hosts
from hardening.looking import look_and_record
from hardening.model import Change, ChangeState, Danger, Evidence, Finding, Json, Profile, Status, Verb
from hardening.outcome import exit_of_change
from hardening.plan import Plan, PlanItem, changed_since
from hardening.preflighting import clear_to_write
from hardening.rollout import write_in_waves
from hardening.steering import Steering
from hardening.waivers import Waiver
from hardening.waves import WaveRules, failed_before


def apply(
    context: Context,
    made: Plan,
    profile: Profile,
    *,
    accept: Collection[Danger] = (),
    acknowledge: Sequence[str] = (),
    waivers: Sequence[Waiver] = (),
    rules: WaveRules | None = None,
    steering: Steering | None = None,
) -> Evidence:
    """Run one apply campaign over a plan. `accept` holds the danger classes that were acknowledged.

    `acknowledge` holds the codes of preflights, or `code@host`, whose predictions may come true.
    """
    rules, steering = rules or WaveRules(), steering or Steering()
    if made.profile_digest != profile.digest:
        raise AskedWrongly(f"the plan was made with another version of profile {made.profile}; plan again")
    context = _only_planned(context, made)
    steering.refuse_unknown(made.hosts())
    # What is written wrongly is said before anything is begun.
    refuse_names(made.hosts())
    for host in context.inventory.hosts:
        commands_of(host)
    refuse_held(holders(context.ledger), made.hosts(), breaking=steering.breaking)
    accepted: list[Json] = sorted(danger.value for danger in accept)  # type: ignore[assignment]  # strings are JSON
    options: dict[str, Json] = {
        "accept": accepted,
        "acknowledge": [*acknowledge],
        "waves": rules.as_json(),
        **steering.as_json(),
    }
    campaign = context.new_campaign(Verb.APPLY, profile, parent=made.campaign_id, options=options)
    context.ledger.begin(campaign, profile)

    def write(items: Sequence[Wanted], guard_s: float | None) -> Iterator[Change]:
        return apply_changes(context, campaign.id, items, guard_s=guard_s)

    clear = functools.partial(clear_to_write, context, campaign)
    with holding(context, campaign.id, breaking=steering.breaking) as held:
        pin(context, campaign.id, made.identities)
        before = look_and_record(context, campaign, profile, phase="before", waivers=waivers)
        refused = {**refused_hosts(made.identities, before.hosts), **steering.left_out(context.actor)}
        go, skipped = _sorted_out(made, before.findings, accept, context, refused)
        context.ledger.record_changes(campaign.id, skipped)
        journal: list[Json] = [[item.target.name, item.control_id] for item in go]
        context.ledger.record_step(campaign.id, "write", {"items": journal})
        admitted = held.admit(list(dict.fromkeys(item.target.host for item in go)), made.identities)
        wanted = refuse(context, campaign.id, wanted_of(go), admitted)
        unseen = [host.name for host in before.hosts if host.unreachable is not None]
        failed = failed_before(unseen, {**refused, **admitted}, skipped=steering.skip)
        write_in_waves(
            context, campaign, profile, wanted, write=write, clear=clear, rules=rules, waivers=waivers, failed=failed
        )
    evidence = evidence_of(context.ledger, campaign.id)
    context.ledger.finish(campaign.id, exit_code=exit_of_change(evidence), finished_at=context.clock())
    return evidence_of(context.ledger, campaign.id)


def _only_planned(context: Context, made: Plan) -> Context:
    planned = made.hosts()
    known = {host.name: host for host in context.inventory.hosts}
    gone = [name for name in planned if name not in known]
    chosen = tuple(known[name] for name in planned if name in known)
    if gone and not chosen:
        raise AskedWrongly(f"the plan's hosts are not in the inventory: {', '.join(gone)}")
    if not chosen:
        raise AskedWrongly("the plan has nothing to change")
    return dataclasses.replace(context, inventory=dataclasses.replace(context.inventory, hosts=chosen))


def _sorted_out(
    made: Plan, before: Sequence[Finding], accept: Collection[Danger], context: Context, refused: Mapping[str, str]
) -> tuple[list[PlanItem], list[Change]]:
    """Part the plan's items into those to write and those left alone, each with its reason."""
    now = {finding.key: finding for finding in before}
    hosts = {host.name for host in context.inventory.hosts}
    go: list[PlanItem] = []
    skipped: list[Change] = []
    for item in made.items:
        if item.target.host not in hosts:
            continue
        finding = now.get((item.target.name, item.control_id))
        is_done = finding is not None and finding.status is Status.PASS and item.target.host not in refused
        state = ChangeState.UNCHANGED if is_done else ChangeState.SKIPPED
        reason = "already as wanted" if is_done else _why_not(item, finding, accept, refused)
        if reason is None:
            go.append(item)
            continue
        skipped.append(not_written(context, item, reason, state))
    return go, skipped


def _why_not(
    item: PlanItem, finding: Finding | None, accept: Collection[Danger], refused: Mapping[str, str]
) -> str | None:
    """Say why an item is left alone, or None. What was seen on a refused host was not seen on the planned machine."""
    if item.blocked is not None:
        return f"blocked in the plan: {item.blocked}"
    if item.target.host in refused:
        return refused[item.target.host]
    if finding is not None and finding.waiver is not None:
        return f"waived since the plan: {finding.waiver.ticket}"
    stale = changed_since(item, finding)
    if stale is not None:
        return f"changed since the plan: {stale}"
    if item.danger not in (Danger.NONE, Danger.RESTART) and item.danger not in accept:
        return f"danger class {item.danger.value} was not accepted (--accept {item.danger.value})"
    return None
