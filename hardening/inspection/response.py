"""The response table of a contract: levels, clocks, owners, whom to tell, and when reports are due."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, StrictInt, field_validator, model_validator

from hardening.errors import BadFiles, Problem
from hardening.inspected import Level, Verdict
from hardening.inspection.files import DIRECTORY, Strict
from hardening.inspection.schedule import WEEKDAYS
from hardening.yaml_lines import read_yaml, validated

PERIODS = ("day", "week", "month", "quarter", "half-year", "year")
FILE = "response.yml"


class LevelBody(Strict):
    """One level of the contract."""

    title: str
    title_zh: str
    respond_minutes: StrictInt = Field(ge=1)
    resolve_minutes: StrictInt = Field(ge=1)
    report_hours: StrictInt | None = Field(default=None, ge=1)


class HoursBody(Strict):
    """When the clocks run: always, or within hours of some days of the week."""

    zone: str = "Asia/Shanghai"
    days: list[str] = Field(default_factory=list)
    begin: str = "00:00"
    end: str = "24:00"

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{name} is no time zone; write a name such as Asia/Shanghai") from None
        return name

    @model_validator(mode="after")
    def _are_hours(self) -> HoursBody:
        for day in self.days:
            if day not in WEEKDAYS:
                raise ValueError(f"{day} is no day of the week (there are: {', '.join(WEEKDAYS)})")
        if minutes_of(self.begin) >= minutes_of(self.end):
            raise ValueError(f"the hours end ({self.end}) before they begin ({self.begin})")
        return self


class OwnerBody(Strict):
    """Who gets what: by category, or by a pattern of host names."""

    category: str = "*"
    host: str = "*"
    owner: str
    owner_zh: str = ""


class FlappingBody(Strict):
    """When coming and going is one incident that is held open, and how long it must stay good to end."""

    reopenings: StrictInt = Field(default=3, ge=1)
    within_minutes: StrictInt = Field(default=240, ge=1)
    quiet_minutes: StrictInt = Field(default=60, ge=1)


class WebhookBody(Strict):
    """A webhook; an address that is itself a secret stands in a file."""

    format: Literal["wecom", "dingtalk", "json"]
    url: str | None = None
    url_file: str | None = None
    secret_file: str | None = None

    @model_validator(mode="after")
    def _has_one_address(self) -> WebhookBody:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("say `url` or `url_file`, and not both")
        return self


class EmailBody(Strict):
    """A mail server that takes messages."""

    server: str
    port: StrictInt = 25
    sender: str
    to: list[str] = Field(min_length=1)
    starttls: bool = False
    user: str | None = None
    password_file: str | None = None


class NotifyBody(Strict):
    """One way to tell somebody, and of which levels."""

    levels: list[StrictInt] = Field(min_length=1)
    command: list[str] | None = None
    email: EmailBody | None = None
    webhook: WebhookBody | None = None

    @model_validator(mode="after")
    def _is_one_way(self) -> NotifyBody:
        if sum(way is not None for way in (self.command, self.email, self.webhook)) != 1:
            raise ValueError("say one of command, email, webhook")
        return self


class ReportsBody(Strict):
    """When reports are due: so many days after the end of their period."""

    due_days: dict[str, StrictInt] = Field(default_factory=dict)

    @field_validator("due_days")
    @classmethod
    def _are_periods(cls, days: dict[str, int]) -> dict[str, int]:
        for name in days:
            if name not in PERIODS:
                raise ValueError(f"{name} is no period (there are: {', '.join(PERIODS)})")
        return days


class ResponseTable(Strict):
    """The whole table."""

    levels: dict[int, LevelBody] = Field(min_length=1)
    grade: dict[Verdict, dict[Level, int]]
    hours: HoursBody = Field(default_factory=HoursBody)
    owner: str
    owner_zh: str = ""
    owners: list[OwnerBody] = Field(default_factory=list)
    flapping: FlappingBody = Field(default_factory=FlappingBody)
    notify: list[NotifyBody] = Field(default_factory=list)
    reports: ReportsBody = Field(default_factory=ReportsBody)

    @model_validator(mode="after")
    def _grades_everything(self) -> ResponseTable:
        for verdict in (Verdict.CRITICAL, Verdict.WARN, Verdict.UNKNOWN):
            for level in Level:
                grade = self.grade.get(verdict, {}).get(level)
                if grade is None:
                    raise ValueError(f"grade.{verdict.value}.{level.value} is missing")
                if grade not in self.levels:
                    raise ValueError(f"grade.{verdict.value}.{level.value}: {grade} is no level of the table")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the contract's clocks and dates."""
        return ZoneInfo(self.hours.zone)

    def level_of(self, verdict: Verdict, level: Level) -> int:
        """Return the level of an anomaly."""
        return self.grade[verdict][level]

    def owner_of(self, category: str, host: str) -> str:
        """Return who gets an anomaly: the first entry that fits."""
        for entry in self.owners:
            if fnmatch.fnmatchcase(category, entry.category) and fnmatch.fnmatchcase(host, entry.host):
                return entry.owner
        return self.owner

    def deadlines(self, level: int, now: datetime) -> Deadlines:
        """Return by when an anomaly of a level must be answered, resolved and reported."""
        body = self.levels[level]
        report = None if body.report_hours is None else self.after(now, body.report_hours * 60)
        return Deadlines(
            respond_by=self.after(now, body.respond_minutes),
            resolve_by=self.after(now, body.resolve_minutes),
            report_by=report,
        )

    def after(self, now: datetime, minutes: int) -> datetime:
        """Return when so many minutes of the contract's hours have passed, in UTC."""
        if not self.hours.days:
            return now.astimezone(UTC) + timedelta(minutes=minutes)
        left = timedelta(minutes=minutes)
        moment = now.astimezone(UTC)
        day = now.astimezone(self.zone).date()
        # A year of days: a table whose hours never come was refused when it was read.
        for _ in range(3700):
            if WEEKDAYS[day.weekday()] in self.hours.days:
                begin, end = (self._moment(day, said) for said in (self.hours.begin, self.hours.end))
                start = max(begin, moment)
                if start < end:
                    if left <= end - start:
                        return start + left
                    left -= end - start
            day += timedelta(days=1)
        raise AssertionError("the hours of the table never come")

    def _moment(self, day: date, said: str) -> datetime:
        at = minutes_of(said)
        local = datetime.combine(day, time(), tzinfo=self.zone)
        return (local + timedelta(minutes=at)).replace(fold=0).astimezone(UTC)


