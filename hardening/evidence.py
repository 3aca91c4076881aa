"""Everything that can be said of a campaign, read back from the ledger: the one value that reports are written from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from hardening.approval import approval_in, approvals
from hardening.attestations import attestation_for
from hardening.judge import judge
from hardening.ledger import Ledger
from hardening.model import (
    Approval,
    Attestation,
    Campaign,
    Change,
    ChangeState,
    Evidence,
    Finding,
    HostSeen,
    Look,
    Observation,
    Profile,
    Status,
    Tally,
    Target,
    Verb,
)
from hardening.tally import tally

NEVER_LOOKED = "not looked at: the campaign ended before this host's turn"


def evidence_of(ledger: Ledger, campaign_id: str, *, attested: bool = False) -> Evidence:
    """Return the evidence of a campaign. Touches no host and needs no catalogue: all is stored with the campaign.

    With `attested`, what people attested since counts too where the campaign left a control to a person.
    Groups are not known here: such attestations count where they name hosts or targets.
    """
    campaign = ledger.campaign(campaign_id)
    profile = ledger.profile(campaign_id)
    hosts, findings = complete(
        campaign, profile, ledger.hosts(campaign_id, "after"), ledger.findings(campaign_id, "after")
    )
    if attested:
        findings = tuple(_attested(findings, [held.attestation for held in ledger.attestations()]))
    before = tuple(ledger.findings(campaign_id, "before"))
    changes = last_of_each(ledger.changes(campaign_id))
    tally_before: Tally | None = None
    if before:
        hosts_before = tuple(ledger.hosts(campaign_id, "before"))
        tally_before = tally(before, asked=len(before), hosts=hosts_before)
    return Evidence(
        campaign=campaign,
        profile=profile,
        hosts=hosts,
        findings=findings,
        tally=tally(findings, asked=len(findings), hosts=hosts),
        before=before,
        tally_before=tally_before,
        changes=changes,
        undone={(target.name, name): by for (target, name), by in undone_by(ledger, campaign_id).items()}
        if changes
        else {},
        approval=_approval(ledger, campaign),
        imports=ledger.imports(campaign_id),
    )


def undone_by(ledger: Ledger, campaign_id: str) -> dict[tuple[Target, str], str]:
    """Return for every change that a later campaign took back, and no host took back from it, which one that was."""
    return {
        (change.target, change.control_id): later.id
        for later in reversed(ledger.campaigns(verb=Verb.UNDO))
        if later.parent == campaign_id
        for change in last_of_each(ledger.changes(later.id))
        if change.state is ChangeState.REVERTED
    }


def _approval(ledger: Ledger, campaign: Campaign) -> Approval | None:
    """Return what an apply went by, or the newest approval of what a plan's campaign planned."""
    given = approvals(ledger.steps(campaign.id)) if campaign.verb is Verb.PLAN else ()
    return given[-1] if given else approval_in(campaign)


def _attested(findings: Sequence[Finding], attestations: Sequence[Attestation]) -> Iterator[Finding]:
    for finding in findings:
        seen = finding.observation
        found = None
        if finding.status is Status.MANUAL:
            found = attestation_for(attestations, seen.control_id, seen.target, ())
        yield finding if found is None else judge(finding.requirement, seen, attestation=found)


def last_of_each(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return one change for each pair: the last word on it, at the place of the first.

    A resume that found nothing left to write does not take back that the campaign changed it.
    """
    last: dict[tuple[Target, str], Change] = {}
    for change in changes:
        key = (change.target, change.control_id)
        wrote = key in last and last[key].state is ChangeState.CHANGED
        if not (wrote and change.state in (ChangeState.UNCHANGED, ChangeState.SKIPPED)):
            last[key] = change
    return tuple(last.values())


def complete(
    campaign: Campaign, profile: Profile, hosts: Iterable[HostSeen], findings: Iterable[Finding]
) -> tuple[tuple[HostSeen, ...], tuple[Finding, ...]]:
    """Add to what was recorded an UNREACHABLE finding for every pair that was asked and never answered."""
    all_hosts, all_findings = list(hosts), list(findings)
    seen = {host.name for host in all_hosts}
    order = {name: index for index, name in enumerate(campaign.hosts)}
    all_hosts += [
        HostSeen(name=name, address="", unreachable=NEVER_LOOKED) for name in campaign.hosts if name not in seen
    ]
    answered = {(finding.observation.target.host, finding.observation.control_id) for finding in all_findings}
    all_findings += [
        finding
        for name in campaign.hosts
        for finding in _never_looked(campaign, profile, name)
        if (name, finding.observation.control_id) not in answered
    ]
    all_hosts.sort(key=lambda host: order.get(host.name, len(order)))
    all_findings.sort(key=lambda finding: (order.get(finding.observation.target.host, len(order)), finding.key))
    return tuple(all_hosts), tuple(all_findings)


def _never_looked(campaign: Campaign, profile: Profile, host: str) -> list[Finding]:
    blank = Observation(
        control_id="",
        target=Target(host=host, component=""),
        look=Look.UNREACHABLE,
        taken_at=campaign.started_at,
        reason=NEVER_LOOKED,
    )
    return [
        Finding(
            observation=dataclasses.replace(
                blank,
                control_id=requirement.control.id,
                target=Target(host=host, component=requirement.control.component),
            ),
            requirement=requirement,
            verdict=Status.UNREACHABLE,
            status=Status.UNREACHABLE,
            reason=NEVER_LOOKED,
        )
        for requirement in profile.requirements
    ]
