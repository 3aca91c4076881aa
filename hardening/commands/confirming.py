"""The question before a forced undo: what somebody changed since, what would be lost, and whether that may be."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import click

from hardening.commands.ending import say
from hardening.errors import AskedWrongly
from hardening.model import Change
from hardening.reports.safe_text import bounded

SHOWN = 20
DIFF_LIMIT = 4000


def confirmation(*, force: bool, yes: bool) -> Callable[[Sequence[Change]], bool]:
    """Return what shows the changes that a forced undo goes over and asks; with `yes` it only shows them.

    Raises AskedWrongly at once where it would have to ask and nobody is there to answer.
    """
    if force and not yes and not sys.stdin.isatty():
        raise AskedWrongly("--force asks before it goes over what somebody changed, and this is no terminal: add --yes")

    def confirm(overruled: Sequence[Change]) -> bool:
        for change in overruled[:SHOWN]:
            say(f"{change.target.name}: {change.control_id}: somebody changed this since:")
            say(_indented(change.since))
            say("the undo would do this, and what is taken away with it is lost:")
            say(_indented(change.diff))
        if len(overruled) > SHOWN:
            say(f"and {len(overruled) - SHOWN} more, not shown; narrow with --host or --control to see them")
        count = "1 control" if len(overruled) == 1 else f"{len(overruled)} controls"
        return yes or click.confirm(f"Undo {count} over what somebody changed since?", err=True)

    return confirm


def _indented(diff: str) -> str:
    return "\n".join(f"    {line}" for line in bounded(diff, DIFF_LIMIT).splitlines()) or "    (nothing to show)"
