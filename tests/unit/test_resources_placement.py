"""Where a request fits, why not elsewhere, what to buy; and the steps by which it becomes an allocation."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from hardening.errors import AskedWrongly
from hardening.model import Json
from hardening.resource_model import AllocationStep, HostSampled, Share, Step
from hardening.resources.allocating import allocations_of, next_step
from hardening.resources.entries import Level, Register
from hardening.resources.overview import Overview
from hardening.resources.placement import Candidate, Placement, place
from hardening.resources.requests import Request
from hardening.resources.using import GIB

NOW = datetime(2026, 8, 21, 10, tzinfo=UTC)


def host(name: str, **more: object) -> Candidate:
    """Return an empty host of 8 CPUs, 32 GiB and 200 GiB in zone business; important: 12 vCPUs, 25.6 and 160 GiB."""
    made = Candidate(
        name=name,
        level=Level.IMPORTANT,
        mlps=3,
        zone="business",
        rack="",
        location="Room 1",
        cpus=8,
        memory_gib=32,
        disk_gib=200,
        taken_vcpus=0,
        taken_memory_gib=0,
        taken_disk_gib=0,
    )
    return dataclasses.replace(made, **more)  # type: ignore[arg-type]  # a test names fields of any type


def request(**services: Mapping[str, object]) -> Request:
    """Return a request; a service needs 2 vCPUs, 4 GiB and 10 GiB unless it says otherwise."""
    usual = {"vcpus": 2, "memory_gib": 4, "disk_gib": 10, "level": "important"}
    return Request.model_validate(
        {"id": "REQ-1", "system": "Case", "services": {name: {**usual, **need} for name, need in services.items()}}
    )


def why(placement: Placement) -> dict[str, str]:
    """Return the reason by host of a request with one service."""
    return {each.host: each.why for each in placement.verdicts}


def test_every_rule_keeps_a_host_out_with_its_reason() -> None:
    """State, zone, level, MLPS level, apartness and room, each on one host; the last one is chosen."""
    hosts = [
        host("planned", refused="is planned"),
        host("dmz", zone="dmz"),
        host("general", level=Level.GENERAL),
        host("l2", mlps=2),
        host("near", services=("db",)),
        host("full", taken_memory_gib=24),
        host("good"),
    ]

    made = place(request(web={"zone": "business", "mlps": 3, "apart_from": ["db"]}), hosts)

    reasons = why(made)
    assert made.fits
    assert [each.host for each in made.placed] == ["good"]
    assert reasons["planned"] == "is planned"
    assert "zone dmz" in reasons["dmz"]
    assert "level general" in reasons["general"]
    assert "MLPS level 2" in reasons["l2"]
    assert "apart from" in reasons["near"]
    assert "1.6 GiB memory of 4 GiB" in reasons["full"]
    assert reasons["good"].startswith("fits")


def test_instances_keep_apart_by_host_and_by_rack() -> None:
    """Two on two hosts; by rack not on two hosts of one rack."""
    hosts = [host("a", rack="1"), host("b", rack="1"), host("c", rack="2")]

    by_host = place(request(web={"instances": 3}), hosts)
    by_rack = place(request(web={"instances": 2, "apart": "rack"}), hosts)
    too_many = place(request(web={"instances": 3, "apart": "rack"}), hosts)
    together = place(request(web={"instances": 3, "apart": "nothing"}), hosts[:1])

    assert sorted(each.host for each in by_host.placed) == ["a", "b", "c"]
    assert "c" in {each.host for each in by_rack.placed}
    assert len({each.host for each in by_rack.placed}) == 2
    assert too_many.missing == {"web": 1}
    assert [each.host for each in together.placed] == ["a"] * 3


def test_the_solver_finds_what_first_fit_misses() -> None:
    """Sizes that only go in one way: 7 and 5 beside 6 and 6, into two hosts of 12 vCPUs."""
    needs = {"five": 5, "six": 6, "sixth": 6, "seven": 7}

    made = place(request(**{name: {"vcpus": size} for name, size in needs.items()}), [host("a"), host("b")])

    load: Counter[str] = Counter()
    for each in made.placed:
        load[each.host] += needs[each.service]
    assert made.fits
    assert load == {"a": 12, "b": 12}


def test_services_of_one_request_keep_apart() -> None:
    """A database apart from the web service, though one host would take both."""
    made = place(request(web={}, db={"apart_from": ["web"]}), [host("a"), host("b")])

    assert made.fits
    assert len({each.host for each in made.placed}) == 2


def test_apartness_holds_whichever_side_asked_for_it() -> None:
    """What is on a host already may have asked to be apart from what comes, in its own request."""
    asked, *rest = steps(Step.REQUESTED, Step.APPROVED, Step.ALLOCATED)
    asked = dataclasses.replace(asked, request=request(db={"apart_from": ["web"]}).as_json())
    entry = {"system": "Case", "level": "important", "department": "IT", "owner": "Li", "location": "Room 1"}
    facts: dict[str, Json] = {
        "cpu": {"count": 8},
        "memory": {"total_bytes": 32 * GIB, "available_bytes": 32 * GIB},
        "file_systems": {"mounted": {"/": {"used_bytes": 0, "free_bytes": 200 * GIB}}},
    }
    looks = {
        name: HostSampled(host=name, taken_at=NOW, unreachable=None, facts=facts, unseen={}, samples={})
        for name in ("a", "b")
    }
    view = Overview(
        now=NOW,
        window_days=30,
        register=Register.model_validate({"hosts": {"a": entry, "b": entry}}),
        addresses={},
        newest=looks,
        answered=looks,
        allocations=allocations_of([asked, *rest]),
        series={},
    )

    made = place(request(web={}), view.candidates(leave_out="REQ-2"))

    assert [each.host for each in made.placed] == ["b"]
    assert why(made)["a"] == "has db, which web must be apart from"


def test_hosts_of_a_higher_level_are_kept_for_those_who_need_them() -> None:
    """A general service goes to the general host though the core one is empty, and says so."""
    made = place(
        request(web={"level": "general"}),
        [host("core", level=Level.CORE), host("general", level=Level.GENERAL, taken_vcpus=10)],
    )

    assert [each.host for each in made.placed] == ["general"]
    assert "kept for services of a higher level" in why(made)["core"]


def test_the_same_question_has_the_same_answer() -> None:
    """Twice over thirty hosts that are all alike."""
    hosts = [host(f"h{number:02}") for number in range(30)]
    asked = request(web={"instances": 7}, db={"instances": 3, "apart_from": ["web"]})

    assert place(asked, hosts) == place(asked, hosts)


def test_what_does_not_fit_says_what_to_free_or_buy() -> None:
    """The hosts that only lack room with how much, and a new host that would do."""
    made = place(request(web={"memory_gib": 30, "zone": "business"}), [host("a"), host("b", zone="dmz")])

    assert not made.fits
    assert made.missing == {"web": 1}
    assert made.advice[0] == "web: free or add 4.4 GiB memory on a"
    assert "buy 1 host in zone business of level important with at least 2 CPUs, 38 GiB memory" in made.advice[-1]
    assert len(made.advice) == 2
    assert made.advice[1].startswith("web: or buy")


def test_where_nothing_can_be_freed_there_is_only_buying() -> None:
    """Not `or`, where there is no other way."""
    made = place(request(web={"vcpus": 0.1, "zone": "business"}), [host("b", zone="dmz")])

    assert len(made.advice) == 1
    assert made.advice[0].startswith("web: buy 1 host in zone business of level important with at least 1 CPU, 5 GiB")


def test_nobody_gets_more_than_there_is() -> None:
    """Whatever is placed stays within each host's room."""
    hosts = [host("a"), host("b", taken_vcpus=5, taken_memory_gib=10)]
    asked = request(web={"instances": 9, "vcpus": 2.5, "memory_gib": 3, "apart": "nothing"})

    made = place(asked, hosts)

    for each in hosts:
        count = sum(placed.host == each.name for placed in made.placed)
        assert count * 2.5 <= each.room().vcpus
        assert count * 3 <= each.room().memory_gib
    assert made.missing == {"web": 9 - len(made.placed)}
    assert len(made.placed) == 4 + 2


