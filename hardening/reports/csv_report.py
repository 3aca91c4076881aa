"""CSV for spreadsheets and scripts: a heading, then one row per finding, by target and control.

Where the evidence is not the whole truth, rows of control `coverage::complete` and status `INCOMPLETE` come first and
say so, also in an otherwise empty file; no finding ever has that status.

A spreadsheet calculates what begins like a formula, and a host chooses what we saw on it. So every cell that begins so
gets an apostrophe in front, which spreadsheets take for "this is text". A cell is cut to what Excel holds in one.
The exact values are in the JSON formats. What other tools said is not here: a row is a finding of ours.

Chinese reports begin with a byte order mark, as Excel reads Chinese only then.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TextIO

from hardening.model import Evidence
from hardening.reports import wording
from hardening.reports.output import write_text
from hardening.reports.rows import Row, rows
from hardening.reports.safe_text import bounded_line

COLUMNS = (
    "campaign",
    "host",
    "component",
    "instance",
    "control",
    "title",
    "severity",
    "clauses",
    "status",
    "verdict",
    "before",
    "expected",
    "seen",
    "seen_before",
    "reason",
    "change",
    "change_reason",
    "waiver_owner",
    "waiver_reason",
    "waiver_ticket",
    "waiver_expires_on",
    "waiver_approver",
    "attested_by",
    "attested_seen",
    "attested_on",
    "attested_until",
    "command",
    "stdout_sha256",
    "taken_at",
)
INCOMPLETE = "INCOMPLETE"
# Excel holds 32,767 characters in a cell; an unshowable character is written with up to ten.
CELL_LIMIT = 3000
# Longer texts are not remembered: a host may send a megabyte in each.
SHORT = 200
# Also after a semicolon: where that is the list separator, a spreadsheet may cut there in spite of the quotes.
FORMULA = re.compile(r"""(^|;)([\s"']*[=+\-@＝＋－＠])""")


def write_csv(evidence: Evidence, destination: Path | TextIO, *, lang: str = "en") -> None:
    """Write one row per finding; every cell is quoted."""
    write_text(destination, _lines(evidence, lang))


def _lines(evidence: Evidence, lang: str) -> Iterator[str]:
    if lang == "zh":
        yield "\ufeff"
    yield _line(COLUMNS)
    for sentence in wording.alarms(evidence, lang):
        said = _cells(evidence, control="coverage::complete", status=INCOMPLETE, reason=sentence)
        yield _line(said.get(column, "") for column in COLUMNS)
    for row in rows(evidence):
        cells = _row(evidence, row, lang)
        yield _line(cells[column] for column in COLUMNS)


def _line(cells: Iterable[str]) -> str:
    stream = io.StringIO()
    csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(cells)
    return stream.getvalue()


def _row(evidence: Evidence, row: Row, lang: str) -> dict[str, str]:
    finding, waiver, change = row.finding, row.finding.waiver, row.change
    observation, control, attested = finding.observation, finding.requirement.control, finding.attestation
    return _cells(
        evidence,
        host=observation.target.host,
        component=observation.target.component,
        instance=observation.target.instance,
        control=observation.control_id,
        title=wording.title(control, lang),
        severity=control.severity.value,
        clauses=" | ".join(finding.requirement.clauses),
        status=finding.status.value,
        verdict=finding.verdict.value,
        before=row.before.status.value if row.before else "",
        expected=wording.wanted_of(control, lang),
        seen=wording.seen(finding, lang),
        seen_before=wording.seen(row.before, lang) if row.before else "",
        reason=finding.reason,
        change=change.state.value if change else "",
        change_reason=(change.reason if change else None) or "",
        waiver_owner=waiver.owner if waiver else "",
        waiver_reason=waiver.reason if waiver else "",
        waiver_ticket=waiver.ticket if waiver else "",
        waiver_expires_on=waiver.expires_on.isoformat() if waiver else "",
        waiver_approver=waiver.approver if waiver else "",
        attested_by=attested.by if attested else "",
        attested_seen=attested.seen if attested else "",
        attested_on=attested.seen_on.isoformat() if attested else "",
        attested_until=attested.expires_on.isoformat() if attested else "",
        command=" | ".join(probe.command for probe in observation.probes),
        stdout_sha256=" ".join(probe.stdout_sha256 for probe in observation.probes),
        taken_at=observation.taken_at.isoformat(),
    )


def _cells(evidence: Evidence, **cells: str) -> dict[str, str]:
    return {name: _as_text(text) for name, text in {"campaign": evidence.campaign.id, **cells}.items()}


def _as_text(text: str) -> str:
    return _short_as_text(text) if len(text) <= SHORT else _made_text(text)


@lru_cache(maxsize=8192)
def _short_as_text(text: str) -> str:
    """Return the same for what most rows share: ids, titles, hosts, commands, statuses."""
    return _made_text(text)


def _made_text(text: str) -> str:
    return FORMULA.sub(r"\1'\2", bounded_line(text, CELL_LIMIT))
