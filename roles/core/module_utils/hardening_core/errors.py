"""Why a control could not be applied or undone; each message is the reason a person reads."""

from __future__ import annotations

from typing import Dict


class CannotApply(Exception):
    """This control cannot be applied here; the others are not affected."""


class SomeNotWritten(CannotApply):
    """Of several that were written together some could not be; the rest is as wanted. `names` tells which."""

    def __init__(self, reasons: Dict[str, str]) -> None:
        super().__init__("; ".join(reasons[name] for name in sorted(reasons)))
        self.names = frozenset(reasons)


class ChangedSince(CannotApply):
    """What is there now is not what we left, and the two cannot be reconciled."""

    def __init__(self, what: str) -> None:
        super().__init__("changed since: " + what)
