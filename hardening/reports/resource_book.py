"""Tables about resources for a terminal, as CSV, and as a workbook that prints."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from hardening.reports.console import cell, console_of, plain_table
from hardening.reports.office_words import office
from hardening.reports.office_zip import settled
from hardening.reports.output import write_bytes, write_text
from hardening.reports.resource_grids import Grid
from hardening.reports.resource_page import cell_words
from hardening.reports.resource_words import word
from hardening.reports.xlsx_sheet import Book, Cell, Column, Figure, Table, Tone, Toned
from hardening.resources.columns import TABLES, csv_cell, fields_of, heading, row_of
from hardening.resources.entries import ENTRIES, Register

_STYLES = {
    Tone.BAD: "bold red",
    Tone.WARN: "yellow",
    Tone.GOOD: "green",
    Tone.OPEN: "bold magenta",
    Tone.MUTED: "dim",
    Tone.PLAIN: "",
}
# A register has more columns than a terminal; the workbook and --json have all of them.
WIDTH_OF_FILES = 200
REGISTER_WIDTH = 16


def print_grids(grids: Iterable[Grid], file: TextIO, *, columns: Sequence[int] | None = None) -> None:
    """Print tables under their names; `columns` picks some by their place."""
    console = console_of(file, width=None if file.isatty() else WIDTH_OF_FILES)
    for each in grids:
        chosen = range(len(each.columns)) if columns is None else columns
        console.print(cell(each.title, "bold"))
        if not each.rows:
            console.print(cell(each.empty, "dim"))
            continue
        table = plain_table()
        for place in chosen:
            table.add_column(each.columns[place][0])
        for row in each.rows:
            table.add_row(*(cell(cell_words(row[place]), _style(row[place])) for place in chosen))
        console.print(table)


def _style(held: Cell) -> str:
    return _STYLES[held.tone] if isinstance(held, Toned) else ""


def write_grids(grids: Iterable[Grid], destination: Path, *, now: datetime, lang: str) -> None:
    """Write a workbook with a sheet for each table. Equal tables give equal bytes."""
    _workbook(
        [
            Table(
                name=each.title,
                columns=[Column(heading=text, width=width) for text, width in each.columns],
                rows=each.rows,
                empty=each.empty,
                frozen_columns=1,
            )
            for each in grids
        ],
        destination,
        now=now,
        lang=lang,
    )


def write_register(register: Register, destination: Path, *, now: datetime, lang: str) -> None:
    """Write the register as a workbook that can be filled in and imported again: a sheet for each kind."""
    _workbook(
        [
            Table(
                name=TABLES[kind][lang == "zh"],
                columns=[Column(heading=heading(field, lang), width=REGISTER_WIDTH) for field in fields_of(kind)],
                rows=[
                    [
                        Figure(value=held) if isinstance(held, float) else held
                        for held in row_of(kind, name, entry, lang)
                    ]
                    for name, entry in sorted(register.entries(kind).items())
                ],
                # An empty register is a form to fill in: a sentence in it would be read as an entry.
                empty="",
                frozen_columns=1,
            )
            for kind in ENTRIES
        ],
        destination,
        now=now,
        lang=lang,
    )


def write_register_csv(register: Register, kind: str, destination: Path | TextIO, *, lang: str) -> None:
    """Write one kind of entry as CSV, which can be filled in and imported again."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow([heading(field, lang) for field in fields_of(kind)])
    for name, entry in sorted(register.entries(kind).items()):
        writer.writerow([csv_cell(held) for held in row_of(kind, name, entry, lang)])
    # Spreadsheets take a file for UTF-8 by this mark alone.
    write_text(destination, "\ufeff" + made.getvalue() if isinstance(destination, Path) else made.getvalue())


def _workbook(tables: Iterable[Table], destination: Path, *, now: datetime, lang: str) -> None:
    # Only who writes a workbook should wait for what it takes to write one.
    from xlsxwriter import Workbook

    made = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }
    with Workbook(made, options) as workbook:
        created = now.astimezone(UTC).replace(tzinfo=None)
        workbook.set_properties({"title": word("resources", lang), "created": created})
        footer = f"{word('asked_at', lang)} {now.astimezone(UTC):%Y-%m-%d %H:%M UTC}"
        book = Book(workbook, header=word("resources", lang), footer=footer, pages=office("page", lang), lang=lang)
        for table in tables:
            book.table(table)
    write_bytes(destination, settled(made.getvalue()))