def steps(*kinds: Step) -> list[AllocationStep]:
    """Return a life of an allocation by its steps."""
    made: list[AllocationStep] = []
    for kind in kinds:
        before = allocations_of(made).get("REQ-1")
        shares = (Share(host="a", vcpus=2, memory_gib=4, disk_gib=10),)
        made.append(
            next_step(
                before,
                kind,
                request_id="REQ-1",
                by="Li",
                ticket="CHG-1",
                taken_at=NOW,
                request=request(web={}) if kind in (Step.REQUESTED, Step.CHANGED) else None,
                shares=shares if kind in (Step.ALLOCATED, Step.CHANGED) else (),
            )
        )
    return made


def test_an_allocation_goes_its_way() -> None:
    """Requested, approved, allocated, changed, released: it holds room from the third to the last."""
    whole = steps(Step.REQUESTED, Step.APPROVED, Step.ALLOCATED, Step.CHANGED, Step.RELEASED)

    holding = [bool(allocations_of(whole[: count + 1])["REQ-1"].shares) for count in range(5)]

    assert holding == [False, False, True, True, False]
    assert allocations_of(whole[:3])["REQ-1"].services == {"a": ("web",)}


@pytest.mark.parametrize(
    "kinds",
    [
        (Step.APPROVED,),
        (Step.REQUESTED, Step.ALLOCATED),
        (Step.REQUESTED, Step.REFUSED, Step.ALLOCATED),
        (Step.REQUESTED, Step.APPROVED, Step.ALLOCATED, Step.RELEASED, Step.CHANGED),
        (Step.REQUESTED, Step.APPROVED, Step.ALLOCATED, Step.RELEASED, Step.RELEASED),
        (Step.REQUESTED, Step.APPROVED, Step.RELEASED),
    ],
)
def test_no_step_is_left_out(kinds: tuple[Step, ...]) -> None:
    """Nothing is allocated that nobody approved, nothing released twice."""
    steps(*kinds[:-1])
    with pytest.raises(AskedWrongly, match="it can be"):
        steps(*kinds)


def test_four_eyes_and_a_ticket() -> None:
    """Nobody approves his own request where the house says so; every step names who and under which ticket."""
    asked = allocations_of(steps(Step.REQUESTED))["REQ-1"]

    with pytest.raises(AskedWrongly, match="somebody else"):
        next_step(asked, Step.APPROVED, request_id="REQ-1", by="Li", ticket="CHG-1", taken_at=NOW, four_eyes=True)
    with pytest.raises(AskedWrongly, match="--ticket"):
        next_step(asked, Step.APPROVED, request_id="REQ-1", by="Wang", ticket=" ", taken_at=NOW)
