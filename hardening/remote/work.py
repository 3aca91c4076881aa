"""What is sent for questions: each on its own, or several as one fused read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hardening.remote.backend import Reply
from hardening.remote.desk import Question
from hardening.remote.plan import is_plannable


class Work(Protocol):
    """One shell item on the wire and the questions it answers."""

    @property
    def shell(self) -> str:
        """The command as it is sent."""

    @property
    def questions(self) -> Sequence[Question]:
        """What it answers, in order."""

    @property
    def is_quick(self) -> bool:
        """True when it is known to take but a moment."""

    def settle(self, exit_code: int, stdout: bytes, stderr: bytes) -> None:
        """Settle the questions it answers exactly; those it leaves open are asked one by one."""


class Single:
    """One question as it was asked."""

    __slots__ = ("question",)

    def __init__(self, question: Question) -> None:
        self.question = question

    @property
    def shell(self) -> str:
        """The command itself."""
        return self.question.command

    @property
    def questions(self) -> Sequence[Question]:
        """The one question."""
        return (self.question,)

    @property
    def is_quick(self) -> bool:
        """The shapes that a plan may hold are quick."""
        return is_plannable(self.question.command)

    def settle(self, exit_code: int, stdout: bytes, stderr: bytes) -> None:
        """The reply is the command's."""
        self.question.reply = Reply(self.question.command, exit_code, stdout, stderr)
