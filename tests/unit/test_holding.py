"""Who holds which host, how far a campaign has come, and whether it was asked to stop: read from the ledger alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hardening.context import Context
from hardening.course import course_of
from hardening.errors import AskedWrongly, Incomplete
from hardening.holders import HOLDS, LEFT, LETS_GO, holders, last_seq, refuse_held, refuse_running
from hardening.holding import holding
from hardening.inventory import Inventory, InventoryHost
from hardening.ledger import Ledger, open_ledger
from hardening.model import ChangeState, Json, Verb
from hardening.remote import Connection
from hardening.running import still_runs, this_process
from hardening.stopping import PAUSE, ask_to_stop, stop_asked
from tests.command_line import CommandLine
from tests.ledger_store.samples import START, campaign, change, clock, profile

APPLY = "20260821T101502Z-apply-0001"
OTHER = "20260821T101502Z-apply-0002"


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with two applies that have begun."""
    with open_ledger(tmp_path / "ledger.sqlite3", clock=clock) as ledger:
        for name in (APPLY, OTHER):
            ledger.begin(campaign(name, verb=Verb.APPLY, hosts=("web01", "web02", "web03")), profile())
        yield ledger


def hold(book: Ledger, name: str, *hosts: str, **process: Json) -> None:
    """Have a campaign hold hosts, from this process or another."""
    named: list[Json] = [*hosts]
    book.record_step(name, HOLDS, {"hosts": named, "by": "jia@bastion", **this_process(), **process})


def context_of(book: Ledger, *hosts: str) -> Context:
    """Return the world of a command over hosts that nobody asks anything."""
    connections = [Connection(name=name, host=name) for name in hosts]
    met = tuple(InventoryHost(name=c.name, groups=(), variables={}, connection=c) for c in connections)
    inventory = Inventory(sources=("hosts.yml",), hosts=met)
    return Context(
        ledger=book,
        inventory=inventory,
        inventory_sources=inventory.sources,
        catalogue_digest="",
        actor="jia@bastion",
        tool_version="0",
    )


def test_a_process_is_told_from_one_that_is_gone_and_from_one_elsewhere() -> None:
    """A process id that was given again, and a restart of the controller, are not the old process."""
    ours = this_process()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    theirs = {**ours, "pid": child.pid}

    assert still_runs(ours) is True
    assert still_runs(theirs) is False  # It began at another time.
    assert still_runs({**ours, "boot": "another"}) is False
    assert still_runs({**ours, "controller": "bastion2"}) is None
    assert still_runs({}) is None
    child.communicate(b"\n", timeout=60)
    assert still_runs({**ours, "pid": child.pid, "began": None}) is False


def test_a_host_is_held_until_its_campaign_lets_go_or_ends(book: Ledger) -> None:
    """Letting go of one host keeps the others; an ended campaign holds none, a resumed one holds again."""
    hold(book, APPLY, "web01", "web02")
    assert {name: holder.campaign_id for name, holder in holders(book).items()} == {"web01": APPLY, "web02": APPLY}
    assert holders(book, but=(APPLY,)) == {}

    book.record_step(APPLY, LETS_GO, {"hosts": ["web01"]})
    assert list(holders(book)) == ["web02"]

    book.record_step(APPLY, LETS_GO, {"hosts": ["web02"]})
    book.finish(APPLY, exit_code=3, finished_at=START)
    assert holders(book) == {}

    hold(book, APPLY, "web02")
    assert list(holders(book)) == ["web02"]
    book.finish(APPLY, exit_code=0, finished_at=START)
    assert holders(book) == {}


def test_of_two_that_hold_a_host_the_first_has_it(book: Ledger) -> None:
    """Two processes that both found it free are told apart by the order of the record."""
    hold(book, OTHER, "web01")
    hold(book, APPLY, "web01")

    assert holders(book)["web01"].campaign_id == OTHER


def test_a_held_host_is_refused_with_who_and_what_to_do(book: Ledger) -> None:
    """One that runs is waited for or stopped; one whose process is gone is resumed or broken, by its name only."""
    hold(book, APPLY, "web01", "web02")
    with pytest.raises(AskedWrongly, match=f"web01 is held by {APPLY}, which jia@bastion runs .* `hardening stop"):
        refuse_held(holders(book), ["web01", "web03"], breaking=[APPLY])

    book.record_step(APPLY, LEFT)
    with pytest.raises(AskedWrongly, match=f"web01, web02 are held by .*ended: `hardening resume {APPLY}` ends it"):
        refuse_held(holders(book), ["web01", "web02"], breaking=[OTHER])
    refuse_held(holders(book), ["web01", "web02"], breaking=[APPLY])
    refuse_held(holders(book), ["web03"], breaking=[])


