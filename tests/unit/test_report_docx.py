"""The Word documents and their PDF, read back with libraries and programs that did not write them."""

from __future__ import annotations

import dataclasses
import io
import os
import re
import subprocess
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from docx import Document

from hardening.clauses import RateRule, Verdict, clause_view, percent
from hardening.errors import AskedWrongly, Incomplete
from hardening.model import Evidence, Status, TrendPoint, Verb
from hardening.reports.docx_context import document_context
from hardening.reports.docx_report import write_docx
from hardening.reports.office_words import OFFICE, VERDICT, office
from hardening.reports.pdf import write_pdf
from hardening.reports.words import LANGUAGES, STATUS, say
from tests.evidence_examples import (
    apply_evidence,
    attested_evidence,
    clean_evidence,
    empty_evidence,
    hostile_evidence,
    large_evidence,
    scan_evidence,
)
from tests.validators import needed
from tools.make_docx_templates import TEMPLATES
from tools.make_docx_templates import main as make_templates

ROOT = TEMPLATES.parents[2]
NASTY = (
    "</w:t></w:r><script>&amp;\x1b[2J\x00\u202e ]]> {{ 7 * 7 }} {% for x in y %} {%tr endfor %} "
    "${x} =cmd \x07 \n\t {# hide #} {{ campaign.id.__class__ }}"
)


@pytest.fixture
def libreoffice() -> str:
    """LibreOffice, which must be there where `make setup` installs it."""
    return needed("soffice", package="libreoffice-writer-nogui")


def document_of(evidence: Evidence, tmp_path: Path, *, lang: str = "en", **more: Any) -> Any:
    path = tmp_path / "report.docx"
    write_docx(evidence, path, lang=lang, **more)
    return Document(str(path))


def texts_of(document: Any) -> list[str]:
    """Return every text of a document in its order: paragraphs, and cells of tables."""
    return [
        "".join(node.text or ("\n" if node.tag.endswith("}br") else "") for node in paragraph.iter() if _told(node))
        for paragraph in document.element.body.iter("{*}p")
    ]


def _told(node: Any) -> bool:
    return isinstance(node.tag, str) and node.tag.rpartition("}")[2] in ("t", "br")


def tables_of(document: Any) -> Iterator[list[list[str]]]:
    for table in document.tables:
        yield [[cell.text for cell in row.cells] for row in table.rows]


def table_with(document: Any, *heads: str) -> list[list[str]]:
    """Return the rows of the first table whose headings these are."""
    return next(rows[1:] for rows in tables_of(document) if tuple(rows[0][: len(heads)]) == heads)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("make", "title"), [(scan_evidence, "gap_report"), (apply_evidence, "remediation_report")], ids=["scan", "apply"]
)
def test_a_scan_makes_a_gap_analysis_and_an_apply_a_remediation_report(
    make: Any, title: str, lang: str, tmp_path: Path
) -> None:
    """Each is titled for what it is, warns before any number, says that it is a self-check, and can be signed."""
    texts = texts_of(document_of(make(), tmp_path, lang=lang))

    assert office(title, lang) in texts
    assert say("mlps_note", lang) in texts
    assert any(("Incomplete: 20 of 54" if lang == "en" else "结果不完整：54") in text for text in texts)
    assert any(("(seal)" if lang == "en" else "（盖章）") in text for text in texts)
    assert not any("{{" in text or "{%" in text for text in texts)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("make", [apply_evidence, scan_evidence, clean_evidence, empty_evidence])
