"""End the guards of a wave: confirm over a new login what may stay, and learn what hosts put back themselves.

A guarded host restores itself after a time unless somebody logs in anew and confirms. So a host that cannot be
reached any more is waited for: its own clock decides, not ours.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from hardening import ansible
from hardening.asking import ask_each
from hardening.context import Context
from hardening.host_journal import GUARDS, could_be_put_back, left_of, never_guarded
from hardening.model import Change, ChangeState, Json
from hardening.redact import redact

# How long after its time a host may take to put itself back and to answer.
GRACE_S = 60.0
ASK_EVERY_S = 5.0
# A confirmation takes half a second; one that takes longer than this is left to Ansible.
PATIENCE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class GuardEnd:
    """How a host's guard ended: `confirmed`, `none`, `reverted`, `revert_failed` or `lost`, and why."""

    outcome: str
    reason: str
    unguarded: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """True when what was written may stay, or nothing was guarded."""
        return self.outcome in ("confirmed", "none")


def end_guards(
    context: Context,
    campaign_id: str,
    hosts: Sequence[str],
    *,
    reached: Collection[str],
    guard_s: float,
    unwell: Mapping[str, str] = MappingProxyType({}),
) -> Mapping[str, GuardEnd]:
    """Confirm the guards of the hosts that were reached again, and wait for the others to put themselves back.

    Hosts in `unwell` are worse off than before, with the reason: they are put back at once, and so are those that
    refuse to confirm. `guard_s` is what the guards were armed with.
    """
    began = context.stopwatch()
    ends: dict[str, GuardEnd] = {}
    well = [host for host in hosts if host in reached and host not in unwell]
    outcomes = _confirm(context, campaign_id, well, guard_s)
    why_refused = {host: _details(said) for host, said in outcomes.items() if said.outcome == "refused"}
    why_refused |= {host: unwell[host] for host in hosts if host in reached and host in unwell}
    outcomes.update(_ask(context, campaign_id, list(why_refused), "revert"))
    ends.update((host, _end(said, why_refused.get(host, ""))) for host, said in outcomes.items())
    waiting = [host for host in hosts if host not in ends or ends[host].outcome == "lost"]
    # Where our modules cannot run (no Python, or one too old), nothing was armed, and there is nothing to wait for.
    unarmed = never_guarded(context, campaign_id, [host for host in waiting if host in reached])
    ends.update((host, GuardEnd(outcome="none", reason="")) for host in waiting if host in unarmed)
    waiting = [host for host in waiting if host not in unarmed]
    if waiting:
        context.progress.say(
            f"{', '.join(waiting)}: not confirmed, so it puts itself back within {guard_s:.0f} s; waiting for that"
        )
    healed: list[str] = []
    while waiting:
        spent_s = context.stopwatch() - began
        for host, said in _ask(context, campaign_id, waiting, "status").items():
            if said.outcome not in ("armed", "reverting", "lost"):
                ends[host] = _end(said, "no new login confirmed it in time")
                healed += [host] if said.outcome == "reverted" else []
        waiting = [host for host in waiting if host not in ends or ends[host].outcome == "lost"]
        if spent_s > guard_s + GRACE_S:
            break
        if waiting:
            context.sleep(min(ASK_EVERY_S, guard_s))
    # Asked for its state a host keeps its copies; told to go back, one that has done so clears them away.
    _ask(context, campaign_id, [host for host in healed if host not in waiting], "revert")
    for host in waiting:
        ends[host] = GuardEnd(
            outcome="lost", reason="not reached again, not even after the time in which it puts itself back"
        )
    told: dict[str, Json] = {host: {"outcome": end.outcome, "reason": end.reason} for host, end in ends.items()}
    context.ledger.record_step(campaign_id, "guards", told)
    for host, end in ends.items():
        if not end.is_good:
            context.progress.say(f"{host}: {end.outcome.replace('_', ' ')}: {end.reason}")
            if end.unguarded:
                context.progress.say(f"{host}: not put back by the guard, `undo` does that: {', '.join(end.unguarded)}")
    return ends


