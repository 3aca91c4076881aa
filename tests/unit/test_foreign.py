"""Results of other tools stand beside ours, mapped to clauses, and are counted nowhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hardening.errors import AskedWrongly, BadFiles
from hardening.foreign.mapping import ClauseMapping, Columns, load_mapping
from hardening.foreign.read import read_foreign
from hardening.model import Import, Status
from hardening.reports import FORMATS
from tests.command_line import CommandLine
from tests.evidence_examples import scan_evidence

ARF = """\
<?xml version="1.0"?>
<arf:asset-report-collection xmlns:arf="http://scap.nist.gov/schema/asset-reporting-format/1.1">
 <arf:report-requests><arf:report-request><arf:content>
  <Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2">
   <Group><Rule id="xccdf_r_root"><title>No root <b>logins</b></title></Rule></Group>
  </Benchmark></arf:content></arf:report-request></arf:report-requests>
 <arf:reports><arf:report><arf:content>
  <TestResult xmlns="http://checklists.nist.gov/xccdf/1.2" test-system="cpe:/a:redhat:openscap:1.3.6">
   <target>web01</target>
   <rule-result idref="xccdf_r_root" severity="high"><result>fail</result></rule-result>
   <rule-result idref="xccdf_r_umask" severity="low"><result>notapplicable</result></rule-result>
   <rule-result idref="xccdf_r_other"><result>notselected</result></rule-result>
  </TestResult></arf:content></arf:report></arf:reports>
</arf:asset-report-collection>
"""
CSV = '\ufeffPlugin,Host,Name,Risk,Output\r\n42,web01,"Old, OpenSSL",High,password=hunter22\r\n43,db01,=cmd,Low,\r\n'
COLUMNS = Columns(id="Plugin", host="Host", title="Name", severity="Risk", said="Output")
MAPPING = ClauseMapping(clauses={"8.1.4.2 b": ["xccdf_r_*"], "8.1.4.4 e": ["4?"]}, columns=COLUMNS)


def read(tmp_path: Path, text: str, file_format: str, mapping: ClauseMapping = MAPPING) -> Import:
    """Read a file of a text."""
    path = tmp_path / "results"
    path.write_text(text, encoding="utf-8", newline="")
    return read_foreign(path, file_format, mapping, imported_by="jia@bastion")


def test_an_arf_is_read(tmp_path: Path) -> None:
    """Every result that was asked for, with its rule's title, and the clauses that the mapping gives."""
    found = read(tmp_path, ARF, "arf")

    assert found.tool == "cpe:/a:redhat:openscap:1.3.6"
    assert [(each.host, each.id, each.status, each.result, each.title) for each in found.findings] == [
        ("web01", "xccdf_r_root", Status.FAIL, "fail", "No root logins"),
        ("web01", "xccdf_r_umask", Status.NOT_APPLICABLE, "notapplicable", ""),
    ]
    assert found.findings[0].clauses == ("8.1.4.2 b",)


def test_our_own_xccdf_and_hdf_are_read(tmp_path: Path) -> None:
    """They are valid by the validators of those formats, so reading them shows that the readers know the formats."""
    for name, file_format in (("xccdf", "arf"), ("hdf", "hdf")):
        path = tmp_path / name
        FORMATS[name].write(scan_evidence(), path)

        found = read_foreign(path, file_format, ClauseMapping(), imported_by="jia@bastion").findings

        assert {Status.PASS, Status.FAIL, Status.ERROR} <= {each.status for each in found}, name
        assert all(each.id and each.host for each in found)


