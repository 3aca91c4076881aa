"""How controls stood over time: one on one target, and all of a campaign counted."""

from __future__ import annotations

from datetime import datetime
from typing import get_args

from sqlalchemy import Connection, func, select

from hardening.errors import AskedWrongly
from hardening.ledger.schema import CAMPAIGNS, FINDINGS
from hardening.ledger.values import Phase, Standing
from hardening.model import Severity, Status, Verb


def counts(connection: Connection, campaign_id: str) -> dict[str, dict[Status, int]]:
    """Return for every control how many findings of a campaign's last look have which status."""
    phases = select(FINDINGS.c.phase).where(FINDINGS.c.campaign_id == campaign_id).distinct()
    # `after` stands before `before`.
    last = min(connection.scalars(phases), default="after")
    query = (
        select(FINDINGS.c.control_id, FINDINGS.c.status, func.count())
        .where(FINDINGS.c.campaign_id == campaign_id, FINDINGS.c.phase == last)
        .group_by(FINDINGS.c.control_id, FINDINGS.c.status)
        .order_by(FINDINGS.c.control_id)
    )
    found: dict[str, dict[Status, int]] = {}
    for control_id, status, number in connection.execute(query):
        found.setdefault(control_id, {})[Status(status)] = number
    return found


def standings(connection: Connection, *, target_name: str, control_id: str) -> tuple[Standing, ...]:
    """Return every standing, oldest first. Raises AskedWrongly for a name that is no `host/component[:instance]`."""
    host, slash, rest = target_name.partition("/")
    component, _, instance = rest.partition(":")
    if not slash or not host or not component:
        raise AskedWrongly(f"{target_name!r} is no target; write host/component or host/component:instance")
    query = (
        select(
            FINDINGS.c.campaign_id,
            CAMPAIGNS.c.verb,
            CAMPAIGNS.c.started_at,
            FINDINGS.c.phase,
            FINDINGS.c.status,
            FINDINGS.c.verdict,
            FINDINGS.c.severity,
        )
        .join(CAMPAIGNS, CAMPAIGNS.c.campaign_id == FINDINGS.c.campaign_id)
        .where(
            # With the whole key named, each campaign costs one look into it; else a planner may read every row.
            FINDINGS.c.campaign_id.in_(select(CAMPAIGNS.c.campaign_id)),
            FINDINGS.c.phase.in_(get_args(Phase)),
            FINDINGS.c.host == host,
            FINDINGS.c.component == component,
            FINDINGS.c.instance == instance,
            FINDINGS.c.control_id == control_id,
        )
        .order_by(CAMPAIGNS.c.started_at, FINDINGS.c.seq)
    )
    return tuple(
        Standing(
            campaign_id=row.campaign_id,
            verb=Verb(row.verb),
            started_at=datetime.fromisoformat(row.started_at),
            phase=row.phase,
            status=Status(row.status),
            verdict=Status(row.verdict),
            severity=Severity(row.severity),
        )
        for row in connection.execute(query)
    )