def test_a_campaign_is_not_run_twice(book: Ledger) -> None:
    """A resume is refused while it runs here; where it began elsewhere that has to be acknowledged."""
    hold(book, APPLY, "web01")
    with pytest.raises(AskedWrongly, match="still runs"):
        refuse_running(book, APPLY, breaking=[APPLY])

    hold(book, APPLY, "web01", controller="bastion2")
    with pytest.raises(AskedWrongly, match=f"resume with --break-lease {APPLY}"):
        refuse_running(book, APPLY, breaking=[])
    refuse_running(book, APPLY, breaking=[APPLY])

    book.record_step(APPLY, LEFT)
    refuse_running(book, APPLY, breaking=[])


def test_of_two_resumes_at_one_moment_the_second_gives_way(book: Ledger) -> None:
    """Both found that nobody carries the campaign; the order of the record decides, and the first is not forgotten."""
    hold(book, APPLY, "web01")
    book.record_step(APPLY, LEFT)
    seen = last_seq(book, APPLY)
    refuse_running(book, APPLY, breaking=[])
    hold(book, APPLY, "web01")  # The first one, between our look and our claim.
    context = context_of(book, "web01")

    with pytest.raises(Incomplete, match="another process goes on with it"), holding(context, APPLY, seen=seen):
        pytest.fail("both would write")

    with pytest.raises(AskedWrongly, match="still runs"):
        refuse_running(book, APPLY, breaking=[])
    book.record_step(APPLY, LEFT)
    with holding(context, APPLY, seen=last_seq(book, APPLY)):
        assert holders(book)["web01"].runs is True


def test_a_campaign_that_runs_is_not_purged(hardening: CommandLine) -> None:
    """It would die at its next word, with hosts held and changed, and nothing left to undo them from."""
    purge = ("purge", APPLY, "--reason", "contract ended", "--yes", "--unsigned")
    path = hardening.place / ".hardening" / "ledger.sqlite3"
    path.parent.mkdir()
    with open_ledger(path, clock=clock) as book:
        book.begin(campaign(APPLY, verb=Verb.APPLY, hosts=("web01",)), profile())
        hold(book, APPLY, "web01")

        runs = hardening(*purge)
        book.record_step(APPLY, LEFT)
        gone = hardening(*purge)

    assert (runs.code, f"`hardening stop {APPLY}` ends it" in runs.err, runs.out) == (2, True, "")
    assert gone.code == 0, gone.err


def test_a_stop_counts_until_the_next_resume(book: Ledger) -> None:
    """Asked for twice it is one stop; what was asked before a resume does not stop it again."""
    hold(book, APPLY, "web01")
    assert stop_asked(book.steps(APPLY)) is None

    ask_to_stop(book, APPLY, by="li@desk", because="orders fail")
    assert stop_asked(book.steps(APPLY)) == "stopped: asked by li@desk: orders fail"

    hold(book, APPLY, "web01")
    assert stop_asked(book.steps(APPLY)) is None


def test_an_undo_stops_between_its_waves_as_an_apply_does(book: Ledger) -> None:
    """It goes in waves, too, and reads what was asked before each."""
    undo = "20260821T101502Z-undo-0003"
    book.begin(campaign(undo, verb=Verb.UNDO, hosts=("web01",)), profile())
    hold(book, undo, "web01")

    ask_to_stop(book, undo, by="li@desk", because=None)

    assert stop_asked(book.steps(undo)) == "stopped: asked by li@desk"


def test_what_does_not_run_cannot_be_stopped(book: Ledger) -> None:
    """A scan has no waves, an ended campaign nothing left, a killed one nobody who would read it."""
    book.begin(campaign(), profile())
    with pytest.raises(AskedWrongly, match="has no waves"):
        ask_to_stop(book, campaign().id, by="li@desk", because=None)
    with pytest.raises(AskedWrongly, match="does not run"):
        ask_to_stop(book, APPLY, by="li@desk", because=None)
    hold(book, APPLY, "web01")
    book.record_step(APPLY, LEFT)
    with pytest.raises(AskedWrongly, match=f"`hardening resume {APPLY}` ends it"):
        ask_to_stop(book, APPLY, by="li@desk", because=None)
    assert stop_asked(book.steps(APPLY)) is None


