"""Rules of cleaning: which files of which directory may go when. Files in, values out; what is doubtful is refused."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from hardening.errors import AskedWrongly, BadFiles, Problem
from hardening.model import Profile
from hardening.yaml_lines import YamlFile, did_you_mean, read_yaml, validated

DIRECTORY = "cleaning"
RETENTION_KIND = "linux.log_retention_days"
# A file of these names is a record, or belongs to a running program, wherever it lies.
NEVER = ("wtmp", "btmp", "lastlog", "faillog", "tallylog", "*.journal", "*.journal~", "*.pid", "*.lock", "*.sock")
LOOKS_LIKE_A_LOG = ("*.log", "*.log.*", "*.log-*", "*_log", "*_log.*", "audit*", "syslog*", "messages*", "secure*")
LOG_PLACES = ("log", "logs")
TEMPORARY_PLACES = ("tmp", "temp", "cache", "crash")
# No rule reaches in there, whatever its directory is called: programs, settings, and data of databases.
CLOSED = (
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/root", "/run", "/sbin", "/sys",
    "/usr", "/var/backups", "/var/lib", "/var/mail", "/var/run", "/var/spool",
)  # fmt: skip
Sentence = Annotated[str, StringConstraints(min_length=3, strip_whitespace=True)]
Pattern = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^/\x00-\x1f]+$")]


class Sort(StrEnum):
    """What a rule takes: logs are kept as long as the profile demands, temporary files are nobody's record."""

    LOG = "log"
    TEMPORARY = "temporary"


class RuleBody(BaseModel):
    """A rule as a file writes it, below its id. `without` are names of files, or of directories on the way to them."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    title: Sentence
    title_zh: Sentence
    sort: Sort
    directory: str
    names: list[Pattern] = Field(min_length=1)
    without: list[Pattern] = Field(default_factory=list)
    older_than_days: Annotated[int, Field(ge=1, le=36_500, strict=True)]
    depth: Annotated[int, Field(ge=1, le=20, strict=True)] = 1
    at_most_files: Annotated[int, Field(ge=1, le=20_000, strict=True)] = 2_000

    @field_validator("directory")
    @classmethod
    def _is_open(cls, directory: str) -> str:
        if not directory.startswith("/") or posixpath.normpath(directory) != directory or directory.startswith("//"):
            raise ValueError(f"{directory} is no whole path; write it from / on, without ., .. and a / at its end")
        for closed in CLOSED:
            if directory == closed or directory.startswith(f"{closed}/"):
                raise ValueError(f"{directory}: nothing under {closed} is cleaned by a rule")
        return directory

    @model_validator(mode="after")
    def _lies_where_such_files_lie(self) -> RuleBody:
        parts = self.directory.split("/")[1:]
        places = LOG_PLACES if self.sort is Sort.LOG else TEMPORARY_PLACES
        if not set(parts) & set(places):
            raise ValueError(
                f"directory: {self.directory} has no part called {' or '.join(places)}; "
                f"a rule of the sort {self.sort.value} cleans only there"
            )
        if self.sort is Sort.TEMPORARY and set(parts) & set(LOG_PLACES):
            raise ValueError(f"directory: {self.directory} holds logs; a rule of the sort log keeps them long enough")
        if self.sort is Sort.LOG and any(set(name) <= set("*?[]!.") for name in self.names):
            raise ValueError("names: a pattern that fits every name takes the logs that are written now as well")
        return self


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule."""

    id: str
    title: str
    title_zh: str
    sort: Sort
    directory: str
    names: tuple[str, ...]
    without: tuple[str, ...]
    older_than_days: int
    depth: int
    at_most_files: int

    @property
    def never(self) -> tuple[str, ...]:
        """Names that this rule leaves alone whatever its own say."""
        return (*NEVER, *LOOKS_LIKE_A_LOG) if self.sort is Sort.TEMPORARY else NEVER


def retention_days(profile: Profile) -> int | None:
    """Return for how many days a profile demands that logs are kept: the most that any of its controls asks for."""
    asked = [
        days
        for requirement in profile.requirements
        if requirement.control.kind == RETENTION_KIND
        for days in _at_least(requirement.control.want)
    ]
    return max(asked, default=None)


def _at_least(want: Any) -> list[int]:
    if not isinstance(want, Mapping):
        return []
    own = want.get("at_least")
    return [*([int(own)] if isinstance(own, int | float) else []), *_at_least(want.get("each"))]


def load_rules(roots: Sequence[Path], *, retention: int) -> Mapping[str, Rule]:
    """Return the rules of every `cleaning` directory by id. Raises BadFiles with every problem at its line.

    A rule for logs that keeps them for fewer days than `retention` is such a problem.
    """
    rules: dict[str, Rule] = {}
    problems: list[Problem] = []
    for root in roots:
        for path in sorted((root / DIRECTORY).glob("*.yml")):
            file = read_yaml(path, name=str(Path(root.name) / path.relative_to(root)))
            if not file.problems and not isinstance(file.value, dict):
                file.complain("must be a mapping of rule ids to rules")
            for name, value in file.value.items() if isinstance(file.value, dict) else ():
                rule = _rule(file, str(name), value, retention)
                if rule is not None and rule.id in rules:
                    file.complain(f"{rule.id} is defined twice; rule ids are unique over all files", (name,))
                elif rule is not None:
                    rules[rule.id] = rule
            problems += file.problems
    if problems:
        raise BadFiles(problems)
    return rules


def _rule(file: YamlFile, name: str, value: Any, retention: int) -> Rule | None:
    body = validated(file, RuleBody, value, (name,))
    if body is None:
        return None
    if body.sort is Sort.LOG and body.older_than_days < retention:
        sentence = (
            f"{name}: older_than_days: {body.older_than_days} is less than the {retention} days that logs are kept"
        )
        file.complain(sentence, (name, "older_than_days"))
        return None
    return Rule(
        id=name,
        title=body.title,
        title_zh=body.title_zh,
        sort=body.sort,
        directory=body.directory,
        names=tuple(body.names),
        without=tuple(body.without),
        older_than_days=body.older_than_days,
        depth=body.depth,
        at_most_files=body.at_most_files,
    )


def chosen_rules(rules: Mapping[str, Rule], asked: Sequence[str]) -> tuple[Rule, ...]:
    """Return the rules that were asked for, all where none was named."""
    for name in asked:
        if name not in rules:
            raise AskedWrongly(f"{name} is no rule of cleaning{did_you_mean(name, rules)}")
    found = tuple(rule for name, rule in rules.items() if not asked or name in asked)
    if not found:
        raise AskedWrongly("there are no rules of cleaning; write some into baselines/cleaning/ of the workspace")
    return found
