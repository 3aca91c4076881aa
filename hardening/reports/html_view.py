"""What the HTML page shows, worked out from evidence: plain values in the order in which they are shown. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hardening.model import (
    Clause,
    Control,
    Evidence,
    Finding,
    HostSeen,
    Requirement,
    Severity,
    Status,
    Target,
    TrendPoint,
    WaiverUse,
)
from hardening.reports import wording
from hardening.reports.ordering import WORST_FIRST, add_up, by_badness, names_by_badness
from hardening.reports.safe_text import bounded, bounded_line
from hardening.tally import count_by, transitions

VALUE_LIMIT = 400
REASON_LIMIT = 600
NAME_LIMIT = 200
WORST_SHOWN = 6
TARGETS_SHOWN = 20
HISTORY_SHOWN = 12

Both = tuple[str, str]
Counts = Mapping[Status, int]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One finding under its host: what was wanted and seen, or why nothing could be."""

    control: Control
    control_number: int
    wanted: Both
    seen: Both
    reason: str
    was: Status | None


@dataclass(frozen=True, kw_only=True)
class TargetPart:
    """One target of a host: its bad news by status, and the controls that are as wanted."""

    target: Target
    counts: Counts
    lines: tuple[tuple[Status, tuple[Line, ...]], ...]
    passed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class HostPart:
    """One host with its counts and targets, and the page that tells more of it (empty: this one)."""

    number: int
    host: HostSeen
    counts: Counts
    targets: tuple[TargetPart, ...]
    href: str


@dataclass(frozen=True, kw_only=True)
class Group:
    """Targets on which a control has the same status for the same reason; `more` are not named."""

    status: Status
    seen: Both
    reason: str
    targets: tuple[str, ...]
    more: int = 0


@dataclass(frozen=True, kw_only=True)
class ControlPart:
    """One control with its counts and what was found, by status and reason."""

    number: int
    requirement: Requirement
    wanted: Both
    counts: Counts
    groups: tuple[Group, ...]

    history: tuple[tuple[TrendPoint, Counts], ...] = ()

    @property
    def control(self) -> Control:
        """The control itself."""
        return self.requirement.control


@dataclass(frozen=True, kw_only=True)
class ClausePart:
    """One clause of the standard with the counts of the checks that answer it."""

    id: str
    text: Both
    counts: Counts
    controls: int


@dataclass(frozen=True, kw_only=True)
class WaiverPart:
    """One accepted exception, what it covers here, and the days it still held when the campaign began."""

    waiver: WaiverUse
    controls: tuple[Control, ...]
    targets: tuple[str, ...]
    more: int
    findings: int
    days_left: int


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """How findings moved: rows before, columns after; every total is the sum of its cells."""

    rows: tuple[Status | None, ...]
    columns: tuple[Status | None, ...]
    cells: Mapping[tuple[Status | None, Status | None], int]

    def row_total(self, row: Status | None) -> int:
        """Return how many had this status before."""
        return sum(number for (before, _), number in self.cells.items() if before is row)

    def column_total(self, column: Status | None) -> int:
        """Return how many have this status after."""
        return sum(number for (_, after), number in self.cells.items() if after is column)

    @property
    def total(self) -> int:
        """Return how many findings there are."""
        return sum(self.cells.values())


@dataclass(frozen=True, kw_only=True)
class View:
    """Everything the templates need beside the evidence itself."""

    hosts: tuple[HostPart, ...]
    controls: tuple[ControlPart, ...]
    clauses: tuple[ClausePart, ...]
    matrix: Matrix | None
    worst: tuple[ControlPart, ...]
    waivers: tuple[WaiverPart, ...]
    control_numbers: Mapping[str, int]
    host_numbers: Mapping[str, int]


