"""The JUnit report: valid for Jenkins, unique for GitLab, equal to the tally, and never green when it must not be."""

from __future__ import annotations

import dataclasses
import io
import re
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hardening.model import Evidence, Status
from hardening.reports import write_junit
from hardening.reports.junit import Dialect
from tests.evidence_examples import (
    apply_evidence,
    clean_evidence,
    empty_evidence,
    hostile_evidence,
    large_evidence,
    scan_evidence,
)
from tests.golden_files import assert_golden

SCHEMAS = sorted((Path(__file__).parents[1] / "schemas").glob("*.xsd"))
NASTY = "<script>alert(1)</script> =cmd|' /C calc'!A0 \x1b[2J \u202eabc \x00 \ud800 ]]>]]&#0; \ufffe \n\t end"
PROPERTY = re.compile(r"^\[\[PROPERTY\|([a-z_0-9]+)=(.*)\]\]$")


def written(evidence: Evidence, **options: Any) -> str:
    stream = io.StringIO()
    write_junit(evidence, stream, **options)
    return stream.getvalue()


def parsed(evidence: Evidence, **options: Any) -> ET.Element:
    return ET.fromstring(written(evidence, **options))  # noqa: S314 - our own text, from just above


def case_of(root: ET.Element, name: str) -> ET.Element:
    found = [case for case in root.iter("testcase") if case.get("name") == name]
    assert len(found) == 1, name
    return found[0]


def properties_of(case: ET.Element) -> list[tuple[str, str]]:
    lines = (case.findtext("system-out") or "").splitlines()
    matches = [PROPERTY.match(line) for line in lines]
    assert all(matches), lines
    return [(found[1], found[2]) for found in matches if found]


