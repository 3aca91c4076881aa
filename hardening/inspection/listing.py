"""Print what inspections give, for a terminal or as one JSON document; bad news first."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

import click

from hardening.codec import encode
from hardening.inspected import Incident, IncidentEvent, Reading, Run, Verdict
from hardening.inspection.grouping import followers, in_groups
from hardening.inspection.items import Item
from hardening.inspection.keeping import Keeping
from hardening.inspection.plans import InspectionPlan
from hardening.inspection.words import ACTS, category, host_name, local, measured, verdict
from hardening.model import Json
from hardening.reports.safe_text import bounded_line

WIDTH = 70


def print_json(document: Any) -> None:
    """Print one document."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def run_document(run: Run, readings: Sequence[Reading], events: Sequence[IncidentEvent]) -> dict[str, Json]:
    """Return a run as JSON values."""
    return {
        "run": {**encode(run), "items": [item.id for item in run.items]},
        "counts": dict(counts_of(readings)),
        "readings": [{**encode(reading), "subject": reading.subject} for reading in readings],
        "incidents": [encode(event) for event in events],
    }


def counts_of(readings: Iterable[Reading]) -> dict[str, int]:
    """Return how many readings have which verdict; every verdict is named."""
    found = Counter(reading.verdict for reading in readings)
    return {each.value: found[each] for each in Verdict}


def print_run(run: Run, readings: Sequence[Reading], events: Sequence[IncidentEvent], lang: str) -> None:
    """Print a run: what is wrong, what happened to incidents, and the counts."""
    items = {item.id: item for item in run.items}
    bad = sorted((reading for reading in readings if reading.verdict.is_bad), key=lambda each: -each.verdict.rank)
    lost = {each.host for each in readings if each.value == "unreachable"}
    for reading in bad:
        if reading.host in lost and reading.verdict is Verdict.UNKNOWN:
            continue
        item = items[reading.item]
        title = item.title_zh if lang == "zh" else item.title
        where = " ".join(part for part in (reading.host, reading.subject) if part)
        said = bounded_line(measured(reading, item.unit, lang), WIDTH)
        click.echo(f"{verdict(reading.verdict, lang):<14}  {where:<24}  {item.id:<28}  {said}  [{title}]")
    by_number: dict[str, list[IncidentEvent]] = {}
    for event in events:
        by_number.setdefault(event.number, []).append(event)
    for number, own in by_number.items():
        about = own[0].reading
        where = "" if about is None else " ".join(part for part in (about.host, about.item, about.subject) if part)
        click.echo(f"{number}  {', '.join(_happened(event, lang) for event in own)}  {where}")
    counts = counts_of(readings)
    said = ", ".join(f"{counts[each.value]} {verdict(each, lang)}" for each in Verdict)
    click.echo(f"{said}   {len(run.hosts)} {'台主机' if lang == 'zh' else 'hosts'}   inspection {run.id}")


def _happened(event: IncidentEvent, lang: str) -> str:
    return f"{ACTS[event.act][lang == 'zh']} {event.told.get('to', event.told.get('from', ''))}".rstrip()


def item_rows(items: Iterable[Item]) -> list[dict[str, Json]]:
    """Return items as JSON values."""
    return [
        {
            "item": item.id,
            "category": item.category,
            "title": item.title,
            "title_zh": item.title_zh,
            "kind": item.kind,
            "unit": item.unit,
            "threshold": item.thresholds.said(item.unit),
            "advice": item.advice,
            "advice_zh": item.advice_zh,
            "proven_by_a_fault": item.fault is not None,
        }
        for item in items
    ]


def print_items(items: Sequence[Item], lang: str) -> None:
    """Print items by category."""
    for name in dict.fromkeys(item.category for item in items):
        click.echo(category(name, lang))
        for item in items:
            if item.category == name:
                title = item.title_zh if lang == "zh" else item.title
                click.echo(f"  {item.id:<34}  {title}  ({item.thresholds.said(item.unit)})")
    click.echo(f"{len(items)} {'项' if lang == 'zh' else 'items'}")


