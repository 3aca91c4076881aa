"""How much a counter grows an hour: since the look before, where the same server run was seen then. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hardening.inspected import Reading

AN_HOUR_S = 3600.0
LEAST_BETWEEN = timedelta(minutes=10)
"""Looks that are nearer to each other say little of an hour."""
# A look takes a while, and clocks are set.
_SAME_START_S = 300.0


@dataclass(frozen=True, kw_only=True)
class Rate:
    """What a counter grows an hour, and over which time that was seen."""

    per_hour: float
    over: str


def rate_of(total: float, up_s: float, taken_at: datetime, before: Sequence[Reading]) -> Rate:
    """Return the rate of a counter that has come to `total` in a server that has run for `up_s`.

    `before` are earlier readings of the same, the newest first: the first that saw the same run of the server, and not
    more than now, is compared with. Where there is none the rate is that since the server started, of which the first
    hour counts as a whole one.
    """
    for then in before:
        if then.total is None or then.up_s is None or taken_at - then.taken_at < LEAST_BETWEEN:
            continue
        passed_s = up_s - then.up_s
        is_same_run = abs((taken_at - then.taken_at).total_seconds() - passed_s) <= _SAME_START_S
        if is_same_run and passed_s > 0 and total >= then.total:
            over = f"in the {_hours(passed_s)} h since the look before"
            return Rate(per_hour=round((total - then.total) * AN_HOUR_S / passed_s, 1), over=over)
    over = f"since its start {_hours(up_s)} h ago"
    return Rate(per_hour=round(total * AN_HOUR_S / max(up_s, AN_HOUR_S), 1), over=over)


def _hours(seconds: float) -> str:
    return f"{seconds / AN_HOUR_S:.1f}"
