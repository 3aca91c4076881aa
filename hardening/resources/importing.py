"""Tables of a register into it: CSV files and workbooks. Every row is taken or rejected with row, column and reason."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hardening.errors import AskedWrongly
from hardening.resources.columns import (
    NAME,
    TABLES,
    TableText,
    csv_cell,
    field_named,
    fields_of,
    heading,
    raw_entry,
    words_of,
)
from hardening.resources.entries import ENTRIES, DataEntry, Entry, LineEntry, Register, ServiceEntry
from hardening.yaml_lines import complaints, did_you_mean

# A workbook of a fleet has some thousand rows; a file that unfolds into millions is none.
ROWS_MOST = 200_000
UNPACKED_MOST_BYTES = 256 * 1024**2
_WORKBOOKS = (".xlsx", ".xlsm", ".xls")


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A row that was not taken: where it stands, in which column the fault is, and why. `cells` are all it said."""

    kind: str
    row: int
    column: str
    why: str
    cells: tuple[str, ...]
    headings: tuple[str, ...]

    def __str__(self) -> str:
        where = f"row {self.row}" + (f", column {self.column}" if self.column else "")
        return f"{self.kind}: {where}: {self.why}"


@dataclass(frozen=True, kw_only=True)
class Imported:
    """The register with what was taken, by what became of each entry (`kind/name`), and the rows that were not."""

    register: Register
    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    rejected: tuple[Rejected, ...]


def read_tables(path: Path, *, kind: str | None = None) -> tuple[TableText, ...]:
    """Return the tables of a CSV file (of one kind, which has to be named) or of a workbook (a sheet for each).

    Raises AskedWrongly for what is no such file, or holds no table of a register.
    """
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise AskedWrongly(f"{path}: cannot be read: {problem.strerror}") from None
    if content[:2] == b"PK" or path.suffix.lower() in _WORKBOOKS:
        return tuple(_sheets(path, content, kind))
    if kind is None:
        raise AskedWrongly(f"{path}: say what the rows are: --kind {'|'.join(ENTRIES)}")
    return (_csv(path, content, kind),)


