"""What is learnt from a host's own journal of a campaign."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hardening_core import Host
from hardening_core.guard_steps import guarded
from hardening_core.resources import resources_of

from hardening.guarding import outcomes_of
from hardening.host_journal import GUARDED_KINDS, is_unguarded, learnt_of
from hardening.model import ChangeState, Json, Verb
from hardening.outcome import not_done
from hardening.undoable import still_made
from tests.recorded import RecordedHost

NOW = datetime(2026, 8, 29, tzinfo=UTC)
BEGIN = {"event": "begin", "run": "r1"}
PLAN = {"event": "plan", "run": "r1", "id": "linux_x", "target": "h/linux", "touches": [], "after_actions": []}
END = {"event": "end", "run": "r1"}


def guard(outcome: str) -> dict[str, Any]:
    """Return what a host writes of its guard."""
    return {"event": "guard", "outcome": outcome, "detail": "", "at": "2026-08-29T00:00:00Z"}


@pytest.mark.parametrize(
    ("events", "state", "torn"),
    [
        pytest.param([BEGIN, PLAN, END], ChangeState.CHANGED, False, id="written"),
        pytest.param([BEGIN, PLAN], ChangeState.CHANGED, True, id="stopped while writing"),
        pytest.param([BEGIN, PLAN, guard("armed"), END, guard("confirmed")], ChangeState.CHANGED, False, id="kept"),
        pytest.param([BEGIN, PLAN, guard("armed"), END, guard("reverted")], ChangeState.REVERTED, False, id="reverted"),
        pytest.param([BEGIN, PLAN, guard("armed"), guard("reverted")], ChangeState.REVERTED, False, id="torn, back"),
        pytest.param(
            [BEGIN, PLAN, guard("armed"), END, guard("revert_failed")], ChangeState.FAILED, False, id="revert failed"
        ),
    ],
)
def test_a_change_is_learnt_as_the_guard_left_it(events: list[dict[str, Any]], state: ChangeState, torn: bool) -> None:
    """That it was armed says nothing of how it ended."""
    journal = "".join(json.dumps(event) + "\n" for event in events)

    (learnt,) = learnt_of("h", journal, taken_at=NOW)

    assert (learnt.change.state, learnt.torn) == (state, torn)


def test_what_no_guard_can_put_back_is_still_as_the_campaign_left_it() -> None:
    """A package that was removed is removed after the host went back, and an undo has to bring it."""
    touch = {"kind": "package", "name": "telnet", "before": {"state": "installed"}, "after": {"state": "absent"}}
    removed = {**PLAN, "touches": [touch]}
    journal = "".join(json.dumps(each) + "\n" for each in (BEGIN, removed, guard("armed"), END, guard("reverted")))

    (learnt,) = learnt_of("h", journal, taken_at=NOW)

    assert learnt.change.state is ChangeState.CHANGED


def test_what_a_guard_puts_back_in_part_is_told_in_two() -> None:
    """The file went back, the package that came with it did not: an undo has to bring that back, and that alone."""
    file = {"kind": "file", "name": "/etc/x", "before": {}, "after": {"text": "x"}}
    package = {"kind": "package", "name": "telnet", "before": {"state": "absent"}, "after": {"state": "installed"}}
    both = {**PLAN, "touches": [file, package], "after_actions": ["reload:ssh.service"]}
    journal = "".join(json.dumps(each) + "\n" for each in (BEGIN, both, guard("armed"), END, guard("reverted")))

    back, left = learnt_of("h", journal, taken_at=NOW)

    assert (back.change.state, back.in_part, len(back.change.touches)) == (ChangeState.REVERTED, False, 2)
    assert (left.change.state, left.in_part, left.torn) == (ChangeState.CHANGED, True, False)
    assert ([touch.kind for touch in left.change.touches], left.change.after_actions) == (["package"], ())
    assert "package telnet stays until an undo" in (left.change.reason or "")
    assert still_made([back.change, left.change]) == (left.change,)
    assert not_done(left.change, Verb.APPLY)


def test_a_guard_that_ended_is_told_by_its_outcome_alone() -> None:
    """Also by ledgers of before, which hold a sentence; what a reason begins with says nothing."""
    stored: dict[str, Json] = {
        "a": {"outcome": "lost", "reason": "not reached again"},
        "b": {"outcome": "reverted", "reason": "lost its mind"},
        "c": "lost: not reached again",
        "d": "confirmed",
    }

    assert outcomes_of(stored) == {"a": "lost", "b": "reverted", "c": "lost", "d": "confirmed"}


def test_the_kinds_that_a_guard_puts_back_are_those_of_the_host() -> None:
    """Two programs know them; they must not come apart."""
    everything = {*GUARDED_KINDS, *resources_of(Host("/nowhere"))}

    assert {kind for kind in everything if guarded((kind, "x"))} == GUARDED_KINDS


@pytest.mark.parametrize(
    ("guard", "journal", "word", "unguarded"),
    [
        pytest.param(1, 1, 2, True, id="nothing-there"),
        pytest.param(1, 0, 1, True, id="a-journal-without-a-guard"),
        pytest.param(1, 0, 0, False, id="a-guard-that-ended"),
        pytest.param(0, 0, 0, False, id="a-guard"),
        pytest.param(127, 1, 2, False, id="no-answer"),
        pytest.param(1, 0, 2, False, id="a-journal-that-cannot-be-read"),
    ],
)
def test_a_host_is_unguarded_only_where_that_is_seen(guard: int, journal: int, word: int, unguarded: bool) -> None:
    """Not waiting for a guard that is there would record as kept what the host is about to take back."""
    path = "/var/lib/hardening/journal/c1.jsonl"
    host = RecordedHost(
        {
            "test -e /var/lib/hardening/guard/c1": (guard, "", ""),
            f"test -e {path}": (journal, "", ""),
            f"""grep -q '"event": *"guard"' {path}""": (word, "", ""),
        }
    )

    assert is_unguarded(host, "c1") is unguarded
