"""The workbook, read back with a library that did not write it."""

from __future__ import annotations

import dataclasses
import io
import os
import re
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from hardening.clauses import RateRule, Verdict, clause_view, percent
from hardening.errors import AskedWrongly
from hardening.model import Evidence, Severity, Status
from hardening.reports.office_words import OFFICE, VERDICT, office
from hardening.reports.words import LANGUAGES, SEVERITY, STATUS
from hardening.reports.xlsx import write_xlsx
from hardening.reports.xlsx_sheet import HEADER_CHARACTERS, NAME_CHARACTERS, header_of
from tests.evidence_examples import (
    apply_evidence,
    clean_evidence,
    empty_evidence,
    hostile_evidence,
    large_evidence,
    scan_evidence,
)

SHEETS = (
    "summary",
    "gaps",
    "remediation",
    "open",
    "matrix",
    "waivers",
    "coverage",
    "clauses",
    "clause_items",
    "risks",
)
NASTY = (
    "=cmd|'/c calc'!A1<script>&amp;\x1b[2J\x00\u202e_x0041_ ]]> \"quoted\" {{ 7 * 7 }} {% raw %} https://example.net"
)


def book_of(evidence: Evidence, tmp_path: Path, *, lang: str = "en", **more: Any) -> Any:
    path = tmp_path / "report.xlsx"
    write_xlsx(evidence, path, lang=lang, **more)
    return openpyxl.load_workbook(path)


def rows_of(book: Any, key: str, lang: str) -> list[dict[str, Any]]:
    """Return a sheet's rows by heading."""
    heads, *rows = book[office(key, lang)].iter_rows(values_only=True)
    return [dict(zip(heads, row, strict=True)) for row in rows]


def summary_numbers(book: Any, lang: str, key: str, *, column: int) -> dict[str, Any]:
    """Return the table of the summary under a heading: its labels, and the numbers `column` cells to the right."""
    sheet = book[office("summary", lang)]
    corner = next(cell for row in sheet.iter_rows() for cell in row if cell.value == office(key, lang))
    found, row = {}, corner.row + 2
    while (label := sheet.cell(row, corner.column).value) is not None:
        found[label] = sheet.cell(row, corner.column + column).value
        row += 1
    return found


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("make", [apply_evidence, scan_evidence, clean_evidence, empty_evidence])
def test_the_workbook_gives_the_numbers_of_the_tally(make: Any, lang: str, tmp_path: Path) -> None:
    """Summary, gap table, open items, matrix and coverage agree with the tally, status by status."""
    evidence, at = make(), LANGUAGES.index(lang)
    book, tally = book_of(evidence, tmp_path, lang=lang), evidence.tally
    last = 2 if evidence.before else 1

    statuses = summary_numbers(book, lang, "by_status", column=last)
    assert statuses == {
        **{STATUS[status][at]: tally.by_status[status] for status in Status},
        office("all", lang): tally.total,
    }
    severities = summary_numbers(book, lang, "by_severity", column=last)
    assert severities == {
        **{SEVERITY[severity][at]: tally.by_severity_failed[severity] for severity in Severity},
        office("all", lang): tally.by_status[Status.FAIL],
    }
    assert sum(row[office("asked", lang)] for row in _real(rows_of(book, "coverage", lang))) == tally.total
    cover = tally.coverage
    assert sum(row[office("seen", lang)] for row in _real(rows_of(book, "coverage", lang))) == cover.pairs_seen
    unsettled = sum(tally.by_status[status] for status in (Status.ERROR, Status.UNREACHABLE, Status.MANUAL))
    assert len(_real(rows_of(book, "open", lang))) == unsettled
    assert len(_real(rows_of(book, "waivers", lang))) == tally.by_status[Status.WAIVED]
    now = office("retest" if evidence.before else "verdict", lang)
    verdicts = Counter(row[now] for row in _real(rows_of(book, "gaps", lang)))
    assert verdicts[STATUS[Status.FAIL][at]] == tally.by_status[Status.FAIL]
    assert verdicts[office("accepted", lang)] == tally.by_status[Status.WAIVED]


