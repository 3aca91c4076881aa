"""Every machine-readable format, read back: it counts what the tally counted, and hides nothing that was not seen."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from prometheus_client.parser import text_string_to_metric_families

from hardening.model import Evidence, Status
from hardening.reports import FORMATS
from hardening.reports.words import STATUS, say
from tests.evidence_examples import (
    apply_evidence,
    attested_evidence,
    clean_evidence,
    empty_evidence,
    hostile_evidence,
    large_evidence,
    scan_evidence,
)

Counts = Mapping[str, int]
EVIDENCE: Mapping[str, Callable[[], Evidence]] = {
    "apply": apply_evidence,
    "scan": scan_evidence,
    "clean": clean_evidence,
    "attested": attested_evidence,
    "empty": empty_evidence,
    "hostile": lambda: hostile_evidence("\x1b[2J<script>=cmd|'\u202e\x00"),
    "large": lambda: large_evidence(hosts=7, controls=40),
}


def written(name: str, evidence: Evidence, *, lang: str = "en") -> str:
    stream = io.StringIO()
    FORMATS[name].write(evidence, stream, lang=lang)
    return stream.getvalue()


def some(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: number for name, number in counts.items() if number}


def counts_of_csv(text: str) -> Counts:
    statuses = [row["status"] for row in csv.DictReader(io.StringIO(text, newline=""))]
    return Counter(status for status in statuses if status != "INCOMPLETE")


def counts_of_jsonl(text: str) -> Counts:
    lines = [json.loads(line) for line in text.splitlines()]
    counts = Counter(line["status"] for line in lines if line["record"] == "finding")
    assert counts == some(lines[0]["tally"])
    return counts


def counts_of_markdown(text: str) -> Counts:
    word = {short: status.value for status, words in STATUS.items() for short in words}
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    numbers = dict(zip(lines[0], lines[2], strict=True))
    counts = {word[name]: int(number.replace(",", "")) for name, number in numbers.items() if name in word}
    together = next(number for name, number in numbers.items() if name in ("all", "合计"))
    assert sum(counts.values()) == int(together.replace(",", ""))
    return some(counts)


def counts_of_prometheus(text: str) -> Counts:
    families = {family.name: family.samples for family in text_string_to_metric_families(text)}
    counts = {sample.labels["status"]: int(sample.value) for sample in families["hardening_findings"]}
    assert set(counts) == {status.value for status in Status}
    assert sum(sample.value for sample in families["hardening_target_gaps"]) == counts["FAIL"]
    assert sum(sample.value for sample in families["hardening_gaps"]) == counts["FAIL"]
    unseen = counts["ERROR"] + counts["UNREACHABLE"]
    assert sum(sample.value for sample in families["hardening_target_unseen"]) == unseen
    return some(counts)


SARIF_KIND = {
    ("pass", "none", False): {"PASS"},
    ("fail", "error", False): {"FAIL"},
    ("fail", "warning", False): {"FAIL"},
    ("fail", "note", False): {"FAIL"},
    ("open", "none", False): {"ERROR", "UNREACHABLE"},
    ("notApplicable", "none", False): {"NOT_APPLICABLE"},
    ("review", "none", False): {"MANUAL"},
    ("fail", "error", True): {"WAIVED"},
    ("fail", "warning", True): {"WAIVED"},
    ("fail", "note", True): {"WAIVED"},
}


def counts_of_sarif(text: str) -> Counts:
    (run,) = json.loads(text)["runs"]
    for result in run["results"]:
        kind = (result["kind"], result["level"], "suppressions" in result)
        assert result["properties"]["status"] in SARIF_KIND[kind]
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    counts = Counter(result["properties"]["status"] for result in run["results"])
    assert counts == some(run["properties"]["tally"])
    if counts["ERROR"] or counts["UNREACHABLE"] or not counts:
        assert run["invocations"][0]["executionSuccessful"] is False
    return counts


def heimdall_says(control: dict[str, Any]) -> str:
    """Return what Heimdall makes of a control (inspecjs, `compute_status`)."""
    statuses = {result["status"] for result in control["results"]}
    if "error" in statuses or not statuses:
        return "Profile Error"
    if control.get("waiver_data", {}).get("skipped_due_to_waiver") or control["impact"] == 0:
        return "Not Applicable"
    return {"failed": "Failed", "passed": "Passed", "skipped": "Not Reviewed"}[min(statuses)]


HEIMDALL = {
    "PASS": "Passed",
    "FAIL": "Failed",
    "ERROR": "Profile Error",
    "UNREACHABLE": "Profile Error",
    "MANUAL": "Not Reviewed",
    "NOT_APPLICABLE": "Not Applicable",
    "WAIVED": "Not Applicable",
}


def counts_of_hdf(text: str) -> Counts:
    (profile,) = json.loads(text)["profiles"]
    controls = profile["controls"]
    if controls[0]["id"] == "coverage::complete":
        assert heimdall_says(controls.pop(0)) == "Profile Error"
    assert len({control["id"] for control in controls}) == len(controls)
    for control in controls:
        assert heimdall_says(control) == HEIMDALL[control["tags"]["status"]]
        assert bool(control.get("waiver_data")) == (control["tags"]["status"] == "WAIVED")
    return Counter(control["tags"]["status"] for control in controls)


OSCAL_STATE = {
    "PASS": ("satisfied", "pass"),
    "FAIL": ("not-satisfied", "fail"),
    "WAIVED": ("not-satisfied", "fail"),
    "ERROR": ("not-satisfied", "other"),
    "UNREACHABLE": ("not-satisfied", "other"),
    "MANUAL": ("not-satisfied", "other"),
    "NOT_APPLICABLE": ("satisfied", "other"),
}


def prop(held: dict[str, Any], name: str) -> str | None:
    return next((str(one["value"]) for one in held.get("props", []) if one["name"] == name), None)


def counts_of_oscal_findings(part: dict[str, Any], document: dict[str, Any]) -> Counts:
    """Count findings; each stands on an observation of a known host, and each gap has its risk."""
    hosts = {item["uuid"] for item in part.get("local-definitions", {}).get("inventory-items", [])}
    seen = {one["uuid"]: one for one in part.get("observations", [])}
    risks = {one["uuid"]: one["status"] for one in part.get("risks", [])}
    for finding in part.get("findings", []):
        status = prop(finding, "status")
        assert status is not None
        held = finding["target"]["status"]
        assert (held["state"], held["reason"]) == OSCAL_STATE[status]
        of_risk = [risks[one["risk-uuid"]] for one in finding.get("related-risks", [])]
        assert of_risk == {"FAIL": ["open"], "WAIVED": ["deviation-approved"]}.get(status, [])
        (observation,) = (seen[one["observation-uuid"]] for one in finding["related-observations"])
        assert prop(observation, "status") == status
        assert {subject["subject-uuid"] for subject in observation["subjects"]} <= hosts
    uuids = re.findall(r'"uuid": "([^"]+)"', json.dumps(document))
    assert len(uuids) == len(set(uuids))
    return Counter(str(prop(finding, "status")) for finding in part.get("findings", []))


def counts_of_oscal(text: str) -> Counts:
    document = json.loads(text)["assessment-results"]
    (result,) = document["results"]
    counts = counts_of_oscal_findings(result, document)
    for status in Status:
        assert prop(document["metadata"], f"count-{status.value}") == str(counts.get(status.value, 0))
    return counts


def counts_of_poam(text: str) -> Counts:
    """Items are what is left; what passed or does not apply is in the metadata's counts only."""
    document = json.loads(text)["plan-of-action-and-milestones"]
    items = Counter(str(prop(item, "status")) for item in document["poam-items"] if prop(item, "status"))
    assert items == counts_of_oscal_findings(document, document)
    stated = {status.value: int(str(prop(document["metadata"], f"count-{status.value}"))) for status in Status}
    assert items == some({**stated, "PASS": 0, "NOT_APPLICABLE": 0})
    first = prop(document["poam-items"][0], "control")
    assert (first == "nothing-left") == (not items and bool(stated["PASS"]))
    return some(stated)


