"""Sentences about evidence that several formats print, so that all of them say the same. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from fractions import Fraction

from hardening.clauses import percent
from hardening.judge import matchers, text
from hardening.model import Control, Evidence, Finding, Json, Look, Profile, Status, Tally
from hardening.outcome import did_harm, not_done
from hardening.reports.safe_text import bounded_line, one_line
from hardening.reports.words import LANGUAGES, MATCHER, TEXT, counted, say
from hardening.tally import score


def title(control: Control | Profile, lang: str) -> str:
    """Return a title in a language."""
    return (control.title_zh if lang == "zh" else "") or control.title


def why(control: Control, lang: str) -> str:
    """Return the reason for a control in a language; English where no translation was written."""
    return (control.why_zh if lang == "zh" else None) or control.why


def approved(evidence: Evidence, lang: str) -> str | None:
    """Say who approved the plan, with which ticket and when; None where nobody did."""
    given = evidence.approval
    if given is None:
        return None
    name, ticket = bounded_line(given.name, 200), bounded_line(given.ticket, 200)
    return say("approved", lang, name=name, ticket=ticket, at=f"{given.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")


def wanted_of(control: Control, lang: str) -> str:
    """Say what a control wants; where only a person can tell, say that."""
    if control.manual is not None and control.want is None:
        return say("person", lang)
    return wanted(control.want, lang)


def wanted(want: Json, lang: str) -> str:
    """Say what is wanted: `at most 4`, `不大于 4`."""
    if not isinstance(want, dict):
        return value(want, lang)
    parts = [_matcher(name, bound, lang) for name, bound in matchers(want)]
    return say("and", lang).join(parts) or say("nothing", lang)


def seen(finding: Finding, lang: str) -> str:
    """Say what was seen; empty where nothing could be."""
    observation = finding.observation
    if observation.look is not Look.SEEN:
        return ""
    parts = [
        value(held, lang) if truth == "value" else f"{_truth(truth, lang)}: {value(held, lang)}"
        for truth, held in sorted(observation.seen.items(), reverse=True)
    ]
    return "; ".join(parts)


def seen_and_expired(finding: Finding, lang: str) -> str:
    """Say what was seen, and when the waiver ended that covered it until then."""
    ended = finding.expired
    said = seen(finding, lang)
    if ended is None:
        return said
    return f"{said}; {say('waiver_expired', lang, day=ended.expires_on.isoformat(), ticket=ended.ticket)}"


def attested(finding: Finding, lang: str) -> str:
    """Say who attested what and until when, or when the attestation ended; empty where nobody attested."""
    held = finding.attestation
    if held is None:
        return ""
    key = "attestation_ended" if finding.verdict is Status.MANUAL else "attested_until"
    day, until = held.seen_on.isoformat(), held.expires_on.isoformat()
    return say(key, lang, by=held.by, day=day, until=until, seen=held.seen)


def value(held: Json, lang: str) -> str:
    """Write a seen or wanted value as a user reads it."""
    if held is None:
        return say("not_set", lang)
    if held in ("", [], {}):
        return say("empty", lang)
    if isinstance(held, list):
        return ", ".join(value(item, lang) for item in held)
    if isinstance(held, dict):
        return ", ".join(f"{key}={value(item, lang)}" for key, item in sorted(held.items()))
    return text(held)


def coverage(evidence: Evidence, lang: str) -> str:
    """Say in one sentence whether everything that was asked was also seen."""
    cover = evidence.tally.coverage
    if cover.pairs_asked == 0 or cover.hosts_asked == 0:
        return say("nothing_asked", lang)
    hosts = counted("host", "hosts", cover.hosts_asked, lang)
    if cover.complete:
        return say("covered", lang, asked=f"{cover.pairs_asked:,}", hosts=hosts)
    return say(
        "not_covered",
        lang,
        missing=f"{cover.pairs_asked - cover.pairs_seen:,}",
        asked=f"{cover.pairs_asked:,}",
        reached=f"{cover.hosts_seen:,}",
        hosts=hosts,
    )


def alarms(evidence: Evidence, lang: str) -> list[str]:
    """Return every sentence that says this evidence is not the whole truth; empty when it is."""
    sentences = []
    if not evidence.tally.coverage.complete:
        sentences.append(coverage(evidence, lang))
    if evidence.campaign.finished_at is None:
        sentences.append(say("unfinished", lang))
    undone = sum(not_done(change, evidence.campaign.verb) for change in evidence.changes)
    harm = sum(did_harm(change) for change in evidence.changes)
    if undone > harm:
        sentences.append(say("not_done", lang, n=f"{undone - harm:,}", all=f"{len(evidence.changes):,}"))
    if harm:
        sentences.append(say("did_harm", lang, n=f"{harm:,}", all=f"{len(evidence.changes):,}"))
    return sentences


def result(counts: Tally, lang: str) -> str:
    """Say how many gaps there are, how much is unknown, and on how many targets."""
    failed = counts.by_status.get(Status.FAIL, 0)
    hidden = unknown(counts)
    if not counts.total and not hidden:
        return say("nothing_said", lang)
    gaps = counted("gap", "gaps", failed, lang) if failed or hidden else say("no_gaps", lang)
    if hidden:
        gaps = say("with_unknown", lang, gaps=gaps, unknown=say("unknown", lang, n=f"{hidden:,}"))
    return say("result", lang, gaps=gaps, targets=counted("target", "targets", len(counts.by_target), lang))


def unknown(counts: Tally) -> int:
    """Return how many asked checks have no answer."""
    return max(
        counts.coverage.pairs_asked - counts.coverage.pairs_seen,
        counts.by_status.get(Status.ERROR, 0) + counts.by_status.get(Status.UNREACHABLE, 0),
    )


def was(evidence: Evidence, lang: str) -> str:
    """Say what `before` is: the look before the change, or that of another campaign."""
    if evidence.against is None:
        return say("before", lang)
    return say("compared_with", lang, campaign=one_line(evidence.against.id))


def score_text(by_status: Mapping[Status, int]) -> str:
    """Return the share of passed checks among passed, failed and unseen, never rounded up; `–` of none."""
    passed, of = score(by_status)
    return percent(Fraction(passed, of) if of else None)


def waiver_sentence(finding: Finding) -> str:
    """Return who accepted a gap, why, under which ticket, with what in its place, and until when."""
    waiver = finding.waiver
    if waiver is None:
        return ""
    return (
        f"{waiver.reason} (owner: {waiver.owner}; compensating: {waiver.compensating}; "
        f"ticket: {waiver.ticket}; "
        + (f"approver: {waiver.approver}; " if waiver.approver else "")
        + f"expires: {waiver.expires_on.isoformat()})"
    )


def _matcher(name: str, bound: Json, lang: str) -> str:
    if name in ("absent", "present") and bound is not True:
        name = "present" if name == "absent" else "absent"
    form = MATCHER.get(name, (f"{name.replace('_', ' ')} {{}}",) * 2)[LANGUAGES.index(lang)]
    # Not str.format: a bound may hold braces of its own.
    return form.replace("{}", wanted(bound, lang) if isinstance(bound, dict) else value(bound, lang), 1)


def _truth(name: str, lang: str) -> str:
    return say(name, lang) if name in TEXT else name.replace("_", " ")
