"""Waves: who is changed with whom, and when the next wave must not start."""

from __future__ import annotations

import dataclasses
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hardening.errors import AskedWrongly, Exit
from hardening.model import Change, ChangeState, HostSeen, Target, Verb
from hardening.outcome import exit_of_change, not_done
from hardening.reports.wording import alarms
from hardening.waves import WaveRules, Window, failed_hosts, on_the_wall, reason_to_stop, waves_of
from tests.evidence_examples import clean_evidence


def at(text: str) -> datetime:
    """Return a moment of 20 November 2026."""
    hour, minute = text.split(":")
    return datetime(2026, 11, 20, int(hour), int(minute), tzinfo=UTC)


def test_the_canary_goes_first_and_waves_grow_up_to_the_largest() -> None:
    """1, 4, 16, then 20 at a time."""
    hosts = [f"h{number:02}" for number in range(60)]

    assert [len(wave) for wave in waves_of(hosts, WaveRules(largest=20), {})] == [1, 4, 16, 20, 19]
    assert [len(wave) for wave in waves_of(hosts, WaveRules(canary=0, largest=25), {})] == [25, 25, 10]


def test_a_primary_and_its_replica_are_never_changed_together() -> None:
    """The second of them waits for the next wave, and nobody else does."""
    apart = {"db1": "orders", "db2": "orders", "db3": "orders"}

    waves = waves_of(["db1", "db2", "db3", "web1", "web2"], WaveRules(canary=0, largest=10), apart)

    assert waves == (("db1", "web1", "web2"), ("db2",), ("db3",))


@given(
    some.integers(0, 40), some.integers(0, 5), some.integers(1, 5), some.integers(1, 9), some.lists(some.integers(0, 3))
)
def test_every_host_is_in_exactly_one_wave(
    count: int, canary: int, growth: int, largest: int, words: list[int]
) -> None:
    """None is lost, none is changed twice, whatever the rules; and nobody shares a wave with whom it must not."""
    hosts = [f"h{number}" for number in range(count)]
    apart = {host: str(word) for host, word in zip(hosts, words, strict=False)}

    waves = waves_of(hosts, WaveRules(canary=canary, growth=growth, largest=largest), apart)

    assert sorted(host for wave in waves for host in wave) == sorted(hosts)
    assert all(0 < len(wave) <= largest for wave in waves)
    for wave in waves:
        shared = [apart[host] for host in wave if host in apart]
        assert len(shared) == len(set(shared))


def test_a_host_that_was_never_reached_counts_as_failed() -> None:
    """Ansible's own budget leaves it out."""
    seen = [HostSeen(name="a", address="1", unreachable="gone"), HostSeen(name="b", address="2", unreachable=None)]

    assert failed_hosts([], seen) == ("a",)
    assert reason_to_stop(WaveRules(max_failed=0), ["a"], now=at("1:00"), longest_wave_s=0) == (
        "stopped: 1 of the planned hosts failed (a), and none may fail (--max-failed)"
    )
    assert reason_to_stop(WaveRules(max_failed=1), ["a"], now=at("1:00"), longest_wave_s=0) is None


def test_a_host_is_in_trouble_when_more_than_a_tenth_of_its_changes_failed() -> None:
    """One control of many that a host refuses stops no campaign; one whose answer is missing does."""

    def change(host: str, state: ChangeState) -> Change:
        target = Target(host=host, component="linux")
        return Change(control_id="linux_x", target=target, state=state, taken_at=at("1:00"))

    good, bad, silent = ChangeState.CHANGED, ChangeState.FAILED, ChangeState.NOT_REPORTED
    changes = [change("a", bad), *[change("a", good)] * 9, change("b", bad), *[change("b", good)] * 8]
    changes += [change("c", silent), *[change("c", good)] * 50]

    assert failed_hosts(changes, []) == ("b", "c")


def test_no_wave_starts_that_cannot_end_in_the_window() -> None:
    """Over midnight too; outside the window nothing starts."""
    rules = WaveRules(window=Window.parse("22:00-04:00"))

    assert reason_to_stop(rules, [], now=at("23:30"), longest_wave_s=3600) is None
    assert reason_to_stop(rules, [], now=at("3:00"), longest_wave_s=3599) is None
    assert "600 s are left" in str(reason_to_stop(rules, [], now=at("3:50"), longest_wave_s=601))
    assert reason_to_stop(rules, [], now=at("4:00"), longest_wave_s=0) == (
        "stopped: outside the maintenance window 22:00-04:00"
    )


@pytest.mark.parametrize(
    ("moment", "window", "left_h"),
    [
        ("2026-03-28T21:30", "22:00-04:00", 4.5),
        ("2026-03-29T00:30", "00:00-04:00", 1.5),
        ("2026-03-29T01:30", "02:00-04:00", 0.5),
        ("2026-10-24T20:30", "22:00-04:00", 6.5),
        ("2026-10-24T23:30", "00:00-04:00", 3.5),
        ("2026-10-25T01:30", "00:00-04:00", 1.5),
        ("2026-10-25T03:00", "00:00-04:00", 0.0),
    ],
)
def test_a_night_in_which_the_clocks_change_is_shorter_or_longer(
    moment: str, window: str, left_h: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window ends when the clock on the wall says so, and a wave that would end later does not start."""
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Europe/Berlin")
        time.tzset()
        left_s = Window.parse(window).left_s(on_the_wall(now))
    time.tzset()

    assert left_s == left_h * 3600


@pytest.mark.parametrize("text", ["22-4", "25:00-04:00", "22:00", "22:00-22:00", "now"])
def test_a_window_that_is_none_is_refused(text: str) -> None:
    """With an example of a good one, or the reason."""
    with pytest.raises(AskedWrongly, match="window"):
        Window.parse(text)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (ChangeState.REVERTED, "the host put itself back"),
        (ChangeState.SKIPPED, "stopped: 1 of the planned hosts failed"),
        (ChangeState.SKIPPED, "changed since the plan: planned on a, now b"),
        (ChangeState.NOT_REPORTED, "no answer"),
        (ChangeState.FAILED, "refused"),
    ],
)
def test_what_was_not_done_is_said_in_reports_and_answers_three(state: ChangeState, reason: str) -> None:
    """A fleet that was left out by a stop, or that healed itself, is never a complete campaign."""
    change = Change(
        control_id="linux_x",
        target=Target(host="a", component="linux"),
        state=state,
        reason=reason,
        taken_at=at("1:00"),
    )
    evidence = clean_evidence()
    evidence = dataclasses.replace(evidence, campaign=dataclasses.replace(evidence.campaign, verb=Verb.APPLY))
    quiet, loud = (dataclasses.replace(evidence, changes=changes) for changes in ((), (change,)))

    assert not_done(change, Verb.APPLY)
    assert (exit_of_change(quiet), exit_of_change(loud)) == (Exit.CLEAN, Exit.INCOMPLETE)
    assert (alarms(quiet, "en"), len(alarms(loud, "en"))) == ([], 1)


def test_what_somebody_decided_is_no_alarm() -> None:
    """A waiver, a danger that was not accepted; and in an undo what is back is what was asked for."""
    left = Change(
        control_id="linux_x",
        target=Target(host="a", component="linux"),
        state=ChangeState.SKIPPED,
        reason="danger class lockout was not accepted (--accept lockout)",
        taken_at=at("1:00"),
    )

    assert not not_done(left, Verb.APPLY)
    assert not not_done(dataclasses.replace(left, state=ChangeState.REVERTED, reason=None), Verb.UNDO)