XCCDF = "{http://checklists.nist.gov/xccdf/1.2}"
XCCDF_RESULT = {
    "pass": "PASS",
    "fail": "FAIL",
    "error": "ERROR",
    "unknown": "UNREACHABLE",
    "notchecked": "MANUAL",
    "notapplicable": "NOT_APPLICABLE",
    "informational": "WAIVED",
}


def counts_of_xccdf(text: str) -> Counts:
    root = ET.fromstring(text)  # noqa: S314 - our own text
    rules = {rule.get("id") for rule in root.iter(f"{XCCDF}Rule")}
    results = root.findall(f"{XCCDF}TestResult")
    if root.find(f"{XCCDF}notice") is not None:
        assert [found.text for found in results.pop(0).iter(f"{XCCDF}result")] == ["error"]
    counts: Counter[str] = Counter()
    for result in results:
        found = Counter(XCCDF_RESULT[str(one.text)] for one in result.iter(f"{XCCDF}result"))
        score = result.find(f"{XCCDF}score")
        assert score is not None
        assert score.text == str(found["PASS"])
        assert score.get("maximum") == str(sum(found[name] for name in ("PASS", "FAIL", "ERROR", "UNREACHABLE")))
        assert {one.get("idref") for one in result.iter(f"{XCCDF}rule-result")} <= rules
        counts += found
    return counts


