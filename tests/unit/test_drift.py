"""Drift between two looks, and how hosts were left by the record of several campaigns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hardening.drift import drifts_between
from hardening.errors import AskedWrongly
from hardening.evidence import evidence_of
from hardening.judge import judge
from hardening.ledger import Ledger, open_ledger
from hardening.left import last_campaigns, left_by
from hardening.model import Campaign, Change, ChangeState, Finding, Json, Look, Touch, Verb
from hardening.outcome import exit_of_undo, not_done
from hardening.undoable import hosts_of_wave, still_made, undone_since
from hardening.waves import CHANGED_SINCE, failed_hosts
from tests.ledger_store import samples
from tests.unit.test_judge import WAIVER, observation, requirement

REQUIREMENT = requirement("no")
PASSED = judge(REQUIREMENT, observation(value="no"))
FAILED = judge(REQUIREMENT, observation(value="yes"))
WAIVED = judge(REQUIREMENT, observation(value="yes"), WAIVER)
BLIND = judge(REQUIREMENT, observation(Look.CANNOT_LOOK, "sudo asks for a password"))
ABSENT = judge(REQUIREMENT, observation(Look.NOT_APPLICABLE, "there is no sshd"))
OTHER = judge(requirement({"one_of": ["no", "never"]}), observation(value="never"))


@pytest.mark.parametrize(
    ("then", "now", "state", "is_gap"),
    [
        pytest.param(PASSED, PASSED, None, False, id="as-it-was"),
        pytest.param(PASSED, FAILED, ChangeState.REGRESSION, True, id="gap-opened"),
        pytest.param(ABSENT, FAILED, ChangeState.REGRESSION, True, id="came-with-a-gap"),
        pytest.param(PASSED, WAIVED, ChangeState.REGRESSION, False, id="gap-opened-and-is-waived"),
        pytest.param(WAIVED, FAILED, None, False, id="waiver-ended"),
        pytest.param(FAILED, PASSED, ChangeState.CORRECTIVE, False, id="gap-closed"),
        pytest.param(FAILED, ABSENT, ChangeState.CORRECTIVE, False, id="went-with-its-gap"),
        pytest.param(PASSED, OTHER, ChangeState.NEW, False, id="another-value-as-wanted"),
        pytest.param(PASSED, ABSENT, ChangeState.NEW, False, id="went-away"),
        pytest.param(BLIND, FAILED, ChangeState.NEW, True, id="unknown-then"),
        pytest.param(BLIND, PASSED, None, False, id="unknown-then-and-good"),
        pytest.param(PASSED, BLIND, None, False, id="unknown-now"),
        pytest.param(None, FAILED, ChangeState.NEW, True, id="a-target-that-was-not-there"),
        pytest.param(None, PASSED, None, False, id="a-good-target-that-was-not-there"),
        pytest.param(PASSED, None, ChangeState.NEW, False, id="a-target-that-is-gone"),
    ],
)
def test_what_became_of_a_finding(
    then: Finding | None, now: Finding | None, state: ChangeState | None, is_gap: bool
) -> None:
    """A gap that opened is a regression; an answer that is missing now is no drift, the look is incomplete."""
    found = drifts_between([then] if then else [], [now] if now else [])

    assert [(drift.state, drift.is_gap) for drift in found] == ([(state, is_gap)] if state else [])


def test_a_host_that_was_lost_has_not_drifted_away() -> None:
    """That nothing of it was seen is no news about its targets."""
    lost = replace(BLIND, observation=replace(BLIND.observation, control_id="sshd_y"))

    assert drifts_between([PASSED], [lost]) == ()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger."""
    with open_ledger(tmp_path / "ledger.db", clock=samples.clock) as opened:
        yield opened


def recorded(
    ledger: Ledger, verb: Verb, minute: int, *changes: Change, parent: str | None = None, **more: str
) -> Campaign:
    """Record a campaign that saw web01 and made these changes."""
    begun = samples.campaign(
        f"c{minute}", verb=verb, started_at=samples.START + timedelta(minutes=minute), parent=parent, hosts=("web01",)
    )
    profile = samples.profile(digest=more.get("digest", "d" * 64))
    begun = replace(begun, profile_digest=profile.digest)
    ledger.begin(begun, profile)
    ledger.record_changes(begun.id, changes)
    seen = samples.finding(profile.requirements[0], seen=more.get("seen", "no"))
    ledger.record_findings(begun.id, "after", [seen])
    ledger.record_host(begun.id, "after", samples.host())
    ledger.finish(begun.id, 0, begun.started_at + timedelta(seconds=30))
    return ledger.campaign(begun.id)


def step(before: str, after: str, *, state: ChangeState = ChangeState.CHANGED, control: str = "sshd_a") -> Change:
    """Return a change of one file from one content to another."""
    states: list[Json] = [{"type": "file", "mode": "0644", "sha256": content} for content in (before, after)]
    touch = Touch(kind="file", name="/etc/x", before=states[0], after=states[1])
    return samples.change(control_id=control, touches=(touch,), state=state)


