"""The questions of one host: each asked once, answered once, remembered for the rest of the look."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

from hardening.remote.backend import Reply
from hardening.remote.errors import NoAnswer, TransportLost
from hardening.remote.plan import SINGLY, is_plannable


class Question:
    """One command and what became of it. Several tasks may wait for one question."""

    __slots__ = ("command", "problem", "reply", "waiters")

    def __init__(self, command: str) -> None:
        self.command = command
        self.reply: Reply | None = None
        self.problem: tuple[type[NoAnswer], str] | None = None
        self.waiters: list[Any] = []

    @property
    def is_settled(self) -> bool:
        """True once there is a reply or a reason why there is none."""
        return self.reply is not None or self.problem is not None

    def reply_or_raise(self) -> Reply:
        """Return the reply, or raise why there is none (a fresh exception for each that waits)."""
        if self.reply is not None:
            return self.reply
        if self.problem is None:
            raise RuntimeError(f"a task went on without an answer to: {self.command}")
        kind, sentence = self.problem
        raise kind(sentence)


class Desk:
    """Collects questions until they are taken, and settles them."""

    def __init__(self) -> None:
        self.asked = 0
        self.distinct = 0
        self._memo: dict[str, Question] = {}
        self._loose: list[Question] = []
        self._pending: list[Question] = []
        self._wanted: dict[str, None] = {}
        self._closed: str | None = None

    def question(self, command: str, *, memo: bool) -> Question:
        """Return the question of a command; with memo the one that was asked before."""
        self.asked += 1
        question = self._memo.get(command) if memo else None
        if memo and is_plannable(command):
            self._wanted[command] = None
        if question is None:
            question = self._new(command, memo)
        return question

    def foresee(self, command: str) -> None:
        """Ask for nobody yet what somebody is about to ask."""
        if command not in self._memo:
            self._new(command, memo=True)

    def prefetch(self, plan: Iterable[str]) -> list[str]:
        """Ask what a plan holds, for nobody yet; returns what is to be asked singly.

        What is not plannable is left out, wherever the plan came from.
        """
        singly = []
        for entry in plan:
            command = entry.removeprefix(SINGLY)
            if not is_plannable(command):
                continue
            if command != entry:
                singly.append(command)
            self.foresee(command)
        return singly

    def take_pending(self) -> list[Question]:
        """Return the questions nobody has sent yet."""
        taken, self._pending = self._pending, []
        return taken

    def has_pending(self) -> bool:
        """Tell whether there is something to send."""
        return bool(self._pending)

    def put_back(self, questions: Iterable[Question]) -> None:
        """Take questions again that a session or a fused read left without an answer."""
        self._pending.extend(question for question in questions if not question.is_settled)

    @property
    def is_closed(self) -> bool:
        """True once the host was given up."""
        return self._closed is not None

    def close(self, sentence: str) -> list[Question]:
        """Answer every open and every later question with TransportLost; returns those that were open."""
        self._closed = sentence
        open_questions = [question for question in self._memo.values() if not question.is_settled]
        open_questions += [question for question in self._loose if not question.is_settled]
        for question in open_questions:
            question.problem = (TransportLost, sentence)
        self._pending = []
        return open_questions

    def plan(self, singly: Container[str]) -> tuple[str, ...]:
        """Return the commands worth sending first the next time; marked are those no fused read could answer."""
        return tuple(f"{SINGLY}{command}" if command in singly else command for command in self._wanted)

    def replies(self) -> list[Reply]:
        """Return every reply that was remembered, in the order of the questions."""
        return [question.reply for question in self._memo.values() if question.reply is not None]

    def _new(self, command: str, memo: bool) -> Question:
        question = Question(command)
        if memo:
            self._memo[command] = question
        else:
            self._loose = [each for each in self._loose if not each.is_settled] + [question]
        if self._closed is not None:
            question.problem = (TransportLost, self._closed)
            return question
        self.distinct += 1
        self._pending.append(question)
        return question
