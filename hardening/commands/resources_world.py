"""What the commands about resources share: the register, what is known of the fleet, how an answer is given."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import click

from hardening.commands.ending import printing
from hardening.commands.options import Command, combined
from hardening.commands.world import Asked, Options
from hardening.context import utc_now
from hardening.errors import AskedWrongly
from hardening.inventory import Inventory, load_inventory
from hardening.ledger import Ledger
from hardening.reports.resource_book import print_grids
from hardening.reports.resource_grids import Grid
from hardening.resources.entries import Register
from hardening.resources.knowing import overview_of
from hardening.resources.overview import WINDOW_DAYS, Overview
from hardening.resources.register import load_register

FILE = click.Path(path_type=Path, dir_okay=False)

register_option = click.option("--register", "register", type=FILE, help="The register [default: resources.yml].")
known_options: Callable[[Command], Command] = combined(
    click.option(
        "-i", "--inventory", "inventory", multiple=True, help="Inventory: says which hosts there are (may be repeated)."
    ),
    register_option,
    click.option(
        "--days",
        type=click.IntRange(1, 3650),
        default=WINDOW_DAYS,
        show_default=True,
        help="How many days back numbers are taken.",
    ),
)


def register_of(asked: Asked, options: Options, inventory: Inventory | None) -> Register:
    """Read the register; without one nothing is registered. One that was named has to exist."""
    path = options["register"] or asked.place.register
    if not path.exists():
        if options["register"]:
            raise AskedWrongly(f"{path}: there is no such register")
        return Register()
    return load_register(path, hosts=None if inventory is None else [host.name for host in inventory.hosts])


def inventory_of(options: Options) -> Inventory | None:
    """Read the inventory, if one was named."""
    return load_inventory(options["inventory"]) if options["inventory"] else None


@contextmanager
def known(asked: Asked, options: Options, *, with_series: bool = True, write: bool = False) -> Iterator[Known]:
    """Give what is known of the fleet, with the ledger; where there is none yet, nothing was seen."""
    inventory = inventory_of(options)
    register = register_of(asked, options, inventory)
    if not write and asked.ledger_url is None and not asked.place.ledger.exists():
        yield Known(view=_view(None, register, inventory, options, with_series), ledger=None)
        return
    with asked.open_ledger() if write else asked.read_ledger() as ledger:
        yield Known(view=_view(ledger, register, inventory, options, with_series), ledger=ledger)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of the fleet, and the ledger that it stands in; None where there is none yet."""

    view: Overview
    ledger: Ledger | None


def _view(
    ledger: Ledger | None, register: Register, inventory: Inventory | None, options: Options, with_series: bool
) -> Overview:
    return overview_of(
        ledger,
        register,
        now=utc_now(),
        inventory=() if inventory is None else inventory.hosts,
        window_days=options["days"],
        with_series=with_series,
    )


def answer(
    document: Mapping[str, Any], grids: Iterable[Grid], options: Options, *, columns: Sequence[int] | None = None
) -> None:
    """Print one JSON document, or the tables."""
    with printing():
        if options["as_json"]:
            json.dump(plain(document), sys.stdout, ensure_ascii=False, indent=2, allow_nan=False)
            sys.stdout.write("\n")
        else:
            print_grids(grids, sys.stdout, columns=columns)


def plain(value: Any) -> Any:
    """Return values of the model as JSON has them, with every field; moments and days as ISO 8601."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [plain(held) for held in value]
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return value