def test_a_host_was_left_as_the_last_campaign_left_it(ledger: Ledger) -> None:
    """Two applies and an undo of the second: its findings, its content, and every control that wrote the file."""
    recorded(ledger, Verb.APPLY, 1, step("0", "1"))
    second = recorded(ledger, Verb.APPLY, 2, step("1", "2", control="sshd_b"))
    mode = Touch(kind="file", name="/etc/x", before={"type": "file"}, after={"type": "file", "mode": "0600"})
    undone = samples.change(control_id="sshd_b", touches=(mode,), state=ChangeState.REVERTED)
    recorded(ledger, Verb.UNDO, 3, step("2", "1", state=ChangeState.REVERTED), undone, parent=second.id, seen="yes")

    left = left_by(ledger, second, ["web01", "web02"])

    assert list(left) == ["web01"]
    assert [finding.observation.seen["running"] for finding in left["web01"].findings] == ["yes"]
    (resource,) = left["web01"].resources
    assert resource.state == {"type": "file", "mode": "0600", "sha256": "1"}
    assert [control for _, control, _ in resource.pairs] == ["sshd_a", "sshd_b"]
    assert left["web01"].campaigns == ("c1", "c2", "c3")


def test_what_a_host_put_back_itself_is_as_it_was_before(ledger: Ledger) -> None:
    """After an apply and after an undo alike."""
    first = recorded(ledger, Verb.APPLY, 1, step("0", "1"), step("0", "1", state=ChangeState.REVERTED))
    (resource,) = left_by(ledger, first, ["web01"])["web01"].resources
    recorded(ledger, Verb.UNDO, 2, step("0", "9", state=ChangeState.PUT_BACK), parent=first.id)
    (again,) = left_by(ledger, first, ["web01"])["web01"].resources

    assert (resource.state["sha256"], again.state["sha256"]) == ("0", "0")


def test_another_version_of_the_profile_cannot_be_compared_with(ledger: Ledger) -> None:
    """The newest apply of this version is; a scan never is."""
    old = recorded(ledger, Verb.APPLY, 1)
    recorded(ledger, Verb.APPLY, 2, digest="e" * 64)
    recorded(ledger, Verb.SCAN, 3)

    assert {name: base.id for name, base in last_campaigns(ledger, old, ["web01", "web02"]).items()} == {"web01": "c1"}


def test_what_a_host_took_back_from_an_undo_can_be_undone_again(ledger: Ledger) -> None:
    """The last word of the undo counts."""
    first = recorded(ledger, Verb.APPLY, 1, step("0", "1"), step("0", "1", control="sshd_b"))
    back = [step("1", "0", state=state) for state in (ChangeState.REVERTED, ChangeState.PUT_BACK)]
    recorded(ledger, Verb.UNDO, 2, *back, step("1", "0", state=ChangeState.REVERTED, control="sshd_b"), parent=first.id)

    assert len(still_made(ledger.changes(first.id))) == 2
    assert {control for _, control in undone_since(ledger, first.id)} == {"sshd_b"}


def test_a_host_that_took_an_undo_back_makes_it_incomplete(ledger: Ledger) -> None:
    """It is told apart from what failed, and answers 3 as that does."""
    first = recorded(ledger, Verb.APPLY, 1, step("0", "1"))
    undo = recorded(ledger, Verb.UNDO, 2, step("1", "0", state=ChangeState.PUT_BACK), parent=first.id)
    evidence = evidence_of(ledger, undo.id)

    assert [not_done(change, Verb.UNDO) for change in evidence.changes] == [True]
    assert exit_of_undo(evidence, ()) == 3


def test_a_wave_is_found_by_its_number(ledger: Ledger) -> None:
    """One that was never begun is not; of two with one number after a resume nobody guesses."""
    campaign = recorded(ledger, Verb.APPLY, 1)
    ledger.record_step(campaign.id, "wave", {"number": 1, "of": 2, "hosts": ["a"], "guard_s": 0})
    ledger.record_step(campaign.id, "wave", {"number": 2, "of": 2, "hosts": ["b", "c"], "guard_s": 0})

    assert hosts_of_wave(ledger, campaign.id, 2) == ("b", "c")
    with pytest.raises(AskedWrongly, match="had no wave 3; its waves are 1, 2"):
        hosts_of_wave(ledger, campaign.id, 3)
    ledger.record_step(campaign.id, "wave", {"number": 1, "of": 1, "hosts": ["c"], "guard_s": 0})
    with pytest.raises(AskedWrongly, match=r"more than one wave 1 \(a; c\); name the hosts with --host"):
        hosts_of_wave(ledger, campaign.id, 1)


def test_what_an_undo_refuses_is_no_failure_of_the_host() -> None:
    """Somebody's own edit must not stop the waves of all others; a write that failed does."""
    refused = samples.change(state=ChangeState.FAILED, reason=f"{CHANGED_SINCE}/etc/issue is another")
    broken = samples.change(state=ChangeState.FAILED, reason="/etc/issue: the file system is full")

    assert failed_hosts([refused], [samples.host()]) == ()
    assert failed_hosts([refused, broken], [samples.host()]) == ("web01",)
