"""Plan a cleaning, which changes nothing, and carry one out: a campaign that nobody can undo, written down before."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hardening import remote
from hardening.cleaning.finding import Deleted, Found, Refused, Sighting, delete, look_for
from hardening.cleaning.plan import CleanPlan, RulePlan
from hardening.cleaning.rules import Rule
from hardening.codec import encode, json_bytes
from hardening.context import Context
from hardening.errors import AskedWrongly, Exit
from hardening.holders import holders, refuse_held
from hardening.holding import holding, pin
from hardening.identity import Identity, read_identity
from hardening.model import Change, ChangeState, Json, Profile, Target, Touch, Verb
from hardening.redact import redact

COMPONENT, KIND = "files", "cleaning.rule"
PROFILE = "cleaning"
STEP = "delete"
GONE = "deleted by rule: no undo brings it back"
_IDENTITY = "who"


def rule_digest(rule: Rule) -> str:
    """Return the digest of a rule, so that a plan knows whether it is still the rule that it was made by."""
    return hashlib.sha256(json_bytes(encode(rule))).hexdigest()


def plan_cleaning(context: Context, rules: Sequence[Rule], *, profile: str, retention: int) -> CleanPlan:
    """Return what the rules take on every host. Nothing is written, on no host and in no ledger."""

    def look(rule: Rule, host: Any) -> Sighting:
        return look_for(host, rule, now=context.clock())

    hosts: dict[str, dict[str, RulePlan]] = {}
    identities: dict[str, Identity] = {}
    jobs = [
        remote.HostJob(connection=host.connection, script=_Script(rules, look), fuse=False)
        for host in context.inventory.hosts
    ]
    for report in remote.look(jobs, limits=context.limits):
        hosts[report.name] = {rule.id: _planned(report, rule) for rule in rules}
        who = report.outcomes.get(_IDENTITY)
        identities[report.name] = Identity.from_json(None if who is None or who.error is not None else who.value)
        context.progress.hosts(len(hosts), len(jobs), report.name)
    order = [host.name for host in context.inventory.hosts]
    return CleanPlan(
        made_at=context.clock(),
        made_by=context.actor,
        profile=profile,
        retention_days=retention,
        rules={rule.id: rule_digest(rule) for rule in rules},
        identities=identities,
        hosts={name: hosts[name] for name in order},
    )


class _Script:
    """Does one thing for every rule, one after the other, in one session; and asks who answers."""

    def __init__(self, rules: Sequence[Rule], act: Callable[[Rule, Any], Any]) -> None:
        self._rules, self._act = rules, act

    def __call__(self, scope: remote.HostScope) -> None:
        scope.spawn(_IDENTITY, read_identity, scope.host)
        for rule in self._rules:
            scope.spawn(rule.id, self._act, rule, scope.host)


def _planned(report: remote.HostReport, rule: Rule) -> RulePlan:
    outcome = report.outcomes.get(rule.id)
    trouble = _trouble(report, outcome)
    if trouble is not None or outcome is None or not isinstance(outcome.value, Sighting):
        return RulePlan(refused=trouble or "it gave no answer")
    return RulePlan(found=outcome.value.found, left=outcome.value.left)


def _trouble(report: remote.HostReport, outcome: remote.Outcome | None) -> str | None:
    if report.unreachable is not None:
        return f"not reached: {redact(report.unreachable)}"
    if outcome is None:
        return "the session ended before its turn"
    if outcome.error is None:
        return None
    if isinstance(outcome.error, Refused | remote.NoAnswer):
        return redact(str(outcome.error))
    return redact(f"{type(outcome.error).__name__}: {outcome.error}")[:300]


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """What became of a cleaning."""

    campaign_id: str
    changes: tuple[Change, ...]
    exit: Exit


def run_cleaning(
    context: Context, plan: CleanPlan, rules: Mapping[str, Rule], *, by: str, ticket: str, breaking: Sequence[str] = ()
) -> Cleaned:
    """Delete what a plan names and is still as it was. Every file is in the ledger before any is gone.

    Raises AskedWrongly for a plan whose rules changed since, or whose hosts are not in the inventory.
    """
    _refuse_other_rules(plan, rules)
    going = {name: held for name, held in plan.hosts.items() if any(each.found for each in held.values())}
    known = {host.name: host for host in context.inventory.hosts}
    if not set(going) & set(known):
        raise AskedWrongly("the plan deletes nothing on the hosts of this inventory")
    chosen = tuple(known[name] for name in going if name in known)
    context = dataclasses.replace(context, inventory=dataclasses.replace(context.inventory, hosts=chosen))
    names = [host.name for host in chosen]
    refuse_held(holders(context.ledger), names, breaking=breaking)
    options: dict[str, Json] = {
        "by": by, "ticket": ticket, "plan": plan.digest, "profile": plan.profile, "retention_days": plan.retention_days,
    }  # fmt: skip
    campaign = context.new_campaign(Verb.CLEAN, _profile(plan), options=options)
    context.ledger.begin(campaign, _profile(plan))
    changes: list[Change] = []
    with holding(context, campaign.id, breaking=breaking) as held:
        pin(context, campaign.id, plan.identities)
        refused = held.admit(names, {name: plan.identities[name] for name in names})
        for name in names:
            if name not in refused:
                context.ledger.record_step(campaign.id, STEP, _journal(context, name, going[name]))
        jobs = [
            remote.HostJob(connection=host.connection, script=_deleting(context, rules, going[host.name]), fuse=False)
            for host in chosen
            if host.name not in refused
        ]
        for name, reason in refused.items():
            made = [_change(context, name, rule, ChangeState.SKIPPED, reason) for rule in going[name]]
            context.ledger.record_changes(campaign.id, made)
            changes += made
        for report in remote.look(jobs, limits=context.limits):
            made = _became(context, report, going[report.name])
            context.ledger.record_changes(campaign.id, made)
            changes += made
            context.progress.hosts(len(changes), len(jobs), report.name)
    bad = any(change.state not in (ChangeState.CHANGED, ChangeState.UNCHANGED) or change.reason for change in changes)
    code = Exit.INCOMPLETE if bad or set(going) - set(known) else Exit.CLEAN
    context.ledger.finish(campaign.id, exit_code=code, finished_at=context.clock())
    return Cleaned(campaign_id=campaign.id, changes=tuple(changes), exit=code)


def _refuse_other_rules(plan: CleanPlan, rules: Mapping[str, Rule]) -> None:
    for name, digest in plan.rules.items():
        if name not in rules or rule_digest(rules[name]) != digest:
            raise AskedWrongly(f"the rule {name} is not the one that the plan was made by; plan again")


def _profile(plan: CleanPlan) -> Profile:
    """Return what a campaign goes by where it looks for no control."""
    digest = hashlib.sha256(json_bytes(dict(plan.rules))).hexdigest()
    return Profile(
        name=PROFILE,
        title="Cleaning by rule",
        title_zh="按规则清理",
        standard=None,
        requirements=(),
        clauses={},
        digest=digest,
    )


def _journal(context: Context, host: str, planned: Mapping[str, RulePlan]) -> Json:
    text = context.ledger.redaction.text
    return {
        "host": host,
        "rules": {
            rule: [[text(each.path), each.bytes, each.modified] for each in held.found]
            for rule, held in planned.items()
            if held.found
        },
    }


def _deleting(context: Context, rules: Mapping[str, Rule], planned: Mapping[str, RulePlan]) -> _Script:
    def act(rule: Rule, host: Any) -> Deleted:
        return delete(host, rule, planned[rule.id].found, now=context.clock())

    return _Script([rules[name] for name, held in planned.items() if held.found], act)


def _became(context: Context, report: remote.HostReport, planned: Mapping[str, RulePlan]) -> list[Change]:
    made = []
    for rule, held in planned.items():
        if not held.found:
            continue
        outcome = report.outcomes.get(rule)
        if outcome is not None and isinstance(outcome.value, Deleted):
            done = outcome.value
            state = ChangeState.CHANGED if done.gone else ChangeState.UNCHANGED
            made.append(_change(context, report.name, rule, state, _said(done.stayed), held.found, done.gone))
        else:
            # Only a refusal comes before the first deletion; after a session that was cut nobody knows what went.
            certain = outcome is not None and isinstance(outcome.error, Refused)
            state = ChangeState.FAILED if certain else ChangeState.NOT_REPORTED
            reason = _trouble(report, outcome) or "it gave no answer"
            made.append(_change(context, report.name, rule, state, reason))
    return made


def _said(stayed: Mapping[str, str]) -> str | None:
    """Return why files stayed, with the first few."""
    if not stayed:
        return None
    first = "; ".join(f"{path}: {why}" for path, why in sorted(stayed.items())[:3])
    return f"{len(stayed)} stayed: {first}" + (" ..." if len(stayed) > 3 else "")


def _change(
    context: Context,
    host: str,
    rule: str,
    state: ChangeState,
    reason: str | None,
    found: Sequence[Found] = (),
    gone: Collection[str] = (),
) -> Change:
    went = frozenset(gone)
    touches = [
        Touch(kind="file", name=each.path, before={"bytes": each.bytes, "modified": each.modified}, after=None)
        for each in found
        if each.path in went
    ]
    return Change(
        control_id=rule,
        target=Target(host=host, component=COMPONENT),
        kind=KIND,
        state=state,
        reason=reason,
        touches=tuple(touches),
        taken_at=context.clock(),
        beyond_undo=(GONE,) if went else (),
    )


def deleted_files(changes: Sequence[Change]) -> tuple[int, int]:
    """Return how many files and bytes went."""
    touches = [touch for change in changes for touch in change.touches]
    sizes = [touch.before.get("bytes") for touch in touches if isinstance(touch.before, dict)]
    return len(touches), sum(size for size in sizes if isinstance(size, int))
