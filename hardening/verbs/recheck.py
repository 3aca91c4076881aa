"""recheck: whether what a campaign found still holds, on request only where the hosts were restarted since.

It restarts nothing itself. What was right on disk and in the running system, and is lost at a restart, shows here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from hardening.context import Context
from hardening.drift import drifts_between
from hardening.errors import AskedWrongly, Exit, worst
from hardening.evidence import evidence_of
from hardening.left import left_by
from hardening.looking import look_and_record
from hardening.model import Change, ChangeState, Evidence, Finding, HostSeen, Json, Status, Verb
from hardening.waivers import Waiver


def recheck(context: Context, of: str, *, rebooted: bool = False, waivers: Sequence[Waiver] = ()) -> Evidence:
    """Look at the hosts of a campaign again and compare; the result is a campaign that points at it.

    With `rebooted` a host that was not restarted since proves nothing: it is named, and the answer is 3.
    """
    base = context.ledger.campaign(of)
    known = {host.name: host for host in context.inventory.hosts}
    missing = [name for name in base.hosts if name not in known]
    if missing:
        raise AskedWrongly(f"the campaign's hosts are not in the inventory: {', '.join(missing)}")
    left = left_by(context.ledger, base, base.hosts)
    if not left:
        raise AskedWrongly(f"{of} looked at no host to its end, so there is nothing to compare with")
    inventory = dataclasses.replace(context.inventory, hosts=tuple(known[name] for name in base.hosts))
    context = dataclasses.replace(context, inventory=inventory)
    profile = context.ledger.profile(of)
    campaign = context.new_campaign(Verb.RECHECK, profile, parent=of, options={"rebooted": rebooted})
    context.ledger.begin(campaign, profile)
    then: list[Finding] = []
    for host in left.values():
        context.ledger.record_findings(campaign.id, "before", host.findings)
        context.ledger.record_host(campaign.id, "before", host.host)
        then += host.findings
    looked = look_and_record(context, campaign, profile, phase="after", waivers=waivers)
    starts = _starts({name: host.host for name, host in left.items()}, looked.hosts)
    context.ledger.record_step(campaign.id, "starts", {name: _as_json(start) for name, start in starts.items()})
    unproven = {name: why for name, start in starts.items() if (why := start.not_restarted) is not None}
    for name, why in unproven.items() if rebooted else ():
        context.progress.say(f"{name}: {why}, so nothing is proven of a restart")
    drifts = drifts_between(then, looked.findings)
    lost = [each for each in drifts if each.state is ChangeState.REGRESSION]
    context.ledger.record_changes(
        campaign.id,
        [
            Change(
                control_id=each.control_id,
                target=each.target,
                kind=each.kind,
                state=each.state,
                reason=f"{_since(each.target.host, unproven)}: {each.reason}",
                taken_at=context.clock(),
            )
            for each in drifts
        ],
    )
    evidence = evidence_of(context.ledger, campaign.id)
    passed = {finding.key for finding in then if finding.verdict is Status.PASS}
    held = sum(finding.key in passed and finding.verdict is Status.PASS for finding in looked.findings)
    context.progress.say(f"{held} of {len(passed)} findings that passed still hold, {len(lost)} gaps opened")
    code = worst(
        [
            Exit.GAPS if any(each.is_gap for each in drifts) else Exit.CLEAN,
            Exit.INCOMPLETE if not evidence.tally.coverage.complete or (rebooted and unproven) else Exit.CLEAN,
        ]
    )
    context.ledger.finish(campaign.id, exit_code=code, finished_at=context.clock())
    return evidence_of(context.ledger, campaign.id)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Start:
    """Which start of a host the earlier look met, and which the later one; empty where that was not seen."""

    then: str
    now: str

    @property
    def not_restarted(self) -> str | None:
        """Say why this proves no restart, or None where it does."""
        if not self.now:
            return "was not seen again"
        if not self.then:
            return "the earlier look did not record which start of the host it met"
        return "was not restarted since" if self.then == self.now else None


def _starts(then: Mapping[str, HostSeen], now: Sequence[HostSeen]) -> dict[str, Start]:
    return {host.name: Start(then=_which(then.get(host.name)), now=_which(host)) for host in now}


def _which(host: HostSeen | None) -> str:
    """Return what tells one start of a host from another: the kernel's boot_id, and when the first process began."""
    if host is None or host.unreachable is not None or not host.facts.get("boot_id"):
        return ""
    return f"{host.facts['boot_id']} {host.facts.get('init_began', '')}".strip()


def _as_json(start: Start) -> Json:
    return {"then": start.then, "now": start.now}


def _since(host: str, unproven: Mapping[str, str]) -> str:
    return "since then" if host in unproven else "after a restart"
