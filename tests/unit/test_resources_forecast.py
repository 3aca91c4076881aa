"""Forecasts with their uncertainty, use against what there is, lines against their contract."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from hardening.resource_model import Reading, Series
from hardening.resources.entries import LineEntry
from hardening.resources.forecasting import FEWEST_DAYS, Outlook, forecast
from hardening.resources.using import GIB, MBIT, Thresholds, Use, line_use, uses_of

NOW = datetime(2026, 8, 21, 10, tzinfo=UTC)


def series(values: list[float], *, subject: str = "fs:/", metric: str = "used_bytes", hours: float = 24) -> Series:
    """Return a series that ends now."""
    readings = tuple(
        Reading(at=NOW - timedelta(hours=hours * (len(values) - 1 - place)), value=value, minimum=value, maximum=value)
        for place, value in enumerate(values)
    )
    return Series(host="web01", subject=subject, metric=metric, readings=readings)


def test_a_straight_line_is_full_when_it_gets_there() -> None:
    """10 a day from 140 on: 200 in six days, and no doubt about it."""
    made = forecast(series([10.0 * day for day in range(15)]), limit=200.0)

    assert made.outlook is Outlook.FILLING
    assert made.growth_per_day == pytest.approx(10)
    assert made.days == pytest.approx(6)
    assert made.full_on == date(2026, 8, 27)
    assert made.earliest_days == pytest.approx(6)
    assert made.latest_days == pytest.approx(6)


def test_noise_widens_the_interval_and_the_truth_lies_inside() -> None:
    """Thirty days of noise around a known slope."""
    chance = random.Random(7)  # noqa: S311 - the same noise every time
    values = [100 + 2 * day + chance.uniform(-6, 6) for day in range(30)]

    made = forecast(series(values), limit=300.0)

    assert made.earliest_days is not None
    assert made.latest_days is not None
    assert made.days is not None
    assert made.earliest_days < made.days < made.latest_days
    truth = (300 - values[-1]) / 2
    assert made.earliest_days < truth < made.latest_days


def test_a_clean_up_does_not_bend_the_line() -> None:
    """Least squares would be far off; three days of a burst leave the median slope where it was."""
    values = [100.0 + 5 * day for day in range(20)]
    for day in (4, 5, 6):
        values[day] += 400

    assert forecast(series(values), limit=1000.0).growth_per_day == pytest.approx(5, rel=0.1)


def test_too_few_days_are_no_forecast() -> None:
    """Many readings on few days are few days."""
    made = forecast(series([float(each) for each in range(24 * (FEWEST_DAYS - 2))], hours=1), limit=1000.0)

    assert made.outlook is Outlook.TOO_FEW
    assert (made.days, made.growth_per_day) == (None, None)


@pytest.mark.parametrize(
    ("values", "limit", "outlook"),
    [
        ([50.0] * 10, 100.0, Outlook.STEADY),
        ([50.0 - each for each in range(10)], 100.0, Outlook.STEADY),
        ([50.0 + each for each in range(10)], 55.0, Outlook.FULL),
        ([50.0 + each for each in range(10)], None, Outlook.NO_LIMIT),
        ([50.0 + (9 if each % 2 else -9) for each in range(12)], 100.0, Outlook.MAY_FILL),
    ],
)
def test_each_course_has_its_name(values: list[float], limit: float | None, outlook: Outlook) -> None:
    """Steady or falling, full already, no limit known, and up and down without a clear direction."""
    assert forecast(series(values), limit=limit).outlook is outlook


def test_use_is_judged_by_the_95th_percentile_and_a_size_is_proposed() -> None:
    """A busy host, an idle one, and one with too few readings."""
    busy, idle = [0.85] * 40, [0.05] * 40
    held = [
        series([8.0] * 40, subject="cpu", metric="count", hours=1),
        series(busy, subject="cpu", metric="busy_ratio", hours=1),
        series([16.0 * GIB] * 40, subject="memory", metric="size_bytes", hours=1),
        series([2.0 * GIB] * 40, subject="memory", metric="used_bytes", hours=1),
        series([100.0 * GIB] * 3, subject="fs:/", metric="size_bytes", hours=1),
        series([99.0 * GIB] * 3, subject="fs:/", metric="used_bytes", hours=1),
    ]

    uses = {each.subject: each for each in uses_of(held, rules=Thresholds())}

    assert uses["cpu"].use is Use.OVER
    assert uses["cpu"].proposed == 12  # 8 CPUs at 85 % are 6.8; at the target of 60 % that takes 12.
    assert uses["memory"].use is Use.UNDER
    assert uses["memory"].proposed == 3 * GIB  # 2 GiB at the target of 70 %.
    assert uses["fs:/"].use is Use.UNKNOWN
    assert uses["fs:/"].p95 is None
    bored = [held[0], series(idle, subject="cpu", metric="busy_ratio")]
    assert [each.use for each in uses_of(bored, rules=Thresholds())] == [Use.UNDER]


def line(**more: object) -> LineEntry:
    """Return a line of 100 Mbit/s."""
    said: dict[str, object] = {
        "provider": "Carrier",
        "type": "internet",
        "bandwidth_mbps": 100,
        "end_a": "A",
        "end_b": "B",
        "department": "IT",
        "owner": "Li",
    }
    return LineEntry.model_validate({**said, **more})


def test_a_line_is_held_against_its_contract() -> None:
    """The busier direction: mean, 95th percentile and peak; one burst in a hundred does not make it over-used."""
    rates = [30.0 * MBIT] * 99 + [99.0 * MBIT]
    measured = {
        ("gw", "nic:eth0", "rx_bps"): series(rates, subject="nic:eth0", metric="rx_bps", hours=1),
        ("gw", "nic:eth0", "tx_bps"): series([1.0 * MBIT] * 100, subject="nic:eth0", metric="tx_bps", hours=1),
    }

    ending = line(host="gw", interface="eth0", expires_on="2026-08-31")

    made = line_use("net", ending, measured, today=NOW.date(), rules=Thresholds())

    assert made.use is Use.RIGHT
    assert made.share == pytest.approx(0.3)
    assert made.peak_bps == 99 * MBIT
    assert made.mean_bps == pytest.approx(30.69 * MBIT)
    assert made.days_left == 10


def test_a_line_that_nobody_measures_says_so() -> None:
    """Without a host, and with too few readings: unknown with the reason, and no number."""
    unmeasured = line_use("net", line(), {}, today=NOW.date(), rules=Thresholds())
    few = line_use("net", line(host="gw", interface="eth0"), {}, today=NOW.date(), rules=Thresholds())

    assert (unmeasured.use, unmeasured.p95_bps) == (Use.UNKNOWN, None)
    assert "no host" in unmeasured.why_unknown
    assert "0 rates of gw eth0" in few.why_unknown
