"""Verdicts come from what was seen, and from nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from hardening.judge import CannotJudge, judge, satisfies, sentence
from hardening.model import (
    Control,
    Danger,
    Json,
    Look,
    Observation,
    Requirement,
    Severity,
    Source,
    Status,
    Target,
    WaiverUse,
)

WAIVER = WaiverUse(owner="O", reason="r", compensating="c", ticket="T-1", expires_on=date(2026, 12, 31))


def requirement(want: Json) -> Requirement:
    """Return a requirement that wants this."""
    return Requirement(
        control=Control(
            id="sshd_x",
            component="sshd",
            kind="sshd.option",
            title="t",
            title_zh="t",
            why="w",
            severity=Severity.LOW,
            params={},
            want=want,
            set_to=None,
            danger=Danger.NONE,
            source=Source(file="f", line=1),
        )
    )


def observation(look: Look = Look.SEEN, reason: str | None = None, **seen: Any) -> Observation:
    """Return an observation of these truths."""
    return Observation(
        control_id="sshd_x",
        target=Target(host="h", component="sshd"),
        look=look,
        taken_at=datetime(2026, 1, 1, tzinfo=UTC),
        seen=seen,
        reason=reason,
    )


@pytest.mark.parametrize(
    ("want", "good", "bad"),
    [
        ("no", "no", "yes"),
        (True, "true", "false"),
        ({"equals": "a b"}, "a b", "a"),
        ({"at_most": 4}, "4", "5"),
        ({"at_least": 8}, 8, "7"),
        ({"at_least": 1, "at_most": 300}, "300", "0"),
        ({"one_of": ["a", "b"]}, "b", "c"),
        ({"subset_of": ["a", "b"]}, "a,b", "a,c"),
        ({"superset_of": ["a"]}, ["a", "z"], ["z"]),
        ({"disjoint_from": ["md5"]}, "sha256", "sha256,md5"),
        ({"absent": True}, [], ["x"]),
        ({"present": True}, "x", None),
        ({"matches": "^1[0-9]$"}, "12", "22"),
        ({"not_matches": "NOPASSWD"}, "ALL", "NOPASSWD: ALL"),
        ({"mode_at_most": "0640"}, "0600", "0644"),
        ({"mode_at_most": "0755"}, "755", "1755"),
        ({"each": {"mode_at_most": "0600"}}, {"a": "0600"}, {"a": "0600", "b": "0640"}),
        ({"each": {"matches": "^LC_"}}, [], ["PATH"]),
    ],
)
def test_every_matcher_passes_and_fails(want: Json, good: Json, bad: Json) -> None:
    """Every matcher accepts what it is for and refuses the next thing beside it."""
    assert satisfies(want, good)
    assert not satisfies(want, bad)


@pytest.mark.parametrize("want", [{"at_most": 4}, {"at_least": 4}, {"mode_at_most": "0600"}, {"subset_of": ["a"]}])
def test_unset_never_satisfies_a_bound(want: Json) -> None:
    """A value that is not set is not small, not large and not strict."""
    assert not satisfies(want, None)


@pytest.mark.parametrize(
    ("want", "seen"),
    [
        ({"at_most": 4}, "many"),
        ({"at_most": 4}, "1/0"),
        ({"at_most": 4}, "1/3"),
        ({"at_least": 4}, "1e999999999"),
        ({"at_least": 4}, "9" * 5000),
        ({"mode_at_most": "0600"}, "rw"),
        ({"each": "x"}, "x"),
    ],
)
def test_what_cannot_be_compared_is_no_verdict(want: Json, seen: Json) -> None:
    """Text where a number is needed is an ERROR finding, neither a pass nor a fail, and no host stops the run by it."""
    with pytest.raises(CannotJudge):
        satisfies(want, seen)

    assert judge(requirement(want), observation(value=seen)).status is Status.ERROR


def test_both_truths_must_hold() -> None:
    """A setting right in memory and wrong on disk fails, and says which."""
    finding = judge(requirement("1"), observation(running="1", on_disk="0"))

    assert finding.status is Status.FAIL
    assert "on disk: 0" in finding.reason


def test_a_pending_restart_is_said() -> None:
    """Right on disk and wrong in memory fails, and the reader learns that a restart is pending."""
    finding = judge(requirement("1"), observation(running="0", on_disk="1"))

    assert finding.status is Status.FAIL
    assert "pending" in finding.reason


@pytest.mark.parametrize(
    ("look", "status"),
    [
        (Look.CANNOT_LOOK, Status.ERROR),
        (Look.UNREACHABLE, Status.UNREACHABLE),
        (Look.NOT_APPLICABLE, Status.NOT_APPLICABLE),
        (Look.MANUAL, Status.MANUAL),
    ],
)
def test_what_was_not_seen_is_never_judged(look: Look, status: Status) -> None:
    """Every way of not seeing keeps its own status and its reason, waiver or not."""
    finding = judge(requirement("no"), observation(look, "because"), WAIVER)

    assert (finding.status, finding.verdict, finding.reason, finding.waiver) == (status, status, "because", None)


def test_seeing_nothing_is_an_error() -> None:
    """A look that says SEEN and brings no value cannot pass."""
    assert judge(requirement({"absent": True}), observation()).status is Status.ERROR


def test_a_waiver_covers_a_fail_and_keeps_the_verdict() -> None:
    """A waived finding still says FAIL inside; a pass is not waived."""
    failed = judge(requirement("no"), observation(value="yes"), WAIVER)
    passed = judge(requirement("no"), observation(value="no"), WAIVER)

    assert (failed.status, failed.verdict, failed.waiver) == (Status.WAIVED, Status.FAIL, WAIVER)
    assert (passed.status, passed.waiver) == (Status.PASS, None)


def test_what_is_wanted_is_said_in_words() -> None:
    """A report says `at least 1 and at most 300`."""
    assert sentence({"at_least": 1, "at_most": 300}) == "at least 1 and at most 300"
