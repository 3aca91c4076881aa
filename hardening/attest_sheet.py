"""The sheet in which an assessor fills in what was seen of manual controls: written, and read back row by row.

A sheet that comes back is anybody's: formulas are not computed, attachments must lie beside it, and every row that
cannot be taken is named with its sheet, its row and the reason.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from hardening.attestations import day_of, verdict_of
from hardening.errors import AskedWrongly, Incomplete
from hardening.model import Attachment, Attestation

# What each column is called on the sheet: the first word is what reading goes by, the rest is for people.
COLUMNS: Mapping[str, tuple[str, int]] = {
    "control": ("control 控制项", 34),
    "host": ("host 主机", 18),
    "title": ("title 名称", 44),
    "look_at": ("look_at 核查说明", 60),
    "clauses": ("clauses 条款", 22),
    "standing": ("standing 现有结论", 34),
    "verdict": ("verdict 结论 (pass/fail)", 14),
    "seen": ("seen 核查所见", 50),
    "by": ("by 核查人", 16),
    "seen_on": ("seen_on 核查日期", 16),
    "expires_on": ("expires_on 有效期至", 20),
    "attachments": ("attachments 附件", 30),
}
FILLED_IN = ("verdict", "seen", "by", "seen_on", "expires_on", "attachments")
NEEDED = FILLED_IN[:-1]
MAX_FILE_BYTES = 20 * 1024**2
MAX_UNPACKED_BYTES = 200 * 1024**2
MAX_ROWS = 100_000
LINE_POINTS = 15
# The highest row that Excel takes is 409 points.
MOST_LINES = 26


@dataclass(frozen=True, kw_only=True)
class SheetRow:
    """One manual control on one host, as the sheet shows it."""

    control: str
    host: str
    title: str
    look_at: str
    clauses: str
    standing: str


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A row that cannot be taken."""

    sheet: str
    row: int
    reason: str

    def __str__(self) -> str:
        return f"{self.sheet}:{self.row}: {self.reason}"


@dataclass(kw_only=True)
class Filled:
    """What came back: attestations with the files they attach, rows that cannot be taken, and how many are blank."""

    attestations: list[Attestation] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    blank: int = 0


def write_sheet(path: Path, rows: Sequence[SheetRow]) -> None:
    """Write the sheet: what is known is filled in, what a person sees is left blank."""
    import xlsxwriter

    try:
        with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
            sheet = book.add_worksheet("attest")
            head = book.add_format({"bold": True, "bg_color": "#1F3A5F", "font_color": "#FFFFFF", "text_wrap": True})
            told = book.add_format({"text_wrap": True, "valign": "top", "font_color": "#374151"})
            asked = book.add_format({"text_wrap": True, "valign": "top", "bg_color": "#FFF9E5", "border": 1})
            day = book.add_format({"valign": "top", "bg_color": "#FFF9E5", "border": 1, "num_format": "yyyy-mm-dd"})
            for column, (name, (heading, width)) in enumerate(COLUMNS.items()):
                sheet.set_column(column, column, width)
                sheet.write_string(0, column, heading, head)
                for row, held in enumerate(rows, start=1):
                    if name in FILLED_IN:
                        sheet.write_blank(row, column, None, day if name.endswith("_on") else asked)
                    else:
                        sheet.write_string(row, column, getattr(held, name), told)
            # Spreadsheets do not size rows that they did not write.
            sheet.set_row(0, 2 * LINE_POINTS + 4)
            for row, held in enumerate(rows, start=1):
                sheet.set_row(row, _lines(held) * LINE_POINTS + 4)
            verdict = [*COLUMNS].index("verdict")
            choices = {"validate": "list", "source": ["pass", "fail"]}
            sheet.data_validation(1, verdict, max(1, len(rows)), verdict, choices)
            sheet.freeze_panes(1, 2)
            sheet.autofilter(0, 0, max(1, len(rows)), len(COLUMNS) - 1)
            sheet.set_landscape()
            sheet.fit_to_pages(1, 0)
            sheet.repeat_rows(0)
    except OSError as problem:
        raise Incomplete(f"{path}: cannot be written: {problem.strerror or problem}") from problem


