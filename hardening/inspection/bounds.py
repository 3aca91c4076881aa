"""When a value is bad: the bounds that items set, and the verdict on one value. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hardening.inspected import Level, Verdict
from hardening.model import Json


class Bounds(BaseModel):
    """Bounds of which any one makes a value bad.

    `at_least`, `at_most`: numbers. `outside`: a range of numbers that are good. `is`, `is_not`, `matches`: texts.
    `any`: a list with something in it. `absent`: what should be there and is not.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)

    at_least: float | None = None
    at_most: float | None = None
    outside: tuple[float, float] | None = None
    equal: str | None = Field(default=None, alias="is")
    differs: str | None = Field(default=None, alias="is_not")
    matches: str | None = None
    any: bool = False
    absent: bool = False

    @model_validator(mode="after")
    def _can_be_met(self) -> Bounds:
        if not self.model_fields_set:
            raise ValueError("an empty bound is met by nothing")
        if self.matches is not None:
            try:
                re.compile(self.matches)
            except re.error as problem:
                raise ValueError(f"matches: {self.matches} is no regular expression: {problem}") from None
        return self

    def said(self, unit: str) -> str:
        """Return the bounds as a person reads them: `at least 90 %`."""
        tail = f" {unit}" if unit else ""
        parts = [
            f"at least {_figure(self.at_least)}{tail}" if self.at_least is not None else "",
            f"at most {_figure(self.at_most)}{tail}" if self.at_most is not None else "",
            f"outside {_figure(self.outside[0])} to {_figure(self.outside[1])}{tail}" if self.outside else "",
            f"is {self.equal}" if self.equal is not None else "",
            f"is not {self.differs}" if self.differs is not None else "",
            f"matches {self.matches}" if self.matches is not None else "",
            "any" if self.any else "",
            "absent" if self.absent else "",
        ]
        return " or ".join(part for part in parts if part)


def _figure(number: float | None) -> str:
    return f"{number:g}" if number is not None else ""


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """What is worth a warning, and what is critical, by level; a level that is not named goes by `all_levels`."""

    warn: Bounds | None = None
    critical: Bounds | None = None
    levels: Mapping[Level, Thresholds] = field(default_factory=dict)

    def of(self, level: Level) -> Thresholds:
        """Return what holds for a level."""
        return self.levels.get(level, self)

    def said(self, unit: str) -> str:
        """Return both bounds as a sentence."""
        parts = (("warn", self.warn), ("critical", self.critical))
        return "; ".join(f"{name}: {bounds.said(unit)}" for name, bounds in parts if bounds is not None)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A verdict, and why where the value alone does not say it."""

    verdict: Verdict
    reason: str = ""


def judge(value: Json, thresholds: Thresholds) -> Judgement:
    """Return what a value means. A value that the bounds cannot be held against is unknown, never good."""
    ranked = ((Verdict.CRITICAL, thresholds.critical), (Verdict.WARN, thresholds.warn))
    if value is None:
        for verdict, bounds in ranked:
            if bounds is not None and bounds.absent:
                return Judgement(verdict=verdict, reason="it is not there")
        reason = "there is nothing to read, and the item does not say what that means"
        return Judgement(verdict=Verdict.UNKNOWN, reason=reason)
    for verdict, bounds in ranked:
        if bounds is None:
            continue
        met = _met(value, bounds)
        if isinstance(met, str):
            return Judgement(verdict=Verdict.UNKNOWN, reason=met)
        if met:
            return Judgement(verdict=verdict)
    return Judgement(verdict=Verdict.OK)


def _met(value: Json, bounds: Bounds) -> bool | str:
    """Return whether a value is bad, or why that cannot be told."""
    if bounds.any:
        return bool(value) if isinstance(value, list) else f"{value!r} is no list"
    if bounds.at_least is not None or bounds.at_most is not None or bounds.outside is not None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"{value!r} is no number"
        low, high = bounds.outside or (value, value)
        return bool(
            (bounds.at_least is not None and value >= bounds.at_least)
            or (bounds.at_most is not None and value <= bounds.at_most)
            or not low <= value <= high
        )
    if bounds.equal is None and bounds.differs is None and bounds.matches is None:
        return False
    if not isinstance(value, str):
        return f"{value!r} is no text"
    return bool(
        (bounds.equal is not None and value == bounds.equal)
        or (bounds.differs is not None and value != bounds.differs)
        or (bounds.matches is not None and re.search(bounds.matches, value))
    )
