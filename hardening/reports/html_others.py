"""What the HTML page shows of attestations and of other tools' results. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from hardening.model import Attestation, Evidence, Finding, ForeignFinding, Import, Status
from hardening.reports.html_view import NAME_LIMIT, TARGETS_SHOWN
from hardening.reports.others import attested, holds, results_of
from hardening.reports.safe_text import bounded_line
from hardening.tally import count_imported

RESULTS_SHOWN = 500


@dataclass(frozen=True, kw_only=True)
class AttestedPart:
    """One attestation with the findings that it speaks of. `holds` is False after its last day."""

    attestation: Attestation
    finding: Finding
    targets: tuple[str, ...]
    more: int
    findings: int
    holds: bool


@dataclass(frozen=True, kw_only=True)
class ImportPart:
    """One imported file with its results, the worst first; `more` are not shown."""

    imported: Import
    counts: Mapping[Status, int]
    results: tuple[ForeignFinding, ...]
    more: int


def attested_parts(evidence: Evidence) -> tuple[AttestedPart, ...]:
    """Return every attestation that a finding rests on, or rested on until it ended."""
    groups: dict[tuple[Attestation, bool, Status], list[Finding]] = defaultdict(list)
    for finding in attested(evidence):
        if finding.attestation is not None:
            groups[finding.attestation, holds(finding), finding.status].append(finding)
    parts = []
    for (attestation, still, _), found in groups.items():
        targets = sorted({bounded_line(each.observation.target.name, NAME_LIMIT) for each in found})
        parts.append(
            AttestedPart(
                attestation=attestation,
                finding=found[0],
                targets=tuple(targets[:TARGETS_SHOWN]),
                more=max(len(targets) - TARGETS_SHOWN, 0),
                findings=len(found),
                holds=still,
            )
        )
    return tuple(parts)


def import_parts(evidence: Evidence) -> tuple[ImportPart, ...]:
    """Return every imported file."""
    return tuple(
        ImportPart(
            imported=imported,
            counts=count_imported(imported.findings),
            results=tuple(results_of(imported)[:RESULTS_SHOWN]),
            more=max(len(imported.findings) - RESULTS_SHOWN, 0),
        )
        for imported in evidence.imports
    )
