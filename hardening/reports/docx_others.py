"""What a document's template may print of attestations, of other tools' results, and of how it went. Pure."""

from __future__ import annotations

from typing import Any

from hardening.model import Attestation, Evidence, Finding, ForeignFinding, Import, Status
from hardening.reports import wording
from hardening.reports.docx_parts import OBJECTS_NAMED, STATUS_COLOUR, objects, some
from hardening.reports.office_rows import verdict_word
from hardening.reports.office_words import office
from hardening.reports.others import attached, attested, counts_said, told
from hardening.reports.words import LANGUAGES, VERB

TREND_SHOWN = 24


def attestations_of(evidence: Evidence, lang: str) -> list[dict[str, Any]]:
    """Return what people attested; the objects that one attestation speaks of share a row."""
    groups: dict[tuple[Attestation, Status], list[Finding]] = {}
    for finding in attested(evidence):
        if finding.attestation is not None:
            groups.setdefault((finding.attestation, finding.status), []).append(finding)
    return [
        {
            "control": wording.title(findings[0].requirement.control, lang),
            "control_id": held.control_id,
            "clauses": ", ".join(findings[0].requirement.clauses),
            "objects": objects(findings, lang),
            "status": verdict_word(findings[0], lang),
            "colour": STATUS_COLOUR[status],
            "by": held.by,
            "seen": held.seen,
            "seen_on": held.seen_on.isoformat(),
            "expires": held.expires_on.isoformat(),
            "attachments": attached(held) or "–",
        }
        for (held, status), findings in groups.items()
    ]


def imports_of(evidence: Evidence, lang: str) -> list[dict[str, Any]]:
    """Return the imported files with what they count."""
    return [
        {
            "tool": imported.tool,
            "file": imported.file,
            "sha256": imported.sha256,
            "format": imported.format,
            "by": imported.imported_by,
            "results": counts_said(imported.findings, lang),
        }
        for imported in evidence.imports
    ]


def foreign_gaps_of(evidence: Evidence, lang: str) -> list[dict[str, Any]]:
    """Return what other tools found wrong, those that say the same of several hosts in one row."""
    groups: dict[tuple[str, str], list[tuple[Import, ForeignFinding]]] = {}
    for imported, finding in told(evidence):
        if finding.status is Status.FAIL:
            groups.setdefault((imported.tool, finding.id), []).append((imported, finding))
    return [
        {
            "tool": tool,
            "id": name,
            "title": found[0][1].title,
            "severity": found[0][1].severity,
            "hosts": some((finding.host for _, finding in found), OBJECTS_NAMED, lang),
            "clauses": ", ".join(dict.fromkeys(clause for _, finding in found for clause in finding.clauses)),
        }
        for (tool, name), found in groups.items()
    ]


def trend_of(evidence: Evidence, lang: str) -> list[dict[str, Any]]:
    """Return the line of campaigns, oldest first, the newest of many; empty where there is only this one."""
    if len(evidence.trend) < 2:
        return []
    at = LANGUAGES.index(lang)
    return [
        {
            "date": f"{point.started_at:%Y-%m-%d %H:%M}",
            "verb": VERB[point.verb][at],
            "campaign": point.campaign_id,
            "complete": office("yes" if point.complete else "no_", lang),
            "hosts": point.hosts,
            "gaps": point.by_status.get(Status.FAIL, 0),
            "open": sum(point.by_status.get(each, 0) for each in (Status.ERROR, Status.UNREACHABLE, Status.MANUAL)),
            "accepted": point.by_status.get(Status.WAIVED, 0),
            "passed": point.by_status.get(Status.PASS, 0),
            "score": wording.score_text(point.by_status),
        }
        for point in evidence.trend[-TREND_SHOWN:]
    ]
