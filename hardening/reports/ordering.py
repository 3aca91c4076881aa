"""The order in which a reader needs things: bad news first, then by severity, then by name. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from hardening.model import Change, ChangeState, Evidence, Finding, Status

WORST_FIRST = (
    Status.FAIL,
    Status.ERROR,
    Status.UNREACHABLE,
    Status.MANUAL,
    Status.WAIVED,
    Status.NOT_APPLICABLE,
    Status.PASS,
)
NOT_SEEN = (Status.ERROR, Status.UNREACHABLE)
CHANGES_WORST_FIRST = (
    ChangeState.FAILED,
    ChangeState.PUT_BACK,
    ChangeState.NOT_REPORTED,
    ChangeState.REGRESSION,
    ChangeState.NEW,
    ChangeState.CORRECTIVE,
    ChangeState.SKIPPED,
    ChangeState.CHANGED,
    ChangeState.REVERTED,
    ChangeState.WOULD_CHANGE,
    ChangeState.UNCHANGED,
)


def by_badness(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with the worst status first, within it the gravest, then by target and control."""
    return sorted(findings, key=lambda f: (WORST_FIRST.index(f.status), -f.requirement.control.severity.rank, f.key))


def in_one_order(evidence: Evidence) -> Evidence:
    """Return the same evidence with its findings by target and control, however they came."""
    findings = tuple(sorted(evidence.findings, key=lambda finding: finding.key))
    before = tuple(sorted(evidence.before, key=lambda finding: finding.key))
    return dataclasses.replace(evidence, findings=findings, before=before)


def gaps(findings: Iterable[Finding]) -> list[Finding]:
    """Return the failed findings, gravest first."""
    return by_badness(finding for finding in findings if finding.status is Status.FAIL)


def names_by_badness(counts: Mapping[str, Mapping[Status, int]]) -> list[str]:
    """Return the names of a tally's groups, those with the most bad news first."""
    # What could not be seen comes before what was seen to be wrong: it may hide anything.
    bad = (*reversed(NOT_SEEN), Status.FAIL)
    return sorted(counts, key=lambda name: (*(-counts[name].get(status, 0) for status in bad), name))


def changes_by_badness(changes: Iterable[Change]) -> list[Change]:
    """Return changes with those that went wrong first."""
    return sorted(changes, key=lambda c: (CHANGES_WORST_FIRST.index(c.state), c.target.name, c.control_id))


def add_up(counts: Sequence[Mapping[Status, int]]) -> dict[Status, int]:
    """Return the sum of several of a tally's rows."""
    return {status: sum(row.get(status, 0) for row in counts) for status in Status}
