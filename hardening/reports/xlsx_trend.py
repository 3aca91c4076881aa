"""The workbook's sheet of how it went: campaigns with the same profile, oldest first. Pure: evidence in, tables out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hardening.model import Evidence, Status
from hardening.reports import wording
from hardening.reports.office_words import office
from hardening.reports.ordering import WORST_FIRST
from hardening.reports.words import LANGUAGES, STATUS, VERB, say
from hardening.reports.xlsx_sheet import Cell, Column, Table, Tone, Toned


def trend_tables(evidence: Evidence, lang: str) -> Iterator[Table]:
    """Yield the sheet, where more than one campaign is known."""
    if len(evidence.trend) < 2:
        return
    at = LANGUAGES.index(lang)

    def rows() -> Iterator[Sequence[Cell]]:
        for point in evidence.trend:
            failed = point.by_status.get(Status.FAIL, 0)
            yield (
                f"{point.started_at:%Y-%m-%d %H:%M} UTC",
                VERB[point.verb][at],
                point.campaign_id,
                Toned(
                    text=office("yes" if point.complete else "no_", lang),
                    tone=Tone.GOOD if point.complete else Tone.OPEN,
                ),
                point.hosts,
                *(point.by_status.get(status, 0) for status in WORST_FIRST),
                Toned(text=wording.score_text(point.by_status), tone=Tone.BAD if failed else Tone.PLAIN),
            )

    headings = [
        (say("started", lang), 22.0),
        (office("verb", lang), 8.0),
        (say("campaign", lang), 34.0),
        (office("complete", lang), 10.0),
        (say("hosts_column", lang), 8.0),
        *((STATUS[status][at], 11.0) for status in WORST_FIRST),
        (say("score", lang), 10.0),
    ]
    yield Table(
        name=office("trend", lang),
        columns=tuple(Column(heading=heading, width=width) for heading, width in headings),
        rows=rows(),
        empty=office("no_findings", lang),
    )
