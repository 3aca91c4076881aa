"""Changes that lock us out in every way we know of: refused before, or the host heals itself and the record says so."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.command_line import ROOT, CommandLine, Said
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.tiny_fleet import ACCEPT, begun, states, tiny_fleet

GUARD_S = 20
# What the preflights foretell of these; the guard is what is tried here.
CODES = ("sshd_account_denied", "sshd_algorithms", "sshd_moves")
INSIST = (*ACCEPT, *(word for code in CODES for word in ("--acknowledge", code)))
NAME = "torture-out"
PROFILE = """\
title: It locks out
title_zh: 锁在外面
controls:
  {control}: {{}}
  linux_banner_issue_net: {{}}
"""


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    """A host for the tests of this file; each leaves it as it was."""
    made = lab.host(NAME, image="debian13")
    made.boot()
    yield made
    lab.remove(made.name)


@pytest.fixture
def fleet(hardening: CommandLine, host: LabHost) -> Iterator[CommandLine]:
    """The command line beside the host."""
    host.run("systemctl reset-failed ssh; systemctl restart ssh")  # A new listener holds no failed logins against us.
    with tiny_fleet(hardening, [host]) as made:
        yield made


def planned_with(fleet: CommandLine, control: str, body: dict[str, Any]) -> None:
    """Write plan.yml for a control of the test's own and a harmless one."""
    component = control.partition("_")[0]
    whole = {
        "title": "Own",
        "title_zh": "测试自有的",
        "why": "For the test.",
        "severity": "low",
        "danger": "lockout",
        "broken": "other",
        **body,
    }
    (fleet.place / "base" / component).mkdir(exist_ok=True)
    # JSON is YAML.
    (fleet.place / "base" / component / "lockout.yml").write_text(json.dumps({control: whole}))
    (fleet.place / "base" / "profiles" / "lockout.yml").write_text(PROFILE.format(control=control))
    said = fleet("plan", "-i", "lab.yml", "-p", "lockout", "--no-preview")
    assert said.code == 1, said.err


def option(name: str, value: str) -> dict[str, Any]:
    """Return a control of an option of sshd."""
    return {"kind": "sshd.option", "with": {"option": name}, "want": value}


def file(path: str, text: str) -> dict[str, Any]:
    """Return a control that writes a whole file."""
    return {"kind": "linux.banner", "with": {"path": path}, "want": {"matches": "^" + re.escape(text)}, "set": text}


def applied(fleet: CommandLine, guard_s: int = GUARD_S) -> Said:
    """Apply plan.yml, with a short guard where the host is to be waited for."""
    return fleet("apply", "plan.yml", "--guard", str(guard_s), "--json", *INSIST)


@pytest.mark.torture
@pytest.mark.parametrize(
    ("control", "body"),
    [
        pytest.param("sshd_own", option("AllowUsers", "nobody"), id="allow-users"),
        pytest.param("sshd_own", option("KexAlgorithms", "diffie-hellman-group1-sha1"), id="kex-we-lack"),
        pytest.param("linux_own", file("/etc/pam.d/sshd", "account required pam_deny.so"), id="pam-denies-all"),
        pytest.param("linux_own", file("/etc/sudoers.d/ops", "ops ALL=(ALL:ALL) PASSWD: ALL"), id="sudo-asks"),
        pytest.param("linux_own", file("/etc/nologin", "Closed for maintenance."), id="nologin"),
    ],
)
def test_a_host_that_our_change_locks_us_out_of_heals(
    fleet: CommandLine, host: LabHost, control: str, body: dict[str, Any]
) -> None:
    """Valid and deadly: the host is itself again, nothing is recorded as changed, and the answer is 3."""
    planned_with(fleet, control, body)

    said = applied(fleet)

    assert said.code == 3, said.err
    assert states(said) == {(NAME, control): "reverted", (NAME, "linux_banner_issue_net"): "reverted"}
    assert all(change["reason"].startswith("the host put itself back at ") for change in said.document()["changes"])
    assert host.exec_inside("ls /var/lib/hardening/guard").stdout == ""  # Copies of what was before are gone, too.
    assert fleet("undo", "latest-apply").code == 2  # There is nothing left to undo.


@pytest.mark.torture
def test_a_server_that_moves_from_its_port_is_put_back_at_once(fleet: CommandLine, host: LabHost) -> None:
    """It does not answer where it did: its own change fails and is taken back, without the guard, and alone."""
    planned_with(fleet, "sshd_own", option("Port", "2222"))

    said = applied(fleet, guard_s=300)

    assert said.code == 3, said.err
    assert states(said)[(NAME, "linux_banner_issue_net")] == "changed"
    assert states(said)[(NAME, "sshd_own")].startswith("failed: "), states(said)
    assert host.over_ssh("sudo -n true").rc == 0
    assert fleet("undo", "latest-apply", "--guard", "0").code == 0


