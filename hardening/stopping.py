"""Stopping a running campaign politely: another process asks in the ledger, the campaign reads it between its waves."""

from __future__ import annotations

from collections.abc import Iterable

from hardening.context import Context
from hardening.errors import AskedWrongly
from hardening.holders import HOLDS, held_by
from hardening.ledger import Ledger, Step
from hardening.model import Json, Verb
from hardening.waves import STOPPED

STOP_ASKED = "stop asked"
PAUSE = "pause"
LOOK_EVERY_S = 2.0


def ask_to_stop(ledger: Ledger, campaign_id: str, *, by: str, because: str | None) -> None:
    """Record that a campaign is to stop before its next wave. Raises AskedWrongly where nothing is there to stop."""
    campaign = ledger.campaign(campaign_id)
    if campaign.verb not in (Verb.APPLY, Verb.UNDO):
        raise AskedWrongly(f"{campaign_id} has no waves to stop between; only an apply and an undo have")
    held = held_by(campaign_id, ledger.steps(campaign_id))
    if not held:
        raise AskedWrongly(f"{campaign_id} does not run, so there is nothing to stop (`hardening status` shows all)")
    if all(holder.runs is False for holder in held.values()):
        raise AskedWrongly(
            f"the process of {campaign_id} is gone: nothing is left to stop; `hardening resume {campaign_id}` ends it"
        )
    payload: dict[str, Json] = {"by": by, "because": because}
    ledger.record_step(campaign_id, STOP_ASKED, payload)


def stop_asked(steps: Iterable[Step]) -> str | None:
    """Return the reason to stop, by the journal: asked since the campaign began, or was resumed last."""
    reason = None
    for step in steps:
        if step.step == HOLDS:
            reason = None
        elif step.step == STOP_ASKED and isinstance(step.payload, dict):
            because = step.payload.get("because")
            reason = f"{STOPPED}asked by {step.payload.get('by')}" + (f": {because}" if because else "")
    return reason


def wait_unless_stopped(context: Context, campaign_id: str, pause_s: float) -> None:
    """Wait between two waves, but no longer than until somebody asks to stop."""
    until = pause_s
    while until > 0 and stop_asked(context.ledger.steps(campaign_id)) is None:
        nap_s = min(LOOK_EVERY_S, until)
        context.sleep(nap_s)
        until -= nap_s
