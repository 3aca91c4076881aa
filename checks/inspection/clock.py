"""The clock: how far it is off, and whether anything sets it."""

from __future__ import annotations

from typing import Any

from checks import read
from checks.inspection.marking import look
from checks.inspection.reading import number, wall_s
from checks.linux.software import clock_synchronised


@look
def seconds_off(host: Any) -> float:
    """Return how many seconds the host's clock is away from ours, at the least.

    The answer comes some time after the question, so what lies between asking and answering counts as right.
    """
    before = wall_s()
    seen = number(read(host, "date +%s.%N"), "the host's time")
    after = wall_s()
    return round(max(0.0, before - seen, seen - after), 1)


@look
def clock_is_set(host: Any) -> str:
    """Return whether the kernel says that its clock is synchronised: yes or no."""
    return clock_synchronised(host)
