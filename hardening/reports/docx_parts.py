"""What the lists of a document share: colours, limits, and how many things are named in one cell. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hardening.clauses import Verdict
from hardening.model import ChangeState, Finding, Severity, Status
from hardening.reports.office_rows import joined
from hardening.reports.office_words import office
from hardening.reports.safe_text import bounded_line

TEXT_LIMIT = 500
OBJECTS_NAMED = 8
VALUES_NAMED = 3
HOSTS_SHOWN = 200
ROWS_SHOWN = 400

PLAIN, GOOD, BAD, WARN, OPEN, MUTED = "auto", "DFF1E1", "F9D9DB", "FFF0C2", "E9E0F5", "F2F3F5"
STATUS_COLOUR = {
    Status.PASS: GOOD,
    Status.FAIL: BAD,
    Status.ERROR: OPEN,
    Status.UNREACHABLE: OPEN,
    Status.MANUAL: OPEN,
    Status.WAIVED: WARN,
    Status.NOT_APPLICABLE: MUTED,
}
SEVERITY_COLOUR = {Severity.CRITICAL: BAD, Severity.HIGH: BAD, Severity.MEDIUM: WARN, Severity.LOW: PLAIN}
VERDICT_COLOUR = {
    Verdict.COMPLIANT: GOOD,
    Verdict.PARTLY: WARN,
    Verdict.NOT_COMPLIANT: BAD,
    Verdict.NOT_APPLICABLE: MUTED,
    Verdict.TO_CONFIRM: OPEN,
}
CHANGE_COLOUR = {
    ChangeState.CHANGED: GOOD,
    ChangeState.REVERTED: GOOD,
    ChangeState.CORRECTIVE: GOOD,
    ChangeState.FAILED: BAD,
    ChangeState.PUT_BACK: BAD,
    ChangeState.REGRESSION: BAD,
    ChangeState.NOT_REPORTED: BAD,
    ChangeState.SKIPPED: WARN,
    ChangeState.NEW: WARN,
}


def objects(findings: Sequence[Finding], lang: str) -> str:
    """Name the targets of findings, the first of many."""
    return some((finding.observation.target.name for finding in findings), OBJECTS_NAMED, lang)


def some(texts: Iterable[str], limit: int, lang: str, comma: str = ", ") -> str:
    """Join different texts, the first of many, and say how many more there are."""
    different = list(dict.fromkeys(texts))
    shown = comma.join(bounded_line(text, TEXT_LIMIT // limit + 20) for text in different[:limit])
    left = len(different) - limit
    return shown if left <= 0 else joined(shown, office("and_more", lang, n=f"{left:,}"), lang)
