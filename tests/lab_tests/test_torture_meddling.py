"""Others at work on the host while we change it: apt, an agent, a reload that nobody carries out, a restart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.command_line import CommandLine, Said
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.tiny_fleet import ACCEPT, begun, states, tiny_fleet

NAME = "torture-busy"
MARTIANS = "linux_sysctl_martians_all"
PARAMETER = "net.ipv4.conf.all.log_martians"
SSHD = "sshd_max_auth_tries"
ROOT_LOGIN = "sshd_permit_root_login"
OURS = "/etc/ssh/sshd_config.d/00-hardening.conf"

HOLD_APT = """systemd-run -q --unit=somebody --service-type=notify -p RuntimeMaxSec=900 python3 -c '
import fcntl, socket, os, time
lock = open("/var/lib/dpkg/lock-frontend", "r+")
fcntl.lockf(lock, fcntl.LOCK_EX)
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
time.sleep(900)'"""
# A configuration management that knows better: what we wrote is away within a moment, and its own text is back.
AGENT = f"""cp -a /etc/issue /root/issue
systemd-run -q --unit=somebody -p RuntimeMaxSec=900 sh -c '
while sleep 0.1; do
  test ! -e {OURS} || {{ rm {OURS}; systemctl reload ssh; }}
  cmp -s /root/issue /etc/issue || cp -a /root/issue /etc/issue
done'"""
ENOUGH = "systemctl stop somebody"
# A reload that reports success and does nothing: the same as a handler that never ran.
DEAF = "/run/systemd/system/ssh.service.d/deaf.conf"
DEAFEN = f"mkdir -p /run/systemd/system/ssh.service.d; printf '[Service]\\nExecReload=\\nExecReload=true\\n' > {DEAF}; "
DEAFEN += "systemctl daemon-reload"
HEAR = f"rm {DEAF}; systemctl daemon-reload; systemctl restart ssh"


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    """A host for the tests of this file; each leaves it as it was."""
    made = lab.host(NAME, image="debian12")
    made.boot()
    made.run("apt-get install --yes --quiet --no-install-recommends talk")
    yield made
    lab.remove(made.name)


@pytest.fixture
def fleet(hardening: CommandLine, host: LabHost) -> Iterator[CommandLine]:
    """The command line beside the host."""
    with tiny_fleet(hardening, [host]) as made:
        yield made


def planned_with(fleet: CommandLine, *controls: str) -> Said:
    """Write plan.yml for these controls."""
    profile = {"title": "Own", "title_zh": "测试自有的", "controls": {control: {} for control in controls}}
    (fleet.place / "base" / "profiles" / "own.yml").write_text(json.dumps(profile))  # JSON is YAML.
    return fleet("plan", "-i", "lab.yml", "-p", "own", "--no-preview", "--json")


def applied(fleet: CommandLine, *more: str) -> Said:
    """Apply plan.yml."""
    return fleet("apply", "plan.yml", "--json", *ACCEPT, *more)


def became(said: Said) -> dict[str, str]:
    """Return what became of each control."""
    return {control: state for (_, control), state in states(said).items()}


def found(said: Said) -> dict[str, Any]:
    """Return the newest finding of each control."""
    return {finding["control"]: finding for finding in said.document()["findings"]}


@contextmanager
def meanwhile(host: LabHost, begin: str, end: str) -> Iterator[None]:
    """Have something go on at the host."""
    host.run(begin)
    try:
        yield
    finally:
        host.exec_inside(end)


@pytest.mark.torture
def test_a_held_apt_lock_is_foretold_and_fails_alone(fleet: CommandLine, host: LabHost) -> None:
    """Left out until somebody insists; then apt waits its time and its control fails; later the same plan goes on."""
    assert planned_with(fleet, "linux_package_talk", "linux_banner_issue").code == 1

    with meanwhile(host, HOLD_APT, ENOUGH):
        careful = applied(fleet)
        insisting = applied(fleet, "--acknowledge", "packages_busy")
        installed = host.run("dpkg-query -W -f '${db:Status-Status}' talk")
    later = applied(fleet)

    assert (careful.code, insisting.code, later.code) == (3, 3, 0), (careful.err, insisting.err, later.err)
    assert became(careful) == {"linux_package_talk": "skipped", "linux_banner_issue": "changed"}
    assert became(insisting)["linux_package_talk"].startswith("failed: "), became(insisting)
    assert "lock" in became(insisting)["linux_package_talk"]
    assert installed == "installed"
    assert became(later) == {"linux_package_talk": "changed", "linux_banner_issue": "unchanged"}
    for said in (later, careful):
        assert fleet("undo", said.document()["campaign"]["id"], "--guard", "0").code == 0
    assert host.run("dpkg-query -W -f '${db:Status-Status}' talk") == "installed"


@pytest.mark.torture
def test_an_apt_lock_that_is_given_back_in_time_costs_nothing(fleet: CommandLine, host: LabHost) -> None:
    """apt waits for whoever is at work, and the control is changed."""
    assert planned_with(fleet, "linux_package_talk", "linux_banner_issue").code == 1

    with meanwhile(host, HOLD_APT, ENOUGH):
        process = fleet.start("apply", "plan.yml", "--json", "--acknowledge", "packages_busy")
        begun(process, host)
        host.run(ENOUGH)
        out, err = process.communicate(timeout=300)
    said = Said(code=process.returncode, out=out, err=err)

    assert said.code == 0, err
    assert set(became(said).values()) == {"changed"}
    assert fleet("undo", "latest-apply", "--guard", "0").code == 0