def view_of(evidence: Evidence, *, hrefs: Mapping[str, str] | None = None) -> View:
    """Work out the page. With `hrefs`, each host's findings are on the page it names, and this one is an index."""
    by_control: dict[str, list[Finding]] = defaultdict(list)
    by_target: dict[Target, list[Finding]] = defaultdict(list)
    for finding in by_badness(evidence.findings):
        by_control[finding.observation.control_id].append(finding)
        by_target[finding.observation.target].append(finding)
    control_numbers = {name: number for number, name in enumerate(names_by_badness(evidence.tally.by_control))}
    shown = None if hrefs is None else TARGETS_SHOWN
    controls = tuple(
        _control_part(
            number, by_control[name], evidence.tally.by_control[name], shown, _history_of(evidence.trend, name)
        )
        for name, number in control_numbers.items()
    )
    hosts = _host_parts(evidence, by_target, control_numbers, hrefs)
    return View(
        hosts=hosts,
        controls=controls,
        clauses=_clause_parts(evidence),
        matrix=_matrix(evidence) if evidence.before else None,
        worst=_worst(controls),
        waivers=_waivers(evidence),
        control_numbers=control_numbers,
        host_numbers={part.host.name: part.number for part in hosts},
    )


def both_seen(finding: Finding) -> Both:
    """Return what was seen in both languages, bounded."""
    return (
        bounded_line(wording.seen(finding, "en"), VALUE_LIMIT),
        bounded_line(wording.seen(finding, "zh"), VALUE_LIMIT),
    )


def both_wanted(control: Control) -> Both:
    """Return what is wanted in both languages, bounded."""
    return (
        bounded_line(wording.wanted_of(control, "en"), VALUE_LIMIT),
        bounded_line(wording.wanted_of(control, "zh"), VALUE_LIMIT),
    )


def reason_of(finding: Finding) -> str:
    """Return what a reader must know beyond wanted and seen: why not seen, who waived; empty where that says it all."""
    if finding.status is Status.WAIVED:
        return bounded(wording.waiver_sentence(finding), REASON_LIMIT)
    if finding.attestation is not None:
        return bounded(finding.reason, REASON_LIMIT)
    if finding.status in (Status.PASS, Status.FAIL) and "pending" not in finding.reason and finding.expired is None:
        return ""
    return bounded(finding.reason, REASON_LIMIT)


def hosts_by_badness(evidence: Evidence) -> list[str]:
    """Return the names of all hosts in the order in which the page shows them."""
    of_host: dict[str, list[Counts]] = {host.name: [] for host in evidence.hosts}
    host_of = {finding.observation.target.name: finding.observation.target.host for finding in evidence.findings}
    for name, counts in evidence.tally.by_target.items():
        of_host.setdefault(host_of[name], []).append(counts)
    return names_by_badness({name: add_up(counts) for name, counts in of_host.items()})


def _history_of(trend: Sequence[TrendPoint], control_id: str) -> tuple[tuple[TrendPoint, Counts], ...]:
    found = [(point, point.by_control[control_id]) for point in trend if control_id in point.by_control]
    return tuple(found[-HISTORY_SHOWN:])


def _control_part(
    number: int,
    findings: Sequence[Finding],
    counts: Counts,
    shown: int | None,
    history: tuple[tuple[TrendPoint, Counts], ...],
) -> ControlPart:
    requirement = findings[0].requirement
    groups: dict[tuple[Status, Both, str], list[str]] = defaultdict(list)
    for finding in findings:
        groups[finding.status, both_seen(finding), reason_of(finding)].append(
            bounded_line(finding.observation.target.name, NAME_LIMIT)
        )
    return ControlPart(
        number=number,
        requirement=requirement,
        wanted=both_wanted(requirement.control),
        counts=counts,
        groups=tuple(
            Group(
                status=status,
                seen=seen,
                reason=reason,
                targets=tuple(sorted(targets)[:shown]),
                more=0 if shown is None else max(len(targets) - shown, 0),
            )
            for (status, seen, reason), targets in groups.items()
        ),
        history=history,
    )


def _host_parts(
    evidence: Evidence,
    by_target: Mapping[Target, Sequence[Finding]],
    control_numbers: Mapping[str, int],
    hrefs: Mapping[str, str] | None,
) -> tuple[HostPart, ...]:
    known = {host.name: host for host in evidence.hosts}
    was = {finding.key: finding.status for finding in evidence.before}
    targets: dict[str, list[TargetPart]] = {name: [] for name in known}
    for target in sorted(by_target):
        known.setdefault(target.host, HostSeen(name=target.host, address=""))
        counts_here = evidence.tally.by_target[target.name]
        found = by_target[target] if hrefs is None else ()
        targets.setdefault(target.host, []).append(_target_part(target, found, counts_here, was, control_numbers))
    counts = {name: add_up([part.counts for part in parts]) for name, parts in targets.items()}
    return tuple(
        HostPart(
            number=number,
            host=known[name],
            counts=counts[name],
            targets=tuple(targets[name]),
            href="" if hrefs is None else hrefs[name],
        )
        for number, name in enumerate(names_by_badness(counts))
    )


