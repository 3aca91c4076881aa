"""Guarded runs through Ansible, as a campaign makes them: confirmed, or lost and healed by the host itself."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from hardening.ansible import (
    AnsibleRun,
    ControlItem,
    ControlOutcome,
    GuardOutcome,
    GuardRun,
    HostFailed,
    RunDone,
    run_changes,
    run_guard,
)
from tests.lab.host import LabHost
from tests.lab.inventory import write_inventory
from tests.lab_tests.test_guard import LEFT, different

HostFactory = Callable[..., LabHost]
KINDS = {
    "linux.file_mode": (ControlItem(id="linux_mode", target="t", params={"path": "/etc/crontab"}, value="0600"),),
    "linux.sysctl": (
        ControlItem(id="linux_martians", target="t", params={"key": "net.ipv4.conf.all.log_martians"}, value="1"),
    ),
}
TRIES = {"sshd.option": (ControlItem(id="sshd_tries", target="t", params={"option": "MaxAuthTries"}, value="3"),)}
LOCKOUT = {"sshd.option": (ControlItem(id="sshd_deny", target="t", params={"option": "AllowUsers"}, value="nobody"),)}


def test_a_campaign_is_confirmed_or_heals(own_host: HostFactory, tmp_path: Path) -> None:
    """Three kinds under one guard: confirmed, they stay; with a lockout among them nobody answers until all is back."""
    host = own_host(image="debian13")
    inventory = (str(write_inventory(tmp_path / "hosts.yml", [host])),)
    before = host.snapshot_tree(("/etc",))

    def applied(campaign: str, kinds: dict[str, tuple[ControlItem, ...]], guard_s: float) -> RunDone:
        *heard, done = run_changes(
            AnsibleRun(campaign=campaign, inventory_sources=inventory, hosts={host.name: kinds}, guard_s=guard_s)
        )
        assert not [event for event in heard if isinstance(event, HostFailed)]
        assert not [event for event in heard if isinstance(event, ControlOutcome) and event.failed]
        assert isinstance(done, RunDone)
        return done

    def ended(campaign: str, action: str = "confirm") -> GuardOutcome:
        run = GuardRun(campaign=campaign, inventory_sources=inventory, hosts=(host.name,), action=action)
        (outcome,) = run_guard(run)
        return outcome

    applied("lost", {**LOCKOUT, **KINDS}, 30.0)
    while_out = ended("lost")
    deadline = time.monotonic() + 150
    # Asked in the very moment in which it puts itself back, it says so and refuses.
    while (at_last := ended("lost")).outcome in ("lost", "refused"):
        assert time.monotonic() < deadline, at_last
    healed = host.snapshot_tree(("/etc",))
    done = applied("kept", {**TRIES, **KINDS}, 600.0)
    armed, confirmed, again = ended("kept", "status"), ended("kept"), ended("kept")
    kept = host.snapshot_tree(("/etc",))

    assert while_out.outcome == "lost"
    assert (at_last.outcome, at_last.details) == ("reverted", ())
    assert different(before, healed) == []
    assert {(guard.kind, guard.triggers, guard.unguarded) for guard in done.guards} == {
        (kind, ("systemd timer",), ()) for kind in (*TRIES, *KINDS)
    }
    assert (armed.outcome, confirmed.outcome, again.outcome) == ("armed", "confirmed", "confirmed")
    assert different(before, kept) == [
        "/etc/crontab",
        "/etc/ssh/sshd_config.d/00-hardening.conf",
        "/etc/sysctl.d/zz-hardening.conf",
    ]
    assert host.exec_inside(LEFT).stdout == ""


def test_the_program_that_a_guard_keeps_confirms_over_a_new_login_alone(own_host: HostFactory, tmp_path: Path) -> None:
    """An older login is refused and changes nothing; a new one keeps the change and leaves nothing of the guard."""
    host = own_host(image="debian12")
    inventory = (str(write_inventory(tmp_path / "hosts.yml", [host])),)
    confirm = "sudo -n sh /var/lib/hardening/guard/kept/confirm.sh"
    argv = [*host.ssh.argv(host.address), "echo in; read -r go; " + confirm]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as older:
        assert older.stdout is not None
        assert older.stdout.readline() == "in\n"
        run = AnsibleRun(campaign="kept", inventory_sources=inventory, hosts={host.name: TRIES}, guard_s=600.0)
        list(run_changes(run))
        written = host.snapshot_tree(("/etc",))
        refused = json.loads(older.communicate("go\n", timeout=60)[0])

    still = host.exec_inside("systemctl is-active hardening-guard.timer").stdout.strip()
    confirmed = json.loads(host.over_ssh(confirm).stdout)

    assert (refused["outcome"], still) == ("refused", "active")
    assert refused["details"] == [
        "this came over a connection from before the change; a confirmation needs a new login"
    ]
    assert confirmed["outcome"] == "confirmed"
    assert host.exec_inside(LEFT).stdout == ""
    assert [path for path in different(written, host.snapshot_tree(("/etc",))) if "hardening-guard" not in path] == []
    # Where the controller runs on the very host, the login above it is its own, and old.
    argv[-1] += " local"
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as own:
        assert own.stdout is not None
        assert own.stdout.readline() == "in\n"
        list(run_changes(dataclasses.replace(run, hosts={host.name: KINDS})))
        here = json.loads(own.communicate("go\n", timeout=60)[0])
    assert here["outcome"] == "confirmed"
    (asked,) = run_guard(
        GuardRun(campaign="kept", inventory_sources=inventory, hosts=(host.name,), action="status"),
    )
    assert asked.outcome == "confirmed"