@dataclass(frozen=True, kw_only=True)
class Deadlines:
    """By when: in UTC."""

    respond_by: datetime
    resolve_by: datetime
    report_by: datetime | None


def minutes_of(said: str) -> int:
    """Return the minutes since midnight of a time of day; 24:00 is the end of the day."""
    hours, colon, minutes = said.partition(":")
    if not colon or not hours.isdigit() or not minutes.isdigit() or int(minutes) > 59 or int(hours) > 24:
        raise ValueError(f'{said} is no time of day; write "08:30"')
    return int(hours) * 60 + int(minutes)


def load_response(roots: Sequence[Path]) -> ResponseTable:
    """Return the response table: that of the last directory of baselines that has one. Raises BadFiles."""
    paths = [root / DIRECTORY / FILE for root in roots if (root / DIRECTORY / FILE).is_file()]
    if not paths:
        raise BadFiles([Problem(file=f"{DIRECTORY}/{FILE}", line=None, message="no directory of baselines has one")])
    file = read_yaml(paths[-1], name=str(Path(paths[-1].parents[1].name) / DIRECTORY / FILE))
    table = validated(file, ResponseTable, file.value, ())
    if table is None or file.problems:
        raise BadFiles(file.problems)
    return table


def owner_names(table: ResponseTable, lang: str) -> Mapping[str, str]:
    """Return how those that the table names are called in a language, where that differs."""
    if lang != "zh":
        return {}
    named = [(table.owner, table.owner_zh), *((entry.owner, entry.owner_zh) for entry in table.owners)]
    return {owner: other for owner, other in named if other}


def titles(table: ResponseTable, lang: str) -> Mapping[int, str]:
    """Return how the levels are called."""
    return {number: body.title_zh if lang == "zh" else body.title for number, body in table.levels.items()}
