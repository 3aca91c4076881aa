"""status CAMPAIGN: how far one campaign has come, from any terminal that has its ledger; watched until it ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from hardening.course import Course, course_of
from hardening.errors import Exit
from hardening.ledger import Ledger
from hardening.model import Json

WATCH_EVERY_S = 2.0
NAMES_SHOWN = 20


def campaign_status(
    ledger: Ledger, campaign_id: str, *, watch: bool, as_json: bool, sleep: Callable[[float], None]
) -> Exit:
    """Print where a campaign stands; with `watch` again whenever that changes, until it runs no more."""
    shown: dict[str, Json] | None = None
    while True:
        course = course_of(ledger, campaign_id)
        document: dict[str, Json] = {"campaign": campaign_id, **course.as_json()}
        if document != shown:
            _print(course, document, as_json=as_json)
            shown = document
        if not watch or course.has_ended:
            return Exit.CLEAN
        sleep(WATCH_EVERY_S)


def _print(course: Course, document: dict[str, Json], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(document, ensure_ascii=True) + "\n")
        sys.stdout.flush()
        return
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200)
    for name, value in lines(course):
        console.print(Text(f"{name:<9} {value}"))
    console.print()


def lines(course: Course) -> list[tuple[str, str]]:
    """Return what a person reads of a campaign, as names and values; bad news first."""
    campaign = course.campaign
    found = [
        ("campaign", f"{campaign.id}   {campaign.profile}, by {campaign.actor}"),
        ("state", course.state),
    ]
    if course.stop is not None:
        found.append(("stop", course.stop.removeprefix("stopped: ")))
    found += [("failed", _names(course.failed))] if course.failed else []
    found += [("refused", f"{name}: {why}") for name, why in course.refused.items()]
    if course.wave is not None:
        number, count = course.wave
        found.append(("wave", f"{number} of {count}" + (f": {_names(course.now)}" if course.now else ", done")))
    if course.done or course.waiting:
        found += [("done", _names(course.done)), ("waiting", _names(course.waiting))]
    found += [("holds", _names(course.holds))] if course.holds else []
    if course.approval is not None:
        given = course.approval
        found.append(("approved", f"by {given.name}, ticket {given.ticket}, at {given.at:%Y-%m-%d %H:%M:%S}"))
    return [(name, "".join(char if char.isprintable() else "?" for char in value)) for name, value in found]


def _names(names: tuple[str, ...]) -> str:
    if not names:
        return "none"
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return f"{len(names)}: {', '.join(names[:NAMES_SHOWN])}{more}"
