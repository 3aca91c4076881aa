"""SARIF 2.1.0, for code scanning views and the tools around them: one rule per control, one result per finding.

| status | becomes |
|---|---|
| FAIL | kind `fail`, level by severity: error, warning, note |
| PASS | kind `pass` |
| NOT_APPLICABLE | kind `notApplicable` |
| MANUAL | kind `review` |
| ERROR, UNREACHABLE | kind `open`: there is not enough to decide by |
| WAIVED | kind `fail` with an accepted external suppression |

An incomplete campaign is `executionSuccessful: false` with a notification per sentence.
A result's logical location is the target; its physical location is where the control is written down, as viewers want
a file. The status as we say it is property `status` of every result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from hardening.model import Evidence, Finding, Json, Requirement, Severity, Status
from hardening.reports import wording
from hardening.reports.json_text import Lazy, compact, document
from hardening.reports.others import attestation_facts, import_facts
from hardening.reports.output import write_text
from hardening.reports.rows import Row, requirements, rows, source_file
from hardening.reports.safe_text import bounded, bounded_line
from hardening.tally import transitions

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
VALUE_LIMIT = 500
MESSAGE_LIMIT = 1000
KIND: Mapping[Status, str] = {
    Status.PASS: "pass",
    Status.FAIL: "fail",
    Status.ERROR: "open",
    Status.UNREACHABLE: "open",
    Status.NOT_APPLICABLE: "notApplicable",
    Status.MANUAL: "review",
    Status.WAIVED: "fail",
}
LEVEL: Mapping[Severity, str] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
}
# What GitHub sorts security findings by: a number from 0 to 10.
SECURITY_SEVERITY: Mapping[Severity, str] = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
}


def write_sarif(evidence: Evidence, destination: Path | TextIO, *, lang: str = "en") -> None:
    """Write one SARIF log with one run."""
    known = requirements(evidence)
    index = {requirement.control.id: number for number, requirement in enumerate(known)}
    campaign = evidence.campaign
    run: dict[str, Lazy] = {
        "tool": {
            "driver": {
                "name": "hardening",
                "version": campaign.tool_version,
                "semanticVersion": campaign.tool_version,
                "rules": [_rule(requirement, lang) for requirement in known],
            }
        },
        "automationDetails": {
            "id": f"hardening/{bounded_line(campaign.profile, VALUE_LIMIT)}/{campaign.id}",
            "description": {"text": bounded_line(wording.title(evidence.profile, lang), VALUE_LIMIT)},
        },
        "language": "zh-CN" if lang == "zh" else "en-US",
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(evidence, lang)],
        "results": (_result(row, index[row.finding.observation.control_id], lang) for row in rows(evidence)),
        "properties": _numbers(evidence),
    }
    write_text(destination, document({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}))


def _rule(requirement: Requirement, lang: str) -> Json:
    control = requirement.control
    title = bounded_line(wording.title(control, lang), VALUE_LIMIT)
    return {
        "id": control.id,
        "name": "".join(word.capitalize() for word in control.id.split("_")),
        "shortDescription": {"text": title},
        "fullDescription": {"text": bounded_line(wording.why(control, lang), MESSAGE_LIMIT)},
        "help": {
            "text": bounded(
                f"{title}\n{wording.why(control, lang)}\n{wording.wanted_of(control, lang)}", 2 * MESSAGE_LIMIT
            )
        },
        "defaultConfiguration": {"level": LEVEL[control.severity]},
        "properties": {
            "tags": ["security", control.component, *requirement.clauses],
            "security-severity": SECURITY_SEVERITY[control.severity],
            "severity": control.severity.value,
        },
    }


def _result(row: Row, rule_index: int, lang: str) -> Json:
    finding = row.finding
    control, target = finding.requirement.control, finding.observation.target
    kind = KIND[finding.status]
    properties: dict[str, Json] = {
        "status": finding.status.value,
        "verdict": finding.verdict.value,
        "host": bounded_line(target.host, VALUE_LIMIT),
        "component": target.component,
        "instance": bounded_line(target.instance, VALUE_LIMIT),
        "expected": bounded_line(wording.wanted_of(control, lang), VALUE_LIMIT),
        "observed": bounded_line(wording.seen(finding, lang), VALUE_LIMIT),
        "before": row.before.status.value if row.before else None,
        "change": row.change.state.value if row.change else None,
        "takenAt": _moment(finding.observation.taken_at),
        "outputs": [probe.stdout_sha256 for probe in finding.observation.probes],
    }
    result: dict[str, Json] = {
        "ruleId": control.id,
        "ruleIndex": rule_index,
        "kind": kind,
        "level": LEVEL[control.severity] if kind == "fail" else "none",
        "message": {"text": _message(finding, lang)},
        "locations": [_location(finding)],
        "partialFingerprints": {"targetAndControl/v1": _fingerprint(finding)},
        "properties": properties,
    }
    if finding.attestation is not None:
        result["properties"] = {**properties, "attestation": attestation_facts(finding)}
    if finding.status is Status.WAIVED:
        justification = bounded_line(wording.waiver_sentence(finding), MESSAGE_LIMIT)
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": justification}]
    return result


def _message(finding: Finding, lang: str) -> str:
    title = bounded_line(wording.title(finding.requirement.control, lang), VALUE_LIMIT)
    name = bounded_line(finding.observation.target.name, VALUE_LIMIT)
    said = f"{name}: {title}: {bounded_line(finding.reason, MESSAGE_LIMIT) or finding.status.value}"
    # A message has placeholders in braces and links in brackets (SARIF 2.1.0, 3.11.5, 3.11.6); a host writes neither.
    return said.replace("{", "{{").replace("}", "}}").replace("[", "\\[").replace("]", "\\]")


def _location(finding: Finding) -> Json:
    control = finding.requirement.control
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(source_file(finding.requirement))},
            "region": {"startLine": max(control.source.line, 1)},
        },
        "logicalLocations": [
            {"fullyQualifiedName": bounded_line(finding.observation.target.name, VALUE_LIMIT), "kind": "resource"}
        ],
    }


def _fingerprint(finding: Finding) -> str:
    return hashlib.sha256(compact([*finding.key]).encode()).hexdigest()


def _invocation(evidence: Evidence, lang: str) -> Json:
    campaign = evidence.campaign
    alarms = wording.alarms(evidence, lang)
    invocation: dict[str, Json] = {
        "executionSuccessful": not alarms,
        "startTimeUtc": _moment(campaign.started_at),
        "toolExecutionNotifications": [
            {"level": "error", "message": {"text": bounded_line(sentence, MESSAGE_LIMIT)}} for sentence in alarms
        ],
    }
    if campaign.finished_at is not None:
        invocation["endTimeUtc"] = _moment(campaign.finished_at)
    if campaign.exit_code is not None:
        invocation["exitCode"] = campaign.exit_code
    return invocation


def _numbers(evidence: Evidence) -> dict[str, Json]:
    counts = evidence.tally
    numbers: dict[str, Json] = {
        "campaign": evidence.campaign.id,
        "verb": evidence.campaign.verb.value,
        "tally": {status.value: number for status, number in counts.by_status.items()},
        "pairsAsked": counts.coverage.pairs_asked,
        "pairsSeen": counts.coverage.pairs_seen,
        "hostsAsked": counts.coverage.hosts_asked,
        "hostsSeen": counts.coverage.hosts_seen,
    }
    if evidence.imports:
        numbers["imports"] = [import_facts(imported) for imported in evidence.imports]
    if evidence.before:
        numbers["transitions"] = [
            {"before": then and then.value, "after": now and now.value, "count": number}
            for (then, now), number in transitions(evidence.before, evidence.findings).items()
        ]
    return numbers


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