def counts_of_json(text: str) -> Counts:
    document = json.loads(text)
    counts = Counter(finding["status"] for finding in document["findings"])
    assert counts == some(document["tally"]["by_status"])
    return counts


def counts_of_junit(text: str) -> Counts:
    """Count by what each case says of itself; the verdict it has for CI agrees."""
    element = {"PASS": None, "FAIL": "failure", "ERROR": "error", "UNREACHABLE": "error"}
    counts: Counter[str] = Counter()
    for case in ET.fromstring(text).iter("testcase"):  # noqa: S314 - our own text
        if not str(case.get("classname")).startswith("hardening."):
            (status,) = re.findall(r"\[\[PROPERTY\|status=(\w+)]]", case.findtext("system-out") or "")
            verdicts = [part.tag for part in case if part.tag != "system-out"]
            assert verdicts == [tag for tag in (element.get(status, "skipped"),) if tag]
            counts[status] += 1
    return counts


def counts_of_html(text: str) -> Counts:
    """Count what the list shows; the tiles and the hosts' table, which need no script, say the same."""
    data = json.loads(re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[0])
    rows, fields = data["rows"], data["row"]
    statuses = rows[fields.index("status") :: len(fields)]
    counts = Counter(data["statuses"][number][0] for number in statuses)
    tiles = {
        name: int(number.replace(",", ""))
        for name, number in re.findall(r'<a class="tile[^"]*" href="#status=([A-Z_,]+)"><b>([\d,]+)</b>', text)
    }
    for name, number in tiles.items():
        assert number == sum(counts[each] for each in name.split(","))
    return counts


READ: Mapping[str, Callable[[str], Counts]] = {
    "json": counts_of_json,
    "junit": counts_of_junit,
    "html": counts_of_html,
    "csv": counts_of_csv,
    "jsonl": counts_of_jsonl,
    "markdown": counts_of_markdown,
    "prometheus": counts_of_prometheus,
    "sarif": counts_of_sarif,
    "hdf": counts_of_hdf,
    "oscal": counts_of_oscal,
    "poam": counts_of_poam,
    "xccdf": counts_of_xccdf,
}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("make", EVIDENCE.values(), ids=EVIDENCE)
@pytest.mark.parametrize("name", READ)
def test_every_format_counts_what_the_tally_counted(name: str, make: Callable[[], Evidence], lang: str) -> None:
    """Status by status; Chinese reports hold the same numbers."""
    evidence = make()

    assert READ[name](written(name, evidence, lang=lang).removeprefix("\ufeff")) == some(
        {status.value: number for status, number in evidence.tally.by_status.items()}
    )


