"""What terminal reports share: a console that is plain unless a person looks, and cells nothing breaks out of."""

from __future__ import annotations

import os
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hardening.model import Severity, Status
from hardening.reports.safe_text import bounded_line

CELL_LIMIT = 300
WIDTH_OF_FILES = 120

STATUS_STYLE = {
    Status.PASS: "green",
    Status.FAIL: "bold red",
    Status.ERROR: "bold magenta",
    Status.UNREACHABLE: "bold magenta",
    Status.MANUAL: "cyan",
    Status.WAIVED: "yellow",
    Status.NOT_APPLICABLE: "dim",
}
SEVERITY_STYLE = {Severity.CRITICAL: "bold red", Severity.HIGH: "red", Severity.MEDIUM: "yellow", Severity.LOW: "dim"}


def console_of(file: TextIO, *, width: int | None = None) -> Console:
    """Return a console that colours only on a terminal, and never when NO_COLOR is set to anything."""
    at_terminal = file.isatty()
    return Console(
        file=file,
        width=width if width is not None or at_terminal else WIDTH_OF_FILES,
        no_color="NO_COLOR" in os.environ,
        color_system="auto" if at_terminal else None,
        force_terminal=at_terminal,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
        legacy_windows=False,
    )


def plain_table() -> Table:
    """Return a table without frames: columns line up, and a line can be copied."""
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)


def cell(text: str, style: str = "", *, limit: int = CELL_LIMIT) -> Text:
    """Return text from anywhere as one cell: on one line, bounded, and never read as markup."""
    return Text(bounded_line(text, limit), style=style, overflow="fold")


def number(count: int, style: str = "") -> Text:
    """Return a count; zero is dim so that the others stand out."""
    return Text(f"{count:,}", style=style if count else "dim", justify="right")
