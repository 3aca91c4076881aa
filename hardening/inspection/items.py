"""Inspection items: what is read, when it is bad, and what to do then. Files in, values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError, model_validator

from hardening.errors import BadFiles, Problem
from hardening.inspected import ItemSeen, Level
from hardening.inspection.bounds import Bounds, Thresholds
from hardening.inspection.files import Strict, yaml_files
from hardening.inspection.kinds import Kind
from hardening.model import Json
from hardening.yaml_lines import YamlFile, did_you_mean, validated

Sentence = Annotated[str, StringConstraints(min_length=3, strip_whitespace=True)]
ItemId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)+$")]


class ThresholdBody(Strict):
    """What is bad for one level."""

    warn_when: Bounds | None = None
    critical_when: Bounds | None = None

    @model_validator(mode="after")
    def _something_is_bad(self) -> ThresholdBody:
        if self.warn_when is None and self.critical_when is None:
            raise ValueError("warn_when or critical_when is missing: nothing could be found wrong")
        return self


class FaultBody(Strict):
    """How the lab causes what an item looks for, and takes it back: the proof that the item can find something.

    `with` and `thresholds` replace the item's own for the proof, where a fault of the real size would take hours.
    `stands_in` says what is put in front of the kernel where a lab host must not touch the kernel itself.
    `clear` takes back what `mend` brought, where a fault begins without it.
    """

    cause: str
    mend: str
    clear: str = ""
    expect: Annotated[str, StringConstraints(pattern="^(warn|critical)$")] = "critical"
    params: dict[str, Any] = Field(default_factory=dict, alias="with")
    thresholds: ThresholdBody | None = None
    stands_in: str = ""


class ItemBody(ThresholdBody):
    """An item as a file writes it, below its id.

    `depends_on` names items without which this one cannot be well; `repeats` items that look at the same units one by
    one, each with the pattern of the names under which a list of this item has them.
    """

    title: Sentence
    title_zh: Sentence
    kind: str
    params: dict[str, Any] = Field(default_factory=dict, alias="with")
    unit: str = ""
    levels: dict[Level, ThresholdBody] = Field(default_factory=dict)
    advice: Sentence
    advice_zh: Sentence
    depends_on: list[ItemId] = Field(default_factory=list)
    repeats: dict[ItemId, Sentence] = Field(default_factory=dict)
    fault: FaultBody | None = None
    not_proven: Sentence | None = None

    @model_validator(mode="after")
    def _is_proven_or_says_why_not(self) -> ItemBody:
        if (self.fault is None) == (self.not_proven is None):
            raise ValueError("say how the lab causes the fault (`fault`), or why it cannot (`not_proven`)")
        return self


@dataclass(frozen=True, kw_only=True)
class Fault:
    """How a lab host is made to have what an item looks for."""

    cause: str
    mend: str
    clear: str
    expect: str
    params: Mapping[str, Json]
    thresholds: Thresholds | None
    stands_in: str


@dataclass(frozen=True, kw_only=True)
class Item:
    """One inspection item. `category` is the file that it stands in."""

    id: str
    category: str
    title: str
    title_zh: str
    kind: str
    unit: str
    thresholds: Thresholds
    advice: str
    advice_zh: str
    params: Mapping[str, Json] = field(default_factory=dict)
    fault: Fault | None = None
    depends_on: tuple[str, ...] = ()
    repeats: Mapping[str, str] = field(default_factory=dict)

    @property
    def causes(self) -> Mapping[str, str]:
        """The items whose incidents this one's may follow from, each with the key of the file that names it."""
        return {**dict.fromkeys(self.depends_on, "depends_on"), **dict.fromkeys(self.repeats, "repeats")}

    def seen(self) -> ItemSeen:
        """Return what a run keeps of it."""
        return ItemSeen(
            id=self.id,
            title=self.title,
            title_zh=self.title_zh,
            category=self.category,
            method=self.kind,
            unit=self.unit,
            advice=self.advice,
            advice_zh=self.advice_zh,
        )