@pytest.mark.parametrize("name", READ)
def test_equal_evidence_gives_equal_bytes(name: str) -> None:
    """Whatever the order in which the findings and changes came."""
    assert written(name, apply_evidence()) == written(name, apply_evidence())
    for lang in ("en", "zh"):
        evidence = apply_evidence()
        turned = dataclasses.replace(evidence, findings=evidence.findings[::-1], before=evidence.before[::-1])
        assert written(name, turned, lang=lang) == written(name, evidence, lang=lang)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "pdf"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_same_campaign_gives_the_same_files(name: str, lang: str, tmp_path: Path) -> None:
    """Every format, whatever the order in which the findings came; a PDF has a test of its own."""
    evidence = apply_evidence()
    turned = dataclasses.replace(evidence, findings=evidence.findings[::-1], before=evidence.before[::-1])
    FORMATS[name].write(evidence, tmp_path / "one" / "report", lang=lang)
    FORMATS[name].write(turned, tmp_path / "two" / "report", lang=lang)

    one, two = ({path.name: path.read_bytes() for path in (tmp_path / each).iterdir()} for each in ("one", "two"))
    assert one == two
    assert one


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("make", [apply_evidence, scan_evidence, clean_evidence])
def test_workbook_and_terminal_count_what_the_tally_counted(
    make: Callable[[], Evidence], lang: str, tmp_path: Path
) -> None:
    """The summary sheet and the last row of the table."""
    evidence, at = make(), ("en", "zh").index(lang)
    FORMATS["xlsx"].write(evidence, tmp_path / "book.xlsx", lang=lang)
    sheet = openpyxl.load_workbook(tmp_path / "book.xlsx").worksheets[0]
    rows = [[cell.value for cell in row if cell.value is not None] for row in sheet.iter_rows()]
    before = 0 if evidence.tally_before is None else 1
    counted: dict[str, object] = {}
    for row in rows:
        if len(row) > 1 + before:
            # The counts come first; further down clauses are counted in words that are the same in Chinese.
            counted.setdefault(str(row[0]), row[1 + before])
    lines = [line.split() for line in written("terminal", evidence, lang=lang).splitlines()]
    heading = next(line for line in lines if STATUS[Status.PASS][at] in line)
    total = next((line for line in lines if line[:1] == [say("all", lang)]), None)

    for status, number in evidence.tally.by_status.items():
        word = STATUS[status][at]
        assert counted.get(word, 0) == number, word
        if total is not None and word in heading:
            assert int(total[heading.index(word)].replace(",", "")) == number, word


def test_a_json_line_is_the_whole_record_of_a_control_on_a_target() -> None:
    """Requirement, both looks with commands and digests, the change with difference and plan, undo state, waiver."""
    evidence = apply_evidence()
    undone = dataclasses.replace(evidence, undone={("web01/sshd", "sshd_max_auth_tries"): "20260822T0000Z-undo-1111"})
    lines = [json.loads(line) for line in written("jsonl", undone).splitlines()[1:]]
    (record,) = (line for line in lines if line["control"] == "sshd_max_auth_tries" and line["host"] == "web01")
    (waived,) = (line for line in lines if line["status"] == "WAIVED")

    assert (record["want"], record["before"]["seen"], record["seen"]) == (
        {"at_most": 4},
        {"value": "6"},
        {"value": "4"},
    )
    assert (record["before"]["status"], record["status"]) == ("FAIL", "PASS")
    assert record["clauses"] == ["8.1.4.1 b"]
    assert all(record[name] for name in ("why", "title", "severity", "source"))
    for look in (record, record["before"]):
        assert [(probe["command"], len(probe["stdout_sha256"])) for probe in look["probes"]] == [("sshd -T", 64)]
    change = record["change"]
    assert "+MaxAuthTries 4" in change["diff"]
    assert change["touches"][0]["name"] == "/etc/ssh/sshd_config.d/10-hardening.conf"
    assert (change["task"], change["actor"]) == ("sshd.option", "ops@bastion")
    assert change["plan"] == "20260821T095900Z-plan-7f3a"
    assert change["options"] == {"accept": ["lockout"]}
    assert change["undone_by"] == "20260822T0000Z-undo-1111"
    assert waived["waiver"]["ticket"] == "SEC-1042"
