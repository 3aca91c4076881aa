"""Inspections stand in the same chain as campaigns: they verify, rebuild and are purged as those are."""

from __future__ import annotations

import dataclasses
import threading
from datetime import UTC, datetime, timedelta

import pytest

from hardening.errors import AskedWrongly
from hardening.inspected import Act, IncidentEvent, Installed, ItemSeen, Level, Reading, Run, Verdict, Written
from hardening.ledger import InspectionBook, open_ledger
from tests.ledger_store.tampering import raw_connection

NOW = datetime(2026, 8, 21, 1, tzinfo=UTC)
ITEM = ItemSeen(
    id="capacity_disk_space", title="Room", title_zh="空间", category="capacity", method="disk_use", unit="%"
)


def run(name: str, at: datetime = NOW) -> Run:
    """Return a run that has begun."""
    return Run(id=name, plan="daily", started_at=at, actor="me", tool_version="1", hosts=("db01",), items=(ITEM,))


def reading(value: float = 95.0) -> Reading:
    """Return a reading of one disk."""
    return Reading(
        host="db01",
        item=ITEM.id,
        subject="/",
        level=Level.CORE,
        verdict=Verdict.CRITICAL,
        taken_at=NOW,
        value=value,
    )


def opened(number: str) -> IncidentEvent:
    """Return the event that opens an incident."""
    told = {"level": "1", "owner": "me"}
    return IncidentEvent(number=number, act=Act.OPENED, at=NOW, by="inspection", told=told, reading=reading())


def test_what_is_recorded_is_read_back_and_verifies(address: str) -> None:
    """On both databases: runs, readings, incidents, plans and reports."""
    ended = dataclasses.replace(run("r1"), finished_at=NOW + timedelta(minutes=1), exit_code=1)
    installed = Installed(plan="daily", at=NOW, by="me")
    written = Written(period="week", first="2026-08-17", at=NOW, by="me", file="w.docx", sha256="0" * 64)
    with open_ledger(address, clock=lambda: NOW) as ledger:
        book = InspectionBook(ledger)
        book.record_run(run("r1"))
        book.record_readings("r1", "db01", (reading(),))
        book.note_incidents("r1", lambda known: [opened("INC-2026-0001")])
        book.record_run(ended)
        book.record_installed("i1", installed)
        book.record_written("w1", written)

        assert ledger.verify() == []
        ledger.rebuild()
        assert ledger.verify() == []
        assert book.run("latest") == ended
        assert book.runs(plan="daily", since=NOW, until=NOW + timedelta(seconds=1)) == (ended,)
        assert book.runs(since=NOW + timedelta(seconds=1)) == ()
        assert list(book.readings("r1")) == [reading()]
        assert book.incident_events() == (opened("INC-2026-0001"),)
        assert book.installed() == (installed,)
        assert book.written() == (written,)
        assert ledger.going_on() == ()
        assert ledger.campaigns() == ()


def test_a_changed_reading_does_not_verify(address: str) -> None:
    """A forged good reading breaks the chain."""
    with open_ledger(address, clock=lambda: NOW) as ledger:
        InspectionBook(ledger).record_run(run("r1"))
        InspectionBook(ledger).record_readings("r1", "db01", (reading(),))
    with raw_connection(address) as connection:
        for name in ("entries_keep_update", "entries_keep"):
            on = " ON entries" if connection.dialect.name == "postgresql" else ""
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}{on}")
        changed = "replace(CAST(payload AS TEXT), 'critical', 'ok')"
        if connection.dialect.name == "postgresql":
            changed = "convert_to(replace(convert_from(payload, 'UTF8'), 'critical', 'ok'), 'UTF8')"
        else:
            changed = f"CAST({changed} AS BLOB)"
        connection.exec_driver_sql(f"UPDATE entries SET payload = {changed} WHERE kind = 'readings'")  # noqa: S608

    with open_ledger(address, clock=lambda: NOW) as ledger:
        assert any("was changed" in str(problem) for problem in ledger.verify())


def test_a_purged_run_leaves_its_tombstone(address: str) -> None:
    """What it read is gone, with the incidents that it opened; the chain verifies."""
    with open_ledger(address, clock=lambda: NOW) as ledger:
        book = InspectionBook(ledger)
        book.record_run(run("r1"))
        book.record_readings("r1", "db01", (reading(),))
        book.note_incidents("r1", lambda known: [opened("INC-2026-0001")])

        ledger.purge("r1", by="me", reason="the project ended")

        assert ledger.verify() == []
        assert book.runs() == ()
        assert list(book.readings("r1")) == []
        assert book.incident_events() == ()


def test_the_newest_run_that_asked_tells_what_was_counted(address: str) -> None:
    """On both databases; one that asked other items, or is too near, does not hide it."""
    counter = dataclasses.replace(ITEM, id="redis_evictions")
    with open_ledger(address, clock=lambda: NOW) as ledger:
        book = InspectionBook(ledger)
        for name, hours, items, total in (
            ("r1", 0, (ITEM, counter), 1.0),
            ("r2", 1, (ITEM, counter), 2.0),
            ("r3", 2, (ITEM,), None),
            ("r4", 3, (ITEM, counter), 4.0),
        ):
            book.record_run(dataclasses.replace(run(name, NOW + timedelta(hours=hours)), items=items))
            own = dataclasses.replace(reading(), item=items[-1].id, subject="redis", total=total, up_s=9.0)
            book.record_readings(name, "db01", (reading(), own) if total else (reading(),))
        until = NOW + timedelta(hours=3)

        found = book.counted(["db01", "db02"], [counter.id], until)
        assert {key: [each.total for each in held] for key, held in found.items()} == {
            "db01|redis_evictions|redis": [2.0],
        }
        assert book.counted(["db02"], [counter.id], until) == {}
        assert book.counted(["db01"], [], until) == {}


def test_two_runs_at_once_open_an_incident_once(address: str) -> None:
    """Whoever decides sees what the other one wrote."""
    open_ledger(address, clock=lambda: NOW).close()

    def register() -> None:
        with open_ledger(address, clock=lambda: NOW) as ledger:
            InspectionBook(ledger).note_incidents(
                "r", lambda known: [opened(f"INC-2026-{len(known) + 1:04d}")] if not known else []
            )

    threads = [threading.Thread(target=register) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with open_ledger(address, clock=lambda: NOW) as ledger:
        assert [event.number for event in InspectionBook(ledger).incident_events()] == ["INC-2026-0001"]


def test_a_run_is_meant_by_its_beginning(address: str) -> None:
    """Where that is one run; else the newest are named."""
    with open_ledger(address, clock=lambda: NOW) as ledger:
        book = InspectionBook(ledger)
        for name in ("20260821-a", "20260821-b"):
            book.record_run(run(name))

        assert book.run("20260821-b").id == "20260821-b"
        with pytest.raises(AskedWrongly, match="names several inspections"):
            book.run("2026")
        with pytest.raises(AskedWrongly, match="is no inspection"):
            book.run("x")