def complaints(path: Path, schema: Path) -> str:
    """Return what xmllint says against a file; empty where it is valid."""
    done = subprocess.run(
        ["xmllint", "--noout", "--huge", "--schema", str(schema), str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stderr


def test_golden_junit() -> None:
    """The file of the example campaign is the one that was last read by a person."""
    assert_golden("apply.junit.xml", written(apply_evidence()))
    assert_golden("scan.zh.junit.xml", written(scan_evidence(), lang="zh"))


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda path: path.stem)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_file_is_valid_for_both_schemas(schema: Path, lang: str, tmp_path: Path) -> None:
    """Jenkins' strict and classic schema both accept what we write, whatever a host said."""
    for number, evidence in enumerate(
        (apply_evidence(), scan_evidence(), clean_evidence(), empty_evidence(), hostile_evidence(NASTY))
    ):
        for before in (False, True):
            path = tmp_path / f"{number}-{before}.xml"
            write_junit(evidence, path, lang=lang, before=before)

            assert complaints(path, schema) == ""


def test_the_schemas_refuse_what_junit_xml_writes_by_itself(tmp_path: Path) -> None:
    """Our schemas can fail: `disabled` breaks the strict one, a message on `skipped` the classic one."""
    strict = next(path for path in SCHEMAS if "strict" in path.name)
    classic = next(path for path in SCHEMAS if "classic" in path.name)
    text = written(apply_evidence())
    (tmp_path / "disabled.xml").write_text(text.replace('<testsuite errors="', '<testsuite disabled="0" errors="', 1))
    (tmp_path / "skipped.xml").write_text(text.replace("<skipped>", '<skipped message="m">', 1))

    assert "disabled" in complaints(tmp_path / "disabled.xml", strict)
    assert "message" in complaints(tmp_path / "skipped.xml", classic)


@pytest.mark.parametrize("make", [apply_evidence, scan_evidence, clean_evidence])
def test_totals_equal_the_tally(make: Callable[[], Evidence]) -> None:
    """Apart from the cases of the suite `hardening`, the numbers are those of the tally."""
    evidence = make()
    root = parsed(evidence)
    own = root.findall("testsuite[@name='hardening']/testcase")
    status = evidence.tally.by_status

    assert int(root.get("tests", "")) == evidence.tally.total + len(own)
    assert int(root.get("failures", "")) == status[Status.FAIL]
    assert int(root.get("errors", "")) == (
        status[Status.ERROR] + status[Status.UNREACHABLE] + sum(case.find("error") is not None for case in own)
    )
    assert sum(int(suite.get("skipped", "")) for suite in root) == (
        status[Status.WAIVED] + status[Status.NOT_APPLICABLE] + status[Status.MANUAL]
    )
    for suite in root:
        assert int(suite.get("tests", "")) == len(suite.findall("testcase"))


def test_names_are_unique_also_with_the_look_before() -> None:
    """GitLab shows only one of two cases with equal names, so no two have one."""
    root = parsed(apply_evidence(), before=True)

    names = Counter(case.get("name") for case in root.iter("testcase"))
    assert max(names.values()) == 1
    assert len(names) == 2 * apply_evidence().tally.total + 2


def test_each_status_becomes_its_element() -> None:
    """A gap fails, what we could not see is an error, and what nobody must do now is skipped with its reason."""
    root = parsed(apply_evidence())

    assert case_of(root, "web01/sshd::sshd_permit_root_login")[0].tag == "system-out"
    failure = case_of(root, "db01/postgresql:16-reporting::postgresql_no_trust").find("failure")
    assert failure is not None
    assert failure.get("type") == "critical severity"
    assert failure.get("message") == "wanted disjoint from: trust, saw peer, trust"
    blind = case_of(root, "db01/linux::linux_audit_running").find("error")
    assert blind is not None
    assert blind.get("type") == "could not look"
    lost = case_of(root, "app-02/sshd::sshd_ciphers").find("error")
    assert lost is not None
    assert lost.get("type") == "unreachable"
    waived = case_of(root, "web01/linux::linux_tmp_noexec").findtext("skipped", "")
    assert all(word in waived for word in ("Zhang Wei", "SEC-1042", "2026-12-31", "compilers"))
    assert case_of(root, "web01/nginx::nginx_frames_refused").findtext("skipped", "").startswith("not applicable: ")
    assert case_of(root, "web01/linux::linux_accounts_reviewed").findtext("skipped", "").startswith("needs a person: ")


def test_each_case_says_expected_observed_probe_and_clause() -> None:
    """Whoever opens a case sees what was wanted, what was seen, how it was asked, and which clause wants it."""
    facts = dict(properties_of(case_of(parsed(apply_evidence()), "db01/sshd::sshd_idle_timeout")))

    assert facts["expected"] == "at least 1 and at most 600"
    assert facts["observed"] == "0"
    assert facts["clause"] == "8.1.4.1 b"
    assert facts["probe"].startswith("sshd -T (exit 0, sha256 ")


@pytest.mark.parametrize("make", [empty_evidence, apply_evidence, scan_evidence])
def test_an_incomplete_or_empty_run_is_never_green(make: Any) -> None:
    """Whoever only reads error counts still learns that something was not seen, or that nothing was asked."""
    coverage = case_of(parsed(make()), "coverage::complete")

    assert coverage.find("error") is not None
    assert int(parsed(make()).get("errors", "")) >= 1


def test_a_complete_run_has_a_green_coverage_case() -> None:
    """The coverage case is there and passes when everything was seen."""
    coverage = case_of(parsed(clean_evidence()), "coverage::complete")

    assert coverage.find("error") is None


def test_an_unfinished_campaign_is_never_green() -> None:
    """A campaign that was killed is an error even when everything it got to was fine."""
    evidence = clean_evidence()
    killed = dataclasses.replace(evidence, campaign=dataclasses.replace(evidence.campaign, finished_at=None))

    assert case_of(parsed(killed), "coverage::complete").find("error") is not None


def test_changes_that_were_not_made_are_an_error() -> None:
    """A failed or unreported change shows even where the look afterwards found nothing wrong."""
    error = case_of(parsed(apply_evidence()), "changes::complete").find("error")

    assert error is not None
    assert "nginx_tls_protocols" in str(error.text)


def test_hostile_text_stays_inside_its_property_and_is_bounded() -> None:
    """No text of a host ends its property line, adds an element, carries a control character, or fills the file."""
    text = written(hostile_evidence(NASTY + "A" * 1_000_000))
    root = ET.fromstring(text)  # noqa: S314 - our own text

    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", text)
    for case in root.iter("testcase"):
        assert properties_of(case)
    assert not list(root.iter("script"))
    assert len(text) < 400_000


def test_shards_stay_below_the_limits_and_hold_every_case_once(tmp_path: Path) -> None:
    """Cut by size and by count, the files together say what one file says."""
    evidence = large_evidence(hosts=6, controls=60)
    whole = Counter(case.get("name") for case in parsed(evidence).iter("testcase"))

    paths = write_junit(evidence, tmp_path / "junit.xml", max_bytes=90_000, max_objects=1_500)

    assert [path.name for path in paths][:2] == ["junit.xml", "junit-002.xml"]
    assert sorted(paths) == sorted(tmp_path.iterdir())
    assert len(paths) >= 4
    found: Counter[str | None] = Counter()
    for path in paths:
        assert path.stat().st_size <= 90_000
        root = ET.parse(path).getroot()  # noqa: S314 - our own file
        assert sum(1 + len(element.attrib) for element in root.iter()) <= 1_500
        assert all(complaints(path, schema) == "" for schema in SCHEMAS)
        found.update(case.get("name") for case in root.iter("testcase"))
    assert found == whole


def test_files_of_a_larger_campaign_are_gone(tmp_path: Path) -> None:
    """A glob in CI sees no case of another campaign; a file of somebody else stays."""
    evidence = large_evidence(hosts=6, controls=60)
    many = write_junit(evidence, tmp_path / "junit.xml", max_bytes=90_000, max_objects=1_500)
    (tmp_path / "junit-extra.xml").write_text("<testsuites/>")
    (tmp_path / f"junit-{len(many) + 1:03}.xml").write_text("<testsuites name='pytest'/>")

    write_junit(evidence, tmp_path / "junit.xml")

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"junit-{len(many) + 1:03}.xml",
        "junit-extra.xml",
        "junit.xml",
    ]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda path: path.stem)
