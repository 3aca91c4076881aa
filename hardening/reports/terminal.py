"""Terminal: the counts per target, then what is wrong, then one line with the result. Bad news first."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.text import Text

from hardening.model import Evidence, Finding, Status, Tally
from hardening.reports import wording
from hardening.reports.change_table import print_changes
from hardening.reports.console import SEVERITY_STYLE, STATUS_STYLE, cell, console_of, number, plain_table
from hardening.reports.ordering import NOT_SEEN, add_up, by_badness, names_by_badness
from hardening.reports.output import write_text
from hardening.reports.safe_text import bounded_line
from hardening.reports.words import LANGUAGES, SEVERITY, STATUS, say

COLUMNS = (
    Status.PASS,
    Status.FAIL,
    Status.ERROR,
    Status.UNREACHABLE,
    Status.NOT_APPLICABLE,
    Status.WAIVED,
    Status.MANUAL,
)
BAD = (*NOT_SEEN, Status.FAIL)
ALWAYS = (Status.PASS, Status.FAIL, Status.ERROR, Status.NOT_APPLICABLE, Status.WAIVED)
TARGETS_SHOWN = 60
GAPS_SHOWN = 60


def write_terminal(
    evidence: Evidence, destination: Path | TextIO, *, lang: str = "en", width: int | None = None
) -> None:
    """Write the tables to a stream (coloured if it is a terminal) or, plain, to a file."""
    if not isinstance(destination, Path) and destination.isatty():
        print_evidence(evidence, console_of(destination, width=width), lang=lang)
        return
    buffer = io.StringIO()
    print_evidence(evidence, console_of(buffer, width=width), lang=lang)
    # Tables pad their last column; in a file or a pipe that is only noise.
    write_text(destination, "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines()))


def print_evidence(evidence: Evidence, console: Console, *, lang: str = "en") -> None:
    """Print a campaign: alarms, targets, changes, gaps, and the result as the last line."""
    for sentence in wording.alarms(evidence, lang):
        console.print(Text(sentence, style="bold white on red"))
    _print_targets(evidence, console, lang)
    if evidence.changes:
        console.print()
        print_changes(evidence.changes, console, lang=lang)
    _print_gaps(evidence.findings, console, lang)
    _print_trend(evidence, console, lang)
    if evidence.tally_before is not None:
        before = wording.result(evidence.tally_before, lang)
        console.print(Text(f"{wording.was(evidence, lang)}: {before}", style="dim"))
    approved = wording.approved(evidence, lang)
    if approved is not None:
        console.print(Text(approved, style="dim"))
    line = Text(wording.result(evidence.tally, lang), style="bold")
    line.append(f"   {say('campaign', lang)} {bounded_line(evidence.campaign.id, 200)}", style="not bold dim")
    console.print(line)
    if evidence.profile.standard == "mlps":
        console.print(Text(say("mlps_note", lang), style="dim"))


def _print_targets(evidence: Evidence, console: Console, lang: str) -> None:
    counts = evidence.tally
    columns = [status for status in COLUMNS if status in ALWAYS or counts.by_status.get(status, 0)]
    names = names_by_badness(counts.by_target)
    if not names:
        return
    table = plain_table()
    table.add_column(say("target_column", lang), no_wrap=True)
    for status in columns:
        table.add_column(STATUS[status][LANGUAGES.index(lang)], justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    shown, rest = _worth_showing(counts, names)
    remarks = _remarks(evidence.findings)
    for name in shown:
        table.add_row(cell(name), *_row(counts.by_target[name], columns), cell(remarks.get(name, ""), limit=160))
    if rest:
        key = "more_targets" if any(_is_bad(counts, name) for name in rest) else "other_targets"
        summed = add_up([counts.by_target[name] for name in rest])
        table.add_row(cell(say(key, lang, n=f"{len(rest):,}"), "dim"), *_row(summed, columns), "")
    if len(names) > 1:
        table.add_row(cell(say("all", lang), "bold"), *_row(counts.by_status, columns), "", style="bold")
    console.print(table)


def _print_trend(evidence: Evidence, console: Console, lang: str) -> None:
    if len(evidence.trend) < 2:
        return
    table = plain_table()
    for key in ("started", "campaign"):
        table.add_column(say(key, lang), no_wrap=True)
    table.add_column(say("hosts_column", lang), justify="right", no_wrap=True)
    for status in COLUMNS:
        table.add_column(STATUS[status][LANGUAGES.index(lang)], justify="right", no_wrap=True)
    table.add_column(say("score", lang), justify="right", no_wrap=True)
    table.add_column("")
    for point in evidence.trend:
        table.add_row(
            cell(f"{point.started_at:%Y-%m-%d %H:%M}"),
            cell(point.campaign_id),
            cell(f"{point.hosts:,}"),
            *_row(point.by_status, COLUMNS),
            cell(wording.score_text(point.by_status)),
            cell("" if point.complete else say("incomplete", lang)),
        )
    console.print(table)
    console.print()


def _row(counts: Mapping[Status, int], columns: Sequence[Status]) -> list[Text]:
    return [number(counts.get(status, 0), STATUS_STYLE[status]) for status in columns]


def _worth_showing(counts: Tally, names: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the targets to show one by one, and those whose counts are only summed: clean ones first to go."""
    if len(names) <= TARGETS_SHOWN:
        return names, ()
    shown = [name for name in names if _is_bad(counts, name)][:TARGETS_SHOWN]
    left = set(shown)
    return shown, [name for name in names if name not in left]


def _is_bad(counts: Tally, name: str) -> bool:
    return any(counts.by_target[name].get(status, 0) for status in BAD)


def _remarks(findings: Sequence[Finding]) -> dict[str, str]:
    """Return for every target that could not be seen in part the first reason, for the end of its line."""
    remarks: dict[str, str] = {}
    for finding in by_badness(findings):
        if finding.status in NOT_SEEN:
            remarks.setdefault(finding.observation.target.name, finding.reason)
    return remarks


def _print_gaps(findings: Sequence[Finding], console: Console, lang: str) -> None:
    failed = [finding for finding in by_badness(findings) if finding.status is Status.FAIL]
    if not failed:
        return
    table = plain_table()
    for key in ("severity", "target_column", "control"):
        table.add_column(say(key, lang), no_wrap=True)
    table.add_column(say("wanted", lang), overflow="fold", max_width=32)
    table.add_column(say("seen", lang), overflow="fold")
    for finding in failed[:GAPS_SHOWN]:
        control = finding.requirement.control
        table.add_row(
            cell(SEVERITY[control.severity][LANGUAGES.index(lang)], SEVERITY_STYLE[control.severity]),
            cell(finding.observation.target.name),
            cell(control.id),
            cell(wording.wanted_of(control, lang)),
            cell(wording.seen_and_expired(finding, lang)),
        )
    console.print()
    console.print(table)
    if len(failed) > GAPS_SHOWN:
        console.print(Text(say("more_gaps", lang, n=f"{len(failed) - GAPS_SHOWN:,}"), style="dim"))
    console.print()
