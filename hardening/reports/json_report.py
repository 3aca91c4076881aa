"""JSON: everything that is known, in one document, for programs.

`schema` is `hardening/evidence/1`. A reader must refuse a number it does not know; fields may be added under the same
number, never renamed or removed. All text is ASCII with `\\u` escapes, so the document is safe on a terminal and keeps
hostile text exactly. Nothing is shortened. Moments are ISO 8601 with their zone; durations are seconds.

- `complete`: true only when something was asked, all of it was seen, the campaign ended and every change was made;
  `alarms` holds the sentences that say why not, in `lang`.
- `campaign`: id, verb, started_at, finished_at (null: it never ended), exit_code, actor, tool_version, profile,
  profile_digest, catalogue_digest, inventory, hosts, parent, options, approval (null: nobody approved; else
  name, ticket, by, at, plan_digest).
- `profile`: name, title, title_zh, standard (or null), digest.
- `coverage`: complete, hosts_asked, hosts_seen, pairs_asked, pairs_seen, not_seen (reason to count).
- `tally` and `tally_before` (null for a scan): total, by_status, failed_by_severity, by_target, by_control.
- `transitions`: rows of before and after (a status, or null: not asked then) and count; empty for a scan.
- `controls`: id to component, kind, severity, danger, titles, why, with, want, wanted (in words), clauses, because,
  manual, look_only, source.
- `clauses`: id to text and text_zh.
- `hosts`: name, address, unreachable (a sentence, or null), identity, os_id, os_version, facts, traffic.
- `findings` and `before`: target, host, component, instance, control, status, verdict, reason, look, seen, taken_at,
  duration_s, probes, waiver (or null), expired_waiver (or null); and attestation, only where a person attested:
  verdict, by, seen, seen_on, expires_on, recorded_by, hosts, attachments (name, sha256, size_bytes).
- `changes`: target, host, component, instance, control, kind, state, reason, touches, after_actions, diff, taken_at,
  from_campaign, undone_by (the campaign that took it back later, or null).
- `imports` (only where there are some; they are counted nowhere): file, sha256, format, tool, imported_by, and findings
  of id, host, title, severity, result (in the tool's words), status (ours), clauses, said.
- `history`: lines of earlier campaigns.
- `against`: the campaign whose look stands as `before` (null: the look before the change).
- `trend`: campaigns with the same profile, oldest first: campaign, verb, started_at,
  hosts, complete, by_status, by_control.
- `plan` (only of the command that makes one): what the plan file holds, and `plan_file`, where it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TextIO

from hardening.codec import encode
from hardening.model import (
    Approval,
    Change,
    Evidence,
    Finding,
    HostSeen,
    Json,
    Probe,
    Requirement,
    Tally,
    Target,
    Touch,
    TrendPoint,
    WaiverUse,
)
from hardening.reports.json_text import plain
from hardening.reports.output import write_text
from hardening.reports.wording import alarms, wanted_of
from hardening.tally import transitions

SCHEMA = "hardening/evidence/1"


def write_json(
    evidence: Evidence, destination: Path | TextIO, *, lang: str = "en", more: Mapping[str, Json] | None = None
) -> None:
    """Write the evidence as one JSON document; one line per finding and change, so that two runs compare well.

    `more` are top fields of the command that writes it.
    """
    write_text(destination, _laid_out({**json_document(evidence, lang=lang), **(more or {})}))


def json_document(evidence: Evidence, *, lang: str = "en") -> dict[str, Json | Iterator[Json]]:
    """Return the document as plain values; long lists are made one by one, as a fleet's would fill the memory."""
    problems: list[Json] = [*alarms(evidence, lang)]
    return {
        "schema": SCHEMA,
        "complete": not problems,
        "alarms": problems,
        "campaign": _campaign(evidence),
        "profile": {
            "name": evidence.profile.name,
            "title": evidence.profile.title,
            "title_zh": evidence.profile.title_zh,
            "standard": evidence.profile.standard,
            "digest": evidence.profile.digest,
        },
        "coverage": _coverage(evidence.tally),
        "tally": _tally(evidence.tally),
        "tally_before": None if evidence.tally_before is None else _tally(evidence.tally_before),
        "transitions": _transitions(evidence),
        "controls": {
            requirement.control.id: _control(requirement, lang)
            for requirement in sorted(_requirements(evidence), key=lambda requirement: requirement.control.id)
        },
        "clauses": {
            clause.id: {"text": clause.text, "text_zh": clause.text_zh}
            for clause in sorted(evidence.profile.clauses.values(), key=lambda clause: clause.id)
        },
        "hosts": [_host(host) for host in evidence.hosts],
        "findings": (_finding(finding) for finding in sorted(evidence.findings, key=lambda finding: finding.key)),
        "before": (_finding(finding) for finding in sorted(evidence.before, key=lambda finding: finding.key)),
        "changes": (_change(change, evidence) for change in evidence.changes),
        "history": [*evidence.history],
        **({"imports": [encode(imported) for imported in evidence.imports]} if evidence.imports else {}),
        "against": None if evidence.against is None else evidence.against.id,
        "trend": [_trend_point(point) for point in evidence.trend],
    }


