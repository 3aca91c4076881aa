"""The file that says which clauses other tools' findings answer, and what the columns of a CSV are called."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hardening.errors import BadFiles
from hardening.model import Status
from hardening.yaml_lines import did_you_mean, read_yaml


class Columns(BaseModel):
    """Names of the columns of a CSV. Without `result` every row is a gap, as in most lists of vulnerabilities."""

    model_config = ConfigDict(extra="forbid")

    id: str
    host: str
    title: str | None = None
    severity: str | None = None
    result: str | None = None
    said: str | None = None


class ClauseMapping(BaseModel):
    """The whole file. `clauses` maps a clause to patterns of findings' ids; `results` a tool's word to pass or fail."""

    model_config = ConfigDict(extra="forbid")

    tool: str | None = None
    columns: Columns | None = None
    results: dict[str, Status] = Field(default_factory=dict)
    clauses: dict[str, list[str]] = Field(default_factory=dict)

    def clauses_of(self, finding_id: str) -> tuple[str, ...]:
        """Return the clauses that a finding answers."""
        return tuple(
            clause
            for clause, patterns in self.clauses.items()
            if any(fnmatch.fnmatchcase(finding_id, pattern) for pattern in patterns)
        )


def load_mapping(path: Path, *, clauses: Collection[str]) -> ClauseMapping:
    """Read a mapping file. Raises BadFiles with every problem at its line."""
    file = read_yaml(path)
    mapping = ClauseMapping()
    if not file.problems:
        try:
            mapping = ClauseMapping.model_validate(_spelled(file.value))
        except ValidationError as problem:
            for error in problem.errors():
                inner = ".".join(str(part) for part in error["loc"])
                file.complain(f"{inner or 'the file'}: {error['msg']}", error["loc"])
        for clause in mapping.clauses:
            if clause not in clauses:
                near = did_you_mean(clause, clauses)
                file.complain(f"{clause} is no clause of the campaign's profile{near}", ("clauses", clause))
    if file.problems:
        raise BadFiles(file.problems)
    return mapping


def _spelled(value: object) -> object:
    """Return the file's value with statuses in our spelling: people write `pass`."""
    results = value.get("results") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(results, Mapping):
        return value
    return {**value, "results": {str(word): str(status).upper() for word, status in results.items()}}
