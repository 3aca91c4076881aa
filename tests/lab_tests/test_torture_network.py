"""Networks that lose, stall and cut: what was not seen is never a verdict, and no host holds the others up."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.command_line import CommandLine, Said
from tests.lab.host import LabHost
from tests.tiny_fleet import ACCEPT, planned, states, tiny_fleet

CUT = (
    "nft add table inet cut; nft 'add chain inet cut in { type filter hook input priority -5; }';"
    " nft add rule inet cut in tcp dport 22 drop"
)
HOSTS = {"torture-far": "debian13", "torture-near": "debian12"}


@pytest.fixture
def fleet(hardening: CommandLine, hosts: tuple[LabHost, LabHost]) -> Iterator[CommandLine]:
    """The command line beside both hosts."""
    for host in hosts:
        host.run("systemctl restart ssh")
    with tiny_fleet(hardening, hosts) as made:
        yield made


def mend(host: LabHost) -> None:
    """Make a bad network good; a new listener holds no broken login against us."""
    host.set_round_trip(0)
    host.run("systemctl restart ssh")


def verdicts(said: Said) -> dict[str, set[str]]:
    """Return the statuses of each host's findings."""
    found: dict[str, set[str]] = {}
    for finding in said.document()["findings"]:
        found.setdefault(finding["host"], set()).add(finding["status"])
    return found


def unseen(said: Said) -> set[str]:
    """Return why what was not seen was not."""
    return {each["reason"] for each in said.document()["findings"] if each["status"] in ("UNREACHABLE", "ERROR")}


@pytest.mark.torture
def test_packets_that_are_lost_cost_time_and_no_verdict(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """Three of ten packets vanish both ways: seen alike or not seen, changed or not heard of; never anything else."""
    good = fleet("scan", "-i", "lab.yml", "-p", "tiny", "--json")
    assert planned(fleet).code == 1
    hosts[0].set_round_trip(20, loss_percent=30)
    try:
        lossy = fleet("scan", "-i", "lab.yml", "-p", "tiny", "--json")
        said = fleet("apply", "plan.yml", "--guard", "90", "--json", *ACCEPT)
    finally:
        mend(hosts[0])
    again = fleet("apply", "plan.yml", "--json", *ACCEPT)

    assert verdicts(lossy)["torture-near"] == verdicts(good)["torture-near"]
    assert verdicts(lossy)["torture-far"] in (verdicts(good)["torture-far"], {"UNREACHABLE"})
    assert lossy.code == (3 if "UNREACHABLE" in verdicts(lossy)["torture-far"] else 1)
    far = {state for (host, _), state in states(said).items() if host == "torture-far"}
    assert said.code == (0 if far == {"changed"} else 3), said.err
    assert {state.partition(":")[0] for state in far} <= {"changed", "skipped", "not_reported", "reverted"}
    assert again.code == 0, again.err
    for campaign in (again, said):
        if "changed" in states(campaign).values():
            undone = fleet("undo", campaign.document()["campaign"]["id"], "--guard", "0", "--json")
            assert undone.code == 0, undone.err


@pytest.mark.torture
def test_packets_that_are_lost_leave_no_undo_half_told(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """Three of ten packets vanish while all is undone: reverted or not heard of, and later the rest comes back, too."""
    assert planned(fleet).code == 1
    made = fleet("apply", "plan.yml", "--json", *ACCEPT)
    hosts[0].set_round_trip(20, loss_percent=30)
    try:
        # The good host is not kept from its undo by what becomes of the other.
        said = fleet("undo", "latest-apply", "--max-failed", "2", "--guard", "90", "--json")
    finally:
        mend(hosts[0])
    resumed = fleet("resume", "latest-undo", "--json")
    rest = fleet("undo", "latest-apply", "--json")

    assert made.code == 0, made.err
    far = {state.partition(":")[0] for (host, _), state in states(said).items() if host == "torture-far"}
    near = {state for (host, _), state in states(said).items() if host == "torture-near"}
    assert near == {"reverted"}, said.err
    assert far <= {"reverted", "put_back", "not_reported", "skipped"}, states(said)
    assert said.code == (0 if far == {"reverted"} else 3), said.err
    # Either there was nothing to go on with, or it went on; either way nothing is left in the end.
    assert resumed.code == 0 or "nothing to resume" in resumed.err, resumed.err
    assert rest.code == 0 or "nothing left to undo" in rest.err, rest.err


@pytest.mark.torture
def test_a_slow_host_is_waited_for(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """A fifth of a second away: the same findings, and the same changes, confirmed and undone."""
    good = fleet("scan", "-i", "lab.yml", "-p", "tiny", "--json")
    hosts[0].set_round_trip(200)
    try:
        slow = fleet("scan", "-i", "lab.yml", "-p", "tiny", "--json")
        plan = planned(fleet)
        made = fleet("apply", "plan.yml", "--json", *ACCEPT)
        undone = fleet("undo", "latest-apply", "--json")
    finally:
        hosts[0].set_round_trip(0)

    assert (slow.code, verdicts(slow)) == (good.code, verdicts(good)), unseen(slow)
    assert (plan.code, made.code, undone.code) == (1, 0, 0), (plan.err, made.err, undone.err)
    assert set(states(made).values()) == {"changed"}
    assert set(states(undone).values()) == {"reverted"}


@pytest.mark.torture
def test_a_host_that_swallows_packets_holds_nobody_up(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """The packets of one host vanish: it is given up in its time, the other is judged, and the answer is 3."""
    hosts[0].exec_inside(CUT)
    try:
        began = time.monotonic()
        said = fleet("scan", "-i", "lab.yml", "-p", "tiny", "--json", "--host-timeout", "20")
        took_s = time.monotonic() - began
    finally:
        hosts[0].exec_inside("nft delete table inet cut")

    assert said.code == 3, said.err
    assert verdicts(said)["torture-far"] == {"UNREACHABLE"}
    assert "UNREACHABLE" not in verdicts(said)["torture-near"]
    assert took_s < 120


@pytest.mark.torture
def test_a_frozen_listener_is_unreachable(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """sshd takes the connection and never speaks: given up in time, with a sentence; the other host is judged."""
    hosts[0].exec_inside("kill -STOP $(systemctl show -p MainPID --value ssh.service)")
    try:
        said = fleet("scan", "-i", "lab.yml", "-p", "tiny", "--json", "--host-timeout", "20")
    finally:
        hosts[0].exec_inside("kill -CONT $(systemctl show -p MainPID --value ssh.service)")

    assert said.code == 3, said.err
    assert verdicts(said)["torture-far"] == {"UNREACHABLE"}
    assert "UNREACHABLE" not in verdicts(said)["torture-near"]


@pytest.mark.torture
def test_a_wave_that_is_wholly_unreachable_stops_the_campaign(
    fleet: CommandLine, hosts: tuple[LabHost, LabHost]
) -> None:
    """Both are gone after the plan: nothing is called applied, and the answer is 3; later the same plan is applied."""
    assert planned(fleet).code == 1
    for host in hosts:
        host.exec_inside(CUT)
    try:
        said = fleet("apply", "plan.yml", "--json", "--host-timeout", "20", *ACCEPT)
    finally:
        for host in hosts:
            host.exec_inside("nft delete table inet cut")
    again = fleet("apply", "plan.yml", "--json", *ACCEPT)

    assert said.code == 3, said.err
    assert {state.partition(":")[0] for state in states(said).values()} <= {"skipped", "not_reported"}
    assert again.code == 0, again.err
    assert fleet("undo", "latest-apply", "--guard", "0").code == 0
