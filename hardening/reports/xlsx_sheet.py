"""How a workbook looks: formats, tables with headings that stay, filters, print set-up. Knows no evidence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hardening.reports.safe_text import bounded, visible

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

# What Excel takes: characters in a cell, rows and columns of a sheet, characters in its name and page header.
CELL_CHARACTERS = 32_767
SHEET_ROWS = 1_048_576
SHEET_COLUMNS = 16_384
NAME_CHARACTERS = 31
HEADER_CHARACTERS = 255
HEADER_TEXT = 80

# What a person still reads in one cell.
TEXT_LIMIT = 2_000
# A4.
PAPER = 9
LINE_POINTS = 13
# The highest row that Excel takes.
ROW_POINTS = 409
# How many characters of our size stand on one unit of a column's width.
PER_WIDTH = 1.17


class Tone(StrEnum):
    """What a cell's colour says; its text says it, too."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    OPEN = "open"
    MUTED = "muted"


COLOURS: dict[Tone, dict[str, str]] = {
    Tone.PLAIN: {},
    Tone.GOOD: {"bg_color": "#DFF1E1", "font_color": "#14532D"},
    Tone.BAD: {"bg_color": "#F9D9DB", "font_color": "#7A1420"},
    Tone.WARN: {"bg_color": "#FFF0C2", "font_color": "#5C4400"},
    Tone.OPEN: {"bg_color": "#E9E0F5", "font_color": "#46276E"},
    Tone.MUTED: {"font_color": "#6B7280"},
}


@dataclass(frozen=True, kw_only=True)
class Toned:
    """A short text with a tone."""

    text: str
    tone: Tone


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number with up to three decimals; a bare float is a share, and shows as a percentage."""

    value: float


Cell = str | int | float | date | datetime | Toned | Figure | None


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table; its width is in characters of Latin text. `steep` turns a long heading on its side."""

    heading: str
    width: float
    steep: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table that is a sheet; `empty` is the sentence that stands in it when it has no rows."""

    name: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Cell]]
    empty: str
    frozen_columns: int = 2
    fit_width: bool = True


class Book:
    """A workbook being written, row by row, so that its memory does not grow with its rows."""

    def __init__(self, workbook: Workbook, *, header: str, footer: str, pages: str, lang: str) -> None:
        self._book = workbook
        self._header = f"&L{header_of(header)}&R&A"
        self._footer = f"&L{header_of(footer)}&C{pages}"
        # Fonts that the offices of either language have; a reader without them gets the nearest.
        self._font = {"font_name": "Microsoft YaHei" if lang == "zh" else "Arial", "font_size": 9}
        base = {**self._font, "valign": "top", "text_wrap": True, "border": 1, "border_color": "#C4C9D1"}
        # The quote prefix keeps a text a text when a person edits the cell: `=cmd` never becomes a formula.
        self._text = {tone: self._add({**base, **look, "quote_prefix": True}) for tone, look in COLOURS.items()}
        self._number = self._add({**base, "num_format": "#,##0"})
        self._percent = self._add({**base, "num_format": "0.00%"})
        self._figure = self._add({**base, "num_format": "#,##0.###"})
        self._date = self._add({**base, "num_format": "yyyy-mm-dd", "align": "left"})
        self._moment = self._add({**base, "num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"})
        head = {**base, "bold": True, "bg_color": "#1F3A5F", "font_color": "#FFFFFF", "valign": "vcenter"}
        self._head = self._add({**head, "align": "center"})
        self._steep = self._add({**head, "rotation": 90, "valign": "bottom", "align": "center"})
        self.title = self._add({**self._font, "font_size": 18, "bold": True, "font_color": "#1F3A5F"})
        self.heading = self._add({**self._font, "font_size": 12, "bold": True, "font_color": "#1F3A5F"})
        self.sentence = self._add({**self._font, "text_wrap": True, "valign": "top"})
        self.alarm = self._add({**self._font, **COLOURS[Tone.BAD], "text_wrap": True, "valign": "top", "bold": True})
        self.label = self._add({**base, "bold": True, "bg_color": "#EAEFF6", "quote_prefix": True})

    def sheet(self, name: str, widths: Sequence[float], *, fit_width: bool = True) -> Worksheet:
        """Add a sheet that prints on A4 across, numbered, under the report's name."""
        sheet = self._book.add_worksheet(name[:NAME_CHARACTERS])
        for number, width in enumerate(widths):
            sheet.set_column(number, number, width)
        sheet.set_landscape()
        sheet.set_paper(PAPER)
        sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.7)
        sheet.set_header(self._header)
        sheet.set_footer(self._footer)
        if fit_width:
            sheet.fit_to_pages(1, 0)
        else:
            sheet.print_across()
        return sheet

    def table(self, table: Table, *, rows_per_sheet: int = SHEET_ROWS - 1) -> None:
        """Write a table; what does not fit on one sheet goes on under the same heading on the next."""
        sheet, at, part = self._begin(table, part=1), 0, 1
        for row in table.rows:
            if at == rows_per_sheet:
                self._end(sheet, table, at)
                part += 1
                sheet, at = self._begin(table, part=part), 0
            at += 1
            # Excel would find the height itself; other programs show one line.
            lines = max(
                lines_of(cell_text(_shown(held)), column.width) for held, column in zip(row, table.columns, strict=True)
            )
            sheet.set_row(at, min(LINE_POINTS * lines + 3, ROW_POINTS))
            for column, held in enumerate(row):
                self.put(sheet, at, column, held)
        if at == 0:
            sheet.merge_range(1, 0, 1, max(len(table.columns) - 1, 1), visible(table.empty), self._text[Tone.MUTED])
            at = 1
        self._end(sheet, table, at)

    def put(self, sheet: Worksheet, row: int, column: int, held: Cell, form: Any = None) -> None:
        """Write one cell; text is always text, never a formula, a number or a link."""
        if held is None:
            sheet.write_blank(row, column, None, form or self._text[Tone.PLAIN])
        elif isinstance(held, Toned):
            sheet.write_string(row, column, cell_text(held.text), form or self._text[held.tone])
        elif isinstance(held, Figure):
            sheet.write_number(row, column, held.value, form or self._figure)
        elif isinstance(held, str):
            sheet.write_string(row, column, cell_text(held), form or self._text[Tone.PLAIN])
        elif isinstance(held, datetime):
            # A spreadsheet knows no zones; the heading says UTC.
            sheet.write_datetime(row, column, held.astimezone(UTC).replace(tzinfo=None), form or self._moment)
        elif isinstance(held, date):
            sheet.write_datetime(row, column, held, form or self._date)
        else:
            sheet.write_number(row, column, held, form or (self._number if isinstance(held, int) else self._percent))

    def across(self, sheet: Worksheet, row: int, text: str, form: Any, widths: Sequence[float]) -> None:
        """Write a sentence over all columns of a sheet, with room for all its lines."""
        sheet.merge_range(row, 0, row, len(widths) - 1, cell_text(text), form)
        sheet.set_row(row, LINE_POINTS * lines_of(text, sum(widths)))

    def merged(
        self, sheet: Worksheet, row: int, column: int, text: str, widths: Sequence[float], form: Any = None
    ) -> None:
        """Write a text over the rest of a row, with room for all its lines."""
        shown = cell_text(text)
        sheet.merge_range(row, column, row, len(widths) - 1, shown, form or self._text[Tone.PLAIN])
        sheet.set_row(row, LINE_POINTS * lines_of(shown, sum(widths[column:])) + 3)

    def _begin(self, table: Table, *, part: int) -> Worksheet:
        tail = "" if part == 1 else f" {part}"
        name = table.name[: NAME_CHARACTERS - len(tail)] + tail
        sheet = self.sheet(name, [column.width for column in table.columns], fit_width=table.fit_width)
        if any(column.steep for column in table.columns):
            longest = max(units(column.heading) for column in table.columns if column.steep)
            sheet.set_row(0, min(max(6 * longest + 10, 44), 200))
        else:
            sheet.set_row(0, 2 * LINE_POINTS)
        for number, column in enumerate(table.columns):
            sheet.write_string(0, number, cell_text(column.heading), self._steep if column.steep else self._head)
        sheet.freeze_panes(1, table.frozen_columns)
        sheet.repeat_rows(0)
        if not table.fit_width:
            sheet.repeat_columns(0, table.frozen_columns - 1)
        return sheet

    def _end(self, sheet: Worksheet, table: Table, rows: int) -> None:
        sheet.autofilter(0, 0, rows, len(table.columns) - 1)

    def _add(self, look: dict[str, Any]) -> Any:
        return self._book.add_format(look)


