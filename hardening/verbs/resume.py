"""resume: go on with a campaign that was killed. Looks again first; nothing is applied twice, nothing is lost."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Iterator, Mapping, Sequence

from hardening.change import Undone, Wanted, apply_changes, not_written, restore_changes
from hardening.context import Context
from hardening.errors import AskedWrongly, Exit, Incomplete, worst
from hardening.evidence import evidence_of, last_of_each
from hardening.guarding import end_guards, outcomes_of, put_back
from hardening.holders import holders, last_seq, refuse_held, refuse_running
from hardening.holding import Holding, holding, pinned_by, refuse
from hardening.host_journal import Learnt, as_of_undo, read_host_journals
from hardening.looking import Looked, look_and_record
from hardening.model import Campaign, Change, ChangeState, Evidence, Json, Profile, Severity, Verb
from hardening.outcome import exit_of_change, exit_of_undo, not_as_before
from hardening.preflighting import clear_to_undo, clear_to_write, planned_back
from hardening.redact import redact
from hardening.rollout import write_in_waves
from hardening.steering import Steering
from hardening.tally import exit_of
from hardening.waivers import Waiver, waiver_for
from hardening.waves import WaveRules, failed_before, left_open

Key = tuple[str, str]
DONE = (ChangeState.CHANGED, ChangeState.UNCHANGED, ChangeState.REVERTED, ChangeState.SKIPPED)


def resume(
    context: Context, campaign_id: str, *, waivers: Sequence[Waiver] = (), steering: Steering | None = None
) -> Evidence:
    """Finish a campaign that has no end in the ledger, or whose hosts did not all answer.

    Hosts that are skipped now are recorded so, and not even asked what they did.
    """
    steering = steering or Steering()
    campaign = context.ledger.campaign(campaign_id)
    unanswered = any(left_open(change) for change in evidence_of(context.ledger, campaign_id).changes)
    if campaign.finished_at is not None and not (unanswered and campaign.verb in (Verb.APPLY, Verb.UNDO)):
        raise AskedWrongly(
            f"{campaign_id} ended at {campaign.finished_at:%Y-%m-%d %H:%M:%S}; there is nothing to resume"
        )
    if campaign.verb is Verb.CLEAN:
        raise AskedWrongly(
            f"{campaign_id} deleted files by rule: what it meant to stands in its journal (`hardening clean show`); "
            f"plan a new cleaning, and take its hosts over with --break-lease {campaign_id}"
        )
    known = {host.name: host for host in context.inventory.hosts}
    # One that was scrapped meanwhile must not hold up the others for ever.
    gone = [name for name in campaign.hosts if name not in known and name not in steering.skip]
    hosts = tuple(known[name] for name in campaign.hosts if name in known)
    if gone or not hosts:
        raise AskedWrongly(
            f"the campaign's hosts are not in the inventory: {', '.join(gone or campaign.hosts)}; name the inventory "
            "it began with, or leave a host that is gone for good out with --skip HOST --because REASON"
        )
    inventory = dataclasses.replace(context.inventory, hosts=hosts)
    context = dataclasses.replace(context, inventory=inventory)
    profile = context.ledger.profile(campaign_id)
    steering.refuse_unknown(campaign.hosts)
    if campaign.verb in (Verb.SCAN, Verb.PLAN):
        context.ledger.record_step(campaign_id, "resumed", {"by": context.actor})
        return _finish_look(context, campaign, profile, waivers)
    if campaign.verb in (Verb.DRIFT, Verb.RECHECK):
        raise AskedWrongly(f"{campaign_id} only looked, and changed nothing; start it anew")
    seen = last_seq(context.ledger, campaign_id)
    refuse_running(context.ledger, campaign_id, breaking=steering.breaking)
    others = holders(context.ledger, but=(campaign_id,))
    refuse_held(others, campaign.hosts, breaking=steering.breaking)
    context.ledger.record_step(campaign_id, "resumed", {"by": context.actor, **steering.as_json()})
    steps = {step.step: step.payload for step in context.ledger.steps(campaign_id)}
    with holding(context, campaign_id, breaking=set(steering.breaking) - {campaign_id}, seen=seen) as held:
        skipped = steering.left_out(context.actor)
        rest = tuple(host for host in context.inventory.hosts if host.name not in skipped)
        going = dataclasses.replace(context, inventory=dataclasses.replace(context.inventory, hosts=rest))
        rules = steering.rules(campaign.options.get("waves"))
        torn = _learn_from_hosts(going, campaign, profile)
        if campaign.verb is Verb.APPLY:
            _finish_apply(going, campaign, profile, steps, torn, held, skipped, rules, waivers)
        else:
            _finish_undo(going, campaign, profile, steps, torn, held, skipped, rules)
        _learn_what_came_late(going, campaign, profile)
    begun = ("write" if campaign.verb is Verb.APPLY else "restore") in steps
    if not begun:
        context.progress.say(f"{campaign_id} was stopped before it changed anything, and is ended so; start it anew")
    looked = look_and_record(context, campaign, profile, phase="after", waivers=waivers)
    evidence = evidence_of(context.ledger, campaign_id)
    code = worst([_exit_code(context, campaign, looked, evidence), Exit.CLEAN if begun else Exit.INCOMPLETE])
    context.ledger.finish(campaign_id, exit_code=code, finished_at=context.clock())
    return evidence_of(context.ledger, campaign_id)


def _exit_code(context: Context, campaign: Campaign, looked: Looked, evidence: Evidence) -> Exit:
    if campaign.verb is Verb.APPLY or campaign.parent is None:
        return exit_of_change(evidence)
    undone = [change for change in evidence.changes if change.state is ChangeState.REVERTED]
    before = tuple(context.ledger.findings(campaign.parent, "before"))
    return exit_of_undo(evidence, not_as_before(before, looked.findings, undone))


def _finish_look(context: Context, campaign: Campaign, profile: Profile, waivers: Sequence[Waiver]) -> Evidence:
    seen = {host.name for host in context.ledger.hosts(campaign.id, "after")}
    rest = [host for host in context.inventory.hosts if host.name not in seen]
    if rest:
        look_and_record(context, campaign, profile, phase="after", waivers=waivers, hosts=rest)
    evidence = evidence_of(context.ledger, campaign.id)
    code = exit_of(
        evidence.tally, evidence.findings, fail_on=Severity(str(campaign.options.get("fail_on", Severity.LOW.value)))
    )
    if campaign.verb is Verb.PLAN:
        context.progress.say("the look is complete, but no plan was written; run `hardening plan` again for one")
    context.ledger.finish(campaign.id, exit_code=code, finished_at=context.clock())
    return evidence_of(context.ledger, campaign.id)


def _learn_from_hosts(context: Context, campaign: Campaign, profile: Profile) -> set[Key]:
    """Record what hosts did before the answer reached the ledger; return what was torn and must be written again."""
    recorded = {_key(change) for change in context.ledger.changes(campaign.id) if not left_open(change)}
    learnt = [
        each
        for each in read_host_journals(context, campaign.id)
        # An undo that the host took back in part is not done: it is asked for as a whole once more.
        if _key(each.change) not in recorded and not (each.in_part and campaign.verb is Verb.UNDO)
    ]
    _record_learnt(context, campaign, profile, learnt)
    return {_key(each.change) for each in learnt if each.torn}


def _learn_what_came_late(context: Context, campaign: Campaign, profile: Profile) -> None:
    """Record what hosts wrote after their journals were read, where there was nothing left to write for us.

    What a killed controller started on a host may outlive it. Without this nobody would know what was there before.
    Hosts that did not answer are left to the next resume.
    """
    changes = last_of_each(context.ledger.changes(campaign.id))
    unheard = {change.target.host for change in changes if left_open(change)}
    found_so = {_key(change) for change in changes if change.state is ChangeState.UNCHANGED}
    names = {change.target.host for change in changes if change.state is ChangeState.UNCHANGED} - unheard
    hosts = tuple(host for host in context.inventory.hosts if host.name in names)
    if not hosts:
        return
    there = dataclasses.replace(context, inventory=dataclasses.replace(context.inventory, hosts=hosts))
    learnt = [
        each
        for each in read_host_journals(there, campaign.id)
        if _key(each.change) in found_so and each.change.state is ChangeState.CHANGED
    ]
    _record_learnt(context, campaign, profile, learnt)


def _record_learnt(context: Context, campaign: Campaign, profile: Profile, learnt: Sequence[Learnt]) -> None:
    """Record what hosts' own journals say; raise Incomplete where one names what was never asked."""
    if not learnt:
        return
    kinds = {requirement.control.id: requirement.control.kind for requirement in profile.requirements}
    strange = sorted({each.change.control_id for each in learnt} - kinds.keys())
    if strange:
        names = ", ".join(
            dict.fromkeys(each.change.target.host for each in learnt if each.change.control_id in strange)
        )
        raise Incomplete(
            f"{names}: the journal there names what this campaign never asked ({redact(strange[0])}); "
            "go on without with --skip"
        )
    changes = [
        dataclasses.replace(
            each.change,
            kind=kinds[each.change.control_id],
            state=as_of_undo(each.change.state) if campaign.verb is Verb.UNDO else each.change.state,
        )
        for each in learnt
    ]
    context.ledger.record_changes(campaign.id, changes)
    context.progress.say(f"{len(learnt)} changes learnt from the hosts' own journals")


