"""XLSX: a workbook for people who filter, fill in and print: gaps, remediation, open items, matrix, waivers, clauses.

Nothing in it is a formula, a link or a macro: every text of a host is a text cell with Excel's own quote mark, so that
it stays one when somebody edits it. Cells, sheets and names keep within Excel's limits; a table with more rows than a
sheet can hold goes on in the next. Equal evidence gives equal bytes.
"""

from __future__ import annotations

import io
from datetime import UTC
from itertools import chain
from pathlib import Path
from typing import TextIO

from hardening.clauses import RateRule, clause_view
from hardening.model import Evidence
from hardening.reports.office_words import office
from hardening.reports.office_zip import settled
from hardening.reports.ordering import in_one_order
from hardening.reports.output import write_bytes
from hardening.reports.words import say
from hardening.reports.xlsx_clauses import clause_tables
from hardening.reports.xlsx_others import other_tables
from hardening.reports.xlsx_sheet import SHEET_ROWS, Book
from hardening.reports.xlsx_summary import write_summary
from hardening.reports.xlsx_tables import finding_tables
from hardening.reports.xlsx_trend import trend_tables


def write_xlsx(
    evidence: Evidence,
    destination: Path | TextIO,
    *,
    lang: str = "en",
    rule: RateRule = RateRule.STRICT,
    rows_per_sheet: int = SHEET_ROWS - 1,
) -> None:
    """Write the workbook; `rule` is how the rate of compliance is worked out."""
    evidence = in_one_order(evidence)
    # Only who writes a workbook should wait for what it takes to write one.
    from xlsxwriter import Workbook

    made = io.BytesIO()
    with Workbook(
        made,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "nan_inf_to_errors": False,
        },
    ) as workbook:
        workbook.set_properties(
            {
                "title": office("workbook", lang),
                "subject": evidence.campaign.id,
                "comments": say("mlps_note", lang) if evidence.profile.standard == "mlps" else "",
                # Without it the writer takes the clock, and no two files are equal.
                "created": evidence.campaign.started_at.astimezone(UTC).replace(tzinfo=None),
            }
        )
        book = Book(
            workbook,
            header=office("workbook", lang),
            footer=evidence.campaign.id,
            pages=office("page", lang),
            lang=lang,
        )
        view = clause_view(evidence, rule=rule)
        write_summary(book, evidence, view, lang)
        for table in chain(
            finding_tables(evidence, lang),
            other_tables(evidence, lang),
            trend_tables(evidence, lang),
            clause_tables(evidence, view, lang),
        ):
            book.table(table, rows_per_sheet=rows_per_sheet)
    write_bytes(destination, settled(made.getvalue()))