def read_sheet(path: Path, *, recorded_by: str, wrong: Callable[[Attestation], str | None]) -> Filled:
    """Read what came back. `wrong` says why an attestation must not be recorded. Raises AskedWrongly for no sheet."""
    filled = Filled()
    found = False
    for title, cells in _sheets(path):
        heading = next(cells, ())
        columns = {_first_word(value): at for at, value in enumerate(heading) if _first_word(value) in COLUMNS}
        if not {"control", "host"} <= columns.keys():
            continue
        found = True
        missing = [name for name in NEEDED if name not in columns]
        if missing:
            filled.rejected.append(Rejected(sheet=title, row=1, reason=f"the column {', '.join(missing)} is missing"))
            continue
        for number, values in enumerate(cells, start=2):
            row = {name: _text_or_day(values[at]) if at < len(values) else "" for name, at in columns.items()}
            if not any(row.get(name) for name in FILLED_IN):
                filled.blank += any(row.values())
                continue
            try:
                attestation, files = _attestation(row, path.parent, recorded_by)
                reason = wrong(attestation)
            except AskedWrongly as problem:
                reason = str(problem)
            if reason is not None:
                filled.rejected.append(Rejected(sheet=title, row=number, reason=reason))
                continue
            filled.attestations.append(attestation)
            filled.files.update(files)
    if not found:
        raise AskedWrongly(
            f"{path}: no sheet has a first row with the columns `control` and `host`; `attest export` writes one"
        )
    return filled


def attach(paths: Iterable[Path]) -> tuple[tuple[Attachment, ...], dict[str, bytes]]:
    """Return attachments with their bytes by digest. Raises AskedWrongly for what is no file, or too large."""
    attached, files = [], {}
    for path in paths:
        try:
            if not path.is_file():
                raise AskedWrongly(f"{path}: there is no such file to attach")
            if path.stat().st_size > MAX_FILE_BYTES:
                raise AskedWrongly(f"{path}: is larger than {MAX_FILE_BYTES // 1024**2} MB; attach an extract")
            content = path.read_bytes()
        except OSError as problem:
            raise AskedWrongly(f"{path}: cannot be read: {problem.strerror}") from problem
        name = hashlib.sha256(content).hexdigest()
        attached.append(Attachment(name=path.name, sha256=name, size_bytes=len(content)))
        files[name] = content
    return tuple(attached), files


def _lines(row: SheetRow) -> int:
    """Return how many lines the fullest cell of a row takes; a Chinese character is as wide as two others."""
    most = 2
    for name, (_, width) in COLUMNS.items():
        told = "" if name in FILLED_IN else str(getattr(row, name))
        wide = (len(line.encode("gb18030", "replace")) for line in told.splitlines())
        most = max(most, sum(-(-max(1, each) // width) for each in wide))
    return min(most, MOST_LINES)


def _attestation(row: Mapping[str, Any], beside: Path, recorded_by: str) -> tuple[Attestation, dict[str, bytes]]:
    names = [name.strip() for name in str(row.get("attachments") or "").replace(";", "\n").splitlines()]
    attached, files = attach(_beside(beside, name) for name in names if name)
    attestation = Attestation(
        control_id=str(row["control"]).strip(),
        hosts=tuple(name.strip() for name in str(row["host"]).split(",") if name.strip()),
        verdict=verdict_of(str(row["verdict"])),
        by=str(row["by"]).strip(),
        seen=str(row["seen"]).strip(),
        seen_on=_day(row["seen_on"], "seen_on"),
        expires_on=_day(row["expires_on"], "expires_on"),
        recorded_by=recorded_by,
        attachments=attached,
    )
    return attestation, files


def _beside(directory: Path, name: str) -> Path:
    """Return a file beside the sheet: a sheet from outside must not fetch other files of this machine."""
    path = (directory / name).resolve()
    if not path.is_relative_to(directory.resolve()):
        raise AskedWrongly(f"{name}: attachments lie beside the sheet, or below it")
    return path


def _sheets(path: Path) -> Iterator[tuple[str, Iterator[Sequence[Any]]]]:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if path.stat().st_size > MAX_FILE_BYTES or unpacked > MAX_UNPACKED_BYTES:
            raise AskedWrongly(f"{path}: is too large for a sheet that people filled in")
        book = load_workbook(path, read_only=True, data_only=True)
    except FileNotFoundError:
        raise AskedWrongly(f"{path}: there is no such file") from None
    except AskedWrongly:
        raise
    except Exception as problem:  # The library raises whatever it stumbles over.
        raise AskedWrongly(f"{path}: is no Excel workbook (.xlsx): {type(problem).__name__}") from problem
    try:
        for sheet in book.worksheets:
            yield sheet.title, sheet.iter_rows(values_only=True, max_row=MAX_ROWS, max_col=100)
    finally:
        book.close()


def _first_word(value: Any) -> str:
    return value.split()[0] if isinstance(value, str) and value.split() else ""


def _text_or_day(value: Any) -> str | date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    return "" if value is None else str(value)


def _day(value: str | date, what: str) -> date:
    if isinstance(value, date):
        return value
    if not value.strip():
        raise AskedWrongly(f"{what} is missing")
    return day_of(value, what=what)