def _finish_apply(
    context: Context,
    campaign: Campaign,
    profile: Profile,
    steps: Mapping[str, object],
    torn: set[Key],
    held: Holding,
    skipped: Mapping[str, str],
    rules: WaveRules,
    waivers: Sequence[Waiver],
) -> None:
    put_back_again = _settle_guards(context, campaign, rules, skipped)
    changes = context.ledger.changes(campaign.id)
    done = {_key(change) for change in changes if change.state in DONE and not left_open(change)} - torn
    done -= put_back_again
    controls = {requirement.control.id: requirement.control for requirement in profile.requirements}
    before = {finding.key: finding for finding in context.ledger.findings(campaign.id, "before")}
    rest = []
    for target_name, control_id in _journalled(steps, "write"):
        if (target_name, control_id) in done:
            continue
        control = controls[control_id]
        rest.append(
            Wanted(
                target=before[(target_name, control_id)].observation.target,
                control_id=control_id,
                kind=control.kind,
                params=control.params,
                value=control.set_to,
                danger=control.danger,
            )
        )
    rest = refuse(context, campaign.id, rest, skipped)
    rest = _leave_waived(context, campaign, rest, waivers, torn)
    admitted = held.admit(_hosts_of(rest), pinned_by(context, campaign.id))
    rest = refuse(context, campaign.id, rest, admitted)
    touched = {
        str(name)
        for step in context.ledger.steps(campaign.id)
        if step.step == "wave" and isinstance(step.payload, dict)
        for name in _listed(step.payload.get("hosts"))
    }
    failed = failed_before((), admitted)

    def write(items: Sequence[Wanted], guard_s: float | None) -> Iterator[Change]:
        return apply_changes(context, campaign.id, items, guard_s=guard_s)

    clear = functools.partial(clear_to_write, context, campaign)
    write_in_waves(
        context,
        campaign,
        profile,
        rest,
        write=write,
        clear=clear,
        rules=rules,
        waivers=waivers,
        failed=failed,
        touched=touched,
    )