@pytest.mark.torture
@pytest.mark.parametrize(
    ("control", "body"),
    [
        pytest.param("sshd_own", option("Ciphers", "rot13"), id="sshd-syntax"),
        pytest.param(
            "linux_own",
            {"kind": "linux.sudo_option", "with": {"option": "no such option"}, "want": {"each": "1"}, "set": "1"},
            id="sudoers-syntax",
        ),
    ],
)
def test_a_change_that_is_no_configuration_never_gets_there(
    fleet: CommandLine, host: LabHost, control: str, body: dict[str, Any]
) -> None:
    """The service's own checker refuses it: it fails alone with a sentence, and the other one is applied and stays."""
    planned_with(fleet, control, body)

    said = applied(fleet, guard_s=300)

    assert said.code == 3, said.err
    assert states(said)[(NAME, "linux_banner_issue_net")] == "changed"
    assert states(said)[(NAME, control)].startswith("failed: ")
    assert host.over_ssh("sudo -n true").rc == 0
    assert fleet("undo", "latest-apply", "--guard", "0").code == 0


@pytest.mark.parametrize(
    ("pipelining", "state"),
    [(True, "reverted"), pytest.param(False, "changed", marks=pytest.mark.torture)],
)
def test_a_terminal_that_sudo_now_wants(fleet: CommandLine, pipelining: bool, state: str) -> None:
    """requiretty in the middle of our own campaign: Ansible's pipelining is refused, and the host heals; else not."""
    inventory = fleet.place / "lab.yml"
    whole = yaml.safe_load(inventory.read_text())
    whole["all"]["vars"] = {"ansible_pipelining": pipelining}
    inventory.write_text(yaml.safe_dump(whole))
    planned_with(fleet, "linux_own", file("/etc/sudoers.d/own", "Defaults requiretty"))

    said = applied(fleet, guard_s=300 if state == "changed" else GUARD_S)

    assert said.code == (0 if state == "changed" else 3), said.err
    assert set(states(said).values()) == {state}
    if state == "changed":
        assert fleet("undo", "latest-apply", "--guard", "0", "--json").code == 0


def healed(host: LabHost) -> None:
    """Return when the host has put itself back."""
    until = time.monotonic() + GUARD_S + 90
    journal = host.root / "var/lib/hardening/journal"
    while not any(
        '"outcome": "reverted"' in path.read_text() for path in journal.glob("*-apply-*.jsonl") if path.stat().st_size
    ):
        assert time.monotonic() < until, "the host never put itself back"
        time.sleep(0.3)  # Another machine's file: there is nothing to wait on.


def frozen(host: LabHost) -> None:
    host.exec_inside("kill -STOP $(systemctl show -p MainPID --value ssh.service)")


def thawed(host: LabHost) -> None:
    host.exec_inside("kill -CONT $(systemctl show -p MainPID --value ssh.service)")


def inside(command: str) -> Callable[[LabHost], None]:
    """Return what runs a command on the host's console."""

    def run(host: LabHost) -> None:
        done = host.exec_inside(command)
        assert done.rc == 0, done.stderr

    return run


NEW_ONLY = "nft add table inet own; nft 'add chain inet own in { type filter hook input priority -5; }'; "
NEW_ONLY += "nft add rule inet own in tcp dport 22 ct state new drop"

# Neither side hears of the other any more, and neither is told.
HALF_OPEN = NEW_ONLY.replace(" ct state new", "")
HALF_OPEN += "; nft 'add chain inet own out { type filter hook output priority -5; }'; "
HALF_OPEN += "nft add rule inet own out tcp sport 22 drop"

EXPIRE = "mkdir -p /run/kept && cp -a /etc/shadow /etc/shadow- /etc/passwd- /run/kept/ && usermod --expiredate 1 ops"


@pytest.mark.torture
@pytest.mark.parametrize(
    ("break_in", "mend"),
    [
        pytest.param(inside(NEW_ONLY), inside("nft delete table inet own"), id="new-connections-dropped"),
        pytest.param(inside(HALF_OPEN), inside("nft delete table inet own"), id="half-open"),
        pytest.param(inside(EXPIRE), inside("cp -a /run/kept/* /etc/"), id="account-expired"),
        pytest.param(inside("chmod 0666 /etc/sudoers"), inside("chmod 0440 /etc/sudoers"), id="sudoers-broken"),
        pytest.param(frozen, thawed, id="sshd-frozen"),
        pytest.param(
            inside("systemctl stop ssh.service; ! systemctl is-active ssh.service"),
            inside("systemctl start ssh.service"),
            id="sshd-gone",
        ),
    ],
)
def test_what_somebody_else_breaks_meanwhile_is_never_called_applied(
    fleet: CommandLine, host: LabHost, break_in: Callable[[LabHost], None], mend: Callable[[LabHost], None]
) -> None:
    """The old connection lives, or hangs, and no new one comes: our change is put back, and the host is asked."""
    host.run("rm -f /var/lib/hardening/journal/*.jsonl")
    planned_with(fleet, "sshd_own", option("MaxAuthTries", "4"))
    process = fleet.start("apply", "plan.yml", "--guard", str(GUARD_S), "--json", *ACCEPT)
    begun(process, host)
    break_in(host)
    try:
        healed(host)
    finally:
        mend(host)
    out, err = process.communicate(timeout=300)
    said = Said(code=process.returncode, out=out, err=err)

    assert said.code == 3, err
    # What broke before its turn was refused or not heard of; nothing of it is called changed.
    became = {state.partition(":")[0] for state in states(said).values()}
    assert "reverted" in became <= {"reverted", "failed", "not_reported"}, states(said)


