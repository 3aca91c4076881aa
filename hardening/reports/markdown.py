"""A short summary in Markdown, for a merge request: the result, counts, before → after, the worst gaps.

It is bounded: merge request comments are. Everything is in the other formats.
What a host or a file chose stands in code, where no tag, link, mention or table border of it works.
"""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from hardening.model import Evidence, Finding, Status
from hardening.reports import wording
from hardening.reports.markdown_text import code
from hardening.reports.ordering import WORST_FIRST, by_badness
from hardening.reports.others import attested, counts_said, holds
from hardening.reports.output import write_text
from hardening.reports.words import LANGUAGES, SEVERITY, STATUS, VERB, say
from hardening.tally import transitions

GAPS_SHOWN = 15
REASONS_SHOWN = 5
TREND_SHOWN = 12
IMPORTS_SHOWN = 10
CODE_LIMIT = 90


def write_markdown(evidence: Evidence, destination: Path | TextIO, *, lang: str = "en") -> None:
    """Write the summary."""
    sections = [
        _heading(evidence, lang),
        _counts(evidence, lang),
        _moves(evidence, lang),
        _trend(evidence, lang),
        _worst(evidence, lang),
        _unseen(evidence),
        _others(evidence, lang),
    ]
    write_text(destination, "\n".join(section for section in sections if section))


def _heading(evidence: Evidence, lang: str) -> str:
    campaign = evidence.campaign
    verb = VERB[campaign.verb][LANGUAGES.index(lang)]
    lines = [f"## {verb}: {_code(campaign.profile)}", ""]
    for sentence in wording.alarms(evidence, lang):
        lines += [f"> **{sentence}**", ""]
    lines += [f"**{wording.result(evidence.tally, lang)}**", ""]
    lines += [f"{say('campaign', lang)} {_code(campaign.id)}", ""]
    return "\n".join(lines)


def _counts(evidence: Evidence, lang: str) -> str:
    cells = [(_status(status, lang), f"{evidence.tally.by_status.get(status, 0):,}") for status in WORST_FIRST]
    cells.append((say("all", lang), f"{evidence.tally.total:,}"))
    return _table([word for word, _ in cells], [[number for _, number in cells]], numbers_from=0)


def _moves(evidence: Evidence, lang: str) -> str:
    """Return the transition matrix: rows are before, columns are now, and the sum is every pair of both looks."""
    if not evidence.before:
        return ""
    moves = transitions(evidence.before, evidence.findings)
    froms = [status for status in (*WORST_FIRST, None) if any(pair[0] is status for pair in moves)]
    tos = [status for status in (*WORST_FIRST, None) if any(pair[1] is status for pair in moves)]
    then_is = _code(wording.was(evidence, lang)) if evidence.against else wording.was(evidence, lang)
    heading = [f"{then_is} → {say('now', lang)}", *(_status(status, lang) for status in tos)]
    cells = [
        [_status(then, lang), *(f"{moves[then, now]:,}" if (then, now) in moves else "·" for now in tos)]
        for then in froms
    ]
    return _table(heading, cells, numbers_from=1)


def _trend(evidence: Evidence, lang: str) -> str:
    """Return the line of history, the newest campaigns of it."""
    if len(evidence.trend) < 2:
        return ""
    heading = [say(key, lang) for key in ("started", "campaign", "hosts_column")]
    heading += [*(_status(status, lang) for status in WORST_FIRST), say("score", lang)]
    cells = [
        [
            f"{point.started_at:%Y-%m-%d %H:%M}",
            _code(point.campaign_id) + ("" if point.complete else f" ({say('incomplete', lang)})"),
            f"{point.hosts:,}",
            *(f"{point.by_status.get(status, 0):,}" for status in WORST_FIRST),
            wording.score_text(point.by_status),
        ]
        for point in evidence.trend[-TREND_SHOWN:]
    ]
    return _table(heading, cells, numbers_from=2)


def _worst(evidence: Evidence, lang: str) -> str:
    failed = [finding for finding in by_badness(evidence.findings) if finding.status is Status.FAIL]
    if not failed:
        return ""
    heading = [say(key, lang) for key in ("severity", "target_column", "control", "wanted", "seen")]
    lines = _table(heading, [_gap(finding, lang) for finding in failed[:GAPS_SHOWN]], numbers_from=len(heading))
    more = len(failed) - GAPS_SHOWN
    return lines if more <= 0 else f"{lines}\n{say('more_gaps', lang, n=f'{more:,}')}\n"


def _gap(finding: Finding, lang: str) -> list[str]:
    control = finding.requirement.control
    return [
        SEVERITY[control.severity][LANGUAGES.index(lang)],
        _code(finding.observation.target.name),
        _code(control.id),
        _code(wording.wanted_of(control, lang)),
        _code(wording.seen_and_expired(finding, lang)),
    ]


def _unseen(evidence: Evidence) -> str:
    reasons = sorted(evidence.tally.coverage.not_seen.items(), key=lambda item: (-item[1], item[0]))
    lines = [f"- {number:,} × {_code(reason)}" for reason, number in reasons[:REASONS_SHOWN]]
    if len(reasons) > REASONS_SHOWN:
        lines.append("- …")
    return "\n".join([*lines, ""]) if lines else ""


def _others(evidence: Evidence, lang: str) -> str:
    """Return how many findings a person attested, and what other tools counted."""
    people = sum(holds(finding) for finding in attested(evidence))
    lines = [f"{say('attested_n', lang, n=f'{people:,}')}\n"] if people else []
    if evidence.imports:
        heading = [say("tool_column", lang), say("file_column", lang), say("imported_results", lang)]
        heading[2] += f" ({say('beside', lang)})"
        cells = [
            [_code(each.tool), _code(each.file), counts_said(each.findings, lang)]
            for each in evidence.imports[:IMPORTS_SHOWN]
        ]
        lines.append(_table(heading, cells, numbers_from=len(heading)))
    if len(evidence.imports) > IMPORTS_SHOWN:
        lines.append("- …\n")
    return "\n".join(lines)


def _status(status: Status | None, lang: str) -> str:
    return "–" if status is None else STATUS[status][LANGUAGES.index(lang)]


def _table(heading: list[str], cells: list[list[str]], *, numbers_from: int) -> str:
    rule = ["---:" if column >= numbers_from else "---" for column in range(len(heading))]
    return "\n".join([*(f"| {' | '.join(line)} |" for line in (heading, rule, *cells)), ""])


def _code(text: str) -> str:
    return code(text, CODE_LIMIT)
