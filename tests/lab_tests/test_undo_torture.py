"""Undoing on real hosts when it goes wrong: it locks out, it cannot be written, the host cannot put itself back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.command_line import CommandLine
from tests.lab.host import LabHost
from tests.lab.inventory import write_inventory
from tests.tiny_fleet import begun, different, planned, states

pytestmark = pytest.mark.torture

OWN = """\
sshd_own_public_keys:
  title: Keys open the door
  title_zh: 允许密钥登录
  why: For the test that an undo locks out.
  severity: low
  kind: sshd.option
  with: {option: PubkeyAuthentication}
  want: "yes"
  broken: "no"
  danger: lockout
"""
TINY = """\
title: One control that lets us in, and two banners
title_zh: 测试用
controls:
  sshd_own_public_keys: {}
  linux_banner_issue: {}
  linux_banner_issue_net: {}
"""
ACCEPT = ("--accept", "lockout")
# It is foretold that the undo denies keys; what becomes of it then is what is tried here.
KNOWING = ("--acknowledge", "sshd_login_method")
# What somebody wrote and never loaded: the state before the campaign, once sshd reads it, denies us.
# Its time is old, so that nobody can tell that sshd has not read it.
BAIT = "/etc/ssh/sshd_config.d/50-local.conf"
HOSTS = {"undo-one": "debian12", "undo-two": "debian12"}


@pytest.fixture
def fleet(hardening: CommandLine, hosts: tuple[LabHost, LabHost]) -> Iterator[CommandLine]:
    """The command line beside an inventory of both hosts, hardened; afterwards both are as they were."""
    write_inventory(hardening.place / "lab.yml", hosts)
    (hardening.place / "base" / "sshd").mkdir()
    (hardening.place / "base" / "sshd" / "own.yml").write_text(OWN)
    (hardening.place / "base" / "profiles" / "tiny.yml").write_text(TINY)
    before = [host.snapshot_tree(("/etc",)) for host in hosts]
    for host in hosts:
        host.run(f"printf 'PubkeyAuthentication no\\n' > {BAIT}; touch -d @0 {BAIT} /etc/ssh/sshd_config.d")
    assert planned(hardening).code == 1
    applied = hardening("apply", "plan.yml", "--json", "--guard", "0", *ACCEPT)
    assert applied.code == 0, applied.err
    yield hardening
    for host, tree in zip(hosts, before, strict=True):
        host.run(f"rm -f {BAIT}")
        assert different(tree, host.snapshot_tree(("/etc",))) == {}, host.name


def test_an_undo_that_locks_out_is_taken_back_by_the_host(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """The canary heals itself and lets us in, the other host is never touched, and the record tells the two apart."""
    said = fleet("undo", "latest-apply", *KNOWING, "--guard", "20", "--json")
    lets_in = hosts[0].over_ssh("sudo -n true").rc
    for host in hosts:
        host.run(f"rm {BAIT}")
    again = fleet("undo", "latest-apply", *KNOWING, "--json")

    assert said.code == 3, said.err
    assert {host: {state for (name, _), state in states(said).items() if name == host} for host in ("undo-one",)} == {
        "undo-one": {"put_back"}
    }
    assert {state for (name, _), state in states(said).items() if name == "undo-two"} == {"skipped"}
    reasons = {change["reason"] for change in said.document()["changes"] if change["host"] == "undo-one"}
    assert all(reason.startswith("the host put itself back at ") for reason in reasons)
    assert lets_in == 0
    # What the bait said then is not what is seen now, so the answer is 3; everything of the campaign is undone.
    assert (again.code, set(states(again).values())) == (3, {"reverted"})


def test_one_wave_is_undone_and_the_other_stays(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """And a wave that never was is no wave."""
    for host in hosts:
        host.run(f"rm {BAIT}")
    none = fleet("undo", "latest-apply", *KNOWING, "--wave", "3")
    second = fleet("undo", "latest-apply", *KNOWING, "--wave", "2", "--json")
    rest = fleet("undo", "latest-apply", *KNOWING, "--json")

    assert (none.code, "had no wave 3; its waves are 1, 2" in none.err) == (2, True)
    assert {name for name, _ in states(second)} == {"undo-two"}
    assert set(states(second).values()) == {"reverted"}
    assert {name for name, _ in states(rest)} == {"undo-one"}


def test_a_rollback_that_fails_is_never_said_to_have_worked(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """An immutable file: its control is failed with the path, the others are undone; later it goes, too."""
    for host in hosts:
        host.run(f"rm {BAIT}")
    hosts[0].run("chattr +i /etc/issue")
    try:
        said = fleet("undo", "latest-apply", *KNOWING, "--max-failed", "2", "--json")
    finally:
        hosts[0].run("chattr -i /etc/issue")
    again = fleet("undo", "latest-apply", *KNOWING, "--json")

    assert said.code == 3
    found = states(said)
    stuck = found.pop(("undo-one", "linux_banner_issue"))
    assert stuck.startswith("failed: /etc/issue: ")
    assert set(found.values()) == {"reverted"}
    assert (again.code, states(again)) == (0, {("undo-one", "linux_banner_issue"): "reverted"})


def test_a_host_that_cannot_put_itself_back_says_so(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """The undo locks out and the banner cannot be written when the host's time is over: failed, with both told."""
    # As soon as all is undone, the banner is nailed to what the undo made of it, and then its time is over.
    done = "grep -q Debian /etc/issue && ls /var/lib/hardening/guard/*-undo-*/written"
    done += " && ! ls /var/lib/hardening/guard/*-undo-*/writer"
    nail = f"until {done}; do sleep 0.1; done; chattr +i /etc/issue; systemctl start hardening-guard.service"
    hosts[0].run(f"systemd-run -q --unit=nail -p RuntimeMaxSec=300 sh -c '{nail}'")
    said = fleet("undo", "latest-apply", *KNOWING, "--host", "undo-one", "--guard", "300", "--json")
    for host in hosts:
        host.run(f"rm {BAIT}")
    hosts[0].run("chattr -i /etc/issue; sh /var/lib/hardening/guard/*/revert.sh || true")
    campaign = said.document()["campaign"]["id"]
    place = f"/var/lib/hardening/guard/{campaign}"
    kept = hosts[0].run(f"cat {place}/outcome").splitlines()
    hosts[0].run(f"rm -r {place}")
    again = fleet("undo", "latest-apply", *KNOWING, "--force", "--yes", "--json")

    assert said.code == 3
    became = states(said)
    assert all(state.startswith("failed: the host could not put back all: ") for state in became.values()), became
    assert any("/etc/issue" in state for state in states(said).values())
    assert kept[0] == "revert_failed"
    # The banner could not be put back, so it is as before the campaign already.
    assert set(states(again).values()) <= {"reverted", "unchanged"}


def test_a_killed_undo_is_taken_back_by_the_hosts_and_resumed(
    fleet: CommandLine, hosts: tuple[LabHost, LabHost]
) -> None:
    """Nobody was left to confirm: the host has the campaign's state again; the resume undoes once more, and all."""
    for host in hosts:
        host.run(f"rm {BAIT}")
    hosts[0].run("rm -f /var/lib/hardening/journal/*-undo-*")  # Those of earlier tests speak of guards, too.
    process = fleet.start("undo", "latest-apply", *KNOWING, "--guard", "20")
    begun(process, hosts[0])
    process.kill()
    process.communicate(timeout=60)
    hosts[0].run("timeout 300 sh -c 'until grep -q reverted /var/lib/hardening/journal/*-undo-*; do sleep 0.5; done'")

    resumed = fleet("resume", "--json")

    assert resumed.code in (0, 3), resumed.err
    assert set(states(resumed).values()) == {"reverted"}
    assert len(states(resumed)) == 6
    for host in hosts:
        assert not (host.root / "etc/systemd/system/hardening-guard.timer").exists()