def _trend_point(point: TrendPoint) -> Json:
    return {
        "campaign": point.campaign_id,
        "verb": point.verb.value,
        "started_at": point.started_at.isoformat(),
        "hosts": point.hosts,
        "complete": point.complete,
        "by_status": {status.value: number for status, number in point.by_status.items()},
        "by_control": {
            name: {status.value: number for status, number in row.items()}
            for name, row in sorted(point.by_control.items())
        },
    }


def _laid_out(document: Mapping[str, Json | Iterator[Json]]) -> Iterator[str]:
    """Yield the text: top fields on lines of their own, and so is every entry of a list or a mapping of mappings."""
    before = "{\n"
    for name, held in document.items():
        yield f"{before}{_dump(name)}: "
        before = ",\n"
        if isinstance(held, Iterator | list):
            yield from _entries("[]", map(_dump, held))
        elif isinstance(held, dict):
            yield from _entries("{}", (f"{_dump(key)}: {_dump(item)}" for key, item in held.items()))
        else:
            yield _dump(held)
    yield "\n}\n"


def _entries(brackets: str, texts: Iterable[str]) -> Iterator[str]:
    some = False
    for text in texts:
        yield f",\n{text}" if some else f"{brackets[0]}\n{text}"
        some = True
    yield f"\n{brackets[1]}" if some else brackets


def _dump(value: Json) -> str:
    return json.dumps(plain(value), ensure_ascii=True, allow_nan=False, separators=(", ", ": "))


def _campaign(evidence: Evidence) -> Json:
    campaign = evidence.campaign
    return {
        "id": campaign.id,
        "verb": campaign.verb.value,
        "started_at": campaign.started_at.isoformat(),
        "finished_at": _moment(campaign.finished_at),
        "exit_code": campaign.exit_code,
        "actor": campaign.actor,
        "tool_version": campaign.tool_version,
        "profile": campaign.profile,
        "profile_digest": campaign.profile_digest,
        "catalogue_digest": campaign.catalogue_digest,
        "inventory": [*campaign.inventory],
        "hosts": [*campaign.hosts],
        "parent": campaign.parent,
        "approval": _approval(evidence.approval),
        "options": dict(campaign.options),
    }


def _approval(given: Approval | None) -> Json:
    if given is None:
        return None
    return {
        "name": given.name,
        "ticket": given.ticket,
        "by": given.by,
        "at": given.at.isoformat(),
        "plan_digest": given.plan_digest,
    }


def _coverage(counts: Tally) -> Json:
    cover = counts.coverage
    return {
        "complete": cover.complete,
        "hosts_asked": cover.hosts_asked,
        "hosts_seen": cover.hosts_seen,
        "pairs_asked": cover.pairs_asked,
        "pairs_seen": cover.pairs_seen,
        "not_seen": dict(cover.not_seen),
    }


