"""Every error a user can meet, each with its exit code: the only place that knows exit codes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """What the process answers. Several may apply to one run; `worst` picks."""

    CLEAN = 0
    GAPS = 1
    ASKED_WRONGLY = 2
    INCOMPLETE = 3
    EVIDENCE_BROKEN = 4
    BUG = 5
    INTERRUPTED = 130


def worst(codes: Iterable[Exit]) -> Exit:
    """Return the exit code that must win when several apply; no code at all is a clean run."""
    return max(codes, default=Exit.CLEAN)


class HardeningError(Exception):
    """An error with a sentence for the user and an exit code."""

    exit: Exit = Exit.BUG


class AskedWrongly(HardeningError):
    """The user asked for something that does not exist or makes no sense."""

    exit = Exit.ASKED_WRONGLY


class Incomplete(HardeningError):
    """The world refused: we could not look or act everywhere."""

    exit = Exit.INCOMPLETE


class EvidenceBroken(HardeningError):
    """Stored facts do not match their digests."""

    exit = Exit.EVIDENCE_BROKEN


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong in one file, as a user reads it: `file:line: sentence`."""

    file: str
    line: int | None
    message: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.message}"


class BadFiles(AskedWrongly):
    """All problems of all files of a set, in one error."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.file, problem.line or 0, problem.message)))
        super().__init__("\n".join(str(problem) for problem in self.problems))
