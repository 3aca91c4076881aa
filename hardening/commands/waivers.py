"""The commands about accepted exceptions."""

from __future__ import annotations

from typing import Any

import click

from hardening.commands.ending import answering, printing
from hardening.commands.options import (
    output_options,
    waiver_option,
)
from hardening.commands.world import Asked, waivers_of
from hardening.context import utc_now
from hardening.errors import Exit


@click.group()
def waivers() -> None:
    """Accepted exceptions. Example: hardening waivers list --expiring 30d"""


@waivers.command("list")
@waiver_option
@click.option("--expiring", metavar="30d", help="Only those that have ended or end within this span; any answers 1.")
@output_options
@click.pass_obj
@answering
def waivers_list(asked: Asked, expiring: str | None, **options: Any) -> Exit:
    """List waivers, the next to end first; an ended one answers 1.

    \b
    Example: hardening waivers list --expiring 30d
    """
    from hardening.waiver_list import days_of, list_waivers

    days = None if expiring is None else days_of(expiring)
    found = waivers_of(asked, options, asked.catalogue().controls)
    with printing():
        return list_waivers(found, today=utc_now().date(), expiring_days=days, as_json=options["as_json"])
