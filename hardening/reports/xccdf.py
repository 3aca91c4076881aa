"""XCCDF 1.2: a benchmark with one rule per control, and one test result per target.

| status | result |
|---|---|
| PASS | pass |
| FAIL | fail |
| ERROR | error |
| UNREACHABLE | unknown |
| MANUAL | notchecked |
| NOT_APPLICABLE | notapplicable |
| WAIVED | informational, with a warning that keeps the real result and says who accepted it, why, and until when |

Where the evidence is not the whole truth, a notice of the benchmark says so, and the first test result, of target
`hardening`, holds the rule `coverage.complete` in error.
The score is XCCDF's flat unweighted one: passed of all that count. What could not be seen counts, and not as passed.

XCCDF has an `override` for what we call a waiver. OpenSCAP's schematron refuses it beside any result without one.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TextIO

from hardening.model import Evidence, Finding, HostSeen, Requirement, Severity, Status
from hardening.reports import wording
from hardening.reports.output import write_text
from hardening.reports.rows import Row, of_targets, requirements, rows
from hardening.reports.safe_text import bounded_line

NAMESPACE = "http://checklists.nist.gov/xccdf/1.2"
DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"
FLAT = "urn:xccdf:scoring:flat-unweighted"
CLAUSES = "urn:hardening:clause"
COVERAGE = "xccdf_hardening_rule_coverage.complete"
VALUE_LIMIT = 500
MESSAGE_LIMIT = 1000
PROBES_SHOWN = 8
RESULT: Mapping[Status, str] = {
    Status.PASS: "pass",
    Status.FAIL: "fail",
    Status.ERROR: "error",
    Status.UNREACHABLE: "unknown",
    Status.MANUAL: "notchecked",
    Status.NOT_APPLICABLE: "notapplicable",
    Status.WAIVED: "informational",
}
COUNTS = (Status.PASS, Status.FAIL, Status.ERROR, Status.UNREACHABLE)


def write_xccdf(evidence: Evidence, destination: Path | TextIO, *, lang: str = "en") -> None:
    """Write the benchmark with its results."""
    write_text(destination, _parts(evidence, lang))


def _parts(evidence: Evidence, lang: str) -> Iterator[str]:
    """Return the benchmark without its end, each test result, and the end: a fleet's results would fill the memory."""
    root = _benchmark(evidence, lang)
    ET.indent(root, " ")
    head, end, _ = ET.tostring(root, encoding="unicode").rpartition(f"</{root.tag}>")
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n{head}'
    for result in _test_results(evidence, lang):
        ET.indent(result, " ", level=1)
        yield f" {ET.tostring(result, encoding='unicode')}\n"
    yield f"{end}\n"


def _test_results(evidence: Evidence, lang: str) -> Iterator[ET.Element]:
    hosts = {host.name: host for host in evidence.hosts}
    if wording.alarms(evidence, lang):
        yield _coverage(evidence, lang)
    for number, found in enumerate(of_targets(rows(evidence)).values(), start=1):
        host = hosts.get(found[0].finding.observation.target.host)
        yield _test_result(evidence, number, found, host, lang)


def _benchmark(evidence: Evidence, lang: str) -> ET.Element:
    campaign = evidence.campaign
    root = ET.Element(
        "Benchmark",
        {"xmlns": NAMESPACE, "xmlns:dc": DUBLIN_CORE, "id": f"xccdf_hardening_benchmark_{campaign.profile}"},
    )
    root.set("xml:lang", "zh-CN" if lang == "zh" else "en-US")
    _add(root, "status", "accepted", date=campaign.started_at.date().isoformat())
    _add(root, "title", wording.title(evidence.profile, lang))
    _add(root, "description", wording.coverage(evidence, lang))
    if alarms := wording.alarms(evidence, lang):
        _add(root, "notice", " ".join(alarms), id="incomplete")
    # What decides a verdict is the version; the digest names it.
    _add(root, "version", campaign.profile_digest, time=_moment(campaign.started_at))
    made_by = ET.SubElement(root, "metadata")
    _add(made_by, "dc:creator", f"hardening {campaign.tool_version}")
    profile = ET.SubElement(root, "Profile", {"id": f"xccdf_hardening_profile_{campaign.profile}"})
    _add(profile, "title", wording.title(evidence.profile, lang))
    known = requirements(evidence)
    for requirement in known:
        ET.SubElement(profile, "select", {"idref": _rule_id(requirement), "selected": "true"})
    if alarms:
        rule = ET.SubElement(root, "Rule", {"id": COVERAGE, "severity": "high"})
        _add(rule, "title", wording.coverage(evidence, lang))
        ET.SubElement(rule, "check", {"system": "urn:hardening:coverage"})
    for requirement in known:
        root.append(_rule(requirement, lang))
    return root