def _real(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of a table; an empty one holds a sentence instead."""
    return [row for row in rows if isinstance(next(iter(row.values())), int)]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_clauses_and_every_rate_are_those_of_the_clause_view(lang: str, tmp_path: Path) -> None:
    """Verdicts count the same on the summary and on both sheets; each rule's rate stands beside its words."""
    evidence, at = apply_evidence(), LANGUAGES.index(lang)
    view = clause_view(evidence, rule=RateRule.HALF)
    assert view is not None

    book = book_of(evidence, tmp_path, lang=lang, rule=RateRule.HALF)

    counted = summary_numbers(book, lang, "by_verdict", column=2)
    assert counted == {
        **{VERDICT[v][at]: view.counts[v] for v in Verdict},
        office("all", lang): sum(view.counts.values()),
    }
    items = Counter(row[office("verdict", lang)] for row in rows_of(book, "clause_items", lang))
    assert items == Counter({VERDICT[v][at]: n for v, n in view.counts.items() if n})
    verdicts = {row[office("clause", lang)]: row[office("verdict", lang)] for row in rows_of(book, "clauses", lang)}
    assert verdicts == {result.clause.id: VERDICT[result.verdict][at] for result in view.clauses}
    rates = summary_numbers(book, lang, "rate_heading", column=1)
    assert [rate for rate in rates.values() if rate] == [percent(view.rates[rule].share) for rule in RateRule]
    (chosen,) = (rate for name, rate in rates.items() if office("chosen", lang) in name)
    assert chosen == percent(view.rates[RateRule.HALF].share)


@pytest.mark.parametrize(
    ("lang", "sentence"), [("en", "does not replace a graded assessment"), ("zh", "自查结果，不替代等级测评")]
)
def test_the_workbook_says_that_it_is_a_self_check_and_that_it_is_incomplete(
    lang: str, sentence: str, tmp_path: Path
) -> None:
    """The first sheet says both before any number."""
    book = book_of(apply_evidence(), tmp_path, lang=lang)

    texts = [str(row[0]) for row in book[office("summary", lang)].iter_rows(values_only=True, max_row=5)]
    assert any(sentence in text for text in texts)
    assert any(("Incomplete: 20 of 54" if lang == "en" else "结果不完整") in text for text in texts)


def test_every_sheet_stays_readable_on_screen_and_on_paper(tmp_path: Path) -> None:
    """Tables keep their heading in view and on every page, filter, and print on A4 across with page numbers."""
    book = book_of(apply_evidence(), tmp_path)

    assert book.sheetnames == [office(key, "en") for key in SHEETS]
    for sheet in book.worksheets:
        assert sheet.page_setup.paperSize == 9
        assert sheet.page_setup.orientation == "landscape"
        assert "&P" in str(sheet.oddFooter.center.text) or "Page" in str(sheet.oddFooter.center.text)
        if sheet.title != "Summary":
            assert sheet.freeze_panes is not None
            assert sheet.auto_filter.ref is not None
            assert sheet.print_title_rows == "$1:$1"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_that_a_host_says_becomes_more_than_text(lang: str, tmp_path: Path) -> None:
    """Formulas, links, markup, controls and Excel's own escapes stay text, and edited cells stay it, too."""
    path = tmp_path / "report.xlsx"
    write_xlsx(hostile_evidence(NASTY), path, lang=lang)

    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    sheets = "".join(text for name, text in parts.items() if "worksheets/" in name)
    assert not re.search(r"<f[ >]|<hyperlink", sheets)
    assert not any(re.search(r'Target="http', text) for name, text in parts.items() if "worksheets" in name)
    cells = [cell for sheet in openpyxl.load_workbook(path).worksheets for row in sheet.iter_rows() for cell in row]
    held = [cell for cell in cells if isinstance(cell.value, str) and "=cmd" in cell.value]
    assert held
    assert {cell.data_type for cell in held} == {"s"}
    assert all(cell.quotePrefix for cell in held if cell.value.startswith("="))
    assert all("\\x1b[2J\\x00\\u202e" in cell.value for cell in held)
    assert all("_x0041_" in cell.value for cell in held)


def test_a_megabyte_from_a_host_is_cut_and_the_cut_is_said(tmp_path: Path) -> None:
    """No cell goes beyond what Excel takes."""
    book = book_of(hostile_evidence("\x1b" * 1_000_000), tmp_path)

    texts = [cell.value for sheet in book.worksheets for row in sheet.iter_rows() for cell in row if cell.value]
    assert max(len(str(text)) for text in texts) < 32_767
    assert any("more characters" in str(text) for text in texts)


def test_equal_evidence_gives_equal_bytes_at_any_time_and_place(tmp_path: Path) -> None:
    """Neither the clock nor the zone of the writer is in the file."""
    files = []
    for number, zone in enumerate(("UTC", "Asia/Shanghai")):
        os.environ["TZ"] = zone
        time.tzset()
        files.append(tmp_path / f"{number}.xlsx")
        try:
            write_xlsx(apply_evidence(), files[-1], lang="zh")
        finally:
            del os.environ["TZ"]
            time.tzset()

    assert files[0].read_bytes() == files[1].read_bytes()
    with zipfile.ZipFile(files[0]) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert "2026-08-21T10:15:02Z" in archive.read("docProps/core.xml").decode()


def test_a_table_goes_on_in_the_next_sheet(tmp_path: Path) -> None:
    """More rows than a sheet can hold are all there, under the same heading."""
    evidence = scan_evidence()

    book = book_of(evidence, tmp_path, rows_per_sheet=10)

    parts = [name for name in book.sheetnames if name.startswith("To be confirmed")]
    numbers = [row[0] for name in parts for row in book[name].iter_rows(values_only=True, min_row=2)]
    assert parts == ["To be confirmed", "To be confirmed 2", "To be confirmed 3"]
    assert numbers == list(range(1, 23))


def test_the_matrix_shows_the_worst_of_every_control_on_every_host(tmp_path: Path) -> None:
    """A control that fails on one of two instances of a host fails on the host."""
    book = book_of(scan_evidence(), tmp_path)

    rows = {row["check id"]: row for row in rows_of(book, "matrix", "en")}
    assert rows["postgresql_ssl"]["db01"] == "fail"
    assert rows["postgresql_ssl"]["app-02"] == "unreachable"
    assert rows["postgresql_ssl"]["web01"] is None
    assert rows["linux_tmp_noexec"]["web01"] == "waived"


def test_more_hosts_than_one_sheet_shows_go_on_in_the_next(tmp_path: Path) -> None:
    """1,001 hosts are all in the matrix."""
    evidence = large_evidence(hosts=1_001, controls=1)

    book = book_of(evidence, tmp_path)

    heads = [cell.value for name in ("Controls by host", "Controls by host 2") for cell in book[name][1][5:]]
    assert sorted(heads) == sorted(host.name for host in evidence.hosts)


def test_names_of_sheets_keep_excels_rules() -> None:
    """They are at most 31 characters with room for a number, and hold none of the characters that Excel refuses."""
    for lang in LANGUAGES:
        names = [office(key, lang) for key in SHEETS]
        assert len({name.lower() for name in names}) == len(names)
        assert all(len(name) <= NAME_CHARACTERS - 4 and not re.search(r"[\[\]:*?/\\]", name) for name in names)


def test_a_page_header_keeps_excels_limit_and_obeys_nobody() -> None:
    """An ampersand is a sign, not an order; a long name is cut."""
    assert header_of("R&D &P") == "R&&D &&P"
    assert 2 * len(header_of("&" * 500)) < 2 * HEADER_CHARACTERS - 60


def test_a_stream_of_text_is_refused() -> None:
    """A workbook is not text; a file must be named."""
    with pytest.raises(AskedWrongly, match="name a file"):
        write_xlsx(clean_evidence(), io.StringIO())


def test_a_profile_of_no_standard_says_so(tmp_path: Path) -> None:
    """Where there are no clauses the sheets say why they are empty, and there is no rate and no MLPS sentence."""
    base = scan_evidence()

    book = book_of(dataclasses.replace(base, profile=dataclasses.replace(base.profile, standard=None)), tmp_path)

    assert book["Clauses"]["A2"].value == "The profile answers no standard."
    texts = [str(cell) for row in book["Summary"].iter_rows(values_only=True) for cell in row]
    assert not any("graded assessment" in text or text == "rate" for text in texts)


def test_every_phrase_is_there_in_both_languages() -> None:
    """No phrase lacks a language, and both take the same values."""
    for key, phrases in OFFICE.items():
        english, chinese = (set(re.findall(r"\{(\w+)\}", phrase)) for phrase in phrases)
        assert all(phrases), key
        assert english == chinese, key
