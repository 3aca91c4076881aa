"""What a shell offers on Tab: the names that the catalogue and the ledger know."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import click

from hardening.commands.world import Asked
from hardening.errors import HardeningError

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _offering(names: Callable[[Asked], Iterable[str]]) -> Complete:
    def complete(ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
        said = ctx.find_root().params
        asked = Asked(
            workspace=said.get("workspace") or Path(),
            ledger_url=said.get("ledger"),
            baselines=said.get("baselines") or (),
        )
        try:
            return [name for name in names(asked) if begun in name]
        except HardeningError:
            return []  # Nobody reads a complaint in the middle of a line; the command itself says what is wrong.

    return complete


def _campaigns(asked: Asked) -> list[str]:
    with asked.read_ledger() as ledger:
        return [campaign.id for campaign in ledger.campaigns()]


profile_names = _offering(lambda asked: asked.catalogue().profiles)
control_names = _offering(lambda asked: asked.catalogue().controls)
component_names = _offering(lambda asked: sorted({c.component for c in asked.catalogue().controls.values()}))
campaign_names = _offering(_campaigns)
