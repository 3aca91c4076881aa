"""When something will be full, with how sure that is, from how it grew.

Method: the Theil-Sen line (scipy.stats.theilslopes) through one value a day, the median of the day's readings. Its
slope is the median of the slopes between all pairs of days, so that a clean-up or a burst on a few days does not bend
it; its 95 % interval gives the earliest and the latest day. A shorter or sparser history than `FEWEST_DAYS` gives no
forecast and says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from statistics import median

from hardening.resource_model import Reading, Series

METHOD = "Theil-Sen over daily medians, 95 % interval"
CONFIDENCE = 0.95
FEWEST_DAYS = 5
# More days than these change neither slope nor interval by much, and the pairs grow with their square.
MOST_DAYS = 120
# Beyond ten years a day is a fiction.
FURTHEST_DAYS = 3650


class Outlook(StrEnum):
    """What a forecast comes to."""

    FULL = "full"
    FILLING = "filling"
    MAY_FILL = "may_fill"
    STEADY = "steady"
    TOO_FEW = "too_few"
    NO_LIMIT = "no_limit"


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """One number against its limit. Days count from `at`; None where the line never reaches the limit.

    `growth_per_day` and its bounds are in the unit of the value; `days` is from the line itself, `earliest_days` and
    `latest_days` from the steepest and the flattest line of the interval.
    """

    host: str
    subject: str
    outlook: Outlook
    at: datetime
    value: float
    limit: float | None
    days_seen: int
    growth_per_day: float | None = None
    growth_low: float | None = None
    growth_high: float | None = None
    days: float | None = None
    earliest_days: float | None = None
    latest_days: float | None = None

    @property
    def full_on(self) -> date | None:
        """The day on which the line reaches the limit."""
        return None if self.days is None else (self.at + timedelta(days=self.days)).date()

    @property
    def earliest_on(self) -> date | None:
        """The first day on which the limit may be reached."""
        return None if self.earliest_days is None else (self.at + timedelta(days=self.earliest_days)).date()

    @property
    def latest_on(self) -> date | None:
        """The last day that the interval leaves; None where it may never be reached."""
        return None if self.latest_days is None else (self.at + timedelta(days=self.latest_days)).date()


def daily(readings: Iterable[Reading], *, peak: bool = False) -> Mapping[date, float]:
    """Return one value a day: the median, or the highest."""
    days: dict[date, list[float]] = defaultdict(list)
    for each in readings:
        days[each.at.date()].append(each.maximum if peak else each.value)
    return {day: max(held) if peak else median(held) for day, held in sorted(days.items())}


def forecast(series: Series, *, limit: float | None, peak: bool = False) -> Forecast:
    """Return when a series reaches a limit. Raises ValueError for an empty series."""
    if not series.readings:
        raise ValueError(f"{series.host} {series.subject}: there is nothing to go by")
    last = series.readings[-1]
    days = dict(list(daily(series.readings, peak=peak).items())[-MOST_DAYS:])
    value = list(days.values())[-1] if peak else last.value
    begun = Forecast(
        host=series.host,
        subject=series.subject,
        outlook=Outlook.TOO_FEW,
        at=last.at,
        value=value,
        limit=limit,
        days_seen=len(days),
    )
    if limit is not None and value >= limit:
        return replace(begun, outlook=Outlook.FULL, days=0.0, earliest_days=0.0, latest_days=0.0)
    if len(days) < FEWEST_DAYS:
        return begun
    slope, low, high = _slopes(days)
    grown = replace(begun, growth_per_day=slope, growth_low=low, growth_high=high)
    if limit is None:
        return replace(grown, outlook=Outlook.NO_LIMIT)
    until, earliest, latest = (_days(limit - value, each) for each in (slope, high, low))
    sure = Outlook.MAY_FILL if latest is None else Outlook.FILLING
    outlook = Outlook.STEADY if earliest is None else sure
    return replace(grown, outlook=outlook, days=until, earliest_days=earliest, latest_days=latest)


def _slopes(days: Mapping[date, float]) -> tuple[float, float, float]:
    """Return the slope per day with its bounds."""
    # A second is what the import takes; only who forecasts should wait for it.
    from scipy.stats import theilslopes

    first = next(iter(days))
    found = theilslopes(list(days.values()), [(day - first).days for day in days], CONFIDENCE)
    return float(found.slope), float(found.low_slope), float(found.high_slope)


def _days(left: float, per_day: float) -> float | None:
    if per_day <= 0 or left / per_day > FURTHEST_DAYS:
        return None
    return left / per_day
