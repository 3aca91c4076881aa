"""Anomalies are registered once, with level, owner and deadline; they end by a good reading or by a person."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hardening.errors import AskedWrongly
from hardening.inspected import REACHABLE, Act, Incident, IncidentEvent, Level, Reading, Verdict
from hardening.inspection.incidents import Registrar, by_person, chosen, incidents_of, pending
from hardening.inspection.response import HoursBody, ResponseTable, load_response
from tests.command_line import ROOT

TABLE = load_response([ROOT / "baselines"])
BEGIN = datetime(2026, 8, 21, 1, tzinfo=UTC)


def reading(verdict: Verdict, **more: Any) -> Reading:
    """Return a reading of one disk."""
    held: dict[str, Any] = {
        "host": "db01",
        "item": "capacity_disk_space",
        "subject": "/",
        "level": Level.CORE,
        "verdict": verdict,
        "taken_at": BEGIN,
        "value": 95.0,
    }
    return Reading(**{**held, **more})


class Register:
    """A register that lives in memory: runs go through the rules, one after the other."""

    def __init__(self, table: ResponseTable = TABLE) -> None:
        self.table = table
        self.events: list[IncidentEvent] = []

    def run(self, minutes: int, *readings: Reading) -> list[str]:
        """Let a run of so many minutes after the beginning say its readings; return what happened."""
        registrar = Registrar(
            table=self.table,
            categories={"capacity_disk_space": "capacity"},
            now=BEGIN + timedelta(minutes=minutes),
        )
        events = registrar.decide(self.events, readings)
        self.events += events
        return [event.act.value for event in events]

    def incidents(self) -> Sequence[Incident]:
        """Return the incidents as they stand."""
        return tuple(incidents_of(self.events).values())


def test_an_anomaly_is_registered_with_level_owner_and_deadlines() -> None:
    """By the table of the contract, from when it was seen."""
    register = Register()

    assert register.run(0, reading(Verdict.CRITICAL)) == ["opened"]
    (incident,) = register.incidents()
    assert (incident.number, incident.level, incident.owner) == ("INC-2026-0001", 1, "Operations on duty")
    assert incident.respond_by == BEGIN + timedelta(minutes=5)
    assert incident.resolve_by == BEGIN + timedelta(minutes=240)
    assert incident.report_by == BEGIN + timedelta(hours=24)


def test_the_same_trouble_is_one_incident() -> None:
    """However often it is read; another object is another incident."""
    register = Register()
    register.run(0, reading(Verdict.CRITICAL))

    assert register.run(30, reading(Verdict.CRITICAL)) == []
    assert register.run(60, reading(Verdict.CRITICAL), reading(Verdict.WARN, subject="/var")) == ["opened"]
    assert [incident.number for incident in register.incidents()] == ["INC-2026-0001", "INC-2026-0002"]


def test_what_gets_worse_gets_no_more_time() -> None:
    """A warning that turns critical is graded again, and its deadlines only come nearer."""
    register = Register()
    register.run(0, reading(Verdict.WARN))
    before = register.incidents()[0].resolve_by
    assert before is not None

    assert register.run(60, reading(Verdict.CRITICAL)) == ["worse"]
    (incident,) = register.incidents()
    assert incident.level == 1
    assert incident.resolve_by is not None
    assert incident.resolve_by <= before
    assert register.run(90, reading(Verdict.WARN)) == []


def test_the_next_good_reading_closes_it() -> None:
    """One that could not be made, or does not apply, closes nothing."""
    register = Register()
    register.run(0, reading(Verdict.CRITICAL))

    assert register.run(10, reading(Verdict.UNKNOWN)) == []
    assert register.run(20, reading(Verdict.NOT_APPLICABLE)) == []
    assert register.run(30) == []
    assert register.run(40, reading(Verdict.OK)) == ["closed"]
    assert not register.incidents()[0].is_open


def test_a_reading_that_could_not_be_made_is_an_anomaly() -> None:
    """It is never taken for good."""
    register = Register()

    assert register.run(0, reading(Verdict.UNKNOWN)) == ["opened"]
    assert register.run(10, reading(Verdict.OK)) == ["closed"]


def test_what_could_be_read_again_ends_that_it_could_not() -> None:
    """A look that fails names no object; the next one names several, and none of them has its key."""
    register = Register()
    register.run(0, reading(Verdict.UNKNOWN, subject="", value=None, reason="df is missing"))

    assert register.run(5, reading(Verdict.UNKNOWN, subject="/"), reading(Verdict.OK, subject="/var")) == ["opened"]
    assert register.run(10, reading(Verdict.OK, subject="/"), reading(Verdict.CRITICAL, subject="/var")) == [
        *("closed", "opened", "closed"),
    ]
    states = {incident.first.subject: incident.is_open for incident in register.incidents()}
    assert states == {"": False, "/": False, "/var": True}


def test_a_host_that_is_lost_is_one_incident() -> None:
    """And not one for each of its items."""
    register = Register()
    lost = reading(Verdict.CRITICAL, item=REACHABLE, subject="")
    others = [reading(Verdict.UNKNOWN, item=f"item_{n}") for n in range(60)]

    assert register.run(0, lost, *others) == ["opened"]
    assert register.incidents()[0].first.item == REACHABLE


def test_coming_and_going_is_one_incident_that_is_held_open() -> None:
    """After some reopenings it is held until it has stayed good for a while."""
    register = Register()
    happened = [register.run(10 * n, reading(Verdict.CRITICAL if n % 2 == 0 else Verdict.OK)) for n in range(7)]

    assert happened[:3] == [["opened"], ["closed"], ["reopened"]]
    assert happened[6] == ["reopened", "held"]
    assert len(register.incidents()) == 1
    assert register.run(70, reading(Verdict.OK)) == ["recovered"]
    assert register.run(80, reading(Verdict.CRITICAL)) == ["relapsed"]
    assert register.run(90, reading(Verdict.OK)) == ["recovered"]
    assert register.run(149, reading(Verdict.OK)) == []
    assert register.run(150, reading(Verdict.OK)) == ["closed"]


def test_what_comes_back_much_later_is_a_new_incident() -> None:
    """So is what a person closed, whenever it comes back."""
    register = Register()
    register.run(0, reading(Verdict.CRITICAL))
    register.run(10, reading(Verdict.OK))
    assert register.run(10 + 241, reading(Verdict.CRITICAL)) == ["opened"]
    told = {"cause": "a", "handling": "b", "prevention": "c"}
    now = BEGIN + timedelta(minutes=260)
    register.events.append(by_person(register.incidents()[1], Act.CLOSED, by="me", now=now, told=told))

    assert register.run(261, reading(Verdict.CRITICAL)) == ["opened"]
    assert [incident.number for incident in register.incidents()] == [f"INC-2026-000{n}" for n in (1, 2, 3)]


def test_a_person_closes_with_cause_handling_and_prevention() -> None:
    """All three, and only what is open."""
    register = Register()
    register.run(0, reading(Verdict.CRITICAL))
    incident = register.incidents()[0]
    told = {"cause": "disk full", "handling": "moved logs", "prevention": " "}

    with pytest.raises(AskedWrongly, match="with its cause, its handling and how it is prevented"):
        by_person(incident, Act.CLOSED, by="me", now=BEGIN, told=told)
    event = by_person(incident, Act.CLOSED, by="me", now=BEGIN, told={**told, "prevention": "rotate"})
    closed = incidents_of([*register.events, event])[incident.number]
    assert (closed.closed_by, closed.cause, closed.responded_at) == ("me", "disk full", BEGIN)
    with pytest.raises(AskedWrongly, match="nothing can be done with it before it was there"):
        by_person(incident, Act.RESPONDED, by="me", now=BEGIN - timedelta(minutes=1))
    with pytest.raises(AskedWrongly, match="is closed since"):
        by_person(closed, Act.ASSIGNED, by="me", now=BEGIN, told={"owner": "x"})


def test_numbers_start_again_each_year_of_the_contracts_zone() -> None:
    """New Year comes to Shanghai at 16:00 UTC."""
    register = Register()
    minutes = int((datetime(2026, 12, 31, 16, 30, tzinfo=UTC) - BEGIN).total_seconds() // 60)
    register.run(0, reading(Verdict.CRITICAL))
    register.run(minutes, reading(Verdict.CRITICAL, subject="/var"))

    assert [incident.number for incident in register.incidents()] == ["INC-2026-0001", "INC-2027-0001"]


def test_the_end_of_a_number_is_enough() -> None:
    """As long as it means one incident."""
    register = Register()
    register.run(0, reading(Verdict.CRITICAL))
    known = incidents_of(register.events)

    assert chosen(known, "0001").number == "INC-2026-0001"
    with pytest.raises(AskedWrongly, match="0009 is no incident"):
        chosen(known, "0009")


def test_office_hours_leave_nights_and_weekends_out() -> None:
    """An hour on Friday evening ends on Monday morning; daylight changes do not make a day longer."""
    hours = HoursBody(
        zone="Asia/Shanghai", days=["monday", "tuesday", "wednesday", "thursday", "friday"], begin="08:30", end="17:30"
    )
    table = TABLE.model_copy(update={"hours": hours})
    friday = datetime(2026, 8, 21, 9, tzinfo=UTC)  # 17:00 in Shanghai

    assert table.after(friday, 60) == datetime(2026, 8, 24, 1, tzinfo=UTC)
    assert table.after(friday, 30) == datetime(2026, 8, 21, 9, 30, tzinfo=UTC)
    assert table.after(datetime(2026, 8, 22, 9, tzinfo=UTC), 540) == datetime(2026, 8, 24, 9, 30, tzinfo=UTC)


def test_an_owner_is_found_by_category_and_host() -> None:
    """The first entry that fits."""
    owners = [{"category": "capacity", "host": "web*", "owner": "Web"}, {"category": "capacity", "owner": "Storage"}]
    table = ResponseTable.model_validate({**TABLE.model_dump(by_alias=True), "owners": owners})

    assert table.owner_of("capacity", "web01") == "Web"
    assert table.owner_of("capacity", "db01") == "Storage"
    assert table.owner_of("log", "db01") == "Operations on duty"


def test_what_was_not_sent_stays_pending() -> None:
    """Until a message went out; what gets worse is told again, what comes and goes is not."""
    register = Register()
    register.run(0, reading(Verdict.WARN))
    number = register.incidents()[0].number
    told = IncidentEvent(number=number, act=Act.NOTIFIED, at=BEGIN, by="me", told={"result": "refused"})

    register.events.append(told)
    assert len(pending(register.incidents())) == 1
    register.events.append(dataclasses.replace(told, told={"result": "sent"}))
    assert pending(register.incidents()) == []
    register.run(10, reading(Verdict.CRITICAL))
    assert [event.act for _, event in pending(register.incidents())] == [Act.WORSE]


def test_what_could_not_be_looked_at_and_is_not_there_any_more_ends() -> None:
    """Somebody could look now. What was seen to be bad and is gone is a person's to close."""
    register = Register()
    register.run(0, reading(Verdict.UNKNOWN, subject=""), reading(Verdict.CRITICAL, item="other"))

    gone = reading(Verdict.NOT_APPLICABLE, subject=""), reading(Verdict.NOT_APPLICABLE, item="other")
    assert register.run(5, *gone) == ["closed"]
    assert [incident.first.item for incident in register.incidents() if incident.is_open] == ["other"]
