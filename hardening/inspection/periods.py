"""Periods of reports in a time zone: their bounds, the one before, and when their reports are due. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hardening.inspected import Written
from hardening.inspection.response import PERIODS

NAMES = {
    "day": ("Daily", "日"),
    "week": ("Weekly", "周"),
    "month": ("Monthly", "月"),
    "quarter": ("Quarterly", "季度"),
    "half-year": ("Half-year", "半年"),
    "year": ("Annual", "年"),
}
_MONTHS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}


@dataclass(frozen=True, kw_only=True)
class Period:
    """One period: from the first day to the last, both included, in a zone."""

    kind: str
    first: date
    last: date
    zone: ZoneInfo

    @property
    def since(self) -> datetime:
        """The first moment, in UTC."""
        return datetime.combine(self.first, time(), tzinfo=self.zone).astimezone(UTC)

    @property
    def until(self) -> datetime:
        """The first moment after it, in UTC."""
        return datetime.combine(self.last + timedelta(days=1), time(), tzinfo=self.zone).astimezone(UTC)

    @property
    def before(self) -> Period:
        """The period of the same kind right before."""
        return period_of(self.kind, self.first - timedelta(days=1), self.zone)

    @property
    def after(self) -> Period:
        """The period of the same kind right after."""
        return period_of(self.kind, self.last + timedelta(days=1), self.zone)

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first} - {self.last}"


def period_of(kind: str, day: date, zone: ZoneInfo) -> Period:
    """Return the period of a kind that a day is in; weeks begin on Monday."""
    if kind == "day":
        return Period(kind=kind, first=day, last=day, zone=zone)
    if kind == "week":
        first = day - timedelta(days=day.weekday())
        return Period(kind=kind, first=first, last=first + timedelta(days=6), zone=zone)
    months = _MONTHS[kind]
    begin = (day.month - 1) // months * months
    first = date(day.year, begin + 1, 1)
    year, month = divmod(day.year * 12 + begin + months, 12)
    return Period(kind=kind, first=first, last=date(year, month + 1, 1) - timedelta(days=1), zone=zone)


def last_ended(kind: str, now: datetime, zone: ZoneInfo) -> Period:
    """Return the newest period of a kind that is over."""
    return period_of(kind, now.astimezone(zone).date(), zone).before


@dataclass(frozen=True, kw_only=True)
class Due:
    """A report and when it is due; `written` is the newest that was written after the period's end, if any was."""

    period: Period
    due_on: date
    written: Written | None
    days_left: int

    @property
    def is_overdue(self) -> bool:
        """True where it is not written and its day is over."""
        return self.written is None and self.days_left < 0


def reports_due(
    due_days: Mapping[str, int], written: Iterable[Written], *, began: datetime | None, now: datetime, zone: ZoneInfo
) -> list[Due]:
    """Return what is due for the ended periods since `began`, when inspections began: the newest one of each kind,
    and every earlier one that was not written."""
    if began is None:
        return []
    held = list(written)
    today = now.astimezone(zone).date()
    found = []
    for kind in (kind for kind in PERIODS if kind in due_days):
        newest = last_ended(kind, now, zone)
        period = period_of(kind, began.astimezone(zone).date(), zone)
        while period.first <= newest.first:
            handed = [
                each
                for each in held
                if (each.period, each.first) == (kind, period.first.isoformat()) and each.at >= period.until
            ]
            due_on = period.last + timedelta(days=due_days[kind])
            if period == newest or not handed:
                found.append(
                    Due(
                        period=period,
                        due_on=due_on,
                        written=handed[-1] if handed else None,
                        days_left=(due_on - today).days,
                    )
                )
            period = period.after
    return found