def plan_row(plan: InspectionPlan, now: datetime) -> dict[str, Json]:
    """Return a plan as JSON values."""
    due = plan.schedule.next(now)
    return {
        "plan": plan.name,
        "title": plan.title,
        "title_zh": plan.title_zh,
        "levels": [level.value for level in plan.levels],
        "items": [item.id for item in plan.items],
        "zone": plan.schedule.zone.key,
        "next_due": None if due is None else due.isoformat(),
        "grace_minutes": int(plan.grace.total_seconds() // 60),
    }


def keeping_row(keeping: Keeping) -> dict[str, Json]:
    """Return how a plan is kept, as JSON values."""
    return {
        "plan": keeping.plan.name,
        "since": _iso(keeping.since),
        "last_run": None if keeping.last_run is None else keeping.last_run.id,
        "waiting": _iso(keeping.waiting),
        "next_due": _iso(keeping.next_due),
        "missed": [moment.isoformat() for moment in keeping.missed],
    }


def print_keeping(keepings: Sequence[Keeping]) -> None:
    """Print how plans are kept, those that were missed first."""
    for keeping in sorted(keepings, key=lambda each: (not each.missed, each.waiting is None, each.plan.name)):
        zone = keeping.plan.schedule.zone
        if keeping.since is None:
            state = "not installed and never run"
        elif keeping.missed:
            state = f"MISSED {len(keeping.missed)}, last {local(keeping.missed[-1], zone)}"
        else:
            state = "kept"
        waiting = "" if keeping.waiting is None else f"   due since {local(keeping.waiting, zone)}"
        last = local(keeping.last_run.started_at if keeping.last_run else None, zone)
        upcoming = f"next {local(keeping.next_due, zone)} {zone.key}" if keeping.next_due else "no next date"
        click.echo(f"{keeping.plan.name:<20}  {state}{waiting}   last run {last}   {upcoming}")


def incident_row(incident: Incident, now: datetime, consequences: Iterable[Incident]) -> dict[str, Json]:
    """Return an incident as JSON values, with the numbers of its consequences."""
    return {
        "number": incident.number,
        "state": "open" if incident.is_open else "closed",
        "level": incident.level,
        "host": incident.first.host,
        "item": incident.first.item,
        "subject": incident.first.subject,
        "verdict": incident.worst.verdict.value,
        "value": incident.worst.value,
        "reason": incident.worst.reason,
        "owner": incident.owner,
        "opened_at": _iso(incident.opened_at),
        "respond_by": _iso(incident.respond_by),
        "responded_at": _iso(incident.responded_at),
        "resolve_by": _iso(incident.resolve_by),
        "report_by": _iso(incident.report_by),
        "closed_at": _iso(incident.closed_at),
        "closed_by": incident.closed_by,
        "late": incident.is_late(now),
        "held": incident.is_held,
        "reopened": incident.reopened,
        "cause": incident.cause,
        "handling": incident.handling,
        "prevention": incident.prevention,
        "consequence_of": incident.consequence_of or None,
        "consequences": [each.number for each in consequences],
    }


def print_incidents(
    incidents: Sequence[Incident],
    now: datetime,
    zone: tzinfo,
    *,
    lang: str,
    owners: Mapping[str, str],
    with_closed: bool,
) -> None:
    """Print incidents, the gravest and the latest first, and behind each what follows from it.

    `owners` are other names of owners in this language.
    Closed ones are counted `with_closed` alone: where they were left out, none is not how many there are.
    """
    zh = lang == "zh"
    is_open, closed, late, held, since, by = (
        ("未关闭", "已关闭", " 超时", " 保持", "发现", "时限")
        if zh
        else ("open", "closed", " LATE", " held", "opened", "by")
    )
    follows = "连带于" if zh else "follows from"
    follow = followers(incidents)
    gravest = {
        each.number: min(of.level for of in (each, *(one for one in follow.get(each.number, ()) if one.is_open)))
        for each in incidents
    }
    inorder = sorted(incidents, key=lambda each: (not each.is_open, gravest[each.number], each.opened_at))
    for incident in in_groups(inorder):
        state = is_open if incident.is_open else closed
        state += (late if incident.is_late(now) else "") + (held if incident.is_held else "")
        first = incident.first
        where = " ".join(part for part in (host_name(first.host, lang), first.subject) if part)
        owner = owners.get(incident.owner, incident.owner)
        cause = f"  {follows} {incident.consequence_of}" if incident.consequence_of else ""
        click.echo(
            f"{incident.number}  {incident.level}  {state}  {first.item}  {where}  {owner}  "
            f"{since} {local(incident.opened_at, zone)}  {by} {local(incident.resolve_by, zone)}{cause}"
        )
    opened = sum(incident.is_open for incident in incidents)
    taken_along = sum(incident.is_open and bool(incident.consequence_of) for incident in incidents)
    separator = "，" if zh else ", "
    of_them = (f"（其中连带 {taken_along}）" if zh else f" ({taken_along} of them consequences)") if taken_along else ""
    ended = f"{separator}{len(incidents) - opened} {closed}" if with_closed else ""
    click.echo(f"{opened} {is_open}{of_them}{ended}")


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
