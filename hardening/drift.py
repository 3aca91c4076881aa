"""What changed between two looks: gaps that opened, gaps that closed, and what is only other than it was. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hardening.model import ChangeState, Finding, Status, Target

UNKNOWN = (Status.ERROR, Status.UNREACHABLE)
Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Drift:
    """One control on one target that is not as it was: REGRESSION, NEW or CORRECTIVE, and in which way.

    `is_gap` where it is a gap now that nobody waived and that was none then, or was not known.
    """

    target: Target
    control_id: str
    kind: str
    state: ChangeState
    reason: str
    is_gap: bool = False

    @property
    def key(self) -> Key:
        """Return the key of the finding."""
        return (self.target.name, self.control_id)


def drifts_between(then: Sequence[Finding], now: Sequence[Finding]) -> tuple[Drift, ...]:
    """Return what drifted from one look to a later one, in the order of the later one; what is gone comes last.

    What cannot be seen now is no drift: that the later look is incomplete says it.
    """
    was = {finding.key: finding for finding in then}
    found = [drift for finding in now if (drift := _between(was.get(finding.key), finding)) is not None]
    seen = {finding.key for finding in now}
    unseen = {finding.observation.target.host for finding in now if finding.verdict in UNKNOWN}
    for finding in then:
        gone = finding.key not in seen and finding.verdict in (Status.PASS, Status.FAIL)
        if gone and finding.observation.target.host not in unseen:
            found.append(_drift(finding, ChangeState.NEW, f"was {_said(finding)}; the target is not there any more"))
    return tuple(found)


def _between(was: Finding | None, now: Finding) -> Drift | None:
    is_gap = now.verdict is Status.FAIL
    if now.verdict in UNKNOWN:
        return None
    if was is None or was.verdict in UNKNOWN:
        before = "was not there" if was is None else "could not be seen then"
        return _drift(now, ChangeState.NEW, f"{before}; now {_said(now)}") if is_gap else None
    sentence = f"was {_said(was)}; now {_said(now)}"
    if was.verdict is Status.FAIL and not is_gap:
        return _drift(now, ChangeState.CORRECTIVE, sentence)
    if was.verdict is not Status.FAIL and is_gap:
        return _drift(now, ChangeState.REGRESSION, sentence)
    if was.verdict is not now.verdict or dict(was.observation.seen) != dict(now.observation.seen):
        return _drift(now, ChangeState.NEW, sentence, is_gap=False)
    return None


def _drift(finding: Finding, state: ChangeState, reason: str, *, is_gap: bool | None = None) -> Drift:
    opened = state in (ChangeState.REGRESSION, ChangeState.NEW) and finding.status is Status.FAIL
    return Drift(
        target=finding.observation.target,
        control_id=finding.observation.control_id,
        kind=finding.requirement.control.kind,
        state=state,
        reason=reason,
        is_gap=opened if is_gap is None else is_gap,
    )


def _said(finding: Finding) -> str:
    waived = " (waived)" if finding.status is Status.WAIVED else ""
    return f"{finding.verdict.value}{waived}: {finding.reason}"
