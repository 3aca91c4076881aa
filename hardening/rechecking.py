"""Look again right before a later wave: hours may lie between the first look of a campaign and its last wave."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from hardening.change import Piece, not_written
from hardening.context import Context
from hardening.looking import look_and_record
from hardening.model import Campaign, ChangeState, Finding, Profile, Status
from hardening.plan import seen_otherwise
from hardening.waivers import Waiver
from hardening.waves import STOPPED

Key = tuple[str, str]


def leave_what_changed(
    context: Context,
    campaign: Campaign,
    profile: Profile,
    wanted: Sequence[Piece],
    *,
    waivers: Sequence[Waiver],
    but: Collection[str] = (),
) -> tuple[list[Piece], tuple[str, ...]]:
    """Return what is still as the campaign saw it, and the hosts that cannot be seen; the rest is recorded as left.

    Hosts in `but` were written on by this campaign already: what is otherwise there may be its own work.
    """
    first = {finding.key: finding for finding in context.ledger.findings(campaign.id, "before")}
    names = {item.target.host for item in wanted} - set(but)
    hosts = [host for host in context.inventory.hosts if host.name in names]
    if not hosts:
        return list(wanted), ()
    # What the campaign goes by stays its first look: a host that is away just now must not become one with nothing.
    looked = look_and_record(context, campaign, profile, phase=None, waivers=waivers, hosts=hosts)
    now = {finding.key: finding for finding in looked.findings}
    unseen = {host.name: host.unreachable for host in looked.hosts if host.unreachable is not None}
    reasons: dict[Key, str] = {}
    mended = {finding.key for finding in looked.findings if finding.status is Status.PASS}
    for item in wanted:
        key = (item.target.name, item.control_id)
        if item.target.host in unseen:
            reasons[key] = f"{STOPPED}it cannot be seen right before its wave: {unseen[item.target.host]}"
        elif key in mended:
            reasons[key] = "already as wanted"
        elif item.target.host in names:
            why = _changed(first.get(key), now.get(key))
            if why is not None:
                reasons[key] = f"changed since the plan: {why}"
    left = [
        not_written(context, item, reasons[key], ChangeState.UNCHANGED if key in mended else ChangeState.SKIPPED)
        for item in wanted
        if (key := (item.target.name, item.control_id)) in reasons
    ]
    context.ledger.record_changes(campaign.id, left)
    for change in left:
        context.progress.say(f"{change.target.name}: {change.control_id}: {change.reason}")
    kept = [item for item in wanted if (item.target.name, item.control_id) not in reasons]
    return kept, tuple(sorted(unseen))


def _changed(first: Finding | None, now: Finding | None) -> str | None:
    if first is None:
        return None  # Not seen at first, so there is nothing that it could be otherwise than.
    return seen_otherwise(first.observation.seen, now)
