"""JSON Lines, for log pipelines and scripts: one self-contained object per line, told apart by `record`.

- `campaign`, always first: id, verb, profile, moments, exit_code, `complete`, `alarms` (sentences), `tally` by status,
  `coverage`.
- `finding`, one per control and target, by target and control, is the whole record of it: requirement, why, clauses,
  severity, what was wanted, seen (where a setting has two truths: running and on disk, which is what a restart
  leaves), the commands with the digests of their outputs, `before` likewise, and
  - `change`: state, what it touched with the state before and after, difference, task (the kind), moment, actor, the
    plan's campaign, what was accepted, and `undone_by`, the campaign that took it back later;
  - `waiver`: owner, reason, compensating measure, ticket, expiry.
  - `attestation`, only where a person attested: by, seen, verdict, from and until when, attachments by digest.
- `foreign`: what another tool said, beside ours and counted nowhere: its id, host, title, severity, result, our status
  for that, clauses, and under `import` the tool, the file with its digest, and who imported it.
- `before_only`: what was looked at before a change and not after it; target, control and status.

Text is exact and nothing is shortened: characters outside ASCII, and all controls, are escaped.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from hardening.codec import encode
from hardening.model import Change, Evidence, Finding, Json, WaiverUse
from hardening.reports import wording
from hardening.reports.json_text import compact, in_order
from hardening.reports.others import told
from hardening.reports.output import write_text
from hardening.reports.rows import Row, rows, source_file


def write_jsonl(evidence: Evidence, destination: Path | TextIO, *, lang: str = "en") -> None:
    """Write one line for the campaign, one per finding."""
    write_text(destination, (f"{compact(line)}\n" for line in _lines(evidence, lang)))


def _lines(evidence: Evidence, lang: str) -> Iterator[dict[str, Json]]:
    yield _campaign(evidence, lang)
    for row in rows(evidence):
        yield _finding(evidence, row, lang)
    after = {finding.key for finding in evidence.findings} if evidence.before else set()
    for finding in sorted(evidence.before, key=lambda finding: finding.key):
        if finding.key not in after:
            yield _before_only(evidence, finding)
    for imported, foreign in told(evidence):
        yield {
            "record": "foreign",
            "campaign": evidence.campaign.id,
            "clauses": [],
            "said": "",
            **encode(foreign),
            "import": {
                "tool": imported.tool,
                "file": imported.file,
                "sha256": imported.sha256,
                "format": imported.format,
                "imported_by": imported.imported_by,
            },
        }


def _campaign(evidence: Evidence, lang: str) -> dict[str, Json]:
    campaign, counts = evidence.campaign, evidence.tally
    cover = counts.coverage
    return {
        "record": "campaign",
        "campaign": campaign.id,
        "verb": campaign.verb.value,
        "parent": campaign.parent,
        "profile": campaign.profile,
        "profile_digest": campaign.profile_digest,
        "catalogue_digest": campaign.catalogue_digest,
        "tool_version": campaign.tool_version,
        "actor": campaign.actor,
        "started_at": campaign.started_at.isoformat(),
        "finished_at": campaign.finished_at.isoformat() if campaign.finished_at else None,
        "exit_code": campaign.exit_code,
        "complete": not wording.alarms(evidence, lang),
        "alarms": [*wording.alarms(evidence, lang)],
        "tally": {status.value: number for status, number in counts.by_status.items()},
        "coverage": {
            "hosts_asked": cover.hosts_asked,
            "hosts_seen": cover.hosts_seen,
            "pairs_asked": cover.pairs_asked,
            "pairs_seen": cover.pairs_seen,
        },
    }


def _finding(evidence: Evidence, row: Row, lang: str) -> dict[str, Json]:
    finding = row.finding
    observation, control = finding.observation, finding.requirement.control
    return {
        "record": "finding",
        **_who(evidence, finding),
        "status": finding.status.value,
        "verdict": finding.verdict.value,
        "reason": finding.reason,
        "title": wording.title(control, lang),
        "why": wording.why(control, lang),
        "severity": control.severity.value,
        "danger": control.danger.value,
        "kind": control.kind,
        "source": source_file(finding.requirement),
        "clauses": [*finding.requirement.clauses],
        "want": in_order(control.want),
        "seen": in_order(observation.seen),
        "look": observation.look.value,
        "taken_at": observation.taken_at.isoformat(),
        "probes": _probes(finding),
        "before": None if row.before is None else _before(row.before),
        "change": None if row.change is None else _change(row.change, evidence),
        "waiver": None if finding.waiver is None else _waiver(finding.waiver),
        **({} if finding.attestation is None else {"attestation": encode(finding.attestation)}),
    }


def _probes(finding: Finding) -> list[Json]:
    return [
        {
            "command": probe.command,
            "exit_code": probe.exit_code,
            "stdout_sha256": probe.stdout_sha256,
            "stdout_bytes": probe.stdout_bytes,
        }
        for probe in finding.observation.probes
    ]


def _before(finding: Finding) -> Json:
    return {
        "status": finding.status.value,
        "verdict": finding.verdict.value,
        "reason": finding.reason,
        "seen": in_order(finding.observation.seen),
        "taken_at": finding.observation.taken_at.isoformat(),
        "probes": _probes(finding),
    }


def _before_only(evidence: Evidence, finding: Finding) -> dict[str, Json]:
    return {"record": "before_only", **_who(evidence, finding), "before": {"status": finding.status.value}}


def _who(evidence: Evidence, finding: Finding) -> dict[str, Json]:
    target = finding.observation.target
    return {
        "campaign": evidence.campaign.id,
        "target": target.name,
        "host": target.host,
        "component": target.component,
        "instance": target.instance,
        "control": finding.observation.control_id,
    }


def _change(change: Change, evidence: Evidence) -> Json:
    campaign = evidence.campaign
    return {
        "state": change.state.value,
        "reason": change.reason,
        "task": change.kind,
        "touched": [f"{touch.kind}:{touch.name}" for touch in change.touches],
        "touches": [
            {
                "kind": touch.kind,
                "name": touch.name,
                "before": in_order(touch.before),
                "after": in_order(touch.after),
            }
            for touch in change.touches
        ],
        "after_actions": [*change.after_actions],
        "diff": change.diff,
        "taken_at": change.taken_at.isoformat() if change.taken_at else None,
        "actor": campaign.actor,
        "plan": campaign.parent,
        "options": in_order(campaign.options),
        "undone_by": evidence.undone.get((change.target.name, change.control_id)),
    }


def _waiver(waiver: WaiverUse) -> Json:
    return {
        "owner": waiver.owner,
        "reason": waiver.reason,
        "compensating": waiver.compensating,
        "ticket": waiver.ticket,
        "approver": waiver.approver,
        "expires_on": waiver.expires_on.isoformat(),
    }