@pytest.mark.torture
def test_a_network_that_dies_after_success_leaves_nothing_called_applied(fleet: CommandLine, host: LabHost) -> None:
    """All is written, and before the confirmation nobody comes through: the host puts itself back, and says so."""
    planned_with(fleet, "sshd_own", option("MaxAuthTries", "4"))
    host.run(
        "cd /var/lib/hardening; rm -rf journal/*.jsonl guard; cat > /run/cut;"
        " systemd-run -q --unit=cut -p RuntimeMaxSec=600 sh -c"
        " 'until ls /var/lib/hardening/guard/*/written; do sleep 0.05; done; sh /run/cut'",
        stdin=HALF_OPEN,
    )
    process = fleet.start("apply", "plan.yml", "--guard", str(GUARD_S), "--json", "--control", "sshd_own", *INSIST)
    try:
        healed(host)
    finally:
        host.exec_inside("systemctl stop cut; nft delete table inet own")
    out, err = process.communicate(timeout=300)
    said = Said(code=process.returncode, out=out, err=err)

    assert said.code == 3, err
    # Where the answer was on its way still, nothing was heard of it.
    assert states(said)[NAME, "sshd_own"].partition(":")[0] in ("reverted", "not_reported")
    assert host.run("sshd -T | grep -i maxauthtries").strip() == "maxauthtries 6"
    assert host.over_ssh("sudo -n true").rc == 0


@pytest.mark.torture
def test_a_host_that_never_comes_back_is_lost_and_learnt_of_later(fleet: CommandLine, host: LabHost) -> None:
    """Success, then darkness before the confirmation: lost, not applied; once it is back a resume learns and writes."""
    planned_with(fleet, "sshd_own", option("MaxAuthTries", "4"))
    process = fleet.start("apply", "plan.yml", "--guard", str(GUARD_S), "--json", *ACCEPT)
    begun(process, host)
    host.cut_power()
    out, err = process.communicate(timeout=400)
    said = Said(code=process.returncode, out=out, err=err)
    host.boot()
    resumed = fleet("resume", "latest-apply", "--json")

    assert said.code == 3, err
    assert all(state.startswith("not_reported") for state in states(said).values()), states(said)
    assert resumed.code == 0, resumed.err
    assert set(states(resumed).values()) <= {"changed", "unchanged"}
    assert fleet("undo", "latest-apply", "--guard", "0").code == 0


@pytest.mark.torture
@pytest.mark.parametrize("jump_s", [3600, -3600])
def test_a_clock_that_is_set_meanwhile_loses_no_host(fleet: CommandLine, jump_s: int) -> None:
    """An hour forward is not the end of the wait, an hour back no endless one: the host that heals is learnt of."""
    planned_with(fleet, "sshd_own", option("AllowUsers", "nobody"))
    argv = [sys.executable, "-m", "tests.fault_points", "jump", str(jump_s), "--workspace", str(fleet.place)]
    argv += ["--baselines", str(fleet.place / "base"), "apply", str(fleet.place / "plan.yml"), "--json", *INSIST]
    argv += ["-i", str(fleet.place / "lab.yml"), "--guard", str(GUARD_S)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    said = Said(code=done.returncode, out=done.stdout, err=done.stderr)

    assert said.code == 3, said.err
    assert set(states(said).values()) == {"reverted"}, said.err


@pytest.mark.torture
def test_our_own_probes_lock_no_account(fleet: CommandLine, host: LabHost) -> None:
    """A wrong password for sudo is tried once, not once for every control.

    faillock counts two: sudo asks again by itself, and takes the end of its input for another wrong answer.
    """
    host.run(
        "cp -a /etc/pam.d/sudo /etc/pam.d/sudo.kept;"
        " { echo 'auth required pam_faillock.so preauth'; echo 'auth sufficient pam_unix.so';"
        " echo 'auth [default=die] pam_faillock.so authfail'; echo 'account required pam_permit.so'; }"
        " > /etc/pam.d/sudo"
    )
    text = (fleet.place / "lab.yml").read_text()
    (fleet.place / "opspw.yml").write_text(text.replace("ansible_user: ops", "ansible_user: opspw"))
    (fleet.place / "wrong").write_text("Lab-wrong-0000-pass\n")
    try:
        said = fleet("scan", "-i", "opspw.yml", "-p", "tiny", "--json", "--become-password-file", "wrong")
        counted = host.run("faillock --user opspw | grep -c '^20' || true").strip()
    finally:
        host.run("mv /etc/pam.d/sudo.kept /etc/pam.d/sudo; faillock --user opspw --reset")

    assert said.code == 3
    assert set(fleet.statuses(said).values()) == {"UNREACHABLE"}
    assert 1 <= int(counted) <= 2
