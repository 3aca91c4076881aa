"""What stands on both sides of a line: the loop that drives it, and the host that hears what comes of it."""

from __future__ import annotations

import selectors
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from hardening.remote.desk import Question
from hardening.remote.diagnose import Trouble
from hardening.remote.session import ShellFacts


class Timer:
    """An appointment. Cancelled, it keeps nothing alive."""

    __slots__ = ("_action",)

    def __init__(self, action: Callable[[], None]) -> None:
        self._action: Callable[[], None] | None = action

    @property
    def is_set(self) -> bool:
        """True until it rang or was cancelled."""
        return self._action is not None

    def ring(self) -> None:
        """Do what was to be done."""
        action, self._action = self._action, None
        if action is not None:
            action()

    def cancel(self) -> None:
        """Do nothing when the moment comes."""
        self._action = None


class Clockwork(Protocol):
    """What a line needs of the loop that drives it."""

    selector: selectors.BaseSelector
    room: Path

    def at(self, moment: float, action: Callable[[], None]) -> Timer:
        """Call an action once the monotonic clock is past a moment, unless it is cancelled before."""


class LineOwner(Protocol):
    """Who hears what comes of what was sent."""

    def line_proven(self, facts: ShellFacts) -> None:
        """The first session runs as who we want to be."""

    def line_settled(self, questions: Iterable[Question]) -> None:
        """These questions have an answer or a problem, or (of a fused read) must be asked singly."""

    def line_left_open(self, questions: Iterable[Question]) -> None:
        """These questions must be sent again."""

    def line_lost(self, trouble: Trouble) -> None:
        """There will be no further session."""

    def line_idle(self) -> None:
        """Something changed: look whether there is something to send or nothing left to do."""

    def line_ended(self) -> None:
        """The last process of this line has ended."""
