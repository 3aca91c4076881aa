"""Plans: which items are read on which hosts, and when. Files in, values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, StrictBool, StrictInt, field_validator, model_validator

from hardening.errors import AskedWrongly, BadFiles, Problem
from hardening.inspected import Level
from hardening.inspection.files import Strict, yaml_files
from hardening.inspection.items import Item, Sentence
from hardening.inspection.schedule import WEEKDAYS, Schedule
from hardening.yaml_lines import YamlFile, did_you_mean, validated


class ScheduleBody(Strict):
    """When a plan is due."""

    every: Literal["day", "week", "month"] | None = None
    minutes: StrictInt | None = Field(default=None, ge=5, le=720)
    at: str | None = None
    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] | None = None
    day: StrictInt | None = Field(default=None, ge=1, le=31)
    workdays_only: StrictBool = False
    zone: str = "Asia/Shanghai"
    first: date | None = None
    last: date | None = None

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{name} is no time zone; write a name such as Asia/Shanghai") from None
        return name

    @field_validator("at")
    @classmethod
    def _is_a_time(cls, said: str | None) -> str | None:
        if said is not None:
            try:
                datetime.strptime(said, "%H:%M")
            except ValueError:
                raise ValueError(f'{said} is no time of day; write "08:00"') from None
        return said

    @model_validator(mode="after")
    def _says_one_thing(self) -> ScheduleBody:
        if (self.every is None) == (self.minutes is None):
            raise ValueError("say `every: day`, week or month, or `minutes: N`, and not both")
        if self.minutes is not None and (
            (self.minutes > 60 and self.minutes % 60) or (self.minutes < 60 and 60 % self.minutes)
        ):
            raise ValueError(f"{self.minutes} minutes do not divide the hour or are no whole hours")
        if self.every is not None and self.at is None:
            raise ValueError("`at` is missing: the time of day")
        if (self.every == "week") != (self.weekday is not None):
            raise ValueError("`weekday` belongs to `every: week`, and must be there then")
        if (self.every == "month") != (self.day is not None):
            raise ValueError("`day` belongs to `every: month`, and must be there then")
        if self.first and self.last and self.last < self.first:
            raise ValueError("`last` comes before `first`")
        return self


class PlanBody(Strict):
    """A plan's file."""

    title: Sentence
    title_zh: Sentence
    levels: list[Level] = Field(default_factory=lambda: list(Level), min_length=1)
    categories: list[str] = Field(default_factory=list)
    items: list[str] = Field(default_factory=list)
    without: list[str] = Field(default_factory=list)
    schedule: ScheduleBody
    grace_minutes: StrictInt = Field(default=60, ge=1)


@dataclass(frozen=True, kw_only=True)
class InspectionPlan:
    """One plan. A run that begins later than `grace` after its due moment is missed, whatever it finds."""

    name: str
    title: str
    title_zh: str
    levels: tuple[Level, ...]
    items: tuple[Item, ...]
    schedule: Schedule
    grace: timedelta


def load_plans(roots: Sequence[Path], items: Mapping[str, Item]) -> Mapping[str, InspectionPlan]:
    """Return the plans of every `inspection/plans` directory by name; a workspace's own replaces a shipped one.

    Raises BadFiles with every problem at its line.
    """
    plans: dict[str, InspectionPlan] = {}
    problems: list[Problem] = []
    for path, file in yaml_files(roots, "plans"):
        body = validated(file, PlanBody, file.value, ())
        if body is not None:
            chosen = _chosen(file, body, items)
            plans[path.stem] = InspectionPlan(
                name=path.stem,
                title=body.title,
                title_zh=body.title_zh,
                levels=tuple(body.levels),
                items=chosen,
                schedule=_schedule(body.schedule),
                grace=timedelta(minutes=body.grace_minutes),
            )
        problems += file.problems
    if problems:
        raise BadFiles(problems)
    return plans


def plan_named(plans: Mapping[str, InspectionPlan], name: str) -> InspectionPlan:
    """Return a plan by name, or complain with the nearest one."""
    if name not in plans:
        known = ", ".join(sorted(plans)) or "none"
        raise AskedWrongly(f"{name} is not a plan{did_you_mean(name, plans)} (there are: {known})")
    return plans[name]


def _chosen(file: YamlFile, body: PlanBody, items: Mapping[str, Item]) -> tuple[Item, ...]:
    categories = {item.category for item in items.values()}
    for index, name in enumerate(body.categories):
        if name not in categories:
            file.complain(f"{name} is not a category{did_you_mean(name, categories)}", ("categories", index))
    for key, names in (("items", body.items), ("without", body.without)):
        for index, name in enumerate(names):
            if name not in items:
                file.complain(f"{name} is not an item{did_you_mean(name, items)}", (key, index))
    chosen = tuple(
        item
        for item in items.values()
        if (item.category in body.categories or item.id in body.items) and item.id not in body.without
    )
    if not chosen and not file.problems:
        file.complain("the plan names no item, by `categories` or `items`: nothing would be inspected")
    return chosen


def _schedule(body: ScheduleBody) -> Schedule:
    at = datetime.strptime(body.at, "%H:%M").time() if body.at else time()
    return Schedule(
        zone=ZoneInfo(body.zone),
        every=body.every or "minutes",
        at=at,
        weekday=WEEKDAYS.index(body.weekday) if body.weekday else 0,
        day=body.day or 1,
        minutes=body.minutes or 0,
        workdays_only=body.workdays_only,
        first=body.first,
        last=body.last,
    )
