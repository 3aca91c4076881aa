"""The workbook's tables of findings, changes, waivers and coverage. Pure: evidence in, tables out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hardening.model import ChangeState, Clause, Evidence, Finding, Requirement, Severity, Status
from hardening.reports import wording
from hardening.reports.office_rows import (
    addresses,
    advice,
    asked_with,
    change_word,
    gap_rows,
    measure,
    open_rows,
    remedy_rows,
    risk_word,
    seen_or_reason,
    settle,
    verdict_word,
    waived_rows,
    worst_by_host,
)
from hardening.reports.office_words import area, office, point
from hardening.reports.ordering import NOT_SEEN, names_by_badness
from hardening.reports.words import LANGUAGES, SEVERITY, STATUS
from hardening.reports.xlsx_sheet import SHEET_COLUMNS, Cell, Column, Table, Tone, Toned

TONE = {
    Status.PASS: Tone.GOOD,
    Status.FAIL: Tone.BAD,
    Status.ERROR: Tone.OPEN,
    Status.UNREACHABLE: Tone.OPEN,
    Status.MANUAL: Tone.OPEN,
    Status.WAIVED: Tone.WARN,
    Status.NOT_APPLICABLE: Tone.MUTED,
}
SEVERITY_TONE = {
    Severity.CRITICAL: Tone.BAD,
    Severity.HIGH: Tone.BAD,
    Severity.MEDIUM: Tone.WARN,
    Severity.LOW: Tone.PLAIN,
}
CHANGE_TONE = {
    ChangeState.CHANGED: Tone.GOOD,
    ChangeState.REVERTED: Tone.GOOD,
    ChangeState.CORRECTIVE: Tone.GOOD,
    ChangeState.FAILED: Tone.BAD,
    ChangeState.PUT_BACK: Tone.BAD,
    ChangeState.REGRESSION: Tone.BAD,
    ChangeState.NOT_REPORTED: Tone.BAD,
    ChangeState.SKIPPED: Tone.WARN,
    ChangeState.NEW: Tone.WARN,
}
HOSTS_PER_SHEET = 1_000
HOSTS_ON_ONE_PAGE = 16


def columns(lang: str, *named: tuple[str, float]) -> tuple[Column, ...]:
    """Return columns with their headings."""
    return tuple(Column(heading=office(key, lang), width=width) for key, width in named)


def finding_tables(evidence: Evidence, lang: str) -> Iterator[Table]:
    """Return the tables in the order in which they are read."""
    yield _gaps(evidence, lang)
    yield _remediation(evidence, lang)
    yield _open(evidence, lang)
    yield from _matrix(evidence, lang)
    yield _waivers(evidence, lang)
    yield _coverage(evidence, lang)


def status_cell(finding: Finding | None, lang: str) -> Cell:
    """Return how a finding stands, coloured."""
    tone = Tone.MUTED if finding is None else TONE[finding.status]
    return Toned(text=verdict_word(finding, lang), tone=tone)


def severity_cell(requirement: Requirement, lang: str) -> Cell:
    """Return a severity, coloured."""
    severity = requirement.control.severity
    return Toned(text=SEVERITY[severity][LANGUAGES.index(lang)], tone=SEVERITY_TONE[severity])


def named(requirement: Requirement, lang: str) -> str:
    """Return a control's title with its id below, which is its name everywhere."""
    return f"{wording.title(requirement.control, lang)}\n{requirement.control.id}"


def clause_cells(evidence: Evidence, requirement: Requirement, lang: str) -> tuple[str, str, str, str]:
    """Return class, control point, ids and texts of the clauses that a control answers."""
    ids = requirement.clauses
    return (
        _each(area(name, lang) for name in ids),
        _each(point(name, lang) for name in ids),
        ", ".join(ids),
        _each(_text(evidence.profile.clauses.get(name), lang) for name in ids),
    )