def test_the_document_gives_the_numbers_of_the_tally(make: Any, lang: str, tmp_path: Path) -> None:
    """Statuses, open checks, gaps by severity and clause verdicts agree with the tally and the clause view."""
    evidence, at = make(), LANGUAGES.index(lang)
    document, counts = document_of(evidence, tmp_path, lang=lang), evidence.tally.by_status

    statuses = {row[0]: int(row[-1]) for row in table_with(document, ("status", "状态")[at])[:-1]}
    context = document_context(evidence, lang=lang)
    view = clause_view(evidence)
    assert view is not None
    assert statuses == {STATUS[status][at]: counts[status] for status in Status}
    assert sum(group["count"] for group in context["gap_groups"]) == counts[Status.FAIL] + counts[Status.WAIVED]
    unsettled = (Status.ERROR, Status.UNREACHABLE, Status.MANUAL)
    assert sum(row["count"] for row in context["open"]) == sum(counts[status] for status in unsettled)
    verdicts = {row[0]: (int(row[1]), int(row[2])) for row in table_with(document, ("verdict", "判定")[at])}
    assert verdicts == {VERDICT[v][at]: (view.clause_counts[v], view.counts[v]) for v in Verdict}
    clauses = table_with(document, ("clause", "条款")[at], ("control point", "控制点")[at])
    assert [(row[0], row[3]) for row in clauses] == [(r.clause.id, VERDICT[r.verdict][at]) for r in view.clauses]


def test_the_rate_stands_with_its_rule_and_can_be_switched(tmp_path: Path) -> None:
    """The chosen rule's rate is the one that is told first; all rules stand beside it."""
    view = clause_view(apply_evidence())
    assert view is not None

    texts = texts_of(document_of(apply_evidence(), tmp_path, rule=RateRule.HALF))

    half, strict = (percent(view.rates[rule].share) for rule in (RateRule.HALF, RateRule.STRICT))
    assert any(text.startswith(f"{half} (half for partly: ") for text in texts)
    assert strict in texts


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_remediation_shows_before_and_after_of_every_change(lang: str, tmp_path: Path) -> None:
    """Eleven changes have eleven rows, those that went wrong first, and none that failed looks done."""
    at = LANGUAGES.index(lang)
    heads = (("no.", "check", "objects", "before"), ("序号", "检查项", "对象", "整改前"))[at]

    rows = table_with(document_of(apply_evidence(), tmp_path, lang=lang), *heads)

    assert len(rows) == 11
    assert rows[0][1].endswith("sshd_ciphers")
    assert rows[0][6].startswith(("failed", "变更失败")[at])
    by_check = {row[1].split("\n")[1]: row for row in rows}
    root = by_check["sshd_permit_root_login"]
    assert (root[3], root[5], root[7]) == ("yes", "no", STATUS[Status.PASS][at])


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("change", [True, False], ids=["remediation", "gaps"])
def test_nothing_that_a_host_says_is_markup_or_a_template_tag(change: bool, lang: str, tmp_path: Path) -> None:
    """Tags, braces and controls arrive as the text they are, in XML that a strict parser takes."""
    evidence = hostile_evidence(NASTY)
    if not change:
        evidence = dataclasses.replace(evidence, campaign=dataclasses.replace(scan_evidence().campaign, actor=NASTY))
    path = tmp_path / "report.docx"

    write_docx(evidence, path, lang=lang)

    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith((".xml", ".rels")):
                ET.fromstring(archive.read(name))  # noqa: S314 - our own file
    text = "\n".join(texts_of(Document(str(path))))
    assert "</w:t></w:r><script>&amp;\\x1b[2J\\x00\\u202e ]]> {{ 7 * 7 }} {% for x in y %}" in text
    assert "{%tr endfor %}" in text
    assert "{{ campaign.id.__class__ }}" in text
    assert "49" not in re.sub(r"[0-9a-f]{8,}|2026\S*", "", text)


def test_a_megabyte_from_a_host_is_cut(tmp_path: Path) -> None:
    """One long answer does not make a long document."""
    write_docx(hostile_evidence("x" * 1_000_000), tmp_path / "report.docx")

    assert (tmp_path / "report.docx").stat().st_size < 500_000