def _tally(counts: Tally) -> Json:
    return {
        "total": counts.total,
        "by_status": {status.value: number for status, number in counts.by_status.items()},
        "failed_by_severity": {severity.value: number for severity, number in counts.by_severity_failed.items()},
        "by_target": {
            name: {status.value: number for status, number in row.items()} for name, row in counts.by_target.items()
        },
        "by_control": {
            name: {status.value: number for status, number in row.items()} for name, row in counts.by_control.items()
        },
    }


def _transitions(evidence: Evidence) -> list[Json]:
    if not evidence.before:
        return []
    return [
        {"before": before and before.value, "after": after and after.value, "count": number}
        for (before, after), number in transitions(evidence.before, evidence.findings).items()
    ]


def _requirements(evidence: Evidence) -> Sequence[Requirement]:
    """Return every requirement that a finding or the profile speaks of, each once."""
    found = {requirement.control.id: requirement for requirement in evidence.profile.requirements}
    for finding in (*evidence.before, *evidence.findings):
        found.setdefault(finding.requirement.control.id, finding.requirement)
    return tuple(found.values())


def _control(requirement: Requirement, lang: str) -> Json:
    control = requirement.control
    return {
        "component": control.component,
        "kind": control.kind,
        "title": control.title,
        "title_zh": control.title_zh,
        "why": control.why,
        "why_zh": control.why_zh,
        "severity": control.severity.value,
        "danger": control.danger.value,
        "with": dict(control.params),
        "want": control.want,
        "wanted": wanted_of(control, lang),
        "manual": control.manual,
        "look_only": control.look_only,
        "clauses": [*requirement.clauses],
        "because": requirement.because,
        "source": f"{control.source.file}:{control.source.line}",
    }


def _host(host: HostSeen) -> Json:
    return {
        "name": host.name,
        "address": host.address,
        "unreachable": host.unreachable,
        "identity": host.identity,
        "os_id": host.os_id,
        "os_version": host.os_version,
        "facts": dict(host.facts),
        "traffic": dict(host.traffic),
    }


def _finding(finding: Finding) -> Json:
    observation, waiver = finding.observation, finding.waiver
    return {
        **_target(observation.target),
        "control": observation.control_id,
        "status": finding.status.value,
        "verdict": finding.verdict.value,
        "reason": finding.reason,
        "look": observation.look.value,
        "seen": dict(observation.seen),
        "taken_at": observation.taken_at.isoformat(),
        "duration_s": observation.duration_s,
        "probes": [_probe(probe) for probe in observation.probes],
        "waiver": None if waiver is None else _waiver(waiver),
        "expired_waiver": None if finding.expired is None else _waiver(finding.expired),
        **({} if finding.attestation is None else {"attestation": encode(finding.attestation)}),
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


def _probe(probe: Probe) -> Json:
    return {
        "command": probe.command,
        "exit_code": probe.exit_code,
        "stdout_sha256": probe.stdout_sha256,
        "stdout_bytes": probe.stdout_bytes,
        "stdout_excerpt": probe.stdout_excerpt,
        "stderr_excerpt": probe.stderr_excerpt,
    }


def _change(change: Change, evidence: Evidence) -> Json:
    return {
        **_target(change.target),
        "control": change.control_id,
        "kind": change.kind,
        "state": change.state.value,
        "reason": change.reason,
        "touches": [_touch(touch) for touch in change.touches],
        "after_actions": [*change.after_actions],
        "diff": change.diff,
        "taken_at": _moment(change.taken_at),
        "from_campaign": change.from_campaign,
        "undone_by": evidence.undone.get((change.target.name, change.control_id)),
    }


def _touch(touch: Touch) -> Json:
    return {"kind": touch.kind, "name": touch.name, "before": touch.before, "after": touch.after}


def _target(target: Target) -> dict[str, Json]:
    return {"target": target.name, "host": target.host, "component": target.component, "instance": target.instance}


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