def _target_part(
    target: Target,
    findings: Sequence[Finding],
    counts: Counts,
    was: Mapping[tuple[str, str], Status],
    control_numbers: Mapping[str, int],
) -> TargetPart:
    lines: dict[Status, list[Line]] = defaultdict(list)
    passed = []
    for finding in findings:
        control = finding.requirement.control
        if finding.status is Status.PASS:
            passed.append(control.id)
            continue
        before = was.get(finding.key)
        lines[finding.status].append(
            Line(
                control=control,
                control_number=control_numbers[control.id],
                wanted=both_wanted(control),
                seen=both_seen(finding),
                reason=reason_of(finding),
                was=before if before is not finding.status else None,
            )
        )
    return TargetPart(
        target=target,
        counts=counts,
        lines=tuple((status, tuple(lines[status])) for status in WORST_FIRST if status in lines),
        passed=tuple(passed),
    )


def _clause_parts(evidence: Evidence) -> tuple[ClausePart, ...]:
    counts = count_by(evidence.findings, lambda finding: finding.requirement.clauses)
    controls: dict[str, set[str]] = defaultdict(set)
    for finding in evidence.findings:
        for name in finding.requirement.clauses:
            controls[name].add(finding.observation.control_id)
    unworded = Clause(id="", text="", text_zh="")
    parts = []
    for name in sorted(counts, key=_clause_order):
        clause = evidence.profile.clauses.get(name, unworded)
        text = (clause.text, clause.text_zh or clause.text)
        parts.append(ClausePart(id=name, text=text, counts=counts[name], controls=len(controls[name])))
    return tuple(parts)


def _clause_order(name: str) -> list[tuple[int, str]]:
    """Return a key that puts 8.1.4.2 before 8.1.4.10."""
    return [
        (int(part), "") if part.isascii() and part.isdigit() else (0, part)
        for part in name.replace(" ", ".").split(".")
    ]


def _matrix(evidence: Evidence) -> Matrix:
    cells = transitions(evidence.before, evidence.findings)
    order: tuple[Status | None, ...] = (*WORST_FIRST, None)
    return Matrix(
        rows=tuple(status for status in order if any(before is status for before, _ in cells)),
        columns=tuple(status for status in order if any(after is status for _, after in cells)),
        cells=cells,
    )


def _waivers(evidence: Evidence) -> tuple[WaiverPart, ...]:
    used: dict[WaiverUse, list[Finding]] = defaultdict(list)
    for finding in evidence.findings:
        if finding.waiver is not None and finding.status is Status.WAIVED:
            used[finding.waiver].append(finding)
    parts = []
    for waiver in sorted(used, key=lambda each: (each.expires_on, each.ticket, each.owner, each.reason)):
        found = used[waiver]
        targets = sorted({bounded_line(finding.observation.target.name, NAME_LIMIT) for finding in found})
        controls = {finding.observation.control_id: finding.requirement.control for finding in found}
        parts.append(
            WaiverPart(
                waiver=waiver,
                controls=tuple(controls[name] for name in sorted(controls)),
                targets=tuple(targets[:TARGETS_SHOWN]),
                more=max(len(targets) - TARGETS_SHOWN, 0),
                findings=len(found),
                days_left=(waiver.expires_on - evidence.campaign.started_at.date()).days,
            )
        )
    return tuple(parts)


def _worst(controls: Sequence[ControlPart]) -> tuple[ControlPart, ...]:
    failing = [part for part in controls if part.counts.get(Status.FAIL, 0)]
    failing.sort(key=lambda part: (-part.control.severity.rank, -part.counts[Status.FAIL], part.control.id))
    return tuple(failing[:WORST_SHOWN])


SEVERITIES = tuple(sorted(Severity, key=lambda severity: -severity.rank))