@pytest.mark.torture
def test_an_agent_that_reverts_a_guarded_change_leaves_nothing_called_done(fleet: CommandLine, host: LabHost) -> None:
    """What it took back before the confirmation is never confirmed, and the rest goes back; without it all is well."""
    assert planned_with(fleet, ROOT_LOGIN, "linux_banner_issue").code == 1

    with meanwhile(host, AGENT, ENOUGH):
        said = applied(fleet, "--guard", "120")
    again = applied(fleet)
    undone = fleet("undo", again.document()["campaign"]["id"], "--guard", "0")

    assert said.code == 3, said.err
    assert {state.partition(":")[0] for state in became(said).values()} <= {"reverted", "failed"}, became(said)
    assert {finding["status"] for finding in found(said).values()} == {"FAIL"}
    assert (again.code, set(became(again).values())) == (0, {"changed"}), again.err
    assert undone.code == 0, undone.err


@pytest.mark.torture
def test_an_agent_that_reverts_a_harmless_change_leaves_a_gap(fleet: CommandLine, host: LabHost) -> None:
    """It was changed, and the look afterwards says that it is as before: 1, not 0."""
    assert planned_with(fleet, "linux_banner_issue").code == 1

    with meanwhile(host, AGENT, ENOUGH):
        said = applied(fleet)
    again = applied(fleet)
    undone = fleet("undo", again.document()["campaign"]["id"], "--guard", "0")

    assert said.code in (1, 3), said.err  # 3 where the agent was faster than our own look at what we wrote.
    assert found(said)["linux_banner_issue"]["status"] == "FAIL"
    assert (again.code, set(became(again).values())) == (0, {"changed"}), again.err
    assert undone.code == 0, undone.err


@pytest.mark.torture
def test_a_reload_that_never_happened_is_no_pass(fleet: CommandLine, host: LabHost) -> None:
    """The file is right, systemd says reloaded, and and sshd runs on as before: not known, and 3."""
    assert planned_with(fleet, SSHD).code == 1

    with meanwhile(host, DEAFEN, HEAR):
        said = applied(fleet)
        scan = fleet("scan", "-i", "lab.yml", "-p", "own", "--json")
    after = fleet("scan", "-i", "lab.yml", "-p", "own", "--json")

    assert said.code == 3, said.err
    for seen in (said, scan):
        assert found(seen)[SSHD]["status"] == "ERROR"
        assert "reload" in found(seen)[SSHD]["reason"]
    assert scan.code == 3
    assert (after.code, found(after)[SSHD]["status"]) == (0, "PASS"), after.err
    assert fleet("undo", "latest-apply", "--guard", "0").code == 0


@pytest.mark.torture
def test_what_is_right_on_disk_and_not_in_force_is_no_pass(fleet: CommandLine, host: LabHost) -> None:
    """A parameter that nobody loaded, an option that sshd has not read: a gap the one, the other not known."""
    with meanwhile(
        host,
        f"echo '{PARAMETER} = 1' > /etc/sysctl.d/99-own.conf; echo 'MaxAuthTries 4' > {OURS}",
        f"rm /etc/sysctl.d/99-own.conf {OURS}; systemctl reload ssh",
    ):
        disk = planned_with(fleet, SSHD, MARTIANS)
        host.run("systemctl reload ssh")
        reloaded = planned_with(fleet, SSHD, MARTIANS)
        said = applied(fleet)
        running = host.run(f"sysctl -n {PARAMETER}").strip()
        undone = fleet("undo", "latest-apply")

    assert disk.code == 3, disk.err
    assert (found(disk)[SSHD]["status"], found(disk)[MARTIANS]["status"]) == ("ERROR", "FAIL")
    assert "pending" in found(disk)[MARTIANS]["reason"]
    assert (found(reloaded)[SSHD]["status"], found(reloaded)[MARTIANS]["status"]) == ("PASS", "FAIL")
    assert (said.code, became(said), running) == (0, {MARTIANS: "changed"}, "1"), said.err
    assert undone.code == 0, undone.err


@pytest.mark.torture
def test_what_passes_now_and_would_be_lost_at_a_restart_is_a_gap(fleet: CommandLine, host: LabHost) -> None:
    """Only set in the running kernel it fails; applied, it holds over a real restart, and the proof says so."""
    host.run(f"sysctl -qw {PARAMETER}=1")
    plan = planned_with(fleet, MARTIANS)
    said = applied(fleet)
    host.power_off()
    host.boot()
    proven = fleet("recheck", "latest-apply", "--rebooted", "--json")
    undone = fleet("undo", "latest-apply", "--force", "--yes")
    host.run(f"sysctl -qw {PARAMETER}=0")

    assert plan.code == 1, plan.err
    assert found(plan)[MARTIANS]["status"] == "FAIL"
    assert (said.code, became(said)) == (0, {MARTIANS: "changed"}), said.err
    assert (proven.code, found(proven)[MARTIANS]["status"]) == (0, "PASS"), proven.err
    assert undone.code == 0, undone.err
