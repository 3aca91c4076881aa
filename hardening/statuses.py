"""The words for how things stand: controls, gaps, looks, changes, campaigns. `model` has them all."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """How one control stands on one target."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    ERROR = "ERROR"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    MANUAL = "MANUAL"
    WAIVED = "WAIVED"
    UNREACHABLE = "UNREACHABLE"


class Severity(StrEnum):
    """How much a gap matters."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low up to 3 for critical, for thresholds and sorting."""
        return list(Severity).index(self)


class Danger(StrEnum):
    """What applying a control can do to a running system."""

    NONE = "none"
    RESTART = "restart"
    LOCKOUT = "lockout"
    REBOOT = "reboot"
    DATA = "data"


class Look(StrEnum):
    """What became of looking at one control on one target."""

    SEEN = "seen"
    CANNOT_LOOK = "cannot_look"
    NOT_APPLICABLE = "not_applicable"
    UNREACHABLE = "unreachable"
    MANUAL = "manual"


class ChangeState(StrEnum):
    """What became of applying (or undoing) one control on one target; the last three are what others did to it.

    REVERTED is the former state back: by an undo, or by a host that put itself back after an apply. PUT_BACK is a host
    that took an undo back by itself, so that what was to be undone is in force again.
    """

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    REVERTED = "reverted"
    NOT_REPORTED = "not_reported"
    WOULD_CHANGE = "would_change"
    SKIPPED = "skipped"
    PUT_BACK = "put_back"
    REGRESSION = "regression"
    NEW = "new"
    CORRECTIVE = "corrective"


class Verb(StrEnum):
    """What a campaign did."""

    SCAN = "scan"
    PLAN = "plan"
    APPLY = "apply"
    UNDO = "undo"
    DRIFT = "drift"
    RECHECK = "recheck"
    CLEAN = "clean"
