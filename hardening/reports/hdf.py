"""HDF (Heimdall Data Format, InSpec's exec JSON), for Heimdall and the SAF tools: one profile, one control per finding.

A control of HDF stands for one of our controls on one target, named `host/component:instance::control` as in JUnit:
the status of a control is the worst of its results, so two targets in one would hide numbers. And it is one profile, as
the SAF tools read the first one only, and Heimdall takes equal ids in two profiles for overlays of each other.

| status | result | Heimdall says |
|---|---|---|
| PASS | passed | Passed |
| FAIL | failed | Failed |
| ERROR, UNREACHABLE | error | Profile Error |
| MANUAL | skipped | Not Reviewed |
| NOT_APPLICABLE | skipped, impact 0 | Not Applicable |
| WAIVED | failed, with waiver data | Not Applicable, marked as waived |

Where the evidence is not the whole truth, a first control `coverage::complete` is in error.
The status as we say it is the tag `status` of every other control.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from hardening.model import Evidence, Finding, Json, Severity, Status
from hardening.reports import wording
from hardening.reports.json_text import Lazy, compact, document, in_order
from hardening.reports.others import holds, import_facts
from hardening.reports.output import write_text
from hardening.reports.rows import Row, rows, source_file
from hardening.reports.safe_text import bounded, bounded_line

VALUE_LIMIT = 500
MESSAGE_LIMIT = 1000
IMPACT: Mapping[Severity, float] = {
    Severity.CRITICAL: 0.9,
    Severity.HIGH: 0.7,
    Severity.MEDIUM: 0.5,
    Severity.LOW: 0.3,
}
RESULT: Mapping[Status, str] = {
    Status.PASS: "passed",
    Status.FAIL: "failed",
    Status.ERROR: "error",
    Status.UNREACHABLE: "error",
    Status.MANUAL: "skipped",
    Status.NOT_APPLICABLE: "skipped",
    Status.WAIVED: "failed",
}


def write_hdf(evidence: Evidence, destination: Path | TextIO, *, lang: str = "en") -> None:
    """Write one execution."""
    campaign = evidence.campaign
    seconds = (campaign.finished_at - campaign.started_at).total_seconds() if campaign.finished_at else 0.0
    whole: dict[str, Lazy] = {
        "platform": {"name": "hardening", "release": campaign.tool_version, "target_id": campaign.id},
        "version": campaign.tool_version,
        "statistics": {"duration": seconds},
        "profiles": [_profile(evidence, lang)],
    }
    if evidence.imports:
        # Where Heimdall's own converters keep what has no place of its own.
        whole["passthrough"] = {"imports": [import_facts(imported) for imported in evidence.imports]}
    write_text(destination, document(whole))


def _profile(evidence: Evidence, lang: str) -> Lazy:
    return {
        "name": bounded_line(evidence.campaign.profile, VALUE_LIMIT),
        "version": evidence.campaign.tool_version,
        "sha256": evidence.profile.digest,
        "title": bounded_line(wording.title(evidence.profile, lang), VALUE_LIMIT),
        "summary": f"{evidence.campaign.id}: {wording.coverage(evidence, lang)}",
        "status": "loaded",
        "supports": [],
        "attributes": [],
        "groups": [],
        "controls": _controls(evidence, lang),
    }


def _controls(evidence: Evidence, lang: str) -> Iterator[Json]:
    if wording.alarms(evidence, lang):
        yield _coverage(evidence, lang)
    for row in rows(evidence):
        yield _control(row, lang)


def _control(row: Row, lang: str) -> Json:
    finding = row.finding
    control = finding.requirement.control
    expected = bounded_line(wording.wanted_of(control, lang), VALUE_LIMIT)
    said = bounded_line(finding.reason, MESSAGE_LIMIT) or finding.status.value
    applies = finding.status is not Status.NOT_APPLICABLE
    held: dict[str, Json] = {
        "id": f"{bounded_line(finding.observation.target.name, VALUE_LIMIT)}::{control.id}",
        "title": bounded_line(wording.title(control, lang), VALUE_LIMIT),
        # Heimdall shows this, not the result, for what does not apply.
        "desc": bounded(wording.why(control, lang), MESSAGE_LIMIT) if applies else said,
        "descriptions": [
            {"label": "default", "data": bounded(wording.why(control, lang), MESSAGE_LIMIT)},
            {"label": "check", "data": _commands(finding) or expected},
            {"label": "fix", "data": expected},
        ],
        "impact": IMPACT[control.severity] if applies else 0.0,
        "refs": [],
        "tags": {
            "control": control.id,
            "status": finding.status.value,
            "verdict": finding.verdict.value,
            "severity": control.severity.value,
            "clauses": [*finding.requirement.clauses],
            "host": bounded_line(finding.observation.target.host, VALUE_LIMIT),
            "before": row.before.status.value if row.before else None,
            "change": row.change.state.value if row.change else None,
        },
        "code": compact(
            {control.id: {"kind": control.kind, "with": in_order(control.params), "want": in_order(control.want)}}
        ),
        "source_location": {"ref": source_file(finding.requirement), "line": control.source.line},
        "results": [_result(finding, expected, said, lang)],
    }
    if finding.attestation is not None and holds(finding):
        held["attestation_data"] = {
            "control_id": held["id"],
            "explanation": bounded_line(finding.attestation.seen, MESSAGE_LIMIT),
            # HDF says for how long from `updated` on an attestation counts.
            "frequency": f"{(finding.attestation.expires_on - finding.attestation.seen_on).days}d",
            "status": RESULT[finding.verdict],
            "updated": finding.attestation.seen_on.isoformat(),
            "updated_by": bounded_line(finding.attestation.by, VALUE_LIMIT),
        }
    if finding.waiver is not None:
        held["waiver_data"] = {
            "expiration_date": finding.waiver.expires_on.isoformat(),
            "justification": bounded_line(wording.waiver_sentence(finding), MESSAGE_LIMIT),
            "run": True,
            # Heimdall knows a waived control by this alone.
            "skipped_due_to_waiver": finding.status is Status.WAIVED,
            "message": "",
        }
    return held


def _result(finding: Finding, expected: str, said: str, lang: str) -> Json:
    observation = finding.observation
    status = RESULT[finding.status]
    result: dict[str, Json] = {
        "status": status,
        "code_desc": f"{bounded_line(observation.target.name, VALUE_LIMIT)}: {expected}",
        "run_time": max(observation.duration_s, 0.0),
        "start_time": observation.taken_at.isoformat(),
    }
    if status == "skipped":
        result["skip_message"] = said
    elif status != "passed":
        result["message"] = said
    else:
        shown = wording.attested(finding, lang) or wording.seen(finding, lang)
        result["message"] = bounded_line(shown, VALUE_LIMIT)
    return result


def _commands(finding: Finding) -> str:
    lines = [f"{probe.command}\n  sha256 {probe.stdout_sha256}" for probe in finding.observation.probes]
    return bounded("\n".join(lines), MESSAGE_LIMIT)


def _coverage(evidence: Evidence, lang: str) -> Json:
    said = bounded_line(" ".join(wording.alarms(evidence, lang)), MESSAGE_LIMIT)
    return {
        "id": "coverage::complete",
        "title": said,
        "desc": said,
        "impact": 1.0,
        "refs": [],
        "tags": {},
        "code": "",
        "source_location": {},
        "results": [
            {
                "status": "error",
                "code_desc": "coverage::complete",
                "message": said,
                "run_time": 0.0,
                "start_time": evidence.campaign.started_at.isoformat(),
            }
        ],
    }
