"""The workbook's sheets of what others said: people who attested, and other tools. Pure: evidence in, tables out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hardening.model import Evidence
from hardening.reports.office_words import office
from hardening.reports.others import attached, attested, told
from hardening.reports.words import LANGUAGES, STATUS
from hardening.reports.xlsx_sheet import Cell, Table, Toned
from hardening.reports.xlsx_tables import TONE, columns, named, status_cell


def other_tables(evidence: Evidence, lang: str) -> Iterator[Table]:
    """Yield a sheet of attestations and one of imported results, each only where there are some."""
    if attested(evidence):
        yield _attestations(evidence, lang)
    if evidence.imports:
        yield _imports(evidence, lang)


def _attestations(evidence: Evidence, lang: str) -> Table:
    def rows() -> Iterator[Sequence[Cell]]:
        for number, finding in enumerate(attested(evidence), start=1):
            held = finding.attestation
            if held is None:
                continue
            yield (
                number,
                finding.observation.target.name,
                ", ".join(finding.requirement.clauses),
                named(finding.requirement, lang),
                status_cell(finding, lang),
                held.by,
                held.seen_on,
                held.seen,
                held.expires_on,
                attached(held) or None,
                held.recorded_by,
            )

    return Table(
        name=office("attestations", lang),
        columns=columns(
            lang,
            ("no", 5),
            ("object", 18),
            ("clause", 11),
            ("control", 30),
            ("status", 10),
            ("attested_by", 14),
            ("attested_on", 12),
            ("attested_seen", 40),
            ("expires", 12),
            ("attachments", 34),
            ("recorded_by", 14),
        ),
        rows=rows(),
        empty=office("no_attestations", lang),
    )


def _imports(evidence: Evidence, lang: str) -> Table:
    at = LANGUAGES.index(lang)

    def rows() -> Iterator[Sequence[Cell]]:
        for number, (imported, finding) in enumerate(told(evidence), start=1):
            yield (
                number,
                imported.tool,
                finding.host,
                finding.id,
                finding.title,
                finding.severity or None,
                finding.result,
                Toned(text=STATUS[finding.status][at], tone=TONE[finding.status]),
                ", ".join(finding.clauses) or None,
                finding.said or None,
                f"{imported.file} (SHA-256 {imported.sha256})",
                imported.imported_by,
            )

    return Table(
        name=office("imports", lang),
        columns=columns(
            lang,
            ("no", 5),
            ("tool_name", 14),
            ("host", 16),
            ("their_id", 18),
            ("their_title", 34),
            ("their_severity", 10),
            ("their_result", 12),
            ("status", 10),
            ("clause", 12),
            ("said", 36),
            ("file", 26),
            ("recorded_by", 12),
        ),
        rows=rows(),
        empty=office("no_imports", lang),
    )
