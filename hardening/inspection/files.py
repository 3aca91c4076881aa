"""Reading the YAML files of inspections: values by their models, and every problem of every file at its line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from hardening.yaml_lines import YamlFile, read_yaml

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