def test_many_hosts_make_a_document_that_can_be_read(tmp_path: Path) -> None:
    """Tables are by check; what is left out is said, with where to find it."""
    evidence = large_evidence(hosts=300, controls=20)

    document = document_of(evidence, tmp_path)

    texts = texts_of(document)
    assert any("100 more rows are left out here; the workbook" in text for text in texts)
    assert any(re.search(r"and \d+ more", text) for text in texts)
    assert sum(len(table.rows) for table in document.tables) < 700


@pytest.mark.parametrize("make", [scan_evidence, apply_evidence])
def test_equal_evidence_gives_equal_bytes(make: Any, tmp_path: Path) -> None:
    """The document holds the campaign's moment, not the clock's."""
    first, second = tmp_path / "1.docx", tmp_path / "2.docx"

    write_docx(make(), first, lang="zh")
    os.utime(first, (0, 0))
    write_docx(make(), second, lang="zh")

    assert first.read_bytes() == second.read_bytes()
    core = Document(str(first)).core_properties
    assert core.created == core.modified == datetime(2026, 8, 21, 10, 15, 2, tzinfo=UTC)
    with zipfile.ZipFile(first) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_kept_templates_are_those_that_the_script_makes(tmp_path: Path) -> None:
    """Nobody changed a template by hand, or the script without making them."""
    make_templates(tmp_path)

    for made in sorted(tmp_path.iterdir()):
        kept = TEMPLATES / made.name
        with zipfile.ZipFile(made) as new, zipfile.ZipFile(kept) as old:
            assert new.read("word/document.xml") == old.read("word/document.xml"), made.name


def own_template(path: Path, *lines: str) -> Path:
    document = Document()
    for line in lines:
        document.add_paragraph(line)
    document.save(str(path))
    return path


def test_a_customers_template_takes_the_place_of_ours(tmp_path: Path) -> None:
    """It prints what it asks for, in its own words and order."""
    template = own_template(
        tmp_path / "own.docx",
        "Ours: {{ campaign.id }}",
        "{%p for gap in gap_groups %}",
        "{{ gap.count }}",
        "{%p endfor %}",
    )

    texts = texts_of(document_of(scan_evidence(), tmp_path, template=template))

    assert texts == ["Ours: 20260821T101502Z-scan-7f3a", "2", "7", "6", "3"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{{ campain.id }}", "'campain' is undefined"),
        ("{{ campaign.idd }}", "no attribute 'idd'"),
        ("{% if campaign %}", "Unexpected end of template"),
        ("{{ campaign.__class__.__mro__ }}", "unsafe"),
    ],
)
def test_a_template_that_asks_for_what_is_not_there_is_refused_by_name(
    line: str, sentence: str, tmp_path: Path
) -> None:
    """The error names the file and what is wrong; nothing is written, and nothing beyond the values is reached."""
    template = own_template(tmp_path / "own.docx", line)

    with pytest.raises(AskedWrongly, match=rf"own\.docx: .*{sentence}.*evidence-templates"):
        write_docx(scan_evidence(), tmp_path / "report.docx", template=template)

    assert not (tmp_path / "report.docx").exists()


def test_a_template_that_is_no_document_is_refused(tmp_path: Path) -> None:
    """A text file, another archive, and one that is not there are told apart."""
    (tmp_path / "text.docx").write_text("hello")
    with zipfile.ZipFile(tmp_path / "zip.docx", "w") as archive:
        archive.writestr("a", "b")

    for name, sentence in (("text", "not a Word"), ("zip", "not a Word"), ("none", "cannot be read: No such file")):
        with pytest.raises(AskedWrongly, match=sentence):
            write_docx(scan_evidence(), tmp_path / "r.docx", template=tmp_path / f"{name}.docx")


