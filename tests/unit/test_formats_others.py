"""What people attested and other tools said, read back from every format: the same everywhere, and counted nowhere."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pytest
from docx import Document

from hardening.model import Evidence, Status
from hardening.reports import FORMATS
from hardening.reports.office_words import office
from hardening.reports.words import STATUS
from tests.evidence_examples import attested_evidence, scan_evidence

LANGUAGES = ("en", "zh")


class Told(NamedTuple):
    """What a reader finds: who attested which target how often, and how many results of a tool have which status."""

    attested: Mapping[str, int]
    imported: Mapping[tuple[str, str], int]


EVERYTHING = Told(
    attested={"Li Wei": 2},
    imported={("Example Scanner", "FAIL"): 2, ("Example Scanner", "PASS"): 1, ("OpenSCAP", "ERROR"): 1},
)
ONLY_IN_FORCE = Told(attested={"Li Wei": 1}, imported=EVERYTHING.imported)
NO_IMPORTS = Told(attested=EVERYTHING.attested, imported={})


def written(name: str, evidence: Evidence, lang: str) -> str:
    stream = io.StringIO()
    FORMATS[name].write(evidence, stream, lang=lang)
    return stream.getvalue().removeprefix("\ufeff")


def counted(pairs: Iterator[str]) -> Mapping[str, int]:
    return Counter(pairs)


def results(imports: list[dict[str, Any]]) -> Mapping[tuple[str, str], int]:
    return {(each["tool"], status): number for each in imports for status, number in each["results"].items()}


def in_json(text: str) -> Told:
    document = json.loads(text)
    return Told(
        counted(each["attestation"]["by"] for each in document["findings"] if "attestation" in each),
        Counter((each["tool"], one["status"]) for each in document["imports"] for one in each["findings"]),
    )


def in_jsonl(text: str) -> Told:
    lines = [json.loads(line) for line in text.splitlines()]
    foreign = Counter((line["import"]["tool"], line["status"]) for line in lines if line["record"] == "foreign")
    return Told(counted(line["attestation"]["by"] for line in lines if "attestation" in line), foreign)


def in_csv(text: str) -> Told:
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return Told(counted(row["attested_by"] for row in rows if row["attested_by"]), {})


def in_sarif(text: str) -> Told:
    (run,) = json.loads(text)["runs"]
    held = [each["properties"].get("attestation") for each in run["results"]]
    return Told(counted(one["by"] for one in held if one), results(run["properties"]["imports"]))


def in_hdf(text: str) -> Told:
    document = json.loads(text)
    held = [control.get("attestation_data") for control in document["profiles"][0]["controls"]]
    return Told(counted(one["updated_by"] for one in held if one), results(document["passthrough"]["imports"]))


def in_oscal(text: str) -> Told:
    (result,) = json.loads(text)["assessment-results"]["results"]
    found = [{prop["name"]: prop["value"] for prop in each["props"]} for each in result["observations"]]
    stood_on = {one["observation-uuid"] for each in result["findings"] for one in each["related-observations"]}
    for props, observation in zip(found, result["observations"], strict=True):
        assert ("foreign-tool" in props) == (observation["uuid"] not in stood_on)
    foreign = Counter((each["foreign-tool"], each["foreign-status"]) for each in found if "foreign-tool" in each)
    return Told(counted(each["attested-by"] for each in found if "attested-by" in each), foreign)


def in_junit(text: str) -> Told:
    said = [case.findtext("system-out") or "" for case in ET.fromstring(text).iter("testcase")]  # noqa: S314 - our own text
    return Told(counted(by for each in said for by in re.findall(r"\[\[PROPERTY\|attested_by=(.*?)]]", each)), {})


READ: Mapping[str, tuple[Callable[[str], Told], Told]] = {
    "json": (in_json, EVERYTHING),
    "jsonl": (in_jsonl, EVERYTHING),
    "sarif": (in_sarif, EVERYTHING),
    "oscal": (in_oscal, EVERYTHING),
    # Heimdall knows no attestation that has ended.
    "hdf": (in_hdf, ONLY_IN_FORCE),
    # A row or a case is a finding of ours.
    "csv": (in_csv, NO_IMPORTS),
    "junit": (in_junit, NO_IMPORTS),
}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", READ)
def test_every_format_for_programs_tells_of_people_and_other_tools(name: str, lang: str) -> None:
    """As often as there are findings attested, and results imported."""
    read, expected = READ[name]

    assert read(written(name, attested_evidence(), lang)) == expected


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_has_a_register_of_attestations_and_every_imported_result(lang: str) -> None:
    """Two rows of people, one of them ended; a row for every result; and a remark beside the clauses."""
    text = written("html", attested_evidence(), lang)
    people = text[text.index('<section id="attestations">') :].partition("</section>")[0]
    tools = text[text.index('<section id="imports">') :].partition("</section>")[0]

    assert people.count("<td>Li Wei") == 2
    assert people.count(">ended<") == 1
    assert [
        name for name in ("CVE-2026-0001", "CVE-2026-0002", "CVE-2025-0100", "rule_audit_running") if name in tools
    ] == [
        "CVE-2026-0001",
        "CVE-2026-0002",
        "CVE-2025-0100",
        "rule_audit_running",
    ]
    assert "Example Scanner: fail 1, pass 1" in text
    assert "Example Scanner: 不符合 1, 符合 1" in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_workbook_has_a_sheet_of_each(lang: str, tmp_path: Path) -> None:
    """And the clauses a column of what others said."""
    FORMATS["xlsx"].write(attested_evidence(), tmp_path / "book.xlsx", lang=lang)
    book = openpyxl.load_workbook(tmp_path / "book.xlsx")
    people = [[cell.value for cell in row] for row in book[office("attestations", lang)].iter_rows(min_row=2)]
    tools = [[cell.value for cell in row] for row in book[office("imports", lang)].iter_rows(min_row=2)]
    heads, *clauses = ([cell.value for cell in row] for row in book[office("clauses", lang)].iter_rows())
    word = {texts[LANGUAGES.index(lang)]: status.value for status, texts in STATUS.items()}

    assert Counter(row[5] for row in people) == EVERYTHING.attested
    assert Counter((row[1], word[str(row[7])]) for row in tools) == EVERYTHING.imported
    beside = {row[3]: row[heads.index(office("beside", lang))] for row in clauses}
    assert {name for name, said in beside.items() if said} == {"8.1.4.2 c", "8.1.4.3 a", "8.1.4.4 b"}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_document_tells_of_both(lang: str, tmp_path: Path) -> None:
    """A row for each attestation, each file, and each thing that another tool found wrong."""
    FORMATS["docx"].write(attested_evidence(), tmp_path / "report.docx", lang=lang)
    tables = [
        [[cell.text for cell in row.cells] for row in table.rows]
        for table in Document(str(tmp_path / "report.docx")).tables
    ]
    rows = [row for table in tables for row in table]

    assert sum("Li Wei\n2026-08-03" in row for row in rows) == 2
    assert {row[0] for row in rows if any("5c" * 32 in cell or "6d" * 32 in cell for cell in row)} == {
        "Example Scanner",
        "OpenSCAP",
    }
    assert [row[1] for row in rows if row[0] == "Example Scanner" and "CVE" in row[1]] == [
        "CVE-2026-0002",
        "CVE-2026-0001",
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_summary_for_a_merge_request_names_both(lang: str) -> None:
    """How many people attested, and what each tool counted."""
    text = written("markdown", attested_evidence(), lang)

    assert {"en": "attested by a person: 1", "zh": "人工核查：1"}[lang] in text
    assert {"en": "fail 2, pass 1", "zh": "不符合 2, 符合 1"}[lang] in text
    assert "OpenSCAP" in text


def test_imported_results_change_no_number() -> None:
    """A report with them and one without count the same."""
    with_imports = attested_evidence()
    without = dataclasses.replace(with_imports, imports=())

    for name in ("csv", "junit", "prometheus", "xccdf", "terminal", "poam"):
        assert written(name, with_imports, "en") == written(name, without, "en"), name
    assert with_imports.tally == without.tally


def test_an_attested_finding_counts_with_the_verdict_of_the_person() -> None:
    """One that has ended leaves its control to a person again."""
    attested, scanned = attested_evidence().tally.by_status, scan_evidence().tally.by_status

    assert attested[Status.PASS] == scanned[Status.PASS] + 1
    assert attested[Status.MANUAL] == scanned[Status.MANUAL] - 1
