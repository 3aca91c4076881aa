"""The shape of the catalogue's files: pydantic models at the edge. `schemas` makes JSON Schemas of them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, field_validator, model_validator

from hardening.judge import MATCHERS
from hardening.model import Danger, Json, Severity

Sentence = Annotated[str, StringConstraints(min_length=3, strip_whitespace=True)]
ControlId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)+$")]
KindName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*\.[a-z][a-z0-9_]*$")]


def check_want(want: Json) -> Json:
    """Refuse a `want` that the judge could not use."""
    if isinstance(want, list):
        raise ValueError("a list says not what to do with it: use one_of, subset_of, superset_of or disjoint_from")
    if isinstance(want, dict):
        if not want:
            raise ValueError("an empty mapping wants nothing, so everything would pass")
        for name, bound in want.items():
            if name not in MATCHERS:
                raise ValueError(f"{name} is not a matcher; there are: {', '.join(MATCHERS)}")
            _check_bound(name, bound)
            if name == "each":
                check_want(bound)
    return want


def _check_bound(name: str, bound: Json) -> None:
    """Refuse a bound with which the judge could only fail, on every host and not before."""
    if name in ("matches", "not_matches"):
        try:
            re.compile(str(bound))
        except re.error as problem:
            raise ValueError(f"{name}: {bound} is no regular expression: {problem}") from None
    if name in ("at_most", "at_least") and not re.fullmatch(r"-?\d+(\.\d+)?", str(bound)):
        raise ValueError(f"{name}: {bound} is no number")
    if name == "mode_at_most" and not re.fullmatch(r"[0-7]{3,4}", str(bound)):
        raise ValueError(f'{name}: {bound} is no octal mode; write it as "0640"')


class Strict(BaseModel):
    """Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class ControlBody(Strict):
    """A control as `baselines/<component>/<topic>.yml` writes it, below its id."""

    title: Sentence
    title_zh: Sentence
    why: Sentence
    why_zh: Sentence | None = None
    severity: Severity
    kind: KindName | None = None
    params: dict[str, Any] = Field(default_factory=dict, alias="with")
    want: Any = None
    set_to: Any = Field(default=None, alias="set")
    broken: Any = None
    break_with: str | None = Field(default=None, alias="break")
    danger: Danger = Danger.NONE
    manual: Sentence | None = None
    look_only: Sentence | None = None
    needs_kernel: bool = False
    prove_apart: str = ""

    @field_validator("want")
    @classmethod
    def _want_can_be_judged(cls, want: Json) -> Json:
        return check_want(want)

    @model_validator(mode="after")
    def _says_enough(self) -> ControlBody:
        if self.manual is not None:
            if self.kind is not None or "want" in self.model_fields_set:
                raise ValueError("a manual control has no kind and no want: a person decides")
            return self
        if self.kind is None:
            raise ValueError("kind is missing (or `manual: reason` where a person must decide)")
        if "want" not in self.model_fields_set:
            raise ValueError("want is missing: nothing could fail")
        if self.broken is not None and self.break_with is not None:
            raise ValueError("broken and break say the same thing twice; keep one")
        if (
            self.broken is None
            and self.break_with is None
            and self.look_only is None
            and "broken" not in self.model_fields_set
        ):
            raise ValueError("broken (or break) is missing: a check must be shown to fail")
        return self


class ProfileEntry(Strict):
    """What a profile says about one control."""

    clauses: list[str] = Field(default_factory=list)
    want: Any = None
    set_to: Any = Field(default=None, alias="set")
    because: Sentence | None = None

    @field_validator("want")
    @classmethod
    def _want_can_be_judged(cls, want: Json) -> Json:
        return check_want(want)


class ProfileBody(Strict):
    """A profile file."""

    title: Sentence
    title_zh: Sentence
    standard: str | None = None
    extends: str | None = None
    requires_approval: StrictBool = False
    controls: dict[str, ProfileEntry | None]


class ClauseBody(Strict):
    """One clause of a standard, in our own words."""

    text: Sentence
    text_zh: Sentence


class StandardBody(Strict):
    """A standard's file: its clauses by id."""

    title: Sentence
    title_zh: Sentence
    clauses: dict[str, ClauseBody]
