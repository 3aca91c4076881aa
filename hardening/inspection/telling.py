"""Tell people of what is open and was not told yet, and record that they were told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from hardening.inspected import IncidentEvent
from hardening.inspection.grouping import followers
from hardening.inspection.incidents import SENT, incidents_of, pending
from hardening.inspection.notify import message_of, tell
from hardening.inspection.response import ResponseTable
from hardening.ledger import InspectionBook


def tell_pending(
    book: InspectionBook,
    table: ResponseTable,
    titles: Mapping[str, str],
    *,
    act_id: str,
    by: str,
    now: Callable[[], datetime],
) -> list[str]:
    """Send what is pending and record it; return a sentence for each message that did not go out.

    A message can go out twice where we are killed between sending and recording; it is never lost.
    """
    known = incidents_of(book.incident_events()).values()
    follow = followers(known)
    messages = [
        message_of(
            incident,
            event.act,
            table,
            titles,
            [each for each in follow.get(incident.number, ()) if each.is_open],
        )
        for incident, event in pending(known)
    ]
    events: tuple[IncidentEvent, ...] = tell(messages, table, by=by, now=now)
    if events:
        book.note_incidents(act_id, lambda _known: events)
    return [f"{event.number}: not told: {event.told['result']}" for event in events if event.told["result"] != SENT]
