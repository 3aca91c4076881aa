"""What a change campaign answers as a process. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from hardening.errors import Exit, worst
from hardening.model import Change, ChangeState, Evidence, Finding, Severity, Verb
from hardening.prediction import NOT_ACKNOWLEDGED
from hardening.tally import exit_of
from hardening.waves import IN_PART, REFUSED, STOPPED, UNWELL

NOT_DONE = (ChangeState.FAILED, ChangeState.NOT_REPORTED, ChangeState.PUT_BACK)


def not_done(change: Change, verb: Verb) -> bool:
    """Tell whether a change is not what its campaign was to bring about, and nobody decided that it should not be.

    It failed, its answer is missing, its target changed since the plan, a stop came before its turn, a preflight
    expects it to break something, or the host was refused, put itself back (if only in part), or is worse off since.
    What was waived, blocked or not accepted was decided.
    """
    put_back = verb is Verb.APPLY and (change.state is ChangeState.REVERTED or left_in_part(change))
    return change.state in NOT_DONE or put_back or did_harm(change) or _left_out(change.reason)


def did_harm(change: Change) -> bool:
    """Tell whether a change is there on a host that failed a health check since, which it had passed before."""
    return change.state is ChangeState.CHANGED and (change.reason or "").startswith(UNWELL)


def left_in_part(change: Change) -> bool:
    """Tell whether a change is what the guard could not take back of one that the host put back."""
    return change.state is ChangeState.CHANGED and (change.reason or "").startswith(IN_PART)


def exit_of_change(evidence: Evidence) -> Exit:
    """Return the exit code of an apply: what the last look says, and 3 where acting did not work everywhere."""
    undone = any(not_done(change, evidence.campaign.verb) for change in evidence.changes)
    return worst(
        [
            exit_of(evidence.tally, evidence.findings, fail_on=Severity.LOW),
            Exit.INCOMPLETE if undone else Exit.CLEAN,
        ]
    )


def exit_of_undo(evidence: Evidence, different: Sequence[str]) -> Exit:
    """Return 0 where everything asked came back and was seen to be back; gaps are what an undo is for."""
    bad = any(not_done(change, evidence.campaign.verb) for change in evidence.changes)
    incomplete = bad or different or not evidence.tally.coverage.complete
    return worst([Exit.INCOMPLETE if incomplete else Exit.CLEAN])


def not_as_before(before: Sequence[Finding], after: Sequence[Finding], chosen: Sequence[Change]) -> tuple[str, ...]:
    """Say for every undone control where the look after the undo differs from the look before the change."""
    first = {finding.key: finding for finding in before}
    now = {finding.key: finding for finding in after}
    said = []
    for change in chosen:
        key = (change.target.name, change.control_id)
        was, is_now = first.get(key), now.get(key)
        if was is None:
            continue
        if is_now is None:
            said.append(f"{key[0]}: {key[1]}: before the change {was.reason}; after the undo it was not seen")
        elif dict(was.observation.seen) != dict(is_now.observation.seen):
            said.append(f"{key[0]}: {key[1]}: before the change {was.reason}; after the undo {is_now.reason}")
    return tuple(said)


def _left_out(reason: str | None) -> bool:
    """Tell whether a change was left out for what happened meanwhile, not because somebody decided so."""
    left_out = ("changed since the plan", STOPPED, REFUSED, NOT_ACKNOWLEDGED)
    return reason is not None and reason.startswith(left_out)
