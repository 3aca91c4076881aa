"""Look, judge and record in one stream: what scan, apply and undo all do before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hardening.attestations import attestation_for
from hardening.context import Context
from hardening.errors import AskedWrongly
from hardening.inventory import InventoryHost
from hardening.judge import judge
from hardening.ledger import Phase
from hardening.model import Attestation, Campaign, Finding, HostSeen, Profile
from hardening.prediction import Fact
from hardening.survey import HostAsk, HostLook, PreflightAsk, asks_of, survey
from hardening.waivers import Waiver, expired_for, unused, waiver_for


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What one look at a fleet gave: every host, and exactly one finding for every asked pair.

    `facts` are what preflights looked at, by host.
    """

    hosts: tuple[HostSeen, ...]
    findings: tuple[Finding, ...]
    facts: Mapping[str, Mapping[str, Fact]] = field(default_factory=dict)


def look_and_record(
    context: Context,
    campaign: Campaign,
    profile: Profile,
    *,
    phase: Phase | None,
    waivers: Sequence[Waiver] = (),
    hosts: Sequence[InventoryHost] | None = None,
    ahead: Mapping[str, PreflightAsk] | None = None,
) -> Looked:
    """Look at a fleet with a profile; every host stands in the ledger before the next one is judged.

    `phase` is `before` or `after` a change; a scan only has `after`. With None nothing is recorded. The same sessions
    also look at what preflights need (`ahead`, by host).
    """
    chosen = context.inventory.hosts if hosts is None else tuple(hosts)
    if not chosen:
        raise AskedWrongly("no host is left to look at")
    asks = asks_of(profile)
    remembered = {host.name: context.ledger.remembered_plan(host.name, profile.digest) or () for host in chosen}
    asked = [
        HostAsk(
            connection=host.connection,
            asks=asks,
            plan=remembered[host.name],
            preflight=(ahead or {}).get(host.name),
        )
        for host in chosen
    ]
    by_name = {host.name: host for host in chosen}
    attested = [held.attestation for held in context.ledger.attestations()]
    seen: dict[str, HostSeen] = {}
    findings: list[Finding] = []
    facts: dict[str, Mapping[str, Fact]] = {}
    for looked in survey(asked, clock=context.clock, limits=context.limits, processes=context.processes):
        judged = _judged(looked, by_name[looked.host.name], profile, waivers, attested, context)
        # The host last: it says that its findings are all there, so that a resume after a kill looks again where not.
        if phase is not None:
            context.ledger.record_findings(campaign.id, phase, judged)
            context.ledger.record_host(campaign.id, phase, looked.host)
        seen[looked.host.name] = looked.host
        findings.extend(judged)
        facts[looked.host.name] = looked.facts
        if looked.plan and looked.plan != remembered[looked.host.name]:
            context.ledger.remember_plan(looked.host.name, profile.digest, looked.plan)
        context.progress.hosts(len(seen), len(chosen), looked.host.name)
    lost = set(by_name) - set(seen)
    if lost:
        raise AssertionError(f"the survey gave no answer for {', '.join(sorted(lost))}")
    for sentence in same_machine(seen[host.name] for host in chosen):
        context.progress.say(sentence)
    order = {host.name: index for index, host in enumerate(chosen)}
    findings.sort(key=lambda finding: (order[finding.observation.target.host], finding.key))
    return Looked(hosts=tuple(seen[host.name] for host in chosen), findings=tuple(findings), facts=facts)


def same_machine(hosts: Iterable[HostSeen]) -> list[str]:
    """Return a sentence for each machine that answered under several names, which counts several times.

    Not an error: machines that were copied from one image often share their number by mistake.
    """
    names: dict[str, list[str]] = {}
    for host in hosts:
        if host.identity:
            names.setdefault(host.identity, []).append(host.name)
    return [
        f"{', '.join(same)} have the same /etc/machine-id: one machine under several names, or copies of one image"
        for same in names.values()
        if len(same) > 1
    ]


def _judged(
    looked: HostLook,
    host: InventoryHost,
    profile: Profile,
    waivers: Sequence[Waiver],
    attested: Sequence[Attestation],
    context: Context,
) -> list[Finding]:
    """Judge a host's observations, and make sure that none that was asked is missing."""
    requirements = {requirement.control.id: requirement for requirement in profile.requirements}
    answered = {observation.control_id for observation in looked.observations}
    missing = set(requirements) - answered
    if missing or not answered <= set(requirements):
        raise AssertionError(f"{host.name}: asked and seen differ: {sorted(missing ^ (answered - set(requirements)))}")
    today = context.clock().date()
    judged = (
        judge(
            requirements[observation.control_id],
            observation,
            waiver_for(waivers, observation.control_id, observation.target, host.groups, today),
            expired=expired_for(waivers, observation.control_id, observation.target, host.groups, today),
            attestation=attestation_for(attested, observation.control_id, observation.target, host.groups),
        )
        for observation in looked.observations
    )
    # Here and not only in the ledger: a plan is made, and held against the next look, from what is returned.
    return [context.ledger.redaction.finding(finding) for finding in judged]


def tell_unused(context: Context, campaign: Campaign, looked: Looked, waivers: Sequence[Waiver]) -> None:
    """Say, and record, which waivers cover nothing of a look: they may be misspelt, or not needed any more."""
    groups = {host.name: host.groups for host in context.inventory.hosts}
    said = unused(waivers, looked.findings, groups, context.clock().date())
    for sentence in said:
        context.progress.say(sentence)
    if said:
        context.ledger.record_step(campaign.id, "unused waivers", {"waivers": list(said)})