def test_what_a_template_may_print_is_what_the_documentation_tells() -> None:
    """Every variable is told in docs/evidence-templates.md, every told one is there, and none hides a dict's method."""
    told = set(re.findall(r"^\| `([\w.\[\]]+)` \|", (ROOT / "docs/evidence-templates.md").read_text(), re.MULTILINE))
    others = attested_evidence()
    both = dataclasses.replace(
        apply_evidence(), findings=others.findings, tally=others.tally, imports=others.imports, trend=_TREND
    )
    held = set(_names(document_context(both, lang="en")))

    assert held == told
    assert not {name.rpartition(".")[2] for name in held} & set(dir(dict))


_TREND = tuple(
    TrendPoint(
        campaign_id=name,
        verb=Verb.SCAN,
        started_at=datetime(2026, 8, day, tzinfo=UTC),
        hosts=3,
        by_status={Status.PASS: 4, Status.FAIL: 2},
        by_control={},
        complete=name == "second",
    )
    for day, name in ((1, "first"), (8, "second"))
)


def _names(held: Any, prefix: str = "") -> Iterator[str]:
    """Return `campaign.id` for a value, `gap_groups[].gaps[].number` for one in a list."""
    if isinstance(held, dict):
        for key, value in held.items():
            yield from _names(value, f"{prefix}.{key}" if prefix else key)
    elif isinstance(held, list):
        assert held, f"{prefix}: the example has none, so its fields cannot be compared"
        yield from _names(held[0], f"{prefix}[]")
    else:
        yield prefix


def test_a_document_tells_how_it_went(tmp_path: Path) -> None:
    """A row for each campaign of the line, oldest first; no heading where there is no line."""
    texts = texts_of(document_of(dataclasses.replace(scan_evidence(), trend=_TREND), tmp_path))

    assert texts.index("How it went") < texts.index("Scan\nfirst") < texts.index("Scan\nsecond")
    assert "How it went" not in texts_of(document_of(scan_evidence(), tmp_path))


def test_a_stream_of_text_is_refused() -> None:
    """A document is not text; a file must be named."""
    with pytest.raises(AskedWrongly, match="name a file"):
        write_docx(clean_evidence(), io.StringIO())


@pytest.mark.usefixtures("libreoffice")
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_pdf_has_the_documents_text_and_equal_bytes_each_time(lang: str, tmp_path: Path) -> None:
    """LibreOffice makes a PDF of the document; poppler reads its text, and a second one is the same."""
    first, second = tmp_path / "1.pdf", tmp_path / "2.pdf"

    write_pdf(apply_evidence(), first, lang=lang)
    write_pdf(apply_evidence(), second, lang=lang)

    assert first.read_bytes() == second.read_bytes()
    assert b"D:20260821101502Z" in first.read_bytes()
    to_text = needed("pdftotext", package="poppler-utils")
    text = subprocess.run([to_text, str(first), "-"], capture_output=True, check=True).stdout.decode()
    assert OFFICE["remediation_report"][LANGUAGES.index(lang)].split()[0] in text
    assert "postgresql_ssl" in text


def test_without_libreoffice_no_pdf_is_written_and_the_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is skipped in silence: the answer is incomplete, and says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Incomplete, match=r"LibreOffice is missing; install the Debian package libreoffice-writer"):
        write_pdf(scan_evidence(), tmp_path / "report.pdf")

    assert not (tmp_path / "report.pdf").exists()


def test_a_libreoffice_that_makes_nothing_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers 0 also where it could not convert: only a file counts."""
    (tmp_path / "soffice").write_text("#!/bin/sh\necho no export filter\n")
    (tmp_path / "soffice").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Incomplete, match="made none \\(no export filter\\)"):
        write_pdf(scan_evidence(), tmp_path / "report.pdf")


def test_without_a_chinese_font_no_chinese_pdf_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of empty boxes is no evidence."""
    for name in ("soffice", "fc-list"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Incomplete, match="install the Debian package fonts-noto-cjk"):
        write_pdf(scan_evidence(), tmp_path / "report.pdf", lang="zh")
