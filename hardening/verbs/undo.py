"""undo: bring back what a campaign changed - all, a wave, a host, or one control on one host - and look again.

It goes in waves and under the host's own guard as an apply does: the state before may have locked us out, too.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection, Iterator, Sequence

from hardening.change import Undone, restore_changes
from hardening.context import Context
from hardening.errors import AskedWrongly, EvidenceBroken, Exit, worst
from hardening.evidence import evidence_of
from hardening.holders import holders, refuse_held
from hardening.holding import Holding, holding, pin, pinned_by, refuse
from hardening.identity import Identity, identities_of
from hardening.looking import look_and_record
from hardening.model import Campaign, Change, ChangeState, Evidence, Json, Profile, Verb
from hardening.outcome import exit_of_undo, not_as_before
from hardening.preflighting import Ahead, by_host, clear_to_undo, planned_back
from hardening.rollout import Clear, write_in_waves
from hardening.survey import PreflightAsk
from hardening.undoable import hosts_of_wave, still_made, undone_since
from hardening.waves import WaveRules, failed_before
from hardening.yaml_lines import did_you_mean

# Is shown what somebody changed since and a forced undo would go over, and answers whether to go on.
Confirm = Callable[[Sequence[Change]], bool]


def undo(
    context: Context,
    of: str,
    *,
    controls: Collection[str] = (),
    hosts: Collection[str] = (),
    wave: int | None = None,
    force: bool = False,
    acknowledge: Sequence[str] = (),
    confirm: Confirm = lambda overruled: True,
    rules: WaveRules | None = None,
    breaking: Collection[str] = (),
) -> Evidence:
    """Undo the changes of campaign `of`. The undo is a campaign of its own that points at the old one.

    Refuses a campaign whose record does not verify. A control whose target was changed by somebody since is refused
    with the reason, and the others are undone; `force` restores it all the same, once `confirm` saw what is lost.
    What is expected to break something stays changed, unless `acknowledge` holds the preflight's code, or `code@host`.
    `breaking` are campaigns whose leases are taken over; an undo by force takes over those of the campaign it undoes.
    """
    rules = rules or WaveRules()
    broken = context.ledger.verify()
    if broken:
        raise EvidenceBroken(f"the ledger does not verify, so nothing is undone from it: {broken[0]}")
    asked = context.ledger.campaign(of)
    if asked.verb is Verb.CLEAN:
        raise AskedWrongly(f"{of} deleted files by rule: nothing brings them back but a backup")
    if asked.verb is Verb.UNDO:
        raise AskedWrongly(
            f"{of} is an undo itself: a new `hardening plan` and apply write again what {asked.parent} had changed"
        )
    never_ended = asked.finished_at is None
    if never_ended and not force:
        raise AskedWrongly(
            f"{of} never ended, so the record may not hold all that it changed; `hardening resume {of}` first, "
            "or undo what the record holds with --force"
        )
    unanswered = _unanswered(context, of, hosts)
    chosen = _chosen(context, of, controls, hosts, wave)
    context = _on_hosts_of(context, of, chosen)
    breaking = [*breaking, *([of] if never_ended else [])]
    refuse_held(holders(context.ledger), [host.name for host in context.inventory.hosts], breaking=breaking)
    profile = _narrowed(context.ledger.profile(of), chosen)
    campaign = context.new_campaign(
        Verb.UNDO,
        profile,
        parent=of,
        options={"force": force, "wave": wave, "acknowledge": [*acknowledge], "waves": rules.as_json()},
    )
    overruled = _overruled(context, campaign, chosen) if force else ()
    if overruled and not confirm(overruled):
        raise AskedWrongly("not confirmed, so nothing was undone")
    context.ledger.begin(campaign, profile)
    if force:
        since: dict[str, Json] = {f"{each.target.name} {each.control_id}": each.since for each in overruled}
        context.ledger.record_step(campaign.id, "forced", {"by": context.actor, "over": since})
    with holding(context, campaign.id, breaking=breaking) as held:
        pin(context, campaign.id, _machines_of(context, of, force=force))
        planned = planned_back(context, of, chosen)
        asks = {host: PreflightAsk(planned=tuple(items)) for host, items in by_host(planned).items()}
        looked = look_and_record(context, campaign, profile, phase="before", ahead=asks)
        ahead = Ahead.of(context, looked.hosts, looked.facts)
        clear = functools.partial(clear_to_undo, context, campaign, planned, ahead=ahead)
        _restore(context, campaign, profile, chosen, held, clear, force=force, rules=rules)
    evidence = evidence_of(context.ledger, campaign.id)
    back = [change for change in evidence.changes if change.state is ChangeState.REVERTED]
    different = not_as_before(tuple(context.ledger.findings(of, "before")), evidence.findings, back)
    if different:
        context.ledger.record_step(campaign.id, "not as before", {"differences": list(different)})
    code = worst([exit_of_undo(evidence, different), Exit.INCOMPLETE if never_ended or unanswered else Exit.CLEAN])
    context.ledger.finish(campaign.id, exit_code=code, finished_at=context.clock())
    return evidence_of(context.ledger, campaign.id)


def _restore(
    context: Context,
    campaign: Campaign,
    profile: Profile,
    chosen: Sequence[Change],
    held: Holding,
    clear: Clear[Undone],
    *,
    force: bool,
    rules: WaveRules,
) -> None:
    """Journal what is about to be restored, and restore it in waves, on every host the newest change first."""
    journal: list[Json] = [[change.target.name, change.control_id] for change in chosen]
    context.ledger.record_step(campaign.id, "restore", {"items": journal})
    dangers = {requirement.control.id: requirement.control.danger for requirement in profile.requirements}
    turn = {host.name: number for number, host in enumerate(context.inventory.hosts)}
    items = [Undone(change=change, danger=dangers[change.control_id]) for change in chosen]

    def write(pieces: Sequence[Undone], guard_s: float | None) -> Iterator[Change]:
        changes = [piece.change for piece in pieces]
        return restore_changes(context, campaign.id, changes, force=force, guard_s=guard_s)

    items.sort(key=lambda item: turn[item.target.host])
    admitted = held.admit(list(dict.fromkeys(item.target.host for item in items)), pinned_by(context, campaign.id))
    items = refuse(context, campaign.id, items, admitted)
    failed = failed_before((), admitted)
    write_in_waves(context, campaign, profile, items, write=write, clear=clear, rules=rules, failed=failed)


def _overruled(context: Context, campaign: Campaign, chosen: Sequence[Change]) -> tuple[Change, ...]:
    """Return, from a dry run, what a forced undo would take back although somebody changed it since."""
    context.progress.say(f"dry run of {len(chosen):,} undo{'s' if len(chosen) != 1 else ''}: what was changed since?")
    told = restore_changes(context, campaign.id, chosen, force=True, check=True, lease=False)
    return tuple(change for change in told if change.since)


def _unanswered(context: Context, of: str, hosts: Collection[str]) -> set[str]:
    """Return, and tell of, the hosts that may have changed more than they reported."""
    unanswered = {
        change.target.host
        for change in evidence_of(context.ledger, of).changes
        if change.state is ChangeState.NOT_REPORTED and (not hosts or change.target.host in hosts)
    }
    if unanswered:
        context.progress.say(
            f"{', '.join(sorted(unanswered))} did not answer when {of} wrote there; what it changed and did not report "
            f"is not undone: `hardening resume {of}` asks again"
        )
    return unanswered


def _on_hosts_of(context: Context, of: str, chosen: Sequence[Change]) -> Context:
    """Return the context with only the hosts of these changes, in the order in which they were changed."""
    known = {host.name: host for host in context.inventory.hosts}
    names = {change.target.host for change in chosen}
    missing = sorted(names - set(known))
    if missing:
        raise AskedWrongly(f"not in the inventory: {', '.join(missing)}")
    ordered = [name for name in context.ledger.campaign(of).hosts if name in names]
    inventory = dataclasses.replace(context.inventory, hosts=tuple(known[name] for name in ordered))
    return dataclasses.replace(context, inventory=inventory)


def _machines_of(context: Context, of: str, *, force: bool) -> dict[str, Identity]:
    """Return the machines that a campaign changed; by force they may have got other host keys since."""
    names = {host.name for host in context.inventory.hosts}
    pinned = pinned_by(context, of) or identities_of(context.ledger.hosts(of, "before"))
    return {
        name: Identity(machine_id=identity.machine_id) if force else identity
        for name, identity in pinned.items()
        if name in names
    }


def _chosen(
    context: Context, of: str, controls: Collection[str], hosts: Collection[str], wave: int | None
) -> tuple[Change, ...]:
    """Return the changes to undo, newest first: made by the campaign, and not undone since."""
    made = still_made(context.ledger.changes(of))
    if not made:
        raise AskedWrongly(f"{of} changed nothing, so there is nothing to undo (`hardening status` shows the others)")
    for name in controls:
        ids = {change.control_id for change in made}
        if name not in ids:
            raise AskedWrongly(f"{of} did not change {name}{did_you_mean(name, ids)}")
    for name in hosts:
        changed = {change.target.host for change in made}
        if name not in changed:
            raise AskedWrongly(f"{of} changed nothing on {name}{did_you_mean(name, changed)}")
    in_wave = None if wave is None else hosts_of_wave(context.ledger, of, wave)
    undone = undone_since(context.ledger, of)
    asked = [
        change
        for change in reversed(made)
        if (not controls or change.control_id in controls)
        and (not hosts or change.target.host in hosts)
        and (in_wave is None or change.target.host in in_wave)
    ]
    if not asked:
        raise AskedWrongly(
            f"{of} did not change that there: it was as wanted already, or was left out (`hardening report {of}` tells)"
        )
    chosen = [change for change in asked if (change.target, change.control_id) not in undone]
    if not chosen:
        raise AskedWrongly(f"all of that was undone before; {of} has nothing left to undo there")
    return tuple(chosen)


def _narrowed(profile: Profile, chosen: Sequence[Change]) -> Profile:
    ids = {change.control_id for change in chosen}
    return dataclasses.replace(
        profile, requirements=tuple(each for each in profile.requirements if each.control.id in ids)
    )
