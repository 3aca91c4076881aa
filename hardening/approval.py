"""Approvals: who agreed to exactly one plan, with which ticket and when; kept in the journal of the plan's campaign.

An approval is bound to the digest of the whole plan file. Narrowing a plan while applying it stays within what was
approved; a plan that was made anew, or edited, has another digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from hardening.errors import AskedWrongly
from hardening.ledger import Ledger, Step
from hardening.model import Approval, Campaign, Json, Profile
from hardening.plan import Plan
from hardening.workspace_settings import Settings

APPROVED = "approved"


def new_approval(plan: Plan, *, name: str, ticket: str, by: str, at: datetime) -> Approval:
    """Return an approval. Raises AskedWrongly for an empty name or ticket, which would approve nothing."""
    for value, option in ((name, "name"), (ticket, "ticket")):
        if not value.strip() or not value.isprintable():
            raise AskedWrongly(f"an approval needs a {option} on one line")
    return Approval(name=name.strip(), ticket=ticket.strip(), by=by, at=at, plan_digest=plan.digest)


def record_approval(ledger: Ledger, plan: Plan, approval: Approval) -> None:
    """Record an approval with the plan's campaign. Raises AskedWrongly where this ledger does not have that."""
    try:
        ledger.campaign(plan.campaign_id)
    except AskedWrongly:
        raise AskedWrongly(
            f"the ledger has no campaign {plan.campaign_id}, which made this plan; name the ledger it was planned with"
        ) from None
    ledger.record_step(plan.campaign_id, APPROVED, as_json(approval))


def approvals(steps: Iterable[Step]) -> tuple[Approval, ...]:
    """Return the approvals in the journal of a plan's campaign, oldest first."""
    found = [from_json(step.payload) for step in steps if step.step == APPROVED]
    return tuple(approval for approval in found if approval is not None)


def approval_of(ledger: Ledger, plan: Plan, settings: Settings) -> Approval | None:
    """Return the newest approval of exactly this plan that the settings accept, or None."""
    try:
        steps = ledger.steps(plan.campaign_id)
    except AskedWrongly:
        return None  # Planned with another ledger, whose approvals cannot be seen from here.
    accepted = [
        approval
        for approval in approvals(steps)
        if approval.plan_digest == plan.digest and refusal(approval, plan, settings) is None
    ]
    return accepted[-1] if accepted else None


def refusal(approval: Approval, plan: Plan, settings: Settings) -> str | None:
    """Say why an approval does not count, or None: four eyes where the settings ask for them."""
    if settings.approver_may_plan:
        return None
    planner = _user(plan.made_by)
    if planner in (_user(approval.by), _user(approval.name)):
        return (
            f"{planner} made this plan and may not approve it too (approver_may_plan: false in {settings.source}); "
            "another person has to, from an account of their own"
        )
    return None


def demanded_by(profile: Profile, settings: Settings) -> str | None:
    """Say who demands an approval of every plan of a profile, or None."""
    asks = [
        *([f"profile {profile.name}"] if profile.requires_approval else []),
        *([settings.source] if settings.require_approval else []),
    ]
    return f"{' and '.join(asks)} demand{'s' if len(asks) == 1 else ''} an approval" if asks else None


def refuse_unapproved(approval: Approval | None, profile: Profile, settings: Settings) -> None:
    """Raise AskedWrongly where an approval is demanded and there is none for this plan."""
    demanded = demanded_by(profile, settings)
    if approval is None and demanded is not None:
        raise AskedWrongly(
            f"{demanded} and this plan has none: "
            "`hardening approve PLAN --name NAME --ticket TICKET`, or apply with --approve NAME --ticket TICKET"
        )


def approval_in(campaign: Campaign) -> Approval | None:
    """Return the approval that an apply campaign went by, as its record holds it."""
    return from_json(campaign.options.get("approval"))


def as_json(approval: Approval) -> dict[str, Json]:
    """Return plain values, for a journal or a campaign's options."""
    return {
        "name": approval.name,
        "ticket": approval.ticket,
        "by": approval.by,
        "at": approval.at.isoformat(timespec="seconds"),
        "plan_digest": approval.plan_digest,
    }


def from_json(stored: Any) -> Approval | None:
    """Return what `as_json` gave; None where nothing was stored."""
    if not isinstance(stored, Mapping) or not stored:
        return None
    return Approval(
        name=str(stored["name"]),
        ticket=str(stored["ticket"]),
        by=str(stored["by"]),
        at=datetime.fromisoformat(str(stored["at"])),
        plan_digest=str(stored["plan_digest"]),
    )


def _user(actor: str) -> str:
    """Return the account of `user@machine`; whoever uses two machines is still one person."""
    return actor.partition("@")[0].strip().casefold()
