"""A host that answers from recorded replies: the seam for tests of looks without a host."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a command answered, with the names testinfra gives them."""

    command: str
    rc: int
    stdout: str
    stderr: str


class RecordedHost:
    """Answers `run` from a mapping of command to (exit code, standard output, standard error).

    A command that was not recorded answers 127, as a host without that program would.
    """

    def __init__(self, replies: Mapping[str, tuple[int, str, str]]) -> None:
        self.replies = replies
        self.asked: list[str] = []
        # As testinfra's own backends: without a queue that could be asked ahead.
        self.backend = object()

    def run(self, command: str, *arguments: str) -> Reply:
        """Quote the arguments as testinfra does, and look the reply up."""
        line = command % tuple(shlex.quote(argument) for argument in arguments) if arguments else command
        self.asked.append(line)
        rc, stdout, stderr = self.replies.get(line, (127, "", f"{line}: not recorded"))
        return Reply(command=line, rc=rc, stdout=stdout, stderr=stderr)
