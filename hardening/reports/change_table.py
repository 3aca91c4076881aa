"""The changes of a campaign as a table for a terminal, those that went wrong first."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from hardening.model import Change, ChangeState
from hardening.reports.console import cell, plain_table
from hardening.reports.ordering import changes_by_badness
from hardening.reports.words import CHANGE, LANGUAGES, say

CHANGES_SHOWN = 60
STYLE = {
    ChangeState.FAILED: "bold red",
    ChangeState.PUT_BACK: "bold red",
    ChangeState.REGRESSION: "bold red",
    ChangeState.NEW: "yellow",
    ChangeState.CORRECTIVE: "green",
    ChangeState.NOT_REPORTED: "bold magenta",
    ChangeState.SKIPPED: "yellow",
    ChangeState.CHANGED: "green",
    ChangeState.REVERTED: "green",
    ChangeState.WOULD_CHANGE: "cyan",
    ChangeState.UNCHANGED: "dim",
}


def print_changes(changes: Sequence[Change], console: Console, *, lang: str = "en") -> None:
    """Print one line per change with what it touched, or why it was not made."""
    table = plain_table()
    for key in ("change", "target_column", "control"):
        table.add_column(say(key, lang), no_wrap=True)
    table.add_column(say("touched", lang), overflow="fold")
    ordered = changes_by_badness(changes)
    for change in ordered[:CHANGES_SHOWN]:
        table.add_row(
            cell(CHANGE[change.state][LANGUAGES.index(lang)], STYLE[change.state]),
            cell(change.target.name),
            cell(change.control_id),
            cell(change.reason or touched(change)),
        )
    console.print(table)
    if len(ordered) > CHANGES_SHOWN:
        console.print(Text(say("more_changes", lang, n=f"{len(ordered) - CHANGES_SHOWN:,}"), style="dim"))


def touched(change: Change) -> str:
    """Say what a change touched and did afterwards: `file:/etc/a, sysctl:b; reload:ssh.service`."""
    touches = ", ".join(f"{touch.kind}:{touch.name}" for touch in change.touches)
    return "; ".join(part for part in (touches, ", ".join(change.after_actions)) if part)