def test_the_course_of_a_campaign_is_read_from_its_journal(book: Ledger) -> None:
    """Wave by wave: who is done, who failed, whose turn it is, who waits; refused hosts are told apart."""
    hold(book, APPLY, "web01", "web02", "web03", "web04")
    items: list[Json] = [[f"web0{number}/linux", "linux_x"] for number in (1, 2, 3, 4)]
    book.record_step(APPLY, "write", {"items": items})
    book.record_step(APPLY, "leases", {"taken": ["web01", "web02", "web03"], "refused": {"web04": "held"}})
    book.record_step(APPLY, "wave", {"number": 1, "of": 3, "hosts": ["web01"]})
    first = course_of(book, APPLY)
    book.record_step(APPLY, "wave done", {"number": 1, "failed": []})
    book.record_step(APPLY, "wave", {"number": 2, "of": 3, "hosts": ["web02"]})
    book.record_step(APPLY, "wave done", {"number": 2, "failed": ["web02"]})
    second = course_of(book, APPLY)
    book.record_step(APPLY, LETS_GO, {"hosts": ["web01", "web02", "web03", "web04"]})
    book.finish(APPLY, exit_code=3, finished_at=START)
    ended = course_of(book, APPLY)

    assert (first.state, first.wave, first.now, first.waiting) == ("runs", (1, 3), ("web01",), ("web02", "web03"))
    assert (second.now, second.done, second.failed, second.waiting) == ((), ("web01",), ("web02",), ("web03",))
    assert second.refused == {"web04": "held"}
    assert (ended.has_ended, ended.holds) == (True, ())
    assert ended.state.startswith("ended at ")
    assert ended.state.endswith(" with exit code 3")


def test_a_campaign_that_is_asked_to_stop_says_what_that_still_changes(book: Ledger) -> None:
    """Nothing follows its last wave, which is not cut short."""
    hold(book, APPLY, "web01", "web02")
    book.record_step(APPLY, "wave", {"number": 1, "of": 2, "hosts": ["web01"]})
    ask_to_stop(book, APPLY, by="li@desk", because=None)
    first = course_of(book, APPLY)
    book.record_step(APPLY, "wave", {"number": 2, "of": 2, "hosts": ["web02"]})
    last = course_of(book, APPLY)

    assert first.state == "runs, and stops before its next wave"
    assert last.state == "runs, and ends with this wave, its last one"
    hold(book, APPLY, "web01", "web02")  # It is resumed, and has not begun a wave.
    ask_to_stop(book, APPLY, by="li@desk", because=None)
    assert course_of(book, APPLY).state == "runs, and stops before its next wave"


def test_the_course_of_a_campaign_that_ended_goes_by_what_became_of_its_changes(book: Ledger) -> None:
    """A host whose changes were learnt from its journal had no wave; one that had its wave may have a change left."""
    hold(book, APPLY, "web01", "web02", "web03")
    items: list[Json] = [[f"web0{number}/sshd", "sshd_permit_root_login"] for number in (1, 2, 3)]
    book.record_step(APPLY, "write", {"items": items})
    book.record_step(APPLY, "wave", {"number": 1, "of": 2, "hosts": ["web02"]})
    book.record_step(APPLY, PAUSE, {"seconds": 60})
    pausing = course_of(book, APPLY).state
    book.record_step(APPLY, LETS_GO, {"hosts": ["web01", "web02", "web03"]})
    ending = course_of(book, APPLY)
    book.record_changes(APPLY, [change("web01"), change("web02"), change("web03")])
    book.record_changes(
        APPLY, [change("web02", "sshd_x", state=ChangeState.SKIPPED, reason="stopped: asked by li@desk")]
    )
    book.finish(APPLY, exit_code=3, finished_at=START)

    ended = course_of(book, APPLY)

    assert pausing == f"pauses until {START + timedelta(seconds=60):%H:%M:%S} UTC"
    said = f"gave its hosts back, and its end is not recorded; if that stays so: hardening resume {APPLY}"
    assert (ending.state, ending.has_ended) == (said, False)
    assert (ended.done, ended.waiting) == (("web01", "web03"), ("web02",))
    assert ended.state.endswith(f" with exit code 3; what is left goes on with: hardening resume {APPLY}")


def test_the_course_of_a_killed_campaign_says_how_to_go_on(book: Ledger) -> None:
    """Its process is gone: watching it ends, and the sentence names the resume."""
    hold(book, APPLY, "web01", pid=os.getpid(), began=1)

    killed = course_of(book, APPLY)

    assert killed.has_ended
    assert killed.state == f"never ended, and its process is gone: hardening resume {APPLY}"


def test_a_plan_that_was_approved_after_its_end_has_ended(book: Ledger) -> None:
    """What follows in its record does not make it run again."""
    made = campaign("20260821T101502Z-plan-0003", verb=Verb.PLAN)
    book.begin(made, profile())
    book.finish(made.id, exit_code=1, finished_at=START)
    book.record_step(made.id, "approved", {"name": "Li"})

    assert course_of(book, made.id).has_ended
    assert course_of(book, made.id).state.endswith("with exit code 1")
