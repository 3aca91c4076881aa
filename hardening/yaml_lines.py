"""YAML files as values that remember their lines, so that every complaint can name one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from hardening.errors import Problem

Place = tuple[str | int, ...]
Body = TypeVar("Body", bound=BaseModel)

# libyaml reads the catalogue eight times as fast as Python does; it is in every wheel of PyYAML.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(kw_only=True)
class YamlFile:
    """One file: its value, the line of every key and item, and what was wrong with it.

    `name` is how problems call the file. `value` is None where the file could not be read at all.
    """

    name: str
    value: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, place: Iterable[str | int]) -> int | None:
        """Return the line of the nearest place that is written down."""
        path = tuple(place)
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def complain(self, message: str, place: Iterable[str | int] = ()) -> None:
        """Note a problem at a place."""
        self.problems.append(Problem(file=self.name, line=self.line(place), message=message))


def read_yaml(path: Path, *, name: str | None = None) -> YamlFile:
    """Read one YAML file; what is wrong with it stands in `.problems`, nothing is raised."""
    file = YamlFile(name=name or str(path))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        file.complain(f"cannot be read: {problem}")
        return file
    loader = _LOADER(text)
    try:
        node = loader.get_single_node()
        if node is not None:
            _note_lines(node, (), file)
            file.value = loader.construct_document(node)
    except ValueError:
        loader.recursive_objects.clear()  # It still believes itself amid what it gave up.
        file.problems += _unreadable(node, loader, file.name)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        said = getattr(problem, "problem", None) or str(problem)
        line = mark.line + 1 if mark else None
        file.problems.append(Problem(file=file.name, line=line, message=f"broken YAML: {said}"))
    finally:
        loader.dispose()
    return file


def _unreadable(node: yaml.Node, loader: Any, name: str) -> list[Problem]:
    """Return a problem for every scalar that looks like a date or a number and is none, as 2026-02-30."""
    if isinstance(node, yaml.MappingNode):
        return [found for pair in node.value for part in pair for found in _unreadable(part, loader, name)]
    if isinstance(node, yaml.SequenceNode):
        return [found for item in node.value for found in _unreadable(item, loader, name)]
    try:
        loader.construct_object(node)
    except ValueError as problem:
        what = "date" if node.tag.endswith(":timestamp") else "number"
        said = f"{node.value} is no {what}: {problem}; quote it if it is a text"
        return [Problem(file=name, line=node.start_mark.line + 1, message=said)]
    return []


def _note_lines(node: yaml.Node, place: Place, file: YamlFile) -> None:
    file.lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, str(key.value))
            if inner in file.lines:
                file.problems.append(
                    Problem(
                        file=file.name,
                        line=key.start_mark.line + 1,
                        message=f"{key.value} stands twice; first in line {file.lines[inner]}",
                    )
                )
            file.lines[inner] = key.start_mark.line + 1
            _note_lines(value, inner, file)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _note_lines(item, (*place, index), file)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean X?` for the nearest known word, or an empty text."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def validated(file: YamlFile, model: type[Body], value: Any, place: Place) -> Body | None:
    """Return the value as the model, or note every problem at its line and return None."""
    if file.problems and file.value is None:
        return None
    try:
        return model.model_validate(value)
    except ValidationError as problem:
        prefix = ".".join(str(part) for part in place)
        for inner, said in complaints(problem, model):
            file.complain(f"{prefix}: {said}" if prefix else said, (*place, *inner))
        return None


def complaints(problem: ValidationError, model: type[BaseModel]) -> Iterator[tuple[Place, str]]:
    """Yield place and sentence for everything that is wrong with a value of a model."""
    known = [field.alias or name for name, field in model.model_fields.items()]
    for error in problem.errors():
        where = tuple(error["loc"])
        name = ".".join(str(part) for part in where)
        said = error["msg"].removeprefix("Value error, ")
        if error["type"] == "extra_forbidden":
            yield where, f"{name} is not known here{did_you_mean(str(where[-1]), known)}"
        elif error["type"] == "missing":
            yield where, f"{name} is missing"
        elif error["type"] == "enum":
            words = str(error.get("ctx", {}).get("expected", "")).replace("'", "").replace(" or ", ", ").split(", ")
            near = did_you_mean(str(error["input"]), words)
            yield where, f"{name}: {error['input']!r} is none of {', '.join(words)}{near}"
        elif error["type"].startswith("date_"):
            yield where, f"{name}: {error['input']} is no day; write it as 2027-12-31"
        elif error["type"] == "value_error":
            yield where, f"{name}: {said}" if name and not said.startswith(name) else said
        else:
            yield where, f"{name}: {said[:1].lower()}{said[1:]}" if name else said
