"""A counter is told by the hour since the look before, and since its server's start where that look does not help."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from checks import Counted
from hardening.inspected import Level, Reading, Verdict
from hardening.inspection.chinese import reason
from hardening.inspection.kinds import kinds
from hardening.inspection.rates import rate_of

NOW = datetime(2026, 8, 21, 1, tzinfo=UTC)
DAY_S = 86400.0


def seen(hours_ago: float, total: float | None, up_s: float | None) -> Reading:
    """Return an earlier reading of a counter."""
    return Reading(
        host="db01",
        item="redis_evictions",
        subject="redis-server",
        level=Level.CORE,
        verdict=Verdict.OK,
        taken_at=NOW - timedelta(hours=hours_ago),
        total=total,
        up_s=up_s,
    )


def test_what_was_counted_before_the_look_before_does_not_count() -> None:
    """A server that threw away much last month and nothing since yesterday is well today."""
    yesterday = seen(24, 100_000, 30 * DAY_S)

    calm = rate_of(100_000, 31 * DAY_S, NOW, [yesterday])
    assert (calm.per_hour, calm.over) == (0.0, "in the 24.0 h since the look before")
    assert rate_of(102_400, 31 * DAY_S, NOW, [yesterday]).per_hour == 100.0
    assert reason(calm.over) == "距上次巡检 24.0 小时内"


@pytest.mark.parametrize(
    "before",
    [
        [],
        [seen(24, None, None)],
        [seen(24, 400, 30 * DAY_S)],  # It was started anew since.
        [seen(24, 400, 3600.0)],  # So it was, and has run longer by now than it had then.
        [seen(1, 481, 1 * DAY_S - 3600)],  # The counter was set to zero since.
        [seen(0.1, 400, 1 * DAY_S - 360)],  # Too near to say anything of an hour.
    ],
)
def test_without_a_look_that_helps_it_is_since_the_start(before: list[Reading]) -> None:
    """And says so."""
    found = rate_of(480, DAY_S, NOW, before)

    assert (found.per_hour, found.over) == (20.0, "since its start 24.0 h ago")
    assert reason(found.over) == "自启动以来 24.0 小时"
    assert rate_of(30, 60.0, NOW, []).per_hour == 30.0


def test_a_look_that_does_not_help_does_not_hide_an_older_one() -> None:
    """The newest that helps counts."""
    found = rate_of(
        500, DAY_S, NOW, [seen(0.1, 499, DAY_S - 360), seen(2, 400, DAY_S - 7200), seen(9, 0, DAY_S - 32400)]
    )

    assert (found.per_hour, found.over) == (50.0, "in the 2.0 h since the look before")


def test_kinds_that_count_are_known() -> None:
    """By what they return."""
    assert {name for name, kind in kinds().items() if kind.is_counted} == {"redis_per_hour", "mariadb_per_hour"}
    assert Counted(total=1, up_s=2).total == 1
