"""One inspection: look, judge, record host by host, and register what is wrong at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from hardening.context import Context
from hardening.errors import AskedWrongly, Exit, worst
from hardening.inspected import (
    REACHABLE,
    IncidentEvent,
    Reading,
    Run,
    Verdict,
)
from hardening.inspection.grouping import Grouping
from hardening.inspection.incidents import Registrar, Standing
from hardening.inspection.items import Item
from hardening.inspection.keeping import PLAN_KEPT, keeping_of, reading_of
from hardening.inspection.kinds import kinds
from hardening.inspection.looking import HOST_REACHABLE, asks_of, level_of, read_hosts
from hardening.inspection.plans import InspectionPlan
from hardening.inspection.rates import LEAST_BETWEEN
from hardening.inspection.response import ResponseTable
from hardening.ledger import InspectionBook
from hardening.model import Json

BY_HAND = ""


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """What a run gave: the run with its end, every reading, and what happened to incidents."""

    run: Run
    readings: tuple[Reading, ...]
    events: tuple[IncidentEvent, ...]


def inspect_hosts(
    context: Context,
    items: Sequence[Item],
    table: ResponseTable,
    *,
    plan: InspectionPlan | None = None,
    due_at: datetime | None = None,
) -> Inspected:
    """Inspect the hosts of the inventory that the plan is for; every host stands in the ledger before the next.

    What is wrong is registered host by host, so that a run that is cut off has told what it saw.
    """
    book = InspectionBook(context.ledger)
    hosts = [host for host in context.inventory.hosts if plan is None or level_of(host) in plan.levels]
    if not hosts:
        raise AskedWrongly("no host of the inventory has a business level that the plan is for")
    asked = asks_of(hosts, items, kinds())
    started_at = context.clock()
    run = Run(
        id=f"{started_at:%Y%m%dT%H%M%SZ}-inspect-{context.suffix()}",
        plan=plan.name if plan is not None else BY_HAND,
        plan_title=plan.title if plan is not None else "",
        plan_title_zh=plan.title_zh if plan is not None else "",
        started_at=started_at,
        actor=context.actor,
        tool_version=context.tool_version,
        hosts=tuple(host.name for host in hosts),
        addresses={host.name: host.connection.host for host in hosts},
        items=(HOST_REACHABLE, PLAN_KEPT, *(item.seen() for item in items)),
        inventory=context.inventory_sources,
        due_at=due_at,
    )
    book.record_run(run)
    readings: list[Reading] = []
    events: list[IncidentEvent] = []
    categories = {item.id: item.category for item in run.items}
    registrar = partial(Registrar, table=table, categories=categories, grouping=Grouping.of(items), standing=Standing())
    before = book.counted(run.hosts, _counted(items), started_at - LEAST_BETWEEN)
    planned = {
        name: dataclasses.replace(ask, plan=context.ledger.remembered_plan(name, _memory(items)) or (), before=before)
        for name, ask in ((host.name, ask) for host, ask in asked)
    }
    # The run itself answers its moment, so the plan is looked at once it stands in the ledger.
    if plan is not None:
        own = _plan_reading(book, plan, context.clock())
        book.record_readings(run.id, own.host, (own,))
        readings.append(own)
        events += register(book, run.id, (own,), registrar(now=context.clock()))
    for count, host in enumerate(
        read_hosts(planned.values(), kinds(), clock=context.clock, limits=context.limits), start=1
    ):
        seen = tuple(_cleaned(context, reading) for reading in host.readings)
        _reconcile(host.host, seen, items)
        book.record_readings(run.id, host.host, seen)
        readings += seen
        events += register(book, run.id, seen, registrar(now=context.clock()))
        if host.plan and host.plan != planned[host.host].plan:
            context.ledger.remember_plan(host.host, _memory(items), host.plan)
        context.progress.hosts(count, len(hosts), host.host)
    lost = set(run.hosts) - {reading.host for reading in readings}
    if lost:
        raise AssertionError(f"the inspection gave no answer for {', '.join(sorted(lost))}")
    ended = dataclasses.replace(run, finished_at=context.clock(), exit_code=int(exit_of(readings)))
    book.record_run(ended)
    order = {name: index for index, name in enumerate(run.hosts)}
    readings.sort(key=lambda reading: order.get(reading.host, -1))
    return Inspected(run=ended, readings=tuple(readings), events=tuple(events))


def register(
    book: InspectionBook, act_id: str, readings: Sequence[Reading], registrar: Registrar
) -> tuple[IncidentEvent, ...]:
    """Register what readings mean for incidents, and return what happened."""
    return book.note_incidents(act_id, lambda known: registrar.decide(known, readings))


def exit_of(readings: Sequence[Reading]) -> Exit:
    """Return the exit code: incomplete where anything could not be looked at, gaps where anything is wrong."""
    verdicts = {reading.verdict for reading in readings}
    is_lost = any(reading.item == REACHABLE and reading.verdict is Verdict.CRITICAL for reading in readings)
    return worst(
        [
            Exit.INCOMPLETE if is_lost or Verdict.UNKNOWN in verdicts else Exit.CLEAN,
            Exit.GAPS if verdicts & {Verdict.WARN, Verdict.CRITICAL} else Exit.CLEAN,
        ]
    )


def _plan_reading(book: InspectionBook, plan: InspectionPlan, now: datetime) -> Reading:
    return reading_of(keeping_of(plan, book.runs(plan=plan.name), book.installed(), now), now)


def _counted(items: Sequence[Item]) -> list[str]:
    known = kinds()
    return [item.id for item in items if known[item.kind].is_counted]


def _memory(items: Sequence[Item]) -> str:
    """Return the key under which the commands of these items are remembered."""
    return "inspection " + " ".join(sorted(item.id for item in items))


def _cleaned(context: Context, reading: Reading) -> Reading:
    policy = context.ledger.redaction
    if not policy.patterns:
        return reading
    value: Json = reading.value
    if isinstance(value, str):
        value = policy.text(value)
    elif isinstance(value, list):
        value = [policy.text(each) if isinstance(each, str) else each for each in value]
    return dataclasses.replace(reading, value=value, reason=policy.text(reading.reason))


def _reconcile(host: str, readings: Sequence[Reading], items: Sequence[Item]) -> None:
    """Make sure that none that was asked is missing, and that none is there twice."""
    answered = {reading.item for reading in readings} - {REACHABLE}
    asked = {item.id for item in items}
    if answered != asked:
        raise AssertionError(f"{host}: asked and seen differ: {sorted(asked ^ answered)}")
    keys = [reading.key for reading in readings]
    if len(set(keys)) != len(keys):
        raise AssertionError(f"{host}: an item was read twice")
