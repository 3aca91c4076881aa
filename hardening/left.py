"""How hosts were left by the campaigns that changed them: the findings, and every resource that was touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hardening.evidence import last_of_each
from hardening.ledger import Ledger
from hardening.model import Campaign, Change, ChangeState, Finding, HostSeen, Json, Target, Verb

CHANGING = (Verb.APPLY, Verb.UNDO)


@dataclass(frozen=True, kw_only=True)
class LeftResource:
    """The state a resource was left in, and the controls it was touched for, the last one last."""

    kind: str
    name: str
    state: Mapping[str, Json]
    pairs: tuple[tuple[Target, str, str], ...]


@dataclass(frozen=True, kw_only=True)
class LeftHost:
    """How one host was left: by which campaign, when, what the look after it saw, and what it touched."""

    host: HostSeen
    campaign: str
    at: datetime
    findings: tuple[Finding, ...]
    resources: tuple[LeftResource, ...] = ()
    campaigns: tuple[str, ...] = field(default=())


def left_by(ledger: Ledger, base: Campaign, hosts: Sequence[str]) -> dict[str, LeftHost]:
    """Return how the hosts of one campaign were left by it and by what was undone of it since."""
    later = [undo for undo in _oldest_first(ledger, Verb.UNDO) if undo.parent == base.id]
    findings = {finding.key: finding for finding in ledger.findings(base.id, "after")}
    seen = {host.name: host for host in ledger.hosts(base.id, "after")}
    at = dict.fromkeys(seen, base.finished_at or base.started_at)
    for undo in later:
        findings.update((finding.key, finding) for finding in ledger.findings(undo.id, "after"))
        for host in ledger.hosts(undo.id, "after"):
            seen[host.name] = host
            at[host.name] = undo.finished_at or undo.started_at
    touched = _touched(ledger, hosts)
    names = [name for name in hosts if name in seen]
    return {
        name: LeftHost(
            host=seen[name],
            campaign=base.id,
            at=at[name],
            findings=tuple(f for f in findings.values() if f.observation.target.host == name),
            resources=tuple(touched.get(name, {}).values()),
            campaigns=tuple(c.id for c in _oldest_first(ledger, *CHANGING) if name in c.hosts),
        )
        for name in names
    }


def last_campaigns(ledger: Ledger, newest: Campaign, hosts: Sequence[str]) -> dict[str, Campaign]:
    """Return for each host the newest finished apply that changed or could have changed it under this profile.

    `newest` is looked for first; a campaign of another version of the profile cannot be compared with it.
    """
    found: dict[str, Campaign] = {}
    for campaign in ledger.campaigns(verb=Verb.APPLY):
        if campaign.finished_at is None or campaign.profile_digest != newest.profile_digest:
            continue
        looked = {host.name for host in ledger.hosts(campaign.id, "after") if host.unreachable is None}
        for name in hosts:
            if name in looked:
                found.setdefault(name, campaign)
    return found


def _touched(ledger: Ledger, hosts: Sequence[str]) -> dict[str, dict[tuple[str, str], LeftResource]]:
    """Return every resource that any campaign touched on these hosts, as the last of them left it."""
    found: dict[str, dict[tuple[str, str], LeftResource]] = {name: {} for name in hosts}
    for campaign in _oldest_first(ledger, *CHANGING):
        for change in last_of_each(ledger.changes(campaign.id)):
            resources = found.get(change.target.host)
            if resources is not None:
                _take(resources, change, campaign.verb)
    return found


def _take(resources: dict[tuple[str, str], LeftResource], change: Change, verb: Verb) -> None:
    done = ChangeState.CHANGED if verb is Verb.APPLY else ChangeState.REVERTED
    taken_back = ChangeState.REVERTED if verb is Verb.APPLY else ChangeState.PUT_BACK
    if change.state not in (done, taken_back):
        return
    for touch in change.touches:
        key = (touch.kind, touch.name)
        state = touch.after if change.state is done else touch.before
        earlier = resources.get(key)
        if not isinstance(state, dict):
            continue
        if earlier is not None and state.get("type") == earlier.state.get("type") == "file":
            # A step of the mode or owner says nothing about the content.
            kept = {part: value for part, value in earlier.state.items() if part == "sha256"}
            state = {**kept, **state}
        pair = (change.target, change.control_id, change.kind)
        pairs = (*(known for known in (earlier.pairs if earlier else ()) if known[:2] != pair[:2]), pair)
        resources[key] = LeftResource(kind=touch.kind, name=touch.name, state=state, pairs=pairs)


def _oldest_first(ledger: Ledger, *verbs: Verb) -> list[Campaign]:
    found = [campaign for verb in verbs for campaign in ledger.campaigns(verb=verb)]
    return sorted(found, key=lambda campaign: campaign.started_at)
