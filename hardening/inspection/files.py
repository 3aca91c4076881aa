"""Reading the YAML files of inspections: values by their models, and every problem of every file at its line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from hardening.yaml_lines import YamlFile, did_you_mean, read_yaml

Body = TypeVar("Body", bound=BaseModel)
DIRECTORY = "inspection"


class Strict(BaseModel):
    """Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


def yaml_files(roots: Sequence[Path], place: str) -> list[tuple[Path, YamlFile]]:
    """Return the files of `inspection/<place>` in every directory of baselines, read."""
    found = []
    for root in roots:
        for path in sorted((root / DIRECTORY / place).glob("*.yml")):
            found.append((path, read_yaml(path, name=str(Path(root.name) / path.relative_to(root)))))
    return found


def validated(file: YamlFile, model: type[Body], value: Any, place: tuple[str | int, ...]) -> Body | None:
    """Return the value as the model, or note every problem at its line and return None."""
    if file.problems and file.value is None:
        return None
    try:
        return model.model_validate(value)
    except ValidationError as problem:
        known = [field.alias or name for name, field in model.model_fields.items()]
        for error in problem.errors():
            inner = tuple(error["loc"])
            said = error["msg"].removeprefix("Value error, ")
            if error["type"] == "extra_forbidden":
                said = f"{inner[-1]} is not known here{did_you_mean(str(inner[-1]), known)}"
            elif inner:
                said = f"{'.'.join(str(part) for part in inner)}: {said}"
            prefix = ".".join(str(part) for part in place)
            file.complain(f"{prefix}: {said}" if prefix else said, (*place, *inner))
        return None