def _leave_waived(
    context: Context, campaign: Campaign, wanted: Sequence[Wanted], waivers: Sequence[Waiver], torn: Collection[Key]
) -> list[Wanted]:
    """Record what somebody waived since the campaign began, and return the rest; what was begun is brought to its end.

    Days may lie between a stop and its resume.
    """
    groups = {host.name: host.groups for host in context.inventory.hosts}
    today = context.clock().date()
    kept, left = [], []
    for item in wanted:
        waiver = waiver_for(waivers, item.control_id, item.target, groups[item.target.host], today)
        if waiver is None or (item.target.name, item.control_id) in torn:
            kept.append(item)
            continue
        left.append(not_written(context, item, f"waived since the plan: {waiver.ticket}"))
    context.ledger.record_changes(campaign.id, left)
    return kept


def _settle_guards(context: Context, campaign: Campaign, rules: WaveRules, skipped: Collection[str]) -> set[Key]:
    """End the guards that nobody ended; return what hosts put back meanwhile, which is to be written once more.

    They fired because nobody was left to confirm, not because somebody was locked out: that was recorded in its wave.
    """
    open_guards: dict[str, None] = {}
    for step in context.ledger.steps(campaign.id):
        payload = step.payload if isinstance(step.payload, dict) else {}
        if step.step == "wave" and payload.get("guard_s"):
            open_guards.update(dict.fromkeys(map(str, _listed(payload.get("hosts")))))
        elif step.step == "guards":
            for host, outcome in outcomes_of(payload).items():
                if outcome != "lost":
                    open_guards.pop(host, None)
    for host in skipped:
        open_guards.pop(host, None)  # Whoever skips a host leaves it to its own guard.
    if not open_guards:
        return set()
    context.progress.say(f"the guards of {', '.join(open_guards)} were never ended; asking")
    # Their journals were read a moment ago, over new logins.
    ends = end_guards(context, campaign.id, tuple(open_guards), reached=tuple(open_guards), guard_s=rules.guard_s)
    of_undo = campaign.verb is Verb.UNDO
    told = put_back(context.ledger.changes(campaign.id), ends, context, of_undo=of_undo)
    context.ledger.record_changes(campaign.id, told)
    reverted = {host for host, end in ends.items() if end.outcome == "reverted"}
    by_host = ChangeState.PUT_BACK if of_undo else ChangeState.REVERTED
    changes = context.ledger.changes(campaign.id)
    return {_key(c) for c in changes if c.target.host in reverted and c.state is by_host}