def _gaps(evidence: Evidence, lang: str) -> Table:
    where = addresses(evidence)

    def rows() -> Iterator[Sequence[Cell]]:
        for number, gap in enumerate(gap_rows(evidence), start=1):
            finding, requirement, waiver = gap.finding, gap.requirement, gap.finding.waiver
            target = finding.observation.target
            risk = Toned(text=risk_word(requirement, lang), tone=SEVERITY_TONE[requirement.control.severity])
            yield (
                number,
                target.name,
                where.get(target.host, ""),
                *clause_cells(evidence, requirement, lang),
                named(requirement, lang),
                wording.wanted_of(requirement.control, lang),
                seen_or_reason(finding, lang),
                status_cell(finding, lang),
                risk,
                advice(requirement, lang),
                waiver.owner if waiver else None,
                waiver.expires_on if waiver else None,
                status_cell(gap.now, lang) if evidence.before else None,
            )

    return Table(
        name=office("gaps", lang),
        columns=columns(
            lang,
            ("no", 5),
            ("object", 14),
            ("address", 11),
            ("area", 11),
            ("point", 11),
            ("clause", 9),
            ("text", 20),
            ("control", 20),
            ("wanted", 12),
            ("state", 14),
            ("verdict", 9),
            ("risk", 6),
            ("advice", 20),
            ("owner", 8),
            ("due", 9),
            ("retest", 9),
        ),
        rows=rows(),
        empty=office("no_gaps", lang),
    )


def _remediation(evidence: Evidence, lang: str) -> Table:
    where = addresses(evidence)

    def rows() -> Iterator[Sequence[Cell]]:
        for number, remedy in enumerate(remedy_rows(evidence), start=1):
            change, requirement = remedy.change, remedy.requirement
            yield (
                number,
                change.target.name,
                where.get(change.target.host, ""),
                named(requirement, lang) if requirement else change.control_id,
                ", ".join(requirement.clauses) if requirement else None,
                seen_or_reason(remedy.before, lang),
                measure(change) or None,
                Toned(text=change_word(change, lang), tone=CHANGE_TONE.get(change.state, Tone.PLAIN)),
                seen_or_reason(remedy.after, lang),
                status_cell(remedy.after, lang),
                change.taken_at,
                evidence.campaign.actor,
                change.from_campaign or evidence.campaign.id,
                change.reason,
            )

    return Table(
        name=office("remediation", lang),
        columns=columns(
            lang,
            ("no", 5),
            ("object", 15),
            ("address", 11),
            ("control", 21),
            ("clause", 9),
            ("before", 13),
            ("measure", 24),
            ("outcome", 9),
            ("after", 13),
            ("retest", 9),
            ("when", 17),
            ("who", 10),
            ("campaign", 14),
            ("remark", 18),
        ),
        rows=rows(),
        empty=office("no_changes", lang),
    )


def _open(evidence: Evidence, lang: str) -> Table:
    where = addresses(evidence)

    def rows() -> Iterator[Sequence[Cell]]:
        for number, finding in enumerate(open_rows(evidence), start=1):
            target = finding.observation.target
            yield (
                number,
                target.name,
                where.get(target.host, ""),
                ", ".join(finding.requirement.clauses),
                named(finding.requirement, lang),
                severity_cell(finding.requirement, lang),
                status_cell(finding, lang),
                finding.reason,
                settle(finding, lang),
                asked_with(finding) or None,
            )

    return Table(
        name=office("open", lang),
        columns=columns(
            lang,
            ("no", 5),
            ("object", 20),
            ("address", 13),
            ("clause", 11),
            ("control", 32),
            ("severity", 9),
            ("status", 12),
            ("reason", 40),
            ("needs", 28),
            ("evidence", 34),
        ),
        rows=rows(),
        empty=office("no_open", lang),
    )


