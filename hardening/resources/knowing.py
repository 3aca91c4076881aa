"""Read what is known of a fleet's resources from the ledger, beside register and inventory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hardening.inventory import InventoryHost
from hardening.ledger import Ledger
from hardening.resource_model import Series
from hardening.resources.allocating import allocations_of
from hardening.resources.entries import Register
from hardening.resources.overview import METRICS, WINDOW_DAYS, Overview


def overview_of(
    ledger: Ledger | None,
    register: Register,
    *,
    now: datetime,
    inventory: Sequence[InventoryHost] = (),
    window_days: int = WINDOW_DAYS,
    with_series: bool = True,
) -> Overview:
    """Read what there is; a ledger that does not exist yet has nothing. Numbers after `now` are left out."""
    series: Sequence[Series] = ()
    if ledger is not None and with_series:
        found = ledger.series(METRICS, since=now - timedelta(days=window_days))
        series = [seen for each in found if (seen := _until(each, now)).readings]
    return Overview(
        now=now,
        window_days=window_days,
        register=register,
        addresses={host.name: host.connection.host for host in inventory},
        newest={} if ledger is None else ledger.newest_looks(),
        answered={} if ledger is None else ledger.newest_looks(reached=True),
        allocations={} if ledger is None else allocations_of(ledger.allocation_steps()),
        series={(each.host, each.subject, each.metric): each for each in series},
    )


def _until(series: Series, now: datetime) -> Series:
    if series.readings[-1].at <= now:
        return series
    return replace(series, readings=tuple(reading for reading in series.readings if reading.at <= now))
