"""status: which campaigns there were, which never ended, and whether the record holds together."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Sequence

from rich.console import Console
from rich.table import Table

from hardening.errors import Exit
from hardening.holders import held_by
from hardening.ledger import Ledger
from hardening.model import Campaign


def status(ledger: Ledger, *, verify: bool, as_json: bool, lang: str) -> Exit:
    """Print the campaigns, newest first; with `verify`, check the whole hash chain too."""
    campaigns = ledger.campaigns()
    running = {campaign.id for campaign in campaigns if campaign.finished_at is None and _runs(ledger, campaign)}
    problems = [str(problem) for problem in ledger.verify()] if verify else []
    if as_json:
        json.dump(
            {
                "campaigns": [_row(each, running) for each in campaigns],
                "verified": verify,
                "problems": problems,
            },
            sys.stdout,
            ensure_ascii=False,
            indent=2,
        )
        sys.stdout.write("\n")
    else:
        _print(campaigns, running, problems, verify)
    return Exit.EVIDENCE_BROKEN if problems else Exit.CLEAN


def _runs(ledger: Ledger, campaign: Campaign) -> bool:
    """Tell whether a campaign that changes hosts is known to run on this controller."""
    held = held_by(campaign.id, ledger.steps(campaign.id))
    return any(holder.runs for holder in held.values())


def _row(campaign: Campaign, running: Collection[str]) -> dict[str, object]:
    return {
        "id": campaign.id,
        "verb": campaign.verb.value,
        "profile": campaign.profile,
        "hosts": len(campaign.hosts),
        "actor": campaign.actor,
        "started_at": campaign.started_at.isoformat(),
        "finished_at": campaign.finished_at.isoformat() if campaign.finished_at else None,
        "exit_code": campaign.exit_code,
        "runs": campaign.id in running,
        "parent": campaign.parent,
    }


def _print(campaigns: Sequence[Campaign], running: Collection[str], problems: list[str], verify: bool) -> None:
    # In a file or a pipe a line is a row: nobody wants to search for half an id.
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200)
    if not campaigns:
        console.print("no campaigns yet")
    table = Table(box=None, pad_edge=False)
    for column in ("campaign", "profile", "hosts", "by", "ended", "exit"):
        table.add_column(column, justify="right" if column in ("hosts", "exit") else "left", overflow="fold")
    for campaign in campaigns:
        never = "it runs" if campaign.id in running else "never: hardening resume"
        ended = f"{campaign.finished_at:%Y-%m-%d %H:%M:%S}" if campaign.finished_at else never
        code = "" if campaign.exit_code is None else str(campaign.exit_code)
        table.add_row(campaign.id, campaign.profile, str(len(campaign.hosts)), campaign.actor, ended, code)
    if campaigns:
        console.print(table)
    for problem in problems:
        console.print(problem, style="bold red")
    if verify and not problems:
        console.print("the hash chain verifies")
