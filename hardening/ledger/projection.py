"""What is derived from the entries, for questions that walking the entries would answer too slowly.

Every row follows from the entries alone: rebuilding makes the same rows again, and verifying compares them.
A later look at the same (phase, target, control) replaces the earlier one here; the chain keeps both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update

from hardening.inspected import Run
from hardening.ledger.records import (
    Attested,
    Begun,
    Changed,
    Finished,
    HostInspected,
    HostMet,
    Imported,
    IncidentsNoted,
    Inspecting,
    Judged,
    PlanInstalled,
    Purged,
    Record,
    ReportWritten,
    Stepped,
)
from hardening.ledger.schema import DERIVED
from hardening.model import Campaign, Change, Finding, Target
from hardening.resource_model import AllocationStep, HostSampled, RolledUp

Tables = Mapping[str, Table]
OWN_TABLES: Tables = {table.name: table for table in DERIVED}


def project(connection: Connection, tables: Tables, *, seq: int, campaign_id: str, record: Record) -> None:
    """Bring the derived tables up to date with one entry."""
    match record:
        case Begun():
            connection.execute(insert(tables["campaigns"]), [_campaign_row(record.campaign, seq)])
        case HostMet():
            key = {"campaign_id": campaign_id, "phase": record.phase, "host": record.host.name}
            _replace(connection, tables["hosts"], [{**key, "seq": seq}], key=tuple(key))
        case Judged():
            _project_findings(connection, tables["findings"], seq, campaign_id, record)
        case Changed():
            rows = [_change_row(change, campaign_id, seq, place) for place, change in enumerate(record.changes)]
            if rows:
                connection.execute(insert(tables["changes"]), rows)
        case Finished():
            campaigns = tables["campaigns"]
            ending = {"finished_at": utc_text(record.finished_at), "exit_code": record.exit_code}
            connection.execute(update(campaigns).where(campaigns.c.campaign_id == campaign_id).values(ending))
        case Attested():
            connection.execute(insert(tables["attestations"]), [{"seq": seq, "campaign_id": campaign_id}])
        case HostSampled():
            _project_sampled(connection, tables, seq, campaign_id, record)
        case RolledUp():
            summed = [
                {**vars(each), "day": each.day.isoformat(), "campaign_id": campaign_id, "seq": seq}
                for each in record.rollups
            ]
            if summed:
                connection.execute(insert(tables["sample_rollups"]), summed)
        case AllocationStep():
            row = {"seq": seq, "campaign_id": campaign_id, "request_id": record.request_id}
            connection.execute(insert(tables["allocations"]), [row])
        case Purged():
            for table in reversed(DERIVED):
                own = tables[table.name]
                connection.execute(delete(own).where(own.c.campaign_id == campaign_id))
        case Inspecting():
            row = _inspection_row(record.run, campaign_id, seq)
            _replace(connection, tables["inspections"], [row], key=("campaign_id",))
        case HostInspected():
            row = {"seq": seq, "campaign_id": campaign_id, "host": record.host}
            connection.execute(insert(tables["readings"]), [row])
        case IncidentsNoted():
            connection.execute(insert(tables["incident_events"]), [{"seq": seq, "campaign_id": campaign_id}])
        case PlanInstalled():
            row = {"seq": seq, "campaign_id": campaign_id, "plan": record.installed.plan}
            connection.execute(insert(tables["inspection_plans"]), [row])
        case ReportWritten():
            connection.execute(insert(tables["reports_written"]), [{"seq": seq, "campaign_id": campaign_id}])
        case Stepped() | Imported():
            # The journal (and what was imported) is read in the order of the entries; nothing is derived from it.
            pass


def utc_text(moment: datetime) -> str:
    """Return a moment as text that sorts in time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _project_sampled(connection: Connection, tables: Tables, seq: int, campaign_id: str, record: HostSampled) -> None:
    at = {"host": record.host, "taken_at": utc_text(record.taken_at), "campaign_id": campaign_id, "seq": seq}
    connection.execute(insert(tables["resource_looks"]), [{**at, "reached": int(record.unreachable is None)}])
    rows = [
        {**at, "subject": subject, "metric": metric, "value": float(value)}
        for subject, metrics in record.samples.items()
        for metric, value in metrics.items()
    ]
    if rows:
        connection.execute(insert(tables["samples"]), rows)


def _project_findings(connection: Connection, table: Table, seq: int, campaign_id: str, record: Judged) -> None:
    rows = [_finding_row(finding, campaign_id, record.phase, seq) for finding in record.findings]
    if not rows:
        return
    hosts = {row["host"] for row in rows}
    earlier = select(table.c.seq).where(
        table.c.campaign_id == campaign_id, table.c.phase == record.phase, table.c.host.in_(hosts)
    )
    if connection.execute(earlier.limit(1)).first() is not None:
        # Whatever the instance: one that is not seen any more must not stay as it was seen before.
        connection.execute(
            delete(table).where(
                table.c.campaign_id == campaign_id,
                table.c.phase == record.phase,
                table.c.host.in_(hosts),
                table.c.control_id.in_({row["control_id"] for row in rows}),
            )
        )
    connection.execute(insert(table), rows)


def _replace(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]], *, key: tuple[str, ...]) -> None:
    """Insert rows in place of those with the same key."""
    rows = list(rows)
    same_key = [table.c[name] == bindparam(f"at_{name}") for name in key]
    connection.execute(delete(table).where(*same_key), [{f"at_{name}": row[name] for name in key} for row in rows])
    connection.execute(insert(table), rows)


def _campaign_row(campaign: Campaign, seq: int) -> dict[str, Any]:
    return {
        "campaign_id": campaign.id,
        "verb": campaign.verb.value,
        "started_at": utc_text(campaign.started_at),
        "finished_at": utc_text(campaign.finished_at) if campaign.finished_at else None,
        "exit_code": campaign.exit_code,
        "seq": seq,
    }


def _inspection_row(run: Run, campaign_id: str, seq: int) -> dict[str, Any]:
    return {
        "campaign_id": campaign_id,
        "plan": run.plan,
        "started_at": utc_text(run.started_at),
        "finished_at": utc_text(run.finished_at) if run.finished_at else None,
        "exit_code": run.exit_code,
        "seq": seq,
    }


def _finding_row(finding: Finding, campaign_id: str, phase: str, seq: int) -> dict[str, Any]:
    return {
        "campaign_id": campaign_id,
        "phase": phase,
        **_target_row(finding.observation.target),
        "control_id": finding.observation.control_id,
        "status": finding.status.value,
        "verdict": finding.verdict.value,
        "severity": finding.requirement.control.severity.value,
        "seq": seq,
    }


def _change_row(change: Change, campaign_id: str, seq: int, place: int) -> dict[str, Any]:
    return {
        "seq": seq,
        "place": place,
        "campaign_id": campaign_id,
        **_target_row(change.target),
        "control_id": change.control_id,
        "state": change.state.value,
    }


def _target_row(target: Target) -> dict[str, str]:
    return {"host": target.host, "component": target.component, "instance": target.instance}