# The same titles, clauses and verdicts come in thousands of rows.
@lru_cache(maxsize=4096)
def cell_text(text: str) -> str:
    """Return text that a cell can hold and a person can read: nothing hidden in it, and the cut is said."""
    return bounded(text, TEXT_LIMIT)[:CELL_CHARACTERS]


def header_of(text: str) -> str:
    """Return text for a page header, where & gives orders and 255 characters are all there is."""
    return visible(text[:HEADER_TEXT]).replace("\n", " ").replace("&", "&&")[: 2 * HEADER_TEXT]


def units(text: str) -> int:
    """Return how wide a text is in Latin characters; a Chinese one is as wide as two."""
    return sum(2 if ord(character) > 0x2E7F else 1 for character in text)


@lru_cache(maxsize=4096)
def lines_of(text: str, width: float) -> int:
    """Return how many lines a text takes in a width, broken at words where it can be."""
    room = max(int(width * PER_WIDTH), 2)
    return sum(_broken(line, room) for line in text.split("\n"))


def _broken(line: str, room: int) -> int:
    if units(line) <= room:
        return 1
    lines, held = 1, 0
    for word in line.split(" "):
        wide = units(word)
        if held and held + 1 + wide <= room:
            held += 1 + wide
        elif wide <= room:
            lines, held = lines + bool(held), wide
        else:
            # A word that is wider than the column, or Chinese text, goes on where the line ends.
            free = room - held - 1 if held else room
            more = math.ceil(max(wide - free, 0) / (room - 1))
            lines, held = lines + more, (wide - free) % (room - 1)
    return lines


def _shown(held: Cell) -> str:
    if isinstance(held, Toned):
        return held.text
    return held if isinstance(held, str) else ""
