"""The rows of the office formats, worked out once so that the workbook and the documents say the same. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from hardening.clauses import risk_of
from hardening.model import Change, Danger, Evidence, Finding, Look, Requirement, Status
from hardening.reports import wording
from hardening.reports.office_words import RISK, office
from hardening.reports.ordering import WORST_FIRST, by_badness, changes_by_badness
from hardening.reports.words import CHANGE, DANGER, LANGUAGES, STATUS

Key = tuple[str, str]
UNSETTLED = (Status.ERROR, Status.UNREACHABLE, Status.MANUAL)


@dataclass(frozen=True, kw_only=True)
class Gap:
    """One row of the gap table: a finding that was not as wanted, and after a change the one that came in its place."""

    finding: Finding
    now: Finding | None

    @property
    def requirement(self) -> Requirement:
        """What was asked."""
        return self.finding.requirement


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """One change with what was seen before and after it."""

    change: Change
    requirement: Requirement | None
    before: Finding | None
    after: Finding | None


def gap_rows(evidence: Evidence) -> list[Gap]:
    """Return every gap, gravest first: of a scan what is open, of a change what was open before or is open now."""
    now = {finding.key: finding for finding in evidence.findings}
    if not evidence.before:
        return [Gap(finding=f, now=None) for f in by_badness(f for f in evidence.findings if f.verdict is Status.FAIL)]
    then = {finding.key: finding for finding in evidence.before if finding.verdict is Status.FAIL}
    worse = {key: f for key, f in now.items() if f.verdict is Status.FAIL and key not in then}
    return [Gap(finding=finding, now=now.get(finding.key)) for finding in by_badness([*then.values(), *worse.values()])]


def remedy_rows(evidence: Evidence) -> list[Remedy]:
    """Return every change with the two looks around it, those that went wrong first."""
    before = {finding.key: finding for finding in evidence.before}
    after = {finding.key: finding for finding in evidence.findings}
    known = {requirement.control.id: requirement for requirement in evidence.profile.requirements}
    rows = []
    for change in changes_by_badness(evidence.changes):
        key = (change.target.name, change.control_id)
        rows.append(
            Remedy(
                change=change,
                requirement=known.get(change.control_id),
                before=before.get(key),
                after=after.get(key),
            )
        )
    return rows


def open_rows(evidence: Evidence) -> list[Finding]:
    """Return what has no answer yet: not seen, not reached, or left to a person."""
    return by_badness(finding for finding in evidence.findings if finding.verdict in UNSETTLED)


def waived_rows(evidence: Evidence) -> list[Finding]:
    """Return the gaps that a waiver covers."""
    return by_badness(finding for finding in evidence.findings if finding.status is Status.WAIVED)


def worst_by_host(findings: Iterable[Finding]) -> dict[str, dict[str, Status]]:
    """Return by control and host the worst status that the control has on any target of the host."""
    worst: dict[str, dict[str, Status]] = defaultdict(dict)
    for finding in findings:
        hosts, host = worst[finding.observation.control_id], finding.observation.target.host
        held = hosts.get(host, finding.status)
        hosts[host] = min(held, finding.status, key=WORST_FIRST.index)
    return worst


def addresses(evidence: Evidence) -> Mapping[str, str]:
    """Return the address of every host."""
    return {host.name: host.address for host in evidence.hosts}


def verdict_word(finding: Finding | None, lang: str) -> str:
    """Say how a finding stands; an accepted gap says that it is one."""
    if finding is None:
        return office("not_asked", lang)
    if finding.status is Status.WAIVED:
        return office("accepted", lang)
    return STATUS[finding.status][LANGUAGES.index(lang)]


def seen_or_reason(finding: Finding | None, lang: str) -> str:
    """Say what was seen, or why nothing was."""
    if finding is None:
        return office("not_asked", lang)
    if finding.observation.look is Look.SEEN:
        return wording.seen_and_expired(finding, lang)
    if finding.attestation is not None:
        return wording.attested(finding, lang)
    return finding.observation.reason or finding.reason


def risk_word(requirement: Requirement, lang: str) -> str:
    """Say the risk of a gap as MLPS grades it."""
    return RISK[risk_of(requirement.control.severity)][LANGUAGES.index(lang)]


def advice(requirement: Requirement, lang: str) -> str:
    """Say what to bring a gap to, and who can."""
    control = requirement.control
    if control.manual is not None and control.want is None:
        return way(requirement, lang)
    return joined(office("bring_to", lang, wanted=wording.wanted_of(control, lang)), way(requirement, lang), lang)


def way(requirement: Requirement, lang: str) -> str:
    """Say who can close a gap: the plan, or a person."""
    control = requirement.control
    by_hand = control.manual or control.look_only
    if by_hand is not None:
        return office("by_person", lang, why=by_hand)
    if control.danger is Danger.NONE:
        return office("applies", lang)
    return office("applies_danger", lang, danger=DANGER[control.danger][LANGUAGES.index(lang)])


def joined(first: str, second: str, lang: str) -> str:
    """Join two sentences; Chinese needs no space between them."""
    return first + ("" if lang == "zh" else " ") + second


def settle(finding: Finding, lang: str) -> str:
    """Say how an open check can be settled."""
    if finding.verdict is Status.MANUAL:
        return office("needs_person", lang)
    return office("needs_reach" if finding.verdict is Status.UNREACHABLE else "needs_look", lang)


def measure(change: Change) -> str:
    """Say what a change touched, and what was done afterwards."""
    touches = ", ".join(dict.fromkeys(f"{touch.kind}:{touch.name}" for touch in change.touches))
    return "; ".join(part for part in (touches, ", ".join(change.after_actions)) if part)


def change_word(change: Change, lang: str) -> str:
    """Say what became of a change."""
    return CHANGE[change.state][LANGUAGES.index(lang)]


def asked_with(finding: Finding) -> str:
    """Return the commands that a finding rests on."""
    return "; ".join(dict.fromkeys(probe.command for probe in finding.observation.probes))


def utc(moment: datetime | None) -> str:
    """Write a moment for a document."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