def load_items(roots: Sequence[Path], kinds: Mapping[str, Kind]) -> Mapping[str, Item]:
    """Return the items of every `inspection/items` directory by id. Raises BadFiles with every problem at its line."""
    items: dict[str, Item] = {}
    places: dict[str, YamlFile] = {}
    names: set[str] = set()
    files = yaml_files(roots, "items")
    for path, file in files:
        if not file.problems and not isinstance(file.value, dict):
            file.complain("must be a mapping of item ids to items")
        for name, value in file.value.items() if isinstance(file.value, dict) else ():
            names.add(str(name))
            item = _read_item(file, path.stem, str(name), value, kinds)
            if item is not None and item.id in items:
                file.complain(f"{item.id} is defined twice; item ids are unique over all files", (name,))
            elif item is not None:
                items[item.id] = item
                places[item.id] = file
    _check_causes(items, places, names)
    problems = [problem for _, file in files for problem in file.problems]
    if problems:
        raise BadFiles(problems)
    if not items:
        raise BadFiles([Problem(file=str(root), line=None, message="holds no inspection items") for root in roots])
    return items


def _read_item(file: YamlFile, category: str, name: str, value: Any, kinds: Mapping[str, Kind]) -> Item | None:
    if not name.startswith(f"{category}_"):
        file.complain(f"{name} must begin with {category}_, the file it stands in", (name,))
    body = validated(file, ItemBody, value, (name,))
    if body is None:
        return None
    kind = kinds.get(body.kind)
    if kind is None:
        file.complain(f"{name}: {body.kind} is not a kind{did_you_mean(body.kind, kinds)}", (name, "kind"))
        return None
    if validated(file, kind.params, body.params, (name, "with")) is None:
        return None
    if body.fault is not None and body.fault.params:
        validated(file, kind.params, {**body.params, **body.fault.params}, (name, "fault", "with"))
    return Item(
        id=name,
        category=category,
        title=body.title,
        title_zh=body.title_zh,
        kind=body.kind,
        unit=body.unit,
        thresholds=_thresholds(body, body.levels),
        advice=body.advice,
        advice_zh=body.advice_zh,
        params=body.params,
        fault=_fault(body.fault),
        depends_on=tuple(body.depends_on),
        repeats=body.repeats,
    )


def _check_causes(items: Mapping[str, Item], places: Mapping[str, YamlFile], names: set[str]) -> None:
    """Complain of causes that no file defines, and of items that would follow from themselves."""
    for item in items.values():
        for name, key in item.causes.items():
            if name not in names:
                places[item.id].complain(
                    f"{item.id}: {key}: {name} is no item{did_you_mean(name, names)}", (item.id, key)
                )
        way = _way_back(item.id, items)
        if way:
            said = f"{item.id} would follow from itself: {' -> '.join(way)}"
            places[item.id].complain(said, (item.id, item.causes[way[1]]))


def _way_back(name: str, items: Mapping[str, Item]) -> list[str]:
    """Return the way from an item over its causes back to itself, empty where there is none."""
    ways = [[name]]
    passed: set[str] = set()
    while ways:
        way = ways.pop()
        for cause in items[way[-1]].causes if way[-1] in items else ():
            if cause == name:
                return [*way, cause]
            if cause not in passed:
                passed.add(cause)
                ways.append([*way, cause])
    return []


def _thresholds(body: ThresholdBody, levels: Mapping[Level, ThresholdBody]) -> Thresholds:
    return Thresholds(
        warn=body.warn_when,
        critical=body.critical_when,
        levels={level: _thresholds(of_level, {}) for level, of_level in levels.items()},
    )


def _fault(body: FaultBody | None) -> Fault | None:
    if body is None:
        return None
    return Fault(
        cause=body.cause,
        mend=body.mend,
        clear=body.clear,
        expect=body.expect,
        params=body.params,
        thresholds=_thresholds(body.thresholds, {}) if body.thresholds else None,
        stands_in=body.stands_in,
    )


def host_params(item: Item, kind: Kind, said: Json, host: str) -> Mapping[str, Json]:
    """Return an item's parameters on one host: its own, then what the inventory says under `inspection_params`.

    Raises ValueError with the sentence where the inventory says what the kind does not take.
    """
    own = said.get(item.id, {}) if isinstance(said, dict) else {}
    if not isinstance(own, dict):
        raise ValueError(f"{host}: inspection_params.{item.id} must be a mapping")
    merged = {**item.params, **own}
    try:
        kind.params.model_validate(merged)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{host}: inspection_params.{item.id}.{where}: {first['msg']}") from None
    return merged