def _csv(path: Path, content: bytes, kind: str) -> TableText:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise AskedWrongly(f"{path}: is neither UTF-8 nor GB18030 text")
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = [(reader.line_num, tuple(row)) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as problem:
        raise AskedWrongly(f"{path}: is no CSV file: {problem}") from None
    if not rows:
        raise AskedWrongly(f"{path}: is empty; the first row names the columns")
    return TableText(kind=kind, headings=rows[0][1], rows=tuple(rows[1:]))


def _sheets(path: Path, content: bytes, kind: str | None) -> Iterator[TableText]:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > UNPACKED_MOST_BYTES:
            raise AskedWrongly(f"{path}: is too large for a register")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except AskedWrongly:
        raise
    except Exception as problem:
        if content[:2] != b"PK":
            raise AskedWrongly(f"{path}: is no workbook of the kind .xlsx; save it as one") from None
        # openpyxl raises whatever its many parsers raise.
        raise AskedWrongly(f"{path}: is no workbook that can be read: {type(problem).__name__}: {problem}") from None
    found = 0
    for sheet in book.worksheets:
        of = _kind_of(sheet.title) or (kind if len(book.worksheets) == 1 else None)
        if of is None or (kind is not None and of != kind):
            continue
        rows = []
        for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
            if number > ROWS_MOST:
                raise AskedWrongly(f"{path}: {sheet.title} has more than {ROWS_MOST:,} rows")
            if any(cell is not None and str(cell).strip() for cell in row):
                rows.append((number, tuple(row)))
        if rows:
            found += 1
            headings = tuple("" if cell is None else str(cell) for cell in rows[0][1])
            yield TableText(kind=of, headings=headings, rows=tuple(rows[1:]))
    if not found:
        names = ", ".join(name for each in TABLES.values() for name in each)
        raise AskedWrongly(f"{path}: holds no sheet of a register; they are called {names}")


def _kind_of(title: str) -> str | None:
    asked = title.strip().casefold()
    return next((kind for kind, names in TABLES.items() if asked in {kind, *(name.casefold() for name in names)}), None)


def take(register: Register, tables: Iterable[TableText], *, hosts: Collection[str]) -> Imported:
    """Return the register with the rows of the tables in it; entries that no row names stay as they are.

    A row replaces its entry but for the fields that the table has no column of. `hosts` are those of the inventory.
    """
    merged = {kind: register.entries(kind) for kind in ENTRIES}
    fate: dict[str, list[str]] = {"added": [], "changed": [], "unchanged": []}
    rejected: list[Rejected] = []
    taken: dict[tuple[str, str], tuple[int, TableText, tuple[Any, ...]]] = {}
    for table in tables:
        columns = _columns(table)
        for number, cells in table.rows:
            try:
                name, entry = _entry(table, columns, cells, register.entries(table.kind))
            except _Wrong as problem:
                rejected.append(_rejected(table, number, cells, problem.column, str(problem)))
                continue
            if (table.kind, name) in taken:
                first = taken[table.kind, name][0]
                rejected.append(_rejected(table, number, cells, NAME, f"{name} stands in row {first} already"))
                continue
            taken[table.kind, name] = number, table, cells
            before = merged[table.kind].get(name)
            word = "added" if before is None else "unchanged" if before == entry else "changed"
            fate[word].append(f"{table.kind}/{name}")
            merged[table.kind][name] = entry
    rejected += _taken_back(register, merged, taken, hosts, fate)
    whole: Mapping[str, Any] = merged
    return Imported(
        register=Register(**whole),
        added=tuple(fate["added"]),
        changed=tuple(fate["changed"]),
        unchanged=tuple(fate["unchanged"]),
        rejected=tuple(sorted(rejected, key=lambda each: (each.kind, each.row))),
    )


def _taken_back(
    register: Register,
    merged: dict[str, dict[str, Entry]],
    taken: dict[tuple[str, str], tuple[int, TableText, tuple[Any, ...]]],
    hosts: Collection[str],
    fate: Mapping[str, list[str]],
) -> Iterator[Rejected]:
    """Take back every row that names what there is not, until none is left: one may have led to another."""
    while True:
        wrong = {key: found for key in taken if (found := _leads_nowhere(*key, merged[key[0]][key[1]], merged, hosts))}
        if not wrong:
            return
        for (kind, name), (column, why) in wrong.items():
            number, table, cells = taken.pop((kind, name))
            yield _rejected(table, number, cells, column, why)
            for names in fate.values():
                if f"{kind}/{name}" in names:
                    names.remove(f"{kind}/{name}")
            before = register.entries(kind).get(name)
            if before is None:
                del merged[kind][name]
            else:
                merged[kind][name] = before


class _Wrong(Exception):
    def __init__(self, column: str, why: str) -> None:
        super().__init__(why)
        self.column = column


def _columns(table: TableText) -> list[str]:
    """Return the field of every column. Raises AskedWrongly where one is unknown: its cells would be lost."""
    fields = [field_named(table.kind, text) for text in table.headings]
    known = [heading(field, lang) for field in fields_of(table.kind) for lang in ("en", "zh")]
    for text, field in zip(table.headings, fields, strict=True):
        if field is None and text.strip():
            raise AskedWrongly(
                f"{table.kind}: no column is called {text}{did_you_mean(text, known) or '; take it out of the file'}"
            )
    named = [field for field in fields if field is not None]
    if NAME not in named:
        raise AskedWrongly(f"{table.kind}: the column {heading(NAME, 'en')} ({heading(NAME, 'zh')}) is missing")
    for field in named:
        if named.count(field) > 1:
            raise AskedWrongly(f"{table.kind}: two columns are {heading(field, 'en')}")
    return ["" if field is None else field for field in fields]


def _entry(
    table: TableText, columns: list[str], cells: tuple[Any, ...], there: Mapping[str, Entry]
) -> tuple[str, Entry]:
    beyond = [cell for cell in cells[len(columns) :] if cell not in (None, "")]
    if beyond:
        raise _Wrong("", f"has {len(beyond)} cells more than there are columns: {beyond[0]!r}")
    for field, held in zip(columns, cells, strict=False):
        if not field and held not in (None, ""):
            raise _Wrong("", f"{held!r} stands in a column without a heading")
    raw = raw_entry(table.kind, [(field, held) for field, held in zip(columns, cells, strict=False) if field])
    name = raw.pop(NAME, None)
    if name is None:
        raise _Wrong(NAME, "the name is missing")
    before = there.get(str(name))
    if before is not None:
        kept = before.model_dump(exclude_defaults=True)
        raw |= {field: held for field, held in kept.items() if field not in columns}
    try:
        return str(name), ENTRIES[table.kind].model_validate(raw)
    except ValidationError as problem:
        found = [
            (where, sentence + _hint(table.kind, str(where[0]) if where else "", columns))
            for where, sentence in complaints(problem, ENTRIES[table.kind])
        ]
        column = str(found[0][0][0]) if found[0][0] else ""
        raise _Wrong(column, "; ".join(sentence for _, sentence in found)) from None


def _hint(kind: str, field: str, columns: list[str]) -> str:
    """Return what helps a person with a wrong cell: the words in Chinese, or that there is no such column."""
    if field and field not in columns:
        return f" (there is no column {heading(field, 'en')} or {heading(field, 'zh')})"
    words = words_of(kind, field)
    return f" ({', '.join(words)})" if words else ""


def _leads_nowhere(
    kind: str, name: str, entry: Entry, merged: Mapping[str, Mapping[str, Entry]], hosts: Collection[str]
) -> tuple[str, str] | None:
    """Return column and reason where an entry names what there is not."""
    named = [(NAME, name)] if kind == "hosts" else []
    if isinstance(entry, ServiceEntry):
        named += [("hosts", host) for host in entry.hosts]
    if isinstance(entry, LineEntry | DataEntry) and entry.host is not None:
        named.append(("host", entry.host))
    for column, host in named:
        if host not in hosts:
            return column, f"{host} is not a host of the inventory{did_you_mean(host, sorted(hosts))}"
    if isinstance(entry, LineEntry) and entry.backup_line is not None:
        others = set(merged["lines"]) - {name}
        if entry.backup_line not in others:
            near = did_you_mean(entry.backup_line, sorted(others))
            return "backup_line", f"{entry.backup_line} is not another line{near}"
    return None


def _rejected(table: TableText, number: int, cells: tuple[Any, ...], column: str, why: str) -> Rejected:
    shown = next((text for text in table.headings if field_named(table.kind, text) == column), column)
    return Rejected(
        kind=table.kind,
        row=number,
        column=shown,
        why=why,
        cells=tuple("" if cell is None else str(cell) for cell in cells),
        headings=table.headings,
    )


def rejected_csv(rejected: Iterable[Rejected]) -> str:
    """Return the rejected rows as they were, with row, column and reason in front, a block for each table."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    headings: tuple[str, ...] | None = None
    for each in rejected:
        if each.headings != headings:
            headings = each.headings
            writer.writerow(["table", "row", "column", "why", *headings])
        writer.writerow([each.kind, each.row, each.column, csv_cell(each.why), *map(csv_cell, each.cells)])
    return made.getvalue()