def test_dialects_differ_only_where_a_tool_reads_otherwise(schema: Path, tmp_path: Path) -> None:
    """GitLab gets the control's file and silent passes, Azure the reason of a skip; all count the same cases."""
    evidence = apply_evidence()
    cases = {}
    for dialect in Dialect:
        write_junit(evidence, tmp_path / dialect, dialect=dialect)
        root = ET.parse(tmp_path / dialect).getroot()  # noqa: S314 - our own file
        cases[dialect] = [(case.get("name"), [part.tag for part in case]) for case in root.iter("testcase")]
        passed = case_of(root, "web01/sshd::sshd_permit_root_login")
        skipped = case_of(root, "web01/linux::linux_tmp_noexec").find("skipped")
        assert skipped is not None
        assert ("SEC-1042" in str(skipped.get("message"))) == (dialect is Dialect.AZURE)
        assert (passed.find("system-out") is None) == (dialect is Dialect.GITLAB)
        assert passed.get("file") == ("baselines/sshd/example.yml" if dialect is Dialect.GITLAB else None)

    assert complaints(tmp_path / Dialect.JENKINS, schema) == ""
    assert cases[Dialect.JENKINS] == cases[Dialect.AZURE]
    assert [name for name, _ in cases[Dialect.GITLAB]] == [name for name, _ in cases[Dialect.JENKINS]]


def test_the_text_of_a_failure_says_what_was_seen() -> None:
    """GitLab shows the text and not the message."""
    failure = case_of(parsed(apply_evidence()), "db01/postgresql:16-reporting::postgresql_no_trust").find("failure")

    assert failure is not None
    assert str(failure.text).startswith("wanted disjoint from: trust, saw peer, trust\n")
