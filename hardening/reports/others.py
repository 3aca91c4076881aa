"""What others said beside our look, worked out once: people who attested, and tools whose results were imported. Pure.

None of it is counted again: an attested finding is in the tally with the verdict that the person gave it, and what
another tool found is in no tally.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from hardening.model import Attestation, Evidence, Finding, ForeignFinding, Import, Json, Status
from hardening.reports.ordering import WORST_FIRST, by_badness
from hardening.reports.safe_text import bounded_line
from hardening.reports.words import LANGUAGES, STATUS, say
from hardening.tally import count_imported

NAME_LIMIT = 200


def attested(evidence: Evidence) -> list[Finding]:
    """Return the findings that a person attested, worst first; one whose attestation has ended is MANUAL again."""
    return by_badness(finding for finding in evidence.findings if finding.attestation is not None)


def holds(finding: Finding) -> bool:
    """Tell whether the attestation beside a finding decides it; after its last day it does not."""
    return finding.attestation is not None and finding.verdict is not Status.MANUAL


def attached(attestation: Attestation) -> str:
    """Name what was handed in, with the digests under which a bundle holds it."""
    return "; ".join(f"{each.name} (SHA-256 {each.sha256})" for each in attestation.attachments)


def attestation_facts(finding: Finding) -> dict[str, Json]:
    """Return an attestation for a format of JSON, bounded; `holds` is False after its last day."""
    held = finding.attestation
    if held is None:
        return {}
    return {
        "by": bounded_line(held.by, NAME_LIMIT),
        "seen": bounded_line(held.seen, 1000),
        "verdict": held.verdict.value,
        "seenOn": held.seen_on.isoformat(),
        "expiresOn": held.expires_on.isoformat(),
        "recordedBy": bounded_line(held.recorded_by, NAME_LIMIT),
        "holds": holds(finding),
        "attachments": [
            {"name": bounded_line(each.name, NAME_LIMIT), "sha256": each.sha256} for each in held.attachments
        ],
    }


def import_facts(imported: Import) -> dict[str, Json]:
    """Return what a format says of an imported file that has no place for the results in it."""
    return {
        "tool": bounded_line(imported.tool, NAME_LIMIT),
        "file": bounded_line(imported.file, NAME_LIMIT),
        "sha256": imported.sha256,
        "format": imported.format,
        "importedBy": bounded_line(imported.imported_by, NAME_LIMIT),
        "results": {status.value: number for status, number in count_imported(imported.findings).items()},
    }


def results_of(imported: Import) -> list[ForeignFinding]:
    """Return an import's results, worst first."""
    return sorted(imported.findings, key=lambda each: (WORST_FIRST.index(each.status), each.host, each.id, each.result))


def counts_said(findings: Iterable[ForeignFinding], lang: str) -> str:
    """Say how many results of another tool have which status: `fail 2, pass 14`."""
    counts, at = count_imported(findings), LANGUAGES.index(lang)
    return ", ".join(f"{STATUS[status][at]} {counts[status]:,}" for status in WORST_FIRST if status in counts)


def beside_clauses(evidence: Evidence, lang: str) -> Mapping[str, str]:
    """Return by clause what people and other tools said of it; a clause that nobody else spoke of is not in it."""
    lines: dict[str, list[str]] = defaultdict(list)
    people: dict[str, int] = defaultdict(int)
    for finding in attested(evidence):
        for clause in finding.requirement.clauses if holds(finding) else ():
            people[clause] += 1
    for clause, number in people.items():
        lines[clause].append(say("attested_n", lang, n=f"{number:,}"))
    for imported in evidence.imports:
        for clause, findings in _by_clause(imported).items():
            lines[clause].append(f"{bounded_line(imported.tool, NAME_LIMIT)}: {counts_said(findings, lang)}")
    return {clause: "; ".join(said) for clause, said in lines.items()}


def told(evidence: Evidence) -> Iterator[tuple[Import, ForeignFinding]]:
    """Yield every result of every import, file by file."""
    for imported in evidence.imports:
        for finding in results_of(imported):
            yield imported, finding


def _by_clause(imported: Import) -> Mapping[str, Sequence[ForeignFinding]]:
    groups: dict[str, list[ForeignFinding]] = defaultdict(list)
    for finding in imported.findings:
        for clause in finding.clauses:
            groups[clause].append(finding)
    return groups