def _finish_undo(
    context: Context,
    campaign: Campaign,
    profile: Profile,
    steps: Mapping[str, object],
    torn: set[Key],
    held: Holding,
    skipped: Mapping[str, str],
    rules: WaveRules,
) -> None:
    if campaign.parent is None:
        raise AskedWrongly(f"{campaign.id} does not say which campaign it undoes")
    put_back_again = _settle_guards(context, campaign, rules, skipped)
    changes = context.ledger.changes(campaign.id)
    done = {_key(change) for change in changes if change.state in DONE and not left_open(change)} - torn
    asked = set(_journalled(steps, "restore")) - (done - put_back_again)
    made = [c for c in context.ledger.changes(campaign.parent) if c.state is ChangeState.CHANGED and _key(c) in asked]
    force = bool(campaign.options.get("force", False))
    dangers = {requirement.control.id: requirement.control.danger for requirement in profile.requirements}
    undos = [Undone(change=change, danger=dangers[change.control_id]) for change in reversed(made)]
    undos = refuse(context, campaign.id, undos, skipped)
    admitted = held.admit(_hosts_of(undos), pinned_by(context, campaign.id))
    undos = refuse(context, campaign.id, undos, admitted)

    def write(items: Sequence[Undone], guard_s: float | None) -> Iterator[Change]:
        return restore_changes(context, campaign.id, [i.change for i in items], force=force, guard_s=guard_s)

    failed = failed_before((), admitted)
    clear = functools.partial(
        clear_to_undo, context, campaign, planned_back(context, campaign.parent, [undo.change for undo in undos])
    )
    write_in_waves(context, campaign, profile, undos, write=write, clear=clear, rules=rules, failed=failed)


def _listed(said: Json) -> list[Json]:
    return said if isinstance(said, list) else []


def _hosts_of(items: Sequence[Wanted] | Sequence[Undone]) -> list[str]:
    return list(dict.fromkeys(item.target.host for item in items))


def _journalled(steps: Mapping[str, object], step: str) -> list[tuple[str, str]]:
    payload = steps.get(step)
    items = payload.get("items", []) if isinstance(payload, dict) else []
    return [(str(target), str(control)) for target, control in items]


def _key(change: Change) -> Key:
    return (change.target.name, change.control_id)