def _matrix(evidence: Evidence, lang: str) -> Iterator[Table]:
    """Return controls by host; more hosts than a person scrolls through go on the next sheet."""
    worst = worst_by_host(evidence.findings)
    hosts = sorted({host for row in worst.values() for host in row} | {host.name for host in evidence.hosts})
    by_id = {finding.observation.control_id: finding.requirement for finding in evidence.findings}
    order = names_by_badness(evidence.tally.by_control)
    fixed = columns(lang, ("control", 34), ("control_id", 28), ("component", 11), ("severity", 8), ("failing", 8))
    step = min(HOSTS_PER_SHEET, SHEET_COLUMNS - len(fixed))
    word = {status: texts[LANGUAGES.index(lang)] for status, texts in STATUS.items()}
    cells = {status: Toned(text=text, tone=TONE[status]) for status, text in word.items()}

    def rows(shown: Sequence[str]) -> Iterator[Sequence[Cell]]:
        for name in order:
            requirement, row = by_id[name], worst[name]
            yield (
                wording.title(requirement.control, lang),
                name,
                requirement.control.component,
                severity_cell(requirement, lang),
                sum(status is Status.FAIL for status in row.values()),
                *(cells[row[host]] if host in row else None for host in shown),
            )

    for part, start in enumerate(range(0, max(len(hosts), 1), step), start=1):
        shown = hosts[start : start + step]
        yield Table(
            name=office("matrix", lang) + ("" if part == 1 else f" {part}"),
            columns=(*fixed, *(Column(heading=host, width=9, steep=True) for host in shown)),
            rows=rows(shown),
            empty=office("no_findings", lang),
            frozen_columns=1,
            fit_width=len(shown) <= HOSTS_ON_ONE_PAGE,
        )


def _waivers(evidence: Evidence, lang: str) -> Table:
    def rows() -> Iterator[Sequence[Cell]]:
        for number, finding in enumerate(waived_rows(evidence), start=1):
            waiver = finding.waiver
            if waiver is None:
                continue
            yield (
                number,
                finding.observation.target.name,
                ", ".join(finding.requirement.clauses),
                named(finding.requirement, lang),
                severity_cell(finding.requirement, lang),
                seen_or_reason(finding, lang),
                status_cell(finding, lang),
                waiver.reason,
                waiver.compensating or office("none_recorded", lang),
                waiver.owner,
                waiver.approver or None,
                waiver.ticket,
                waiver.expires_on,
            )

    return Table(
        name=office("waivers", lang),
        columns=columns(
            lang,
            ("no", 5),
            ("object", 18),
            ("clause", 11),
            ("control", 30),
            ("severity", 8),
            ("state", 20),
            ("verdict", 13),
            ("reason", 30),
            ("compensating", 30),
            ("owner", 12),
            ("approver", 12),
            ("ticket", 12),
            ("expires", 11),
        ),
        rows=rows(),
        empty=office("no_waivers", lang),
    )


def _coverage(evidence: Evidence, lang: str) -> Table:
    counts: dict[str, list[int]] = {host.name: [0, 0, 0] for host in evidence.hosts}
    for finding in evidence.findings:
        held = counts.setdefault(finding.observation.target.host, [0, 0, 0])
        held[0] += 1
        held[1] += finding.status not in NOT_SEEN
        held[2] += finding.status in NOT_SEEN
    known = {host.name: host for host in evidence.hosts}

    def rows() -> Iterator[Sequence[Cell]]:
        for number, name in enumerate(sorted(counts, key=lambda each: (-counts[each][2], each)), start=1):
            host = known.get(name)
            lost = host is None or host.unreachable is not None
            system = "" if host is None else str(host.facts.get("os_name") or f"{host.os_id} {host.os_version}").strip()
            yield (
                number,
                name,
                None if host is None else host.address,
                system or None,
                Toned(text=office("no_" if lost else "yes", lang), tone=Tone.OPEN if lost else Tone.GOOD),
                *counts[name],
                None if host is None else host.unreachable,
            )

    return Table(
        name=office("coverage", lang),
        columns=columns(
            lang,
            ("no", 5),
            ("host", 22),
            ("address", 16),
            ("system", 32),
            ("reached", 10),
            ("asked", 9),
            ("seen", 9),
            ("unseen", 9),
            ("reason", 60),
        ),
        rows=rows(),
        empty=office("no_findings", lang),
    )


def _each(texts: Iterator[str]) -> str:
    """Join different texts, each once."""
    return "; ".join(dict.fromkeys(text for text in texts if text))


def _text(clause: Clause | None, lang: str) -> str:
    if clause is None:
        return ""
    return (clause.text_zh if lang == "zh" else "") or clause.text