def outcomes_of(ends: Mapping[str, Json]) -> dict[str, str]:
    """Return how each host's guard ended, by what a campaign's journal holds of it."""
    return {
        # Ledgers of before hold a sentence, which begins with the outcome.
        host: str(end["outcome"]) if isinstance(end, dict) else str(end).partition(":")[0]
        for host, end in ends.items()
    }


def put_back(
    changes: Sequence[Change], ends: Mapping[str, GuardEnd], context: Context, *, of_undo: bool = False
) -> list[Change]:
    """Return what the ledger has to learn of hosts that put themselves back, could not, or were lost."""
    done = ChangeState.REVERTED if of_undo else ChangeState.CHANGED
    states = {
        "reverted": ChangeState.PUT_BACK if of_undo else ChangeState.REVERTED,
        "revert_failed": ChangeState.FAILED,
        "lost": ChangeState.NOT_REPORTED,
    }
    found = []
    for change in changes:
        end = ends.get(change.target.host)
        if change.state is not done or end is None or end.is_good:
            continue
        # Packages and SQL are beyond the guard: they are as this campaign left them, and an undo brings them back.
        if end.outcome == "reverted" and not could_be_put_back([touch.kind for touch in change.touches]):
            continue
        told = dataclasses.replace(
            change, state=states[end.outcome], reason=end.reason, taken_at=context.clock(), from_campaign=""
        )
        found.append(told)
        # An undo that the host took back in part is not done, and is asked for as a whole once more.
        left = left_of(told, end.reason) if end.outcome == "reverted" and not of_undo else None
        found += [left] if left is not None else []
    return found


def _confirm(
    context: Context, campaign_id: str, hosts: Sequence[str], guard_s: float
) -> dict[str, ansible.GuardOutcome]:
    """Have each host confirm over a new session of ours, by the program that its guard keeps there.

    That starts at once, and Ansible takes seconds: it is for those that say nothing definite this way. The session has
    no more ways in than Ansible, for which it stands; and waiting for one host must not cost another its time.
    """
    program = f"{GUARDS}/{campaign_id}/confirm.sh"
    local = {host.name for host in context.inventory.hosts if host.connection.transport == "local"}
    patience_s = min(PATIENCE_S, guard_s / 3)
    limits = dataclasses.replace(context.limits, command_s=patience_s, host_s=patience_s)

    def ask(name: str, host: Any) -> ansible.GuardOutcome | None:
        done = host.run("sh %s local" if name in local else "sh %s", program)
        return ansible.guard_outcome(name, done.stdout) if done.rc == 0 else None

    answers = ask_each(context, hosts, ask, alone=True, limits=limits)
    said = {name: answer.said for name, answer in answers if answer.said is not None and answer.said.is_definite}
    return said | _ask(context, campaign_id, [host for host in hosts if host not in said], "confirm")


def _ask(context: Context, campaign_id: str, hosts: Sequence[str], action: str) -> dict[str, ansible.GuardOutcome]:
    if not hosts:
        return {}
    run = ansible.GuardRun(
        campaign=campaign_id,
        inventory_sources=context.inventory_sources,
        hosts=tuple(hosts),
        action=action,
        deadline_s=600.0,
        forks=context.forks,
        vault=context.vault,
        become_password=context.become_password,
        connection_password=context.connection_password,
    )
    return {outcome.host: outcome for outcome in ansible.run_guard(run)}


def _end(said: ansible.GuardOutcome, why: str) -> GuardEnd:
    if said.outcome in ("confirmed", "none"):
        return GuardEnd(outcome=said.outcome, reason="")
    if said.outcome == "reverted":
        at = f" at {said.at}" if said.at else ""
        reason = redact(f"the host put itself back{at}: {why or _details(said)}")
        return GuardEnd(outcome="reverted", reason=reason, unguarded=said.unguarded)
    if said.outcome == "revert_failed":
        return GuardEnd(outcome="revert_failed", reason=redact(f"the host could not put back all: {_details(said)}"))
    return GuardEnd(outcome="lost", reason=redact(_details(said)))


def _details(said: ansible.GuardOutcome) -> str:
    return "; ".join(said.details) or said.outcome
