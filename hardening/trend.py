"""Campaigns beside one another: a line of history, two of them compared, a fleet as each host was last seen.

All of it is read from the ledger and touches no host. Only campaigns up to the one that was asked for count, so that
the same question gives the same answer whatever came later.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

from hardening.errors import AskedWrongly, Exit
from hardening.evidence import complete, evidence_of
from hardening.ledger import Ledger
from hardening.model import Campaign, Evidence, Finding, HostSeen, Status, TrendPoint, Verb
from hardening.tally import exit_of, tally

DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
NOT_SINCE = "not looked at since {since}: the last look was {last}"


def with_trend(ledger: Ledger, evidence: Evidence, *, since: str) -> Evidence:
    """Return the evidence with a line of history since a date or a campaign: finished looks with the same profile.

    An undo looks at what it undid only, so it is no point of the line.
    """
    began, asked = moment_of(ledger, since), evidence.campaign
    if began > asked.started_at:
        raise AskedWrongly(f"--since {since} is later than {asked.id} ({asked.started_at:%Y-%m-%d %H:%M} UTC)")

    earlier = [
        campaign
        for campaign in reversed(ledger.campaigns())
        if campaign.profile == asked.profile
        and campaign.verb is not Verb.UNDO
        and campaign.finished_at is not None
        and campaign.id != asked.id
        and began <= campaign.started_at <= asked.started_at
    ]
    points = [_point(campaign, ledger.counts(campaign.id)) for campaign in earlier]
    points.append(_point(asked, evidence.tally.by_control))
    return dataclasses.replace(evidence, trend=tuple(points), since=since)


def compared(ledger: Ledger, evidence: Evidence, against: str) -> Evidence:
    """Return the evidence with the last look of another campaign in the place of what was seen before."""
    other = evidence_of(ledger, ledger.resolve(against))
    if other.campaign.id == evidence.campaign.id:
        raise AskedWrongly(f"{other.campaign.id} cannot be compared with itself; name another campaign")
    if other.campaign.profile != evidence.campaign.profile:
        raise AskedWrongly(
            f"{other.campaign.id} looked with {other.campaign.profile}, {evidence.campaign.id} with "
            f"{evidence.campaign.profile}: only looks with the same profile can be compared"
        )
    return dataclasses.replace(
        evidence, before=other.findings, tally_before=other.tally, against=other.campaign, changes=(), undone={}
    )


def fleet(ledger: Ledger, campaign_id: str, *, since: str | None = None) -> Evidence:
    """Return every host as it was last seen with a campaign's profile, up to that campaign.

    What an undo or a narrower look saw later replaces what a whole look saw before. With `since`, a host whose last
    look is older counts as not seen.
    """
    asked, profile = ledger.campaign(campaign_id), ledger.profile(campaign_id)
    wanted = {requirement.control.id for requirement in profile.requirements}
    began = None if since is None else moment_of(ledger, since)
    newest: dict[tuple[str, str], Finding] = {}
    hosts: dict[str, HostSeen] = {}
    last: dict[str, datetime] = {}
    for campaign in ledger.campaigns():
        if campaign.profile != asked.profile or campaign.started_at > asked.started_at:
            continue
        one = _met(ledger, campaign)
        missing = set(one) - set(hosts)
        for name in missing:
            last.setdefault(name, campaign.started_at)
        if not missing:
            continue
        for finding in ledger.findings(campaign.id, "after"):
            if finding.observation.target.host in missing and finding.observation.control_id in wanted:
                newest.setdefault(finding.key, finding)
        if wanted <= {requirement.control.id for requirement in ledger.profile(campaign.id).requirements}:
            hosts.update((name, one[name]) for name in missing)
    for name in [name for name in last if name not in hosts]:
        hosts[name] = HostSeen(name=name, address="")
    if began is not None:
        for name, moment in last.items():
            if moment < began:
                said = NOT_SINCE.format(since=since, last=f"{moment:%Y-%m-%d %H:%M} UTC")
                hosts[name] = dataclasses.replace(hosts[name], unreachable=said)
        newest = {key: each for key, each in newest.items() if last[each.observation.target.host] >= began}
    whole = dataclasses.replace(
        asked, id=f"fleet-{asked.id}", verb=Verb.SCAN, hosts=tuple(sorted(hosts)), parent=asked.id, options={}
    )
    seen, findings = complete(whole, profile, [hosts[name] for name in whole.hosts], newest.values())
    counted = tally(findings, asked=len(findings), hosts=seen)
    finished = dataclasses.replace(whole, exit_code=int(exit_of(counted, findings)))
    if asked.finished_at is None:
        finished = dataclasses.replace(whole, exit_code=int(Exit.INCOMPLETE))
    return Evidence(campaign=finished, profile=profile, hosts=seen, findings=findings, tally=counted)


def _met(ledger: Ledger, campaign: Campaign) -> dict[str, HostSeen]:
    return {host.name: host for host in ledger.hosts(campaign.id, "after")}


def moment_of(ledger: Ledger, since: str) -> datetime:
    """Return the moment of `2026-08-01`, or of a campaign's beginning. Raises AskedWrongly for neither."""
    if DATE.fullmatch(since):
        try:
            return datetime.strptime(since, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            raise AskedWrongly(f"--since {since}: there is no such day; write it as 2026-08-01") from None
    return ledger.campaign(ledger.resolve(since)).started_at


def _point(campaign: Campaign, by_control: Mapping[str, Mapping[Status, int]]) -> TrendPoint:
    together: Counter[Status] = Counter()
    for counts in by_control.values():
        together.update(counts)
    unseen = together[Status.ERROR] + together[Status.UNREACHABLE]
    return TrendPoint(
        campaign_id=campaign.id,
        verb=campaign.verb,
        started_at=campaign.started_at,
        hosts=len(campaign.hosts),
        by_status={status: together[status] for status in Status},
        by_control=by_control,
        complete=bool(together) and not unseen and campaign.finished_at is not None,
    )
