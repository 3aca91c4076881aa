"""The guard on real hosts: what is confirmed stays, what is not the host takes back by itself, whatever happened."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.core_hosts import apply_on, ask_guard, furnish
from tests.core_tree import changed, failures
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.lab.snapshot import Entry

# Long enough for a loaded machine to write in, short enough to wait for.
GUARD_S = 15.0
# On top of it: systemd's second, a reload and its look, and a machine that is busy with other tests.
PATIENCE_S = GUARD_S + 60
LEFT = "find /var/lib/hardening/guard /etc -name '*hardening-guard*' -o -path '/var/lib/hardening/guard*' 2>/dev/null"

BANNER = """
def plan(control, system):
    system.file("/etc/issue").set_text("Only for those who may\\n")
    system.dropin("/etc/ssh/sshd_config.d/00-hardening.conf", mode="0600").set(control.id, "MaxAuthTries 3")
    system.after("reload:ssh.service")
"""
SSHD = """
def plan(control, system):
    system.dropin("/etc/ssh/sshd_config.d/00-hardening.conf", mode="0600").set(control.id, "AllowUsers nobody")
    system.after("reload:ssh.service")
"""
FILTER = """
def plan(control, system):
    chain = "type filter hook input priority filter; policy drop;"
    table = "table ip hardening_input {\\n\\tchain input {\\n\\t\\t" + chain + "\\n\\t}\\n}\\n"
    system.runtime("nft-ip-input").set_text(table)
    system.file("/etc/nftables.conf").ensure_line("include \\"/etc/nftables.d/*.nft\\"")
"""
PAM = """
def plan(control, system):
    system.file("/etc/pam.d/common-account").insert_before(r"^account", "account required pam_deny.so")
"""
SUDO = """
def plan(control, system):
    system.file("/etc/sudoers.d/zz-password").set_text("ops ALL=(ALL) PASSWD: ALL\\n", mode="0440")
    system.file("/etc/sudoers").set_mode("0666")
"""
SHADOW = """
def plan(control, system):
    system.file("/etc/passwd").replace_lines(r"^ops:", "ops:x:1000:1000::/home/ops:/usr/sbin/nologin")
    system.file("/etc/shadow").set_mode("0600")
    system.file("/home/ops/.ssh/authorized_keys").remove()
"""
UNITS = """
def plan(control, system):
    system.unit("ssh.service").mask()
    system.unit("ssh.socket").mask()
    system.sysctl("net.ipv4.ip_forward").set("1")
"""


@pytest.fixture(scope="module", params=(pytest.param("debian12", marks=pytest.mark.torture), "debian13"))
def machine(lab: Lab, request: pytest.FixtureRequest) -> Iterator[LabHost]:
    """A host of each system for the tests of this file."""
    made = lab.host("guard-" + request.param, image=request.param)
    made.boot()
    furnish(made)
    yield made
    lab.remove(made.name)


@pytest.fixture
def host(machine: LabHost) -> Iterator[LabHost]:
    """The host, which every test leaves as it was: no file of /etc is another, and nothing of a guard is left."""
    # A listener of OpenSSH 9.8 and later shuts out an address that failed to log in; a new one has forgotten that.
    machine.run("systemctl restart ssh")
    before = machine.snapshot_tree(("/etc", "/home/ops"))
    yield machine
    assert different(before, machine.snapshot_tree(("/etc", "/home/ops"))) == []
    assert machine.exec_inside(LEFT).stdout == ""


def different(before: dict[str, Entry], after: dict[str, Entry]) -> list[str]:
    """Return the paths that are not as they were."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def in_time(fact: Callable[[], bool], what: str, within_s: float = PATIENCE_S) -> float:
    """Wait until a fact holds on the host, which nobody can wait on from here; return the seconds."""
    began = time.monotonic()
    while not fact():
        assert time.monotonic() - began < within_s, f"not within {within_s:.0f} s: {what}"
        time.sleep(0.3)
    return time.monotonic() - began


def lets_in(host: LabHost) -> bool:
    """Tell whether a new connection, a new login and a new sudo succeed."""
    try:
        return host.over_ssh("sudo -n true", timeout_s=20).rc == 0
    except subprocess.TimeoutExpired:
        return False


def outcome_written(host: LabHost, campaign: str) -> bool:
    """Tell whether the host has said how its revert went, and is done."""
    done = host.exec_inside(
        f"cat /var/lib/hardening/guard/{campaign}/outcome && ! ls /etc/systemd/system/hardening-guard*"
    )
    return done.rc == 0


def guarded(host: LabHost, plan: str, campaign: str, **more: Any) -> list[dict[str, Any]]:
    """Apply a plan under guard; every control must have succeeded."""
    results = apply_on(host, plan, "subject", campaign=campaign, guard_s=more.pop("guard_s", GUARD_S), **more)
    assert failures(results) == {}
    assert changed(results)
    return results


def test_a_confirmed_change_stays_and_nothing_of_the_guard_does(host: LabHost) -> None:
    """Over a new login; asked again it says so again; the change is undone as any other afterwards."""
    before = host.snapshot_tree(("/etc",))
    results = guarded(host, BANNER, "stays", guard_s=300)

    armed = ask_guard(host, "status", "stays")
    confirmed = ask_guard(host, "confirm", "stays")
    after = host.snapshot_tree(("/etc",))
    left = host.exec_inside(LEFT).stdout
    again = ask_guard(host, "confirm", "stays")
    apply_on(host, "", undo=results)

    assert (armed["outcome"], confirmed["outcome"], again["outcome"]) == ("armed", "confirmed", "confirmed")
    assert different(before, after) == ["/etc/issue", "/etc/ssh/sshd_config.d/00-hardening.conf"]
    assert left == ""
    assert host.exec_inside("systemctl list-units --all --plain --no-legend 'hardening-guard*'").stdout == ""


@pytest.mark.parametrize("said", ["confirmed", "dropped"])
def test_a_host_that_died_while_its_guard_ended_is_written_to_again(host: LabHost, said: str) -> None:
    """What had been decided holds, and the next run of the campaign has a guard of its own."""
    first = guarded(host, BANNER, "half", guard_s=300)
    # As a power failure leaves it: decided, and not yet written down.
    host.run(f"cd /var/lib/hardening/guard/half && echo {said} > ending && mv armed confirming")
    held = ask_guard(host, "status", "half")

    guarded(host, "def plan(control, system): system.file('/etc/motd').remove()", "half", guard_s=300)
    reverted = ask_guard(host, "revert", "half")
    kept = host.run("cat /etc/issue")
    apply_on(host, "", undo=first)

    assert held["outcome"] == ("confirmed" if said == "confirmed" else "none")
    assert reverted["outcome"] == "reverted"
    assert "Only for those who may" in kept


def test_a_run_without_a_guard_leaves_no_trace_of_one(host: LabHost) -> None:
    """And nor does a guarded run that changes nothing, or a check."""
    results = apply_on(host, BANNER, "subject", campaign="plain")
    left = host.exec_inside(LEFT).stdout
    again = apply_on(host, BANNER, "subject", campaign="plain2", guard_s=GUARD_S)
    still = host.exec_inside(LEFT).stdout
    apply_on(host, "", undo=results)
    apply_on(host, BANNER, "subject", campaign="plain3", guard_s=GUARD_S, check=True)

    assert (left, changed(again), still) == ("", [], "")
    assert ask_guard(host, "confirm", "plain")["outcome"] == "none"


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(SSHD, id="sshd"),
        pytest.param(FILTER, id="packet-filter"),
        pytest.param(PAM, id="pam"),
        pytest.param(SUDO, id="sudo"),
        pytest.param(SHADOW, id="accounts"),
        pytest.param(UNITS, id="units"),
    ],
)
def test_a_lockout_heals_itself(host: LabHost, plan: str, request: pytest.FixtureRequest) -> None:
    """We are really out; seconds after its time the host is as before byte for byte, lets us in, and says so."""
    campaign = "out-" + request.node.callspec.id.split("-", 1)[1]
    forwarding = host.run("sysctl -n net.ipv4.ip_forward net.ipv4.conf.all.accept_redirects")
    guarded(host, plan, campaign)
    began = time.monotonic()

    was_out = not lets_in(host)
    in_time(lambda: outcome_written(host, campaign), "the host's own revert")
    took_s = time.monotonic() - began
    in_time(lambda: lets_in(host), "a login, which the listener may hold against us for a while", 60)
    said = ask_guard(host, "confirm", campaign)

    assert was_out
    assert (said["outcome"], said["details"]) == ("reverted", [])
    assert took_s < PATIENCE_S
    assert host.run("sysctl -n net.ipv4.ip_forward net.ipv4.conf.all.accept_redirects") == forwarding
    assert ask_guard(host, "status", campaign)["outcome"] == "reverted"


@pytest.mark.parametrize("cut", [False, True], ids=["reboot", "power-cut"])
def test_a_restart_before_the_confirmation_does_not_lose_the_guard(host: LabHost, cut: bool) -> None:
    """The host starts with the change in force, and takes it back its time after the start."""
    campaign = f"restart-{int(cut)}"
    guarded(host, SSHD, campaign)

    if cut:
        host.cut_power()
    else:
        host.power_off()
    host.boot()  # Until ssh lets ops in, which it does once the host has healed itself.
    in_time(lambda: outcome_written(host, campaign), "the host's own revert")

    assert ask_guard(host, "confirm", campaign)["outcome"] == "reverted"


def test_the_host_needs_no_python_to_heal(host: LabHost) -> None:
    """Its interpreter is gone before the time is over."""
    guarded(host, SSHD, "pythonless")
    python = host.run("readlink -f /usr/bin/python3").strip()
    host.run(f"mv {python} {python}.away")

    in_time(lambda: outcome_written(host, "pythonless"), "the host's own revert")
    logs_in = lets_in(host)
    host.run(f"mv {python}.away {python}")

    assert logs_in
    assert ask_guard(host, "confirm", "pythonless")["outcome"] == "reverted"


def test_what_cannot_be_put_back_is_never_said_to_be(host: LabHost) -> None:
    """An immutable file: revert_failed with its name, the rest is back; once it may be written, a revert completes."""
    guarded(host, BANNER, "stuck")
    host.run("chattr +i /etc/issue")

    in_time(lambda: outcome_written(host, "stuck"), "the host's own revert")
    failed = ask_guard(host, "confirm", "stuck")
    refused = apply_on(host, "def plan(control, system): system.file('/etc/x').set_text('x')", "x", check=True)
    host.run("chattr -i /etc/issue")
    reverted = ask_guard(host, "revert", "stuck")

    assert failed["outcome"] == "revert_failed"
    assert any(detail.startswith("failed: /etc/issue: ") for detail in failed["details"])
    assert changed(refused) == ["linux_x"]
    assert reverted["outcome"] == "reverted"


def test_somebody_elses_edit_is_kept_aside_and_told(host: LabHost) -> None:
    """The host goes back all the same; the edit is a file under the guard's directory, which its owner removes."""
    guarded(host, BANNER, "edited")
    host.run("echo 'Welcome' >> /etc/issue")

    in_time(lambda: outcome_written(host, "edited"), "the host's own revert")
    said = ask_guard(host, "confirm", "edited")
    kept = host.run("cat /var/lib/hardening/guard/edited/aside/etc%issue")
    host.run("rm -r /var/lib/hardening/guard")

    assert said["outcome"] == "reverted"
    assert "note: /etc/issue was not as this campaign left it" in said["details"][0]
    assert kept == "Only for those who may\nWelcome\n"


def test_a_confirmation_is_refused_where_it_proves_nothing(host: LabHost) -> None:
    """Over a connection from before the change, and where a change is not in force any more; the guard stays armed."""
    host.run("mkfifo /run/go")
    program = "read go < /run/go; sudo -n python3 -B /opt/core/guard.py confirm proves-nothing"
    argv = [*host.ssh.argv(host.address), "echo in; " + program]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as old:
        assert old.stdout is not None
        assert old.stdout.readline() == "in\n"
        guarded(host, BANNER, "proves-nothing", guard_s=300)
        host.run("echo go > /run/go")
        over_old = old.stdout.read()
    host.run("rm /run/go; echo 'Welcome' >> /etc/issue")
    after_edit = ask_guard(host, "confirm", "proves-nothing")
    host.run("printf 'Only for those who may\\n' > /etc/issue")
    armed = ask_guard(host, "status", "proves-nothing")
    reverted = ask_guard(host, "revert", "proves-nothing")

    assert '"refused"' in over_old
    assert "from before the change" in over_old
    assert (after_edit["outcome"], after_edit["details"]) == ("refused", ["file:/etc/issue is not as it was left"])
    assert (armed["outcome"], reverted["outcome"], reverted["details"]) == ("armed", "reverted", [])


def test_several_kinds_of_a_campaign_go_back_newest_first(host: LabHost) -> None:
    """Many runs in a few seconds over the same file; each gives the guard its full time again; others are refused.

    Systemd starts a unit five times in ten seconds and then no more: the timer has no such limit.
    """
    for number in range(12):
        plan = f"def plan(control, system): system.file('/etc/issue').set_text('step {number}\\n')"
        guarded(host, plan, "many")
    refused = host.exec_inside("python3 -B /opt/core/apply.py", stdin=(asked("other")))
    in_time(lambda: outcome_written(host, "many"), "the host's own revert")

    assert "the guard of campaign many is armed on this host" in refused.stderr
    assert ask_guard(host, "confirm", "many")["outcome"] == "reverted"


def asked(campaign: str) -> str:
    """Return the order of a small guarded run."""
    plan = "def plan(control, system): system.file('/etc/motd').set_text('x')"
    text = '{"plan": "%s", "controls": [{"id": "a", "target": "t"}], "campaign": "%s", "check": false, "reload": [], '
    return text % (plan, campaign) + '"undo": null, "guard_s": 30}'


def test_a_run_that_hangs_while_it_writes_is_ended_and_taken_back(host: LabHost) -> None:
    """The time is over and the second file never comes: the host ends the run, and leaves no half of it."""
    hangs = (
        "import time\nfrom hardening_core.resources.file import FileResource\nwrite = FileResource.write\n"
        "def hanging(self, name, present, wanted):\n    write(self, name, present, wanted)\n    time.sleep(600)\n"
        "FileResource.write = hanging\n" + BANNER
    )
    with pytest.raises(AssertionError):
        apply_on(host, hangs, "subject", campaign="hangs", guard_s=5.0)

    in_time(lambda: outcome_written(host, "hangs"), "the host's own revert")
    said = ask_guard(host, "confirm", "hangs")

    assert (said["outcome"], said["details"]) == ("reverted", ["note: the run that was still writing was ended"])


def test_without_an_armed_guard_nothing_is_written(host: LabHost) -> None:
    """The unit cannot be written: the control fails and says why, and the host is untouched."""
    host.run("chattr +i /etc/systemd/system")
    results = apply_on(host, BANNER, "subject", campaign="unarmed", guard_s=GUARD_S)
    host.run("chattr -i /etc/systemd/system")

    assert changed(results) == []
    assert "the guard cannot be armed" in failures(results)["linux_subject"]


def test_without_systemd_a_process_waits(host: LabHost) -> None:
    """Hidden from the run, systemd is not asked: a detached process and cron's @reboot stand in, and do the same."""
    hidden = 'unshare --mount sh -c \'mount -t tmpfs none /run/systemd && exec "$@"\' sh "$@"'
    guarded(host, BANNER, "processes", around=hidden)

    cron = host.run("cat /etc/cron.d/hardening-guard")
    in_time(lambda: outcome_written(host, "processes"), "the host's own revert")
    said = ask_guard(host, "confirm", "processes")
    guarded(host, BANNER, "processes2", around=hidden, guard_s=300)
    confirmed = ask_guard(host, "revert", "processes2")

    assert "@reboot root /bin/sh /var/lib/hardening/guard/processes/wait.sh 15" in cron
    assert (said["outcome"], confirmed["outcome"]) == ("reverted", "reverted")
    assert host.exec_inside("pgrep -f '[h]ardening/guard'").stdout == ""
