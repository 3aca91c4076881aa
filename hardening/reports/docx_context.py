"""What a document's template may print: plain texts, counts and lists, told in docs/evidence-templates.md. Pure.

A document is for reading, so its tables are by check, not by finding: objects that stand alike share a row.
The workbook of the same campaign has every finding.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from hardening.clauses import RateRule, clause_view
from hardening.model import ChangeState, Evidence, Finding, Severity, Status, Verb
from hardening.reports import wording
from hardening.reports.docx_clauses import clauses_of, rate_of, risks_of, unanswered_of
from hardening.reports.docx_others import attestations_of, foreign_gaps_of, imports_of, trend_of
from hardening.reports.docx_parts import (
    CHANGE_COLOUR,
    GOOD,
    HOSTS_SHOWN,
    OBJECTS_NAMED,
    OPEN,
    PLAIN,
    ROWS_SHOWN,
    SEVERITY_COLOUR,
    STATUS_COLOUR,
    TEXT_LIMIT,
    VALUES_NAMED,
    objects,
    some,
)
from hardening.reports.office_rows import (
    Remedy,
    change_word,
    measure,
    open_rows,
    remedy_rows,
    risk_word,
    seen_or_reason,
    settle,
    utc,
    verdict_word,
    waived_rows,
    way,
)
from hardening.reports.office_words import STANDARD, office
from hardening.reports.ordering import NOT_SEEN, WORST_FIRST, by_badness
from hardening.reports.others import beside_clauses
from hardening.reports.safe_text import bounded_line
from hardening.reports.words import LANGUAGES, SEVERITY, STATUS, VERB, say
from hardening.tally import transitions


def is_remediation(evidence: Evidence) -> bool:
    """Tell which document a campaign makes: what changed something makes a remediation report."""
    return evidence.campaign.verb in (Verb.APPLY, Verb.UNDO)


def document_context(evidence: Evidence, *, lang: str, rule: RateRule = RateRule.STRICT) -> dict[str, Any]:
    """Return everything that a template may print, with every text safe and bounded."""
    view = clause_view(evidence, rule=rule)
    foreign = foreign_gaps_of(evidence, lang)
    hosts, remedies, open_ = _hosts(evidence, lang), _remedies(evidence, lang), _open(evidence, lang)
    context = {
        "lang": lang,
        "title": office("remediation_report" if is_remediation(evidence) else "gap_report", lang),
        "note": say("mlps_note", lang) if evidence.profile.standard == "mlps" else "",
        "alarms": wording.alarms(evidence, lang),
        "campaign": _campaign(evidence, lang),
        "summary": _summary(evidence, lang),
        "hosts": hosts[:HOSTS_SHOWN],
        "gap_groups": _gap_groups(evidence, lang),
        "remedies": remedies[:ROWS_SHOWN],
        "clauses": clauses_of(view, beside_clauses(evidence, lang), lang),
        "unanswered": unanswered_of(view),
        "rate": rate_of(view, lang),
        "risks": risks_of(view, lang),
        "waivers": _waivers(evidence, lang),
        "attestations": attestations_of(evidence, lang),
        "imports": imports_of(evidence, lang),
        "foreign_gaps": foreign[:ROWS_SHOWN],
        "trend": trend_of(evidence, lang),
        "open": open_[:ROWS_SHOWN],
        "left_out": {
            "hosts": _left_out(len(hosts) - HOSTS_SHOWN, lang),
            "remedies": _left_out(len(remedies) - ROWS_SHOWN, lang),
            "open": _left_out(len(open_) - ROWS_SHOWN, lang),
            "foreign_gaps": _left_out(len(foreign) - ROWS_SHOWN, lang),
        },
        "sentences": {
            key: office(key, lang)
            for key in (
                "no_gaps",
                "no_changes",
                "no_clauses",
                "no_risks",
                "no_waivers",
                "no_attestations",
                "no_imports",
                "imports_note",
                "no_open",
                "risk_note",
            )
        },
    }
    return {key: _safe(held) for key, held in context.items()}


def _campaign(evidence: Evidence, lang: str) -> dict[str, Any]:
    campaign = evidence.campaign
    return {
        "id": campaign.id,
        "verb": VERB[campaign.verb][LANGUAGES.index(lang)],
        "date": utc(campaign.started_at)[:10],
        "started": utc(campaign.started_at),
        "finished": utc(campaign.finished_at) or office("never_ended", lang),
        "actor": campaign.actor,
        "approval": wording.approved(evidence, lang) or say("unapproved", lang),
        "tool_version": campaign.tool_version,
        "parent": campaign.parent or "",
        "profile": wording.title(evidence.profile, lang),
        "profile_name": evidence.profile.name,
        "profile_digest": campaign.profile_digest,
        "catalogue_digest": campaign.catalogue_digest,
        "standard": _standard(evidence, lang),
    }


def _standard(evidence: Evidence, lang: str) -> str:
    name = evidence.profile.standard
    return "–" if name is None else STANDARD.get(name, (name, name))[LANGUAGES.index(lang)]


def _summary(evidence: Evidence, lang: str) -> dict[str, Any]:
    at, tally, before = LANGUAGES.index(lang), evidence.tally, evidence.tally_before
    cover = tally.coverage

    def moved(status: Status | None, key: str) -> dict[str, str]:
        name = office("not_asked", lang) if status is None else STATUS[status][at]
        return {key: name, f"{key}_colour": PLAIN if status is None else STATUS_COLOUR[status]}

    done = sum(change.state is ChangeState.CHANGED for change in evidence.changes)
    return {
        "result": wording.result(tally, lang),
        "coverage": wording.coverage(evidence, lang),
        "changes": office("changes_done", lang, n=f"{done:,}", all=f"{len(evidence.changes):,}"),
        "total": tally.total,
        "hosts_asked": cover.hosts_asked,
        "hosts_seen": cover.hosts_seen,
        "pairs_asked": cover.pairs_asked,
        "pairs_seen": cover.pairs_seen,
        "statuses": [
            {
                "name": STATUS[status][at],
                "before": before.by_status.get(status, 0) if before else "",
                "count": tally.by_status.get(status, 0),
                "colour": STATUS_COLOUR[status],
            }
            for status in WORST_FIRST
        ]
        + [
            {
                "name": office("all", lang),
                "before": before.total if before else "",
                "count": tally.total,
                "colour": PLAIN,
            }
        ],
        "severities": [
            {
                "name": SEVERITY[severity][at],
                "before": before.by_severity_failed.get(severity, 0) if before else "",
                "count": tally.by_severity_failed.get(severity, 0),
                "colour": SEVERITY_COLOUR[severity],
            }
            for severity in reversed(Severity)
        ]
        + [
            {
                "name": office("all", lang),
                "before": before.by_status.get(Status.FAIL, 0) if before else "",
                "count": tally.by_status.get(Status.FAIL, 0),
                "colour": PLAIN,
            }
        ],
        "moves": [
            {**moved(then, "before"), **moved(now, "after"), "count": number}
            for (then, now), number in transitions(evidence.before, evidence.findings).items()
        ]
        if evidence.before
        else [],
    }


def _hosts(evidence: Evidence, lang: str) -> list[dict[str, Any]]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for finding in evidence.findings:
        held = counts[finding.observation.target.host]
        held[0] += 1
        held[1] += finding.status not in NOT_SEEN
    # The hosts that were lost come first: nothing is known of them.
    ordered = sorted(evidence.hosts, key=lambda host: (host.unreachable is None, host.name))
    return [
        {
            "name": host.name,
            "address": host.address,
            "system": str(host.facts.get("os_name") or f"{host.os_id} {host.os_version}").strip() or "–",
            "asked": counts[host.name][0],
            "seen": counts[host.name][1],
            "reached": office("yes", lang) if host.unreachable is None else host.unreachable,
            "colour": GOOD if host.unreachable is None else OPEN,
        }
        for host in ordered
    ]


def _gap_groups(evidence: Evidence, lang: str) -> list[dict[str, Any]]:
    """Return the gaps that are open now, by severity, then by check; accepted ones apart from the others."""
    by_check: dict[tuple[str, Status], list[Finding]] = {}
    for finding in by_badness(f for f in evidence.findings if f.verdict is Status.FAIL):
        by_check.setdefault((finding.observation.control_id, finding.status), []).append(finding)
    groups: dict[Severity, list[dict[str, Any]]] = {severity: [] for severity in reversed(Severity)}
    for findings in by_check.values():
        requirement, status = findings[0].requirement, findings[0].status
        groups[requirement.control.severity].append(
            {
                "findings": len(findings),
                "control": wording.title(requirement.control, lang),
                "control_id": requirement.control.id,
                "clauses": ", ".join(requirement.clauses),
                "why": wording.why(requirement.control, lang),
                "wanted": wording.wanted_of(requirement.control, lang),
                "seen": some((seen_or_reason(finding, lang) for finding in findings), VALUES_NAMED, lang, "; "),
                "objects": objects(findings, lang),
                "verdict": verdict_word(findings[0], lang),
                "risk": risk_word(requirement, lang),
                "advice": way(requirement, lang),
                "colour": STATUS_COLOUR[status],
            }
        )
    number, shown = 0, []
    for severity, gaps in groups.items():
        for gap in gaps:
            number += 1
            gap["number"] = number
        if gaps:
            word = SEVERITY[severity][LANGUAGES.index(lang)]
            shown.append({"severity": word, "count": sum(gap["findings"] for gap in gaps), "gaps": gaps})
    return shown


def _remedies(evidence: Evidence, lang: str) -> list[dict[str, Any]]:
    """Return the changes by check: those that came out alike share a row."""
    groups: dict[tuple[str, str, str, str, str, str, str], list[Remedy]] = {}
    for remedy in remedy_rows(evidence):
        change = remedy.change
        key = (
            change.control_id,
            change.state.value,
            seen_or_reason(remedy.before, lang),
            seen_or_reason(remedy.after, lang),
            verdict_word(remedy.after, lang),
            measure(change),
            change.reason or "",
        )
        groups.setdefault(key, []).append(remedy)
    rows = []
    for number, (key, group) in enumerate(groups.items(), start=1):
        first, names = group[0], [remedy.change.target.name for remedy in group]
        rows.append(
            {
                "number": number,
                "control": wording.title(first.requirement.control, lang) if first.requirement else key[0],
                "control_id": key[0],
                "clauses": ", ".join(first.requirement.clauses) if first.requirement else "",
                "objects": some(names, OBJECTS_NAMED, lang),
                "count": len(names),
                "before": key[2],
                "measure": " – ".join(part for part in key[5:] if part) or "–",
                "reason": key[6],
                "after": key[3],
                "outcome": change_word(first.change, lang),
                "outcome_colour": CHANGE_COLOUR.get(first.change.state, PLAIN),
                "retest": key[4],
                "retest_colour": STATUS_COLOUR[first.after.status] if first.after else PLAIN,
                "when": utc(first.change.taken_at),
            }
        )
    return rows


def _waivers(evidence: Evidence, lang: str) -> list[dict[str, Any]]:
    groups: dict[Any, list[Finding]] = {}
    for finding in waived_rows(evidence):
        groups.setdefault((finding.observation.control_id, finding.waiver), []).append(finding)
    return [
        {
            "control": wording.title(findings[0].requirement.control, lang),
            "control_id": control_id,
            "clauses": ", ".join(findings[0].requirement.clauses),
            "objects": objects(findings, lang),
            "reason": waiver.reason,
            "compensating": waiver.compensating or office("none_recorded", lang),
            "owner": waiver.owner,
            "approver": waiver.approver or "–",
            "ticket": waiver.ticket,
            "expires": waiver.expires_on.isoformat(),
        }
        for (control_id, waiver), findings in groups.items()
        if waiver is not None
    ]


def _open(evidence: Evidence, lang: str) -> list[dict[str, Any]]:
    groups: dict[tuple[Status, str], list[Finding]] = {}
    for finding in open_rows(evidence):
        groups.setdefault((finding.status, finding.reason), []).append(finding)
    return [
        {
            "status": STATUS[status][LANGUAGES.index(lang)],
            "count": len(findings),
            "hosts": some((finding.observation.target.host for finding in findings), OBJECTS_NAMED, lang),
            "controls": some((finding.observation.control_id for finding in findings), OBJECTS_NAMED, lang),
            "reason": reason,
            "settle": settle(findings[0], lang),
            "colour": STATUS_COLOUR[status],
        }
        for (status, reason), findings in groups.items()
    ]


def _left_out(number: int, lang: str) -> str:
    return "" if number <= 0 else office("rows_left_out", lang, n=f"{number:,}")


def _safe(held: Any) -> Any:
    """Return a value with every text on one line, bounded, and with nothing hidden in it."""
    if isinstance(held, str):
        return bounded_line(held, TEXT_LIMIT)
    if isinstance(held, list):
        return [_safe(each) for each in held]
    if isinstance(held, dict):
        return {key: _safe(each) for key, each in held.items()}
    return held
