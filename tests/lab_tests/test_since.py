"""What became of a host since its campaign: told by drift and recheck, kept or asked about by undo."""

from __future__ import annotations

import os
import pty
from collections.abc import Iterator

import pytest

from tests.command_line import CommandLine, Said
from tests.lab.host import LabHost
from tests.lab.inventory import write_inventory
from tests.lab.lab import Lab
from tests.tiny_fleet import different, planned, states

pytestmark = pytest.mark.torture

MARTIANS = "linux_sysctl_martians_all"
TINY = f"""\
title: A banner, a kernel parameter, an option of sshd, a mode
title_zh: 测试用
controls:
  linux_banner_issue: {{}}
  {MARTIANS}: {{}}
  sshd_max_auth_tries: {{}}
  linux_mode_crontab: {{}}
"""
ACCEPT = ("--accept", "lockout")


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    """A host for the tests of this file; each leaves it as it was."""
    made = lab.host("since", image="debian13")
    made.boot()
    yield made
    lab.remove(made.name)


@pytest.fixture
def applied(hardening: CommandLine, host: LabHost) -> Iterator[CommandLine]:
    """The command line beside an inventory of the host, which was hardened; afterwards it is as it was."""
    write_inventory(hardening.place / "lab.yml", [host])
    (hardening.place / "base" / "profiles" / "tiny.yml").write_text(TINY)
    before = host.snapshot_tree(("/etc",))
    assert planned(hardening).code == 1
    done = hardening("apply", "plan.yml", "--json", *ACCEPT)
    assert done.code == 0, done.err
    yield hardening
    hardening("undo", "latest-apply", "--force", "--yes")
    assert different(before, host.snapshot_tree(("/etc",))) == {}


def reasons(said: Said) -> dict[str, str]:
    """Return the reason of every change by its control."""
    return {change["control"]: change["reason"] or "" for change in said.document()["changes"]}


def told(said: Said) -> dict[str, str]:
    """Return the state of every change by its control."""
    return {control: state.partition(":")[0] for (_, control), state in states(said).items()}


def asked(fleet: CommandLine, answer: bytes, *arguments: str) -> tuple[int, str]:
    """Run a command at a terminal and type an answer; return its exit code and what it said there."""
    ours, theirs = pty.openpty()
    os.write(ours, answer)
    process = fleet.start(*arguments, stdin=theirs)
    os.close(theirs)
    _, err = process.communicate(timeout=300)
    os.close(ours)
    return process.returncode, err


def test_a_person_and_another_agent_change_things_after_the_apply(applied: CommandLine, host: LabHost) -> None:
    """Drift tells a gap that opened from what is only other, and who did it; nothing is changed by the telling."""
    quiet = applied("drift", "--json")
    # A person, over a login of his own; a configuration management that takes our file away; a sysctl set back.
    host.over_ssh("sudo -n sed -i 's/.*/Mine now/' /etc/issue")
    host.run("rm /etc/ssh/sshd_config.d/00-hardening.conf; systemctl reload ssh")
    host.run("sysctl -qw net.ipv4.conf.all.log_martians=0")
    tree = host.snapshot_tree(("/etc",))
    said = applied("drift", "-i", "lab.yml", "--json")
    page = applied("report", "latest-drift", "--lang", "zh")
    same = different(tree, host.snapshot_tree(("/etc",)))

    assert (quiet.code, told(quiet)) == (0, {})
    assert said.code == 1, said.err
    assert told(said) == {
        "linux_banner_issue": "new",
        MARTIANS: "regression",
        "sshd_max_auth_tries": "regression",
    }
    why = reasons(said)
    assert "file:/etc/issue: changed at 20" in why["linux_banner_issue"]
    assert "belongs to package base-files" in why["linux_banner_issue"]
    assert "sudo of ops: /usr/bin/sed -i 's/.*/Mine now/' /etc/issue" in why["linux_banner_issue"]
    assert "it is gone, and its directory changed at" in why["sshd_max_auth_tries"]
    assert "restart or reload pending" in why[MARTIANS]
    assert "倒退" in page.out
    assert same == {}
    host.run("sysctl -qw net.ipv4.conf.all.log_martians=1")


def test_what_a_person_changed_is_undone_only_after_a_question(applied: CommandLine, host: LabHost) -> None:
    """Refused with the reason while the others go; --force shows the diff and asks, and wants --yes in a script."""
    host.run("sed -i 's/.*/Mine now/' /etc/issue")
    refused = applied("undo", "latest-apply", "--json")
    mute = applied("undo", "latest-apply", "--force")
    declined = asked(applied, b"n\n", "undo", "latest-apply", "--force")
    kept = (host.root / "etc/issue").read_text()
    campaigns = applied("status", "--json").document()["campaigns"]
    agreed = asked(applied, b"y\n", "undo", "latest-apply", "--force", "--json")

    assert refused.code == 3
    found = states(refused)
    assert found.pop(("since", "linux_banner_issue")).startswith("failed: changed since: ")
    assert set(found.values()) == {"reverted"}
    assert (mute.code, "add --yes" in mute.err) == (2, True)
    assert (declined[0], kept) == (2, "Mine now\n")
    assert "+Mine now" in declined[1]
    assert "not confirmed, so nothing was undone" in declined[1]
    assert len([each for each in campaigns if each["verb"] == "undo"]) == 1
    assert agreed[0] == 0, agreed[1]
    assert "Mine now" not in (host.root / "etc/issue").read_text()


def test_what_passes_now_and_is_lost_at_a_restart_is_told(applied: CommandLine, host: LabHost) -> None:
    """On disk and running all is right; a unit that sets the parameter back at every start shows only after one."""
    unit = "[Service]\nType=oneshot\nExecStart=sysctl -w net.ipv4.conf.all.log_martians=0\n"
    unit += "[Install]\nWantedBy=multi-user.target\n[Unit]\nAfter=systemd-sysctl.service\n"
    (host.root / "etc/systemd/system/saboteur.service").write_text(unit)
    host.run("systemctl -q enable saboteur")
    too_early = applied("recheck", "latest-apply", "--rebooted", "--json")
    plain = applied("recheck", "latest-apply", "--json")
    host.power_off()
    host.boot()
    after = applied("recheck", "latest-apply", "--rebooted", "--json")
    campaigns = applied("status", "--json").document()["campaigns"]
    host.run("systemctl -q disable saboteur; rm /etc/systemd/system/saboteur.service; systemctl daemon-reload")
    host.run("sysctl -qw net.ipv4.conf.all.log_martians=1")

    assert (too_early.code, told(too_early)) == (3, {})
    assert "since: was not restarted since, so nothing is proven of a restart" in too_early.err
    assert (plain.code, told(plain)) == (0, {})
    assert (after.code, told(after)) == (1, {MARTIANS: "regression"})
    assert reasons(after)[MARTIANS].startswith("after a restart: was PASS")
    assert {each["parent"] for each in campaigns[:3]} == {campaigns[3]["id"]}