def _rule(requirement: Requirement, lang: str) -> ET.Element:
    control = requirement.control
    rule = ET.Element("Rule", {"id": _rule_id(requirement), "severity": _severity(control.severity)})
    _add(rule, "title", wording.title(control, lang))
    _add(rule, "description", wording.wanted_of(control, lang))
    _add(rule, "rationale", wording.why(control, lang))
    for clause in requirement.clauses:
        _add(rule, "ident", clause, system=CLAUSES)
    ET.SubElement(rule, "check", {"system": f"urn:hardening:kind:{control.kind}"})
    return rule


def _test_result(evidence: Evidence, number: int, found: Sequence[Row], host: HostSeen | None, lang: str) -> ET.Element:
    target = found[0].finding.observation.target
    result = _begun(evidence, f"{number:05}", target.name, lang)
    if host is not None and host.address:
        _add(result, "target-address", host.address)
    facts = ET.SubElement(result, "target-facts")
    held = {
        "urn:xccdf:fact:asset:identifier:host_name": target.host,
        "urn:hardening:fact:component": target.component,
        "urn:hardening:fact:instance": target.instance,
        "urn:hardening:fact:system": f"{host.os_id} {host.os_version}".strip() if host else "",
    }
    for name, text in held.items():
        if text:
            _add(facts, "fact", text, name=name, type="string")
    for row in found:
        result.append(_rule_result(row.finding, lang))
    counts = evidence.tally.by_target[target.name]
    maximum = sum(counts.get(status, 0) for status in COUNTS)
    _add(result, "score", str(counts.get(Status.PASS, 0)), system=FLAT, maximum=str(maximum))
    return result


def _coverage(evidence: Evidence, lang: str) -> ET.Element:
    result = _begun(evidence, "00000", "hardening", lang)
    rule = ET.SubElement(result, "rule-result", {"idref": COVERAGE, "severity": "high"})
    _add(rule, "result", "error")
    for sentence in wording.alarms(evidence, lang):
        _add(rule, "message", sentence, severity="error")
    ET.SubElement(rule, "check", {"system": "urn:hardening:coverage"})
    _add(result, "score", "0", system=FLAT, maximum="1")
    return result


def _begun(evidence: Evidence, number: str, target: str, lang: str) -> ET.Element:
    campaign = evidence.campaign
    result = ET.Element(
        "TestResult",
        {
            "id": f"xccdf_hardening_testresult_{campaign.id}-{number}",
            "start-time": _moment(campaign.started_at),
            # The schema has no result without an end; that a campaign has none is said in its notice.
            "end-time": _moment(campaign.finished_at or campaign.started_at),
            "test-system": f"hardening {campaign.tool_version}",
            "version": campaign.profile_digest,
        },
    )
    _add(result, "title", f"{wording.title(evidence.profile, lang)}: {target}")
    ET.SubElement(result, "profile", {"idref": f"xccdf_hardening_profile_{campaign.profile}"})
    _add(result, "target", target)
    return result


def _rule_result(finding: Finding, lang: str) -> ET.Element:
    observation, control = finding.observation, finding.requirement.control
    rule = ET.Element(
        "rule-result",
        {
            "idref": _rule_id(finding.requirement),
            "time": _moment(observation.taken_at),
            "severity": _severity(control.severity),
        },
    )
    _add(rule, "result", RESULT[finding.status])
    if finding.status is Status.WAIVED:
        said = f"{RESULT[finding.verdict]}, waived: {wording.waiver_sentence(finding)}"
        _add(rule, "message", said, severity="warning")
    worst = finding.status in (Status.ERROR, Status.UNREACHABLE)
    _add(rule, "message", finding.reason or finding.status.value, severity="error" if worst else "info")
    for probe in observation.probes[:PROBES_SHOWN]:
        asked = bounded_line(probe.command, VALUE_LIMIT)
        _add(rule, "message", f"{asked} (exit {probe.exit_code}, sha256 {probe.stdout_sha256})", severity="info")
    ET.SubElement(rule, "check", {"system": f"urn:hardening:kind:{control.kind}"})
    return rule


def _add(parent: ET.Element, tag: str, text: str, **attributes: str) -> None:
    shown = bounded_line(text, MESSAGE_LIMIT + VALUE_LIMIT)
    ET.SubElement(parent, tag, attributes).text = shown


def _rule_id(requirement: Requirement) -> str:
    return f"xccdf_hardening_rule_{requirement.control.id}"


def _severity(severity: Severity) -> str:
    """Return the severity in XCCDF's words, which end at high."""
    return "high" if severity is Severity.CRITICAL else severity.value


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
