"""The only place that counts. Every number in every report comes from here. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from hardening.errors import Exit, worst
from hardening.model import Coverage, Finding, ForeignFinding, HostSeen, Severity, Status, Tally

NOT_SEEN = (Status.ERROR, Status.UNREACHABLE)


def tally(findings: Sequence[Finding], *, asked: int, hosts: Sequence[HostSeen]) -> Tally:
    """Count findings. `asked` is the number of (control, target) pairs that had to be answered."""
    by_target: dict[str, Counter[Status]] = defaultdict(Counter)
    by_control: dict[str, Counter[Status]] = defaultdict(Counter)
    for finding in findings:
        by_target[finding.observation.target.name][finding.status] += 1
        by_control[finding.observation.control_id][finding.status] += 1
    by_status = Counter(finding.status for finding in findings)
    failed = Counter(f.requirement.control.severity for f in findings if f.status is Status.FAIL)
    return Tally(
        total=len(findings),
        by_status={status: by_status[status] for status in Status},
        by_severity_failed={severity: failed[severity] for severity in Severity},
        by_target={name: dict(counts) for name, counts in sorted(by_target.items())},
        by_control={name: dict(counts) for name, counts in sorted(by_control.items())},
        coverage=Coverage(
            hosts_asked=len(hosts),
            hosts_seen=sum(1 for host in hosts if host.unreachable is None),
            pairs_asked=asked,
            pairs_seen=sum(1 for finding in findings if finding.status not in NOT_SEEN),
            not_seen=dict(sorted(Counter(_why_short(f) for f in findings if f.status in NOT_SEEN).items())),
        ),
    )


def score(by_status: Mapping[Status, int]) -> tuple[int, int]:
    """Return how many checks passed, and of how many: passed, failed and not seen. What was not seen did not pass.

    It is XCCDF's flat unweighted score: waived, manual and not applicable checks do not count.
    """
    passed = by_status.get(Status.PASS, 0)
    return passed, passed + sum(by_status.get(status, 0) for status in (Status.FAIL, *NOT_SEEN))


def exit_of(counted: Tally, findings: Iterable[Finding], *, fail_on: Severity = Severity.LOW) -> Exit:
    """Return the exit code of a look: gaps at or above `fail_on`, and incompleteness, which always shows."""
    gap = any(f.status is Status.FAIL and f.requirement.control.severity.rank >= fail_on.rank for f in findings)
    return worst(
        [
            Exit.GAPS if gap else Exit.CLEAN,
            Exit.CLEAN if counted.coverage.complete else Exit.INCOMPLETE,
        ]
    )


def transitions(before: Iterable[Finding], after: Iterable[Finding]) -> dict[tuple[Status | None, Status | None], int]:
    """Count findings by their status before and after; None where a pair was asked in only one of the two looks.

    The counts add up to the number of distinct pairs in both looks together.
    """
    then = {finding.key: finding.status for finding in before}
    now = {finding.key: finding.status for finding in after}
    counts = Counter((then.get(key), now.get(key)) for key in {**then, **now})
    order = (*Status, None)
    return dict(sorted(counts.items(), key=lambda item: (order.index(item[0][0]), order.index(item[0][1]))))


def count_by(findings: Iterable[Finding], names: Callable[[Finding], Iterable[str]]) -> dict[str, dict[Status, int]]:
    """Count findings by status under every name that `names` gives them, such as the clauses they answer."""
    groups: dict[str, Counter[Status]] = defaultdict(Counter)
    for finding in findings:
        for name in names(finding):
            groups[name][finding.status] += 1
    return {name: dict(counts) for name, counts in sorted(groups.items())}


def count_imported(findings: Iterable[ForeignFinding]) -> dict[Status, int]:
    """Count what another tool found, by the status that its results have with us. It enters no other count."""
    counts = Counter(finding.status for finding in findings)
    return {status: counts[status] for status in Status if status in counts}


def _why_short(finding: Finding) -> str:
    return finding.reason.splitlines()[0][:160] if finding.reason else "no reason was recorded"
