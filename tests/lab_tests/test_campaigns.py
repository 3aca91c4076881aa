"""Campaigns on real hosts: the planned machines only, one campaign at a time, stopped and watched from elsewhere."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command_line import CommandLine, Said
from tests.lab.host import LabHost
from tests.lab.inventory import host_vars, write_inventory
from tests.lab.lab import Lab
from tests.tiny_fleet import different, states

PROFILE = """\
---
title: Two banners
title_zh: 两项横幅
controls:
  linux_banner_issue: {}
  linux_banner_issue_net: {}
"""
LEASE = "var/lib/hardening/lease"
HOSTS = {"camp-one": "debian12", "camp-two": "debian13"}


@pytest.fixture
def fleet(hardening: CommandLine, hosts: tuple[LabHost, LabHost]) -> Iterator[CommandLine]:
    """The command line with a plan for both hosts; afterwards both are as they were, and nobody holds them."""
    write_inventory(hardening.place / "lab.yml", hosts)
    (hardening.place / "base" / "profiles" / "banners.yml").write_text(PROFILE)
    before = [host.snapshot_tree(("/etc",)) for host in hosts]
    planned(hardening, "lab.yml")
    yield hardening
    for host, tree in zip(hosts, before, strict=True):
        assert different(tree, host.snapshot_tree(("/etc",))) == {}, host.name
        assert not (host.root / LEASE).exists(), host.name


def planned(hardening: CommandLine, inventory: str) -> Any:
    """Write plan.yml without dry runs and return what it holds."""
    said = hardening("plan", "-i", inventory, "-p", "banners", "--no-preview")
    assert said.code == 1, said.err
    return yaml.safe_load((hardening.place / "plan.yml").read_text())


def reasons(said: Said) -> dict[str, set[str]]:
    """Return the reasons of all changes, by host."""
    found: dict[str, set[str]] = {}
    for change in said.document()["changes"]:
        found.setdefault(change["host"], set()).add(change["reason"])
    return found


def eventually(true: Callable[[], Any], process: subprocess.Popen[str]) -> Any:
    """Return what becomes true while a process runs: another process's work, so there is nothing to wait on."""
    until = time.monotonic() + 300
    while not (found := true()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "it never came"
        time.sleep(0.2)
    return found


def course(fleet: CommandLine) -> Any:
    """Return where the newest apply stands."""
    said = fleet("status", "latest-apply", "--json")
    return json.loads(said.out) if said.code == 0 else {"done": [], "runs": False, "now": []}


def between_waves(fleet: CommandLine, process: subprocess.Popen[str]) -> Any:
    """Return where a started apply stands once its first wave is done."""

    def paused() -> Any:
        seen = course(fleet)
        return seen if seen["done"] and seen["runs"] and seen["state"].startswith("pauses until ") else None

    return eventually(paused, process)


def reach(host: LabHost, **more: Any) -> dict[str, Any]:
    """Return how a host is reached, changed in some ways."""
    return {**host_vars(host), **more}


def write_hosts(path: Path, **named: dict[str, Any]) -> None:
    """Write an inventory of names and how each is reached."""
    path.write_text(yaml.safe_dump({"all": {"hosts": {name.replace("_", "-"): of for name, of in named.items()}}}))


def test_an_inventory_that_leads_to_the_wrong_machine_changes_none(
    fleet: CommandLine, hosts: tuple[LabHost, LabHost]
) -> None:
    """The names lead to each other's machine: both are refused, nothing is written, and the answer is 3."""
    one, two = hosts
    write_hosts(fleet.place / "swapped.yml", camp_one=reach(two), camp_two=reach(one))

    said = fleet("apply", "plan.yml", "-i", "swapped.yml", "--json")

    assert said.code == 3, said.err
    assert set(states(said).values()) == {"skipped"}
    assert set(reasons(said)) == {"camp-one", "camp-two"}
    for host, why in reasons(said).items():
        pinned = yaml.safe_load((fleet.place / "plan.yml").read_text())["identities"][host]["machine_id"]
        assert all(reason.startswith("refused: another machine answers") for reason in why)
        assert all(pinned in reason for reason in why)
    assert not any((host.root / "var/lib/hardening/journal").exists() for host in hosts)


@pytest.mark.torture
def test_one_machine_under_two_names_is_changed_once(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """The second name is blocked in the plan, which says why; undoing once brings all back."""
    one, two = hosts
    second = f"{two.address.rpartition('.')[0]}.250"
    one.run(f"ip address add {second}/24 dev host0")
    keys = [line.split(" ", 1)[1] for line in one.ssh.known_hosts.read_text().splitlines() if one.address in line]
    one.ssh.trust([second], keys)
    write_hosts(fleet.place / "twice.yml", camp_one=reach(one), camp_two=reach(one, ansible_host=second))

    plan = planned(fleet, "twice.yml")
    said = fleet("apply", "plan.yml", "--json")
    undone = fleet("undo", "latest-apply")
    one.run(f"ip address del {second}/24 dev host0")

    blocked = {item["blocked"] for item in plan["hosts"]["camp-two"]}
    assert blocked == {"it is the same machine as camp-one, which is changed under that name"}
    assert (said.code, undone.code) == (0, 0), said.err
    assert {host: {state for (name, _), state in states(said).items() if name == host} for host in plan["hosts"]} == {
        "camp-one": {"changed"},
        "camp-two": {"skipped"},
    }


def test_a_running_campaign_is_watched_held_stopped_and_resumed(
    fleet: CommandLine, hosts: tuple[LabHost, LabHost]
) -> None:
    """Between two waves: seen from another terminal, nobody else gets its hosts, it stops when asked, and goes on."""
    process = fleet.start("apply", "plan.yml", "--pause", "3600", "--json")

    seen = between_waves(fleet, process)
    same_ledger = fleet("apply", "plan.yml")
    other_ledger = fleet("--ledger", "other.sqlite3", "apply", "plan.yml", "--json")
    resumed_early = fleet("resume", "latest-apply")
    stop = fleet("stop", "--because", "the order desk calls")
    out, err = process.communicate(timeout=300)
    stopped = Said(code=process.returncode, out=out, err=err)
    after = course(fleet)
    resumed = fleet("resume", "latest-apply", "--json")
    undone = fleet("undo", "latest-apply")

    assert (seen["now"], seen["runs"], seen["wave"]) == ([], True, {"number": 1, "of": 2})
    assert (seen["done"], seen["waiting"], seen["failed"]) == (["camp-one"], ["camp-two"], [])
    assert sorted(seen["holds"]) == ["camp-one", "camp-two"]
    campaign = seen["campaign"]
    assert (same_ledger.code, f"camp-one, camp-two are held by {campaign}, which " in same_ledger.err) == (2, True)
    assert other_ledger.code == 3
    # What the first wave did is as wanted already.
    assert {host: states(other_ledger)[host, "linux_banner_issue"] for host in ("camp-one", "camp-two")} == {
        "camp-one": "unchanged",
        "camp-two": "skipped",
    }
    held = f"stopped: the host is held by campaign {campaign} ("
    assert all(why.startswith(held) for why in reasons(other_ledger)["camp-two"])
    assert (resumed_early.code, "still runs" in resumed_early.err) == (2, True)
    assert (stop.code, stopped.code) == (0, 3), stopped.err
    assert {state for (host, _), state in states(stopped).items() if host == "camp-one"} == {"changed"}
    why = next(iter(reasons(stopped)["camp-two"]))
    assert why.startswith("stopped: asked by ")
    assert why.endswith(": the order desk calls")
    assert (after["runs"], after["holds"]) == (False, [])
    assert (resumed.code, set(states(resumed).values())) == (0, {"changed"}), resumed.err
    assert undone.code == 0, undone.err


def test_a_host_that_is_worse_off_is_put_back_and_another_is_skipped(
    fleet: CommandLine, hosts: tuple[LabHost, LabHost]
) -> None:
    """A check that passed before fails after: the host goes back. Who skipped the other, and why, is recorded."""
    checks = ["test -d /etc", "grep -q Debian /etc/issue", "false"]
    write_hosts(
        fleet.place / "watched.yml", **{h.name.replace("-", "_"): reach(h, hardening_health=checks) for h in hosts}
    )
    apply = ("apply", "plan.yml", "-i", "watched.yml", "--json")
    because = ("--because", "it is on sale today")

    wrong = fleet(*apply, "--skip", "camp-tow", *because)
    bare = fleet(*apply, "--skip", "camp-two")
    said = fleet(*apply, "--skip", "camp-two", *because)

    assert (wrong.code, "did you mean camp-two?" in wrong.err) == (2, True)
    assert (bare.code, "--because" in bare.err) == (2, True)
    assert said.code == 3, said.err
    assert {state for (host, _), state in states(said).items() if host == "camp-one"} == {"reverted"}
    assert all(
        "a health check that passed before fails: grep -q Debian /etc/issue: it answered 1" in why
        for why in reasons(said)["camp-one"]
    )
    assert "health check fails already before: false: it answered 1" in said.err
    assert {state for (host, _), state in states(said).items() if host == "camp-two"} == {"skipped"}
    assert all(why.startswith("skipped by ") for why in reasons(said)["camp-two"])
    assert all(why.endswith(": it is on sale today") for why in reasons(said)["camp-two"])
    assert fleet("undo", "latest-apply").code == 2  # There is nothing left to undo.


@pytest.mark.torture
def test_a_host_whose_keys_were_replaced_is_refused(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """ssh refuses the new keys; and where somebody told it to trust them, it is not the host that was planned on."""
    one = hosts[0]
    one.exec_inside(
        "mkdir /root/keys; cp -a /etc/ssh/ssh_host_* /root/keys; rm /etc/ssh/ssh_host_*; ssh-keygen -A; "
        "systemctl restart ssh"
    )
    try:
        unknown = fleet("apply", "plan.yml", "-l", "camp-one", "--json")
        trusted = fleet.place / "trusted"
        keys = sorted((one.root / "etc/ssh").glob("ssh_host_*_key.pub"))
        trusted.write_text("".join(f"{one.address} {' '.join(key.read_text().split()[:2])}\n" for key in keys))
        common = str(reach(one)["ansible_ssh_common_args"]).replace(str(one.ssh.known_hosts), str(trusted))
        write_hosts(fleet.place / "trusting.yml", camp_one=reach(one, ansible_ssh_common_args=common))
        known = fleet("apply", "plan.yml", "-i", "trusting.yml", "-l", "camp-one", "--json")
    finally:
        one.exec_inside("rm /etc/ssh/ssh_host_*; cp -a /root/keys/* /etc/ssh; rm -r /root/keys; systemctl restart ssh")

    assert (unknown.code, known.code) == (3, 3)
    assert all("the host key" in why for why in reasons(unknown)["camp-one"])
    assert all(why.startswith("refused: its ssh host keys are not those it had") for why in reasons(known)["camp-one"])
    assert set(states(known).values()) == {"skipped"}


@pytest.mark.torture
def test_what_a_human_edits_during_the_campaign_is_left_alone(
    fleet: CommandLine, hosts: tuple[LabHost, LabHost]
) -> None:
    """Edited in the pause before its wave, or between a stop and the resume: that control alone is left, and 3."""
    two = hosts[1]
    kept = {name: (two.root / "etc" / name).read_text() for name in ("issue", "issue.net")}
    process = fleet.start("apply", "plan.yml", "--pause", "40", "--json")
    between_waves(fleet, process)
    two.run("echo 'Debian, edited by hand' > /etc/issue")
    out, err = process.communicate(timeout=300)
    said = Said(code=process.returncode, out=out, err=err)
    edited = (two.root / "etc/issue").read_text()
    undone = fleet("undo", "latest-apply")
    two.run("cat > /etc/issue", stdin=kept["issue"])

    assert said.code == 3, err
    assert states(said)["camp-two", "linux_banner_issue"] == "skipped"
    assert states(said)["camp-two", "linux_banner_issue_net"] == "changed"
    assert any(why and why.startswith("changed since the plan: planned on ") for why in reasons(said)["camp-two"])
    assert edited == "Debian, edited by hand\n"
    assert undone.code == 0

    process = fleet.start("apply", "plan.yml", "--pause", "3600", "--json")
    between_waves(fleet, process)
    assert fleet("stop").code == 0
    process.communicate(timeout=300)
    two.run("echo 'Debian, edited at the weekend' > /etc/issue.net")
    resumed = fleet("resume", "latest-apply", "--json")
    edited = (two.root / "etc/issue.net").read_text()
    undone = fleet("undo", "latest-apply")
    two.run("cat > /etc/issue.net", stdin=kept["issue.net"])

    assert resumed.code == 3, resumed.err
    assert states(resumed)["camp-two", "linux_banner_issue"] == "changed"
    assert states(resumed)["camp-two", "linux_banner_issue_net"] == "skipped"
    assert edited == "Debian, edited at the weekend\n"
    assert undone.code == 0


@pytest.mark.torture
def test_a_resume_heeds_what_was_waived_and_scrapped_since(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """Days may lie between: a control that was waived is left, a host that is in no inventory any more is skipped."""
    waiver = "{control: linux_banner_issue_net, hosts: [camp-two], owner: Net, reason: It must., compensating: Seen,"
    waivers = fleet.place / "waivers.yml"
    write_inventory(fleet.place / "two.yml", hosts[1:])
    process = fleet.start("apply", "plan.yml", "--pause", "3600")
    between_waves(fleet, process)
    fleet("stop")
    process.communicate(timeout=300)

    waivers.write_text(f"waivers:\n  - {waiver} ticket: T-1, expires: {date.today() + timedelta(days=9)}}}\n")
    gone = fleet("resume", "latest-apply", "-i", "two.yml")
    none = fleet("resume", "latest-apply", "-i", "two.yml", "--skip", "camp-two", "--because", "scrapped")
    resumed = fleet("resume", "latest-apply", "-i", "two.yml", "--skip", "camp-one", "--because", "scrapped", "--json")
    undone = fleet("undo", "latest-apply")

    assert (gone.code, "camp-one; name the inventory" in gone.err, "--skip HOST" in gone.err) == (2, True, True)
    assert none.code == 2
    assert states(resumed) == {
        ("camp-one", "linux_banner_issue"): "changed",
        ("camp-one", "linux_banner_issue_net"): "changed",
        ("camp-two", "linux_banner_issue"): "changed",
        ("camp-two", "linux_banner_issue_net"): "skipped",
    }
    assert "waived since the plan: T-1" in reasons(resumed)["camp-two"]
    assert resumed.code == 0, resumed.err  # The scrapped host was seen to be as wanted after its wave.
    assert undone.code == 0, undone.err


def test_the_lease_of_a_killed_campaign_is_taken_up_or_broken(
    fleet: CommandLine, hosts: tuple[LabHost, LabHost]
) -> None:
    """It never expires: another ledger is refused until it names the holder; its own resume then has nothing left."""
    process = fleet.start("apply", "plan.yml", "--pause", "3600")
    between_waves(fleet, process)
    process.kill()
    process.communicate(timeout=60)
    killed = course(fleet)["campaign"]
    for host in hosts:
        assert (host.root / LEASE).read_text().startswith(killed)

    same = fleet("apply", "plan.yml")
    elsewhere = ("--ledger", "other.sqlite3")
    other = fleet(*elsewhere, "apply", "plan.yml", "--json")
    broken = fleet(*elsewhere, "apply", "plan.yml", "--break-lease", killed, "--json")
    resumed = fleet("resume", killed, "--json")
    undone = fleet("undo", killed), fleet(*elsewhere, "undo", broken.document()["campaign"]["id"])

    assert (same.code, f"--break-lease {killed}" in same.err) == (2, True)
    assert (other.code, states(other)["camp-two", "linux_banner_issue"]) == (3, "skipped")
    assert all(f"the host is held by campaign {killed} (" in why for why in reasons(other)["camp-two"])
    assert (broken.code, states(broken)["camp-two", "linux_banner_issue"]) == (0, "changed"), broken.err
    assert f"camp-two: the lease of {killed} (" in broken.err
    assert (resumed.code, states(resumed)["camp-two", "linux_banner_issue"]) == (0, "unchanged"), resumed.err
    assert [said.code for said in undone] == [0, 0], undone


@pytest.mark.torture
def test_a_wave_that_nobody_answers_of_stops_the_campaign(
    fleet: CommandLine, hosts: tuple[LabHost, LabHost], lab: Lab
) -> None:
    """One, two, three at a time of one: the second loses power in the pause; the third is never touched."""
    third = lab.host("camp-zzz", image="debian12")
    third.boot()
    try:
        write_inventory(fleet.place / "three.yml", (*hosts, third))
        planned(fleet, "three.yml")
        process = fleet.start("apply", "plan.yml", "--wave-size", "1", "--pause", "20", "--guard", "120", "--json")
        between_waves(fleet, process)
        hosts[1].cut_power()
        out, err = process.communicate(timeout=600)
        said = Said(code=process.returncode, out=out, err=err)
        hosts[1].boot()
        resumed = fleet("resume", "latest-apply", "--json")
        undone = fleet("undo", "latest-apply")
    finally:
        lab.remove(third.name)

    assert said.code == 3, err
    assert {state for (host, _), state in states(said).items() if host == "camp-one"} == {"changed"}
    assert {state for (host, _), state in states(said).items() if host == "camp-two"} == {"skipped"}
    assert all(
        why.startswith("stopped: it cannot be seen right before its wave: ") for why in reasons(said)["camp-two"]
    )
    assert reasons(said)["camp-zzz"] == {
        "stopped: 1 of the planned hosts failed (camp-two), and none may fail (--max-failed)"
    }
    assert (resumed.code, set(states(resumed).values())) == (0, {"changed"}), resumed.err
    assert undone.code == 0