def test_a_csv_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    """Every row of a list of weaknesses is a gap; secrets in it go."""
    found = read(tmp_path, CSV, "csv").findings

    assert [(each.id, each.host, each.title, each.severity, each.status) for each in found] == [
        ("42", "web01", "Old, OpenSSL", "High", Status.FAIL),
        ("43", "db01", "=cmd", "Low", Status.FAIL),
    ]
    assert found[0].said == "password=[redacted:password]"
    assert found[0].clauses == ("8.1.4.4 e",)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize(
    ("text", "file_format", "said"),
    [
        ("<x>\n<y></x>", "arf", "results:2: is no XML"),
        (BOMB, "arf", "declares entities"),
        ("<x/>", "arf", "holds no result"),
        (ARF.replace("<result>fail", "<result>odd"), "arf", "xccdf_r_root of web01 says 'odd'"),
        (ARF.replace("<target>web01</target>", ""), "arf", "of no target"),
        ("{\n\n nonsense", "hdf", "results:3: is no HDF file"),
        ("{}", "hdf", "KeyError 'platform'"),
        ("[" * 100_000, "hdf", "is no HDF file"),
        ("a,b\n1,2\n", "csv", "results:1: has no column Host, Name, Output, Plugin, Risk"),
        (CSV.replace("web01", ""), "csv", "results:2: names no host"),
        ("", "csv", "has no column"),
    ],
)
def test_what_is_no_result_file_is_refused(tmp_path: Path, text: str, file_format: str, said: str) -> None:
    """With the file, and the line where there is one."""
    with pytest.raises(AskedWrongly, match=r"results") as refused:
        read(tmp_path, text, file_format)

    assert said in str(refused.value)


def test_words_of_a_scanner_are_mapped_or_refused(tmp_path: Path) -> None:
    """A result that the mapping does not know is no pass."""
    columns = Columns(id="Plugin", host="Host", result="Risk")
    mapping = ClauseMapping(columns=columns, results={"High": Status.FAIL, "Low": Status.PASS})

    assert [each.status for each in read(tmp_path, CSV, "csv", mapping).findings] == [Status.FAIL, Status.PASS]
    with pytest.raises(AskedWrongly, match=r"results:3: 'Low' is not under `results`"):
        read(tmp_path, CSV, "csv", ClauseMapping(columns=columns, results={"High": Status.FAIL}))
    with pytest.raises(AskedWrongly, match="under `columns`"):
        read(tmp_path, CSV, "csv", ClauseMapping())


def test_a_mapping_that_is_wrong_is_refused_with_its_lines(tmp_path: Path) -> None:
    """Every problem at once."""
    path = tmp_path / "mapping.yml"
    path.write_text('tool: x\nclauses:\n  "8.1.4.2 c": [a]\nodd: 1\ncolumns:\n  id: a\n')

    with pytest.raises(BadFiles) as refused:
        load_mapping(path, clauses=["8.1.4.2 b"])
    path.write_text('clauses:\n  "8.1.4.2 c": [a]\n')
    with pytest.raises(BadFiles, match=r"mapping\.yml:2: 8\.1\.4\.2 c is no clause .* did you mean 8\.1\.4\.2 b\?"):
        load_mapping(path, clauses=["8.1.4.2 b"])

    assert [str(problem).partition(": ")[0][-2:] for problem in refused.value.problems] == [":4", ":5"]


def test_an_import_is_in_the_json_report_and_the_bundle_and_counted_nowhere(scanned: CommandLine) -> None:
    """The campaign's own numbers and its end stay; the bundle verifies with the entry in its chain."""
    before = scanned("report", "latest", "--json").document()
    Path("arf.xml").write_text(ARF)

    said = scanned("evidence", "import", "arf.xml", "--format", "arf")
    exported = scanned("evidence", "export", "-o", "b", "--format", "json")
    verified = scanned("evidence", "verify", "b", "--unsigned", "--against-ledger")

    assert (said.code, said.err) == (0, "not among the campaign's hosts: web01\n")
    assert said.out.endswith("2 findings of cpe:/a:redhat:openscap:1.3.6, 0 answer a clause\n")
    assert (exported.code, verified.code) == (0, 0), verified.out
    report = json.loads(next(Path("b/reports").rglob("report.json")).read_text())
    assert [each["id"] for each in report.pop("imports")[0]["findings"]] == ["xccdf_r_root", "xccdf_r_umask"]
    assert report == before
    assert '"kind":"import"' in Path("b/facts/entries.jsonl").read_text()
    assert json.loads(Path("b/coverage.json").read_text())["chain"]["ended"] is True
