"""Are the plans kept: what is due next, which moments were missed, and the readings that say so. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hardening.inspected import MISSED, PLANS, Installed, ItemSeen, Level, Reading, Run, Verdict
from hardening.inspection.plans import InspectionPlan
from hardening.inspection.words import local

# Further back nobody makes up for what was missed; reports of that time show it.
LOOK_BACK = timedelta(days=40)

PLAN_KEPT = ItemSeen(
    id=MISSED,
    title="Inspections are made when they are due",
    title_zh="巡检按计划执行",
    category="plan",
    method="the runs of the ledger against the plan",
    advice="See whether the timer runs on the controller, and make up for the inspection today.",
    advice_zh="检查控制端定时器是否运行，并于当日补做巡检。",
)


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """How a plan is kept. `since` is None where nobody installed or ran it yet: nothing can be missed then.

    `waiting` is a due moment that no run has answered and that is still within its grace.
    """

    plan: InspectionPlan
    since: datetime | None
    last_run: Run | None
    next_due: datetime | None
    waiting: datetime | None
    missed: tuple[datetime, ...]


def keeping_of(plan: InspectionPlan, runs: Sequence[Run], installed: Iterable[Installed], now: datetime) -> Keeping:
    """Return how a plan is kept, by the runs of this plan in the order of time.

    A run that did not end has kept nothing; the newest one may still be under way.
    """
    starts = [each.at for each in installed if each.plan == plan.name] + [run.started_at for run in runs]
    since = min(starts, default=None)
    missed, waiting = [], None
    ended = [run for run in runs if run.finished_at is not None or run is runs[-1]]
    if since is not None:
        after = max(since, now - LOOK_BACK)
        for moment in plan.schedule.moments(after=after, until=now):
            if any(moment <= run.started_at <= moment + plan.grace for run in ended):
                continue
            if now <= moment + plan.grace:
                waiting = moment
            else:
                missed.append(moment)
    return Keeping(
        plan=plan,
        since=since,
        last_run=runs[-1] if runs else None,
        next_due=plan.schedule.next(now),
        waiting=waiting,
        missed=tuple(missed),
    )


def reading_of(keeping: Keeping, now: datetime) -> Reading:
    """Return what the inspection of the inspections says: the newest due moment was kept, or it was not."""
    newest = keeping.plan.schedule.latest(now - keeping.plan.grace, within=LOOK_BACK)
    is_missed = bool(keeping.missed) and newest == keeping.missed[-1]
    return Reading(
        host=PLANS,
        item=MISSED,
        subject=keeping.plan.name,
        level=min(keeping.plan.levels, key=list(Level).index),
        verdict=Verdict.WARN if is_missed else Verdict.OK,
        taken_at=now,
        value=[local(moment, keeping.plan.schedule.zone) for moment in keeping.missed[-5:]],
        threshold=f"warn: no run within {int(keeping.plan.grace.total_seconds() // 60)} min of the newest due moment",
    )
