"""What a value means: bad, good, or not to be told; never good where it was not read."""

from __future__ import annotations

from typing import Any

import pytest

from hardening.inspected import Level, Verdict
from hardening.inspection.bounds import Bounds, Thresholds, judge


def bounds(**named: Any) -> Bounds:
    """Return bounds as a file writes them."""
    return Bounds.model_validate(named)


@pytest.mark.parametrize(
    ("value", "warn", "critical", "verdict"),
    [
        (79.9, {"at_least": 80}, {"at_least": 90}, Verdict.OK),
        (80, {"at_least": 80}, {"at_least": 90}, Verdict.WARN),
        (90, {"at_least": 80}, {"at_least": 90}, Verdict.CRITICAL),
        (7, {"at_most": 30}, {"at_most": 7}, Verdict.CRITICAL),
        (302, None, {"outside": [200, 399]}, Verdict.OK),
        (0, None, {"outside": [200, 399]}, Verdict.CRITICAL),
        ("active", None, {"is_not": "active"}, Verdict.OK),
        ("failed", None, {"is_not": "active"}, Verdict.CRITICAL),
        ("restored, 0 tables", None, {"matches": "^failed|, 0 tables$"}, Verdict.CRITICAL),
        ([], {"any": True}, None, Verdict.OK),
        (["x"], {"any": True}, None, Verdict.WARN),
        (None, {"at_least": 2, "absent": True}, {"at_least": 7}, Verdict.WARN),
        (None, {"at_least": 2}, {"at_least": 7}, Verdict.UNKNOWN),
        ("many", {"at_least": 80}, None, Verdict.UNKNOWN),
        (True, {"at_least": 80}, None, Verdict.UNKNOWN),
        (3, None, {"is_not": "active"}, Verdict.UNKNOWN),
        ("x", {"any": True}, None, Verdict.UNKNOWN),
    ],
)
def test_a_value_is_judged(value: Any, warn: Any, critical: Any, verdict: Verdict) -> None:
    """The worst bound that is met wins; a value of another sort than the bounds is unknown."""
    thresholds = Thresholds(
        warn=None if warn is None else bounds(**warn), critical=None if critical is None else bounds(**critical)
    )

    assert judge(value, thresholds).verdict is verdict


def test_a_core_host_has_its_own_bounds() -> None:
    """A level that is not named goes by the item's own."""
    core = Thresholds(warn=bounds(at_least=75))
    thresholds = Thresholds(warn=bounds(at_least=80), levels={Level.CORE: core})

    assert judge(78, thresholds.of(Level.CORE)).verdict is Verdict.WARN
    assert judge(78, thresholds.of(Level.ORDINARY)).verdict is Verdict.OK


def test_bounds_are_said_with_their_unit() -> None:
    """As the record shows them."""
    thresholds = Thresholds(warn=bounds(at_least=26, absent=True), critical=bounds(at_least=50))

    assert thresholds.said("hours") == "warn: at least 26 hours or absent; critical: at least 50 hours"
