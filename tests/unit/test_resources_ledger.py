"""Looks at resources in the ledger: numbers with a history, rolled up by policy, in the one hash chain."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from hardening.errors import AskedWrongly
from hardening.ledger import Ledger, open_ledger
from hardening.redaction_policy import Pattern, RedactionPolicy
from hardening.resource_model import AllocationStep, HostSampled, Share, Step
from tests.ledger_store.samples import clock
from tests.ledger_store.tampering import raw_connection
from tests.resource_fleet import GIB, Habit, every, looks, record

NOW = datetime(2026, 8, 21, 10, tzinfo=UTC)


def test_looks_come_back_as_they_were_recorded(ledger: Ledger) -> None:
    """Facts, reasons and numbers; the newest of each host, and the newest that was answered."""
    first, second = list(looks("web01", every(24, until=NOW, days=1), habit=Habit()))
    lost = HostSampled(host="web01", taken_at=NOW + timedelta(hours=1), unreachable="no route")
    ledger.record_looks("one", [first])
    ledger.record_looks("two", [second])
    ledger.record_looks("three", [lost])

    assert ledger.newest_looks() == {"web01": lost}
    assert ledger.newest_looks(reached=True) == {"web01": second}
    assert ledger.newest_looks(reached=True, until=second.taken_at - timedelta(seconds=1)) == {"web01": first}
    assert [reached for _, reached in ledger.looks_of("web01")] == [True, True, False]
    assert ledger.verify() == []


def test_a_series_is_what_was_sampled(ledger: Ledger) -> None:
    """In the order of time, from the moment that is asked on, of one host or all."""
    moments = every(24, until=NOW, days=5)
    made = {name: list(looks(name, moments, habit=Habit())) for name in ("db01", "web01")}
    record(ledger, made)

    series = ledger.series(["used_bytes"], since=moments[2], host="db01", subject="fs:/")

    assert [(reading.at, reading.value) for reading in series[0].readings] == [
        (look.taken_at, look.samples["fs:/"]["used_bytes"]) for look in made["db01"][2:]
    ]
    everywhere = ledger.series(["busy_ratio"], since=moments[0])
    assert [(each.host, each.subject) for each in everywhere] == [("db01", "cpu"), ("web01", "cpu")]


def test_old_samples_become_days_and_the_chain_still_verifies(ledger: Ledger) -> None:
    """Looks before the limit are purged with their facts, their days stay; a second time there is nothing to do."""
    made = list(looks("web01", every(6, until=NOW, days=20), habit=Habit(fs_per_day_gib=1.0), noise=0.0))
    record(ledger, {"web01": made})
    limit = (NOW - timedelta(days=10)).date()
    before = ledger.series(["used_bytes"], since=made[0].taken_at, subject="fs:/")[0].readings
    old = [each for each in before if each.at.date() < limit]

    done = ledger.roll_up("rollup", before=limit, by="tester")

    after = ledger.series(["used_bytes"], since=made[0].taken_at - timedelta(days=1), subject="fs:/")[0].readings
    days = [each for each in after if each.count > 1]
    assert done.acts == len(old)
    assert {each.at.date() for each in days} == {each.at.date() for each in old} - {
        each.at.date() for each in after if each.count == 1
    }
    second = days[1]
    same_day = [each.value for each in old if each.at.date() == second.at.date()]
    assert (second.minimum, second.maximum, second.count) == (min(same_day), max(same_day), 4)
    assert second.value == pytest.approx(sum(same_day) / 4)
    assert [each for each in after if each.at.date() >= limit] == [each for each in before if each.at.date() >= limit]
    assert ledger.verify() == []
    assert ledger.roll_up("again", before=limit, by="tester").acts == 0
    assert ledger.newest_looks()["web01"] == made[-1]


def test_counters_are_not_rolled_up(ledger: Ledger) -> None:
    """A mean of a counter says nothing."""
    record(ledger, {"web01": looks("web01", every(6, until=NOW, days=4), habit=Habit())})
    ledger.roll_up("rollup", before=NOW.date(), by="tester")

    assert ledger.series(["rx_bytes_total"], since=NOW - timedelta(days=9)) != ()
    assert all(
        reading.at.date() == NOW.date()
        for each in ledger.series(["rx_bytes_total"], since=NOW - timedelta(days=9))
        for reading in each.readings
    )


def test_days_that_are_too_old_go_too(ledger: Ledger) -> None:
    """The whole entry, once the newest of its days is too old."""
    record(ledger, {"web01": looks("web01", every(12, until=NOW, days=6), habit=Habit())})
    ledger.roll_up("rollup", before=NOW.date(), by="tester")

    assert ledger.forget_rollups(before=(NOW - timedelta(days=3)).date(), by="tester") == 0
    assert ledger.forget_rollups(before=NOW.date(), by="tester") > 0
    assert ledger.verify() == []


def test_everything_is_derived_from_the_chain(ledger: Ledger) -> None:
    """Rebuilding gives the same numbers, also after a roll-up."""
    record(ledger, {"web01": looks("web01", every(12, until=NOW, days=6), habit=Habit())})
    ledger.roll_up("rollup", before=(NOW - timedelta(days=2)).date(), by="tester")
    before = ledger.series(["used_bytes", "rx_bps"], since=NOW - timedelta(days=30))

    ledger.rebuild()

    assert ledger.series(["used_bytes", "rx_bps"], since=NOW - timedelta(days=30)) == before


def test_a_number_that_somebody_edits_is_found(address: str) -> None:
    """The table of samples is held against the chain."""
    with open_ledger(address, clock=clock) as ledger:
        record(ledger, {"web01": looks("web01", every(12, until=NOW, days=1), habit=Habit())})
    with raw_connection(address) as connection:
        connection.exec_driver_sql("UPDATE samples SET value = 1 WHERE metric = 'used_bytes'")

    with open_ledger(address, clock=clock) as ledger:
        assert any("samples" in problem.message for problem in ledger.verify())


def test_an_allocation_decided_on_old_knowledge_is_refused(ledger: Ledger) -> None:
    """Two who allocate at once must not give the same room away twice."""
    step = AllocationStep(
        request_id="REQ-1",
        step=Step.REQUESTED,
        by="Li",
        ticket="CHG-1",
        taken_at=NOW,
        shares=(Share(host="web01", vcpus=1, memory_gib=2, disk_gib=3),),
    )
    ledger.record_allocation(step, known=0)

    with pytest.raises(AskedWrongly, match="in between"):
        ledger.record_allocation(step, known=0)
    assert ledger.allocation_steps() == (step,)
    assert ledger.verify() == []


def test_looks_at_resources_are_no_campaigns(ledger: Ledger) -> None:
    """What asks which campaigns still run must not stumble over them."""
    ledger.record_looks("20260821T100000Z-collect-0001", looks("web01", [NOW], habit=Habit()))

    assert ledger.going_on() == ()
    assert ledger.campaigns() == ()


def test_house_patterns_go_out_of_facts(sqlite_address: str) -> None:
    """What the workspace wants taken out is taken out before anything is kept."""
    policy = RedactionPolicy(patterns=(Pattern(name="name", found=re.compile("rec-secret")),))
    look = HostSampled(host="a", taken_at=NOW, facts={"system": {"hostname": "rec-secret"}}, unseen={"x": "rec-secret"})
    with open_ledger(sqlite_address, clock=clock, redaction=policy) as ledger:
        ledger.record_looks("one", [look])

        kept = ledger.newest_looks()["a"]
    assert "rec-secret" not in str(kept)


def test_gib_is_what_the_simulation_says() -> None:
    """The simulation itself: a gibibyte a day."""
    made = list(looks("a", every(24, until=NOW, days=2), habit=Habit(fs_per_day_gib=1.0), noise=0.0))

    assert made[2].samples["fs:/"]["used_bytes"] - made[1].samples["fs:/"]["used_bytes"] == GIB
