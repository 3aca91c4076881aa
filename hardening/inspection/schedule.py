"""When a plan is due: moments in a time zone, right over daylight changes. Pure; the clock is an argument."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Moments of local time: every `minutes`, or once on each day, week or month, at `at`.

    `weekday` counts from Monday as 0; `day` of the month 29 to 31 means the last day where the month is shorter.
    Only on days from `first` to `last`, both included, where they are given.
    """

    zone: ZoneInfo
    every: str
    at: time = time(8)
    weekday: int = 0
    day: int = 1
    minutes: int = 0
    workdays_only: bool = False
    first: date | None = None
    last: date | None = None

    def moments(self, *, after: datetime, until: datetime) -> Iterator[datetime]:
        """Yield the due moments after `after` up to and with `until`, in UTC, in order.

        A local time that a daylight change leaves out is due when the clocks have jumped; one that comes twice is due
        the first time.
        """
        local_day = after.astimezone(self.zone).date() - DAY
        end = until.astimezone(self.zone).date() + DAY
        while local_day <= end:
            if self._is_on(local_day):
                for moment in self._of_day(local_day):
                    if after < moment <= until:
                        yield moment
            local_day += DAY

    def latest(self, now: datetime, *, within: timedelta = timedelta(days=40)) -> datetime | None:
        """Return the last moment at or before now, None where there is none that near."""
        moment = None
        for found in self.moments(after=now - within, until=now):
            moment = found
        return moment

    def next(self, now: datetime, *, within: timedelta = timedelta(days=400)) -> datetime | None:
        """Return the first moment after now, None where there is none that near."""
        return next(self.moments(after=now, until=now + within), None)

    def _is_on(self, day: date) -> bool:
        if (self.first and day < self.first) or (self.last and day > self.last):
            return False
        if self.workdays_only and day.weekday() > 4:
            return False
        if self.every == "week":
            return day.weekday() == self.weekday
        if self.every == "month":
            return day.day == self.day or (self.day > day.day and (day + DAY).month != day.month)
        return True

    def _of_day(self, day: date) -> Iterator[datetime]:
        if not self.minutes:
            yield self._utc(datetime.combine(day, self.at))
            return
        # By elapsed time: an hour that comes twice is inspected twice, one that is left out is not.
        moment, end = self._utc(datetime.combine(day, time())), self._utc(datetime.combine(day + DAY, time()))
        while moment < end:
            yield moment
            moment += timedelta(minutes=self.minutes)

    def _utc(self, local: datetime) -> datetime:
        # fold 0: the first of two; for a time that does not exist, the offset before the change, which lands after it.
        return local.replace(tzinfo=self.zone, fold=0).astimezone(UTC)

    def on_calendar(self) -> str:
        """Return the schedule as systemd.time(7) has it; a period is left to `inspect run --scheduled`."""
        if self.minutes:
            hours, minutes = (
                ("0/" + str(self.minutes // 60), "00") if self.minutes >= 60 else ("*", f"0/{self.minutes}")
            )
            return f"*-*-* {hours}:{minutes}:00 {self.zone.key}"
        days = {
            "day": "Mon..Fri *-*-*" if self.workdays_only else "*-*-*",
            "week": f"{WEEKDAYS[self.weekday][:3].title()} *-*-*",
            # The last days of a short month: asked on each of them, and decided when it runs.
            "month": f"*-*-{self.day:02d}" if self.day <= 28 else "*-*-28..31",
        }[self.every]
        return f"{days} {self.at:%H:%M}:00 {self.zone.key}"

    def cron(self) -> str:
        """Return a line's first five fields. cron knows no zones: it asks every ten minutes, and our clock decides."""
        return "*/10 * * * *" if not self.minutes or self.minutes >= 10 else f"*/{self.minutes} * * * *"
