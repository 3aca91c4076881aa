"""Applies that end before their time, by a signal or a cut of the power: nothing is lost, and nothing written twice."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.command_line import CommandLine, Said, survivors
from tests.lab.host import LabHost
from tests.loopback_sshd import descendants
from tests.tiny_fleet import ACCEPT, begun, everywhere, planned, states

HOSTS = {"cut-one": "debian12", "cut-two": "debian13"}


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_a_stopped_apply_is_resumed_and_undone(
    fleet: CommandLine, hosts: tuple[LabHost, LabHost], sent: signal.Signals
) -> None:
    """Nothing is left running, applied twice or lost; undo waits for the resume, and then brings all back."""
    assert planned(fleet).code == 1
    process = fleet.start("apply", "plan.yml", *ACCEPT)
    begun(process, hosts[0])
    started = descendants(process.pid)

    process.send_signal(sent)
    _, err = process.communicate(timeout=60)
    assert process.returncode == (-9 if sent is signal.SIGKILL else 130)
    assert sent is signal.SIGKILL or "hardening resume" in err
    assert started
    assert survivors(started, within_s=60) == []
    assert "never: hardening resume" in fleet("status").out
    early = fleet("undo", "latest-apply")
    assert (early.code, "never ended" in early.err) == (2, True)
    resumed = fleet("resume", "--json")
    assert resumed.code == 0, resumed.err
    assert {key for key, state in states(resumed).items() if state in ("changed", "unchanged")} == set(
        everywhere(hosts, "changed")
    )
    twice = fleet("resume")
    assert (twice.code, "nothing to resume" in twice.err) == (2, True)
    undone = fleet("undo", "latest-apply", "--json")
    assert (undone.code, states(undone)) == (0, everywhere(hosts, "reverted"))
    again = fleet("undo", "latest-undo")
    assert (again.code, "is an undo itself" in again.err) == (2, True)


def put_back_itself(host: LabHost) -> None:
    """Return when a host has put itself back."""
    journal = host.root / "var/lib/hardening/journal"
    until = time.monotonic() + 90
    while not any('"outcome": "reverted"' in path.read_text() for path in journal.glob("*-apply-*.jsonl")):
        assert time.monotonic() < until, f"{host.name} never put itself back"
        time.sleep(0.5)  # Another machine's file: there is nothing to wait on.


def test_a_killed_controller_leaves_a_host_that_heals_and_is_resumed(
    fleet: CommandLine, hosts: tuple[LabHost, LabHost]
) -> None:
    """Nobody was left to confirm: the host goes back by itself, the resume writes once more, and then it stays."""
    assert planned(fleet).code == 1
    process = fleet.start("apply", "plan.yml", "--guard", "15", *ACCEPT)
    begun(process, hosts[0])
    process.kill()
    process.communicate(timeout=60)
    put_back_itself(hosts[0])

    resumed = fleet("resume", "--json")

    assert resumed.code == 0, resumed.err
    assert states(resumed) == everywhere(hosts, "changed")
    for host in hosts:
        assert host.exec_inside("systemctl is-active hardening-guard.timer").stdout.strip() == "inactive"
        assert not (host.root / "etc/systemd/system/hardening-guard.timer").exists()
    assert fleet("undo", "latest-apply").code == 0


def wrote(process: subprocess.Popen[str], banner: Path, before: str) -> None:
    """Return when the first change is on the host.

    Its guard was armed before that, and stays. Processes of a host whose power is cut die one after the other: a run
    that sees systemd die while it arms takes the guard away again, since nothing was written.
    """
    until = time.monotonic() + 60
    while banner.read_text() == before:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "nothing was written"
        time.sleep(0.01)  # Another machine's file: there is nothing to wait on.


@pytest.mark.torture
@pytest.mark.parametrize("resumed_late", [False, True], ids=["soon", "late"])
def test_a_host_that_dies_midway_is_asked_again(
    fleet: CommandLine, hosts: tuple[LabHost, LabHost], resumed_late: bool
) -> None:
    """The other host is changed, the answer is 3; what the dead one did is learnt on resume and undone too.

    Also where the host was up again for long enough to put itself back, and nobody had asked it since.
    """
    assert planned(fleet).code == 1
    banner = hosts[1].root / "etc/issue"
    before = banner.read_text()
    # The apply waits as long as the guard of the host that no longer answers; the tests need not.
    process = fleet.start("apply", "plan.yml", "--guard", "45", "--json", *ACCEPT)
    begun(process, hosts[1])
    if resumed_late:
        wrote(process, banner, before)
    hosts[1].cut_power()
    out, err = process.communicate(timeout=300)
    died = Said(code=process.returncode, out=out, err=err)
    partly = fleet("undo", "latest-apply", "--host", "cut-one", "--control", "linux_banner_issue")
    hosts[1].boot()
    if resumed_late:
        put_back_itself(hosts[1])

    assert died.code == 3, died.err
    assert {state for (host, _), state in states(died).items() if host == "cut-one"} == {"changed"}
    assert any(state.startswith("not_reported") for (host, _), state in states(died).items() if host == "cut-two")
    assert partly.code == 0
    apply = died.document()["campaign"]["id"]
    resumed = fleet("resume", apply, "--json")
    assert resumed.code in (0, 1), resumed.err
    assert set(states(resumed).values()) <= {"changed", "unchanged"}
    assert fleet("undo", apply).code == 0
