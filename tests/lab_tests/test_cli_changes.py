"""Plan, apply and undo from the command line on real hosts: only what was agreed, once, and back byte for byte."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command_line import ROOT, CommandLine, Said, survivors
from tests.lab.host import LabHost
from tests.lab.inventory import host_vars, write_inventory
from tests.lab.lab import Lab
from tests.loopback_sshd import descendants
from tests.tiny_fleet import ACCEPT, GAPS, begun, planned, states, tiny_fleet


@pytest.fixture(scope="module")
def hosts(lab: Lab) -> Iterator[tuple[LabHost, LabHost]]:
    """Two hosts for the tests of this file; each test leaves them as they were."""
    pair = lab.host("cli-one", image="debian12"), lab.host("cli-two", image="debian13")
    for host in pair:
        host.boot()
    yield pair
    for host in pair:
        lab.remove(host.name)


@pytest.fixture
def fleet(hardening: CommandLine, hosts: tuple[LabHost, LabHost]) -> Iterator[CommandLine]:
    """The command line beside both hosts."""
    with tiny_fleet(hardening, hosts) as made:
        yield made


def everywhere(state: str) -> dict[tuple[str, str], str]:
    """Return that state for every gap on both hosts."""
    return {(host, control): state for host in ("cli-one", "cli-two") for control in GAPS}


def test_a_plan_is_applied_as_agreed_and_undone_as_asked(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """Without --accept no lockout; a second apply changes nothing; one control, one host, then all the rest go back."""
    assert planned(fleet).code == 1
    careful = fleet("apply", "plan.yml", "--json")
    assert (careful.code, states(careful)) == (
        1,
        {**everywhere("changed"), **{(host.name, "sshd_permit_root_login"): "skipped" for host in hosts}},
    )
    whole = fleet("apply", "plan.yml", "--json", *ACCEPT)
    assert whole.code == 0
    assert sorted(states(whole).values()) == ["changed"] * 2 + ["unchanged"] * 6
    again = fleet("apply", "plan.yml", "--json", *ACCEPT)
    assert (again.code, states(again)) == (0, everywhere("unchanged"))
    assert planned(fleet).code == 0
    first = careful.document()["campaign"]["id"]

    one = fleet("undo", first, "--host", "cli-one", "--control", "linux_banner_issue", "--json")
    assert (one.code, states(one)) == (0, {("cli-one", "linux_banner_issue"): "reverted"})
    again = fleet("undo", first, "--host", "cli-one", "--control", "linux_banner_issue")
    assert (again.code, again.out) == (2, "")
    assert "undone before" in again.err
    host = fleet("undo", first, "--host", "cli-one", "--json")
    assert host.code == 0
    assert {name for name, _ in states(host)} == {"cli-one"}
    assert len(states(host)) == 2
    rest = fleet("undo", first, "--json")
    assert (rest.code, {name for name, _ in states(rest)}) == (0, {"cli-two"})
    last = fleet("undo", whole.document()["campaign"]["id"], "--json")
    assert (last.code, set(states(last).values())) == (0, {"reverted"})


def test_a_plan_that_no_longer_fits_is_not_applied(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """Edited: 2. A host that left the inventory: 2. A host that changed since: its control alone is left, and 3."""
    assert planned(fleet, "-l", "cli-one", "--control", "linux_banner_issue", "--control", "sshd_max_auth_tries").code
    plan = fleet.place / "plan.yml"
    text = plan.read_text()

    plan.write_text(text.replace("sshd_max_auth_tries", "sshd_max_sessions"))
    edited = fleet("apply", "plan.yml")
    plan.write_text(text)
    write_inventory(fleet.place / "fewer.yml", hosts[1:])
    gone = fleet("apply", "plan.yml", "-i", "fewer.yml")
    unknown = fleet("apply", "plan.yml", "--control", "linux_banner_isue")
    issue = (hosts[0].root / "etc/issue").read_bytes()
    hosts[0].run("echo 'Debian, and another line' >> /etc/issue")
    stale = fleet("apply", "plan.yml", "--json")
    undone = fleet("undo", "latest-apply", "--json")
    hosts[0].run("cat > /etc/issue", stdin=issue.decode())

    assert (edited.code, edited.out) == (2, "")
    assert "was changed after it was made" in edited.err
    assert (gone.code, gone.out) == (2, "")
    assert "cli-one missing" in gone.err
    assert unknown.code == 2
    assert "did you mean linux_banner_issue?" in unknown.err
    assert stale.code == 3
    assert states(stale) == {
        ("cli-one", "linux_banner_issue"): "skipped",
        ("cli-one", "sshd_max_auth_tries"): "changed",
    }
    skipped = next(change for change in stale.document()["changes"] if change["state"] == "skipped")
    assert skipped["reason"].startswith("changed since the plan: planned on")
    assert undone.code == 0


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
        everywhere("changed")
    )
    twice = fleet("resume")
    assert (twice.code, "nothing to resume" in twice.err) == (2, True)
    undone = fleet("undo", "latest-apply", "--json")
    assert (undone.code, states(undone)) == (0, everywhere("reverted"))
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
    assert states(resumed) == everywhere("changed")
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
    partly = fleet("undo", "latest-apply", "--host", "cli-one", "--control", "linux_banner_issue")
    hosts[1].boot()
    if resumed_late:
        put_back_itself(hosts[1])

    assert died.code == 3, died.err
    assert {state for (host, _), state in states(died).items() if host == "cli-one"} == {"changed"}
    assert any(state.startswith("not_reported") for (host, _), state in states(died).items() if host == "cli-two")
    assert partly.code == 0
    apply = died.document()["campaign"]["id"]
    resumed = fleet("resume", apply, "--json")
    assert resumed.code in (0, 1), resumed.err
    assert set(states(resumed).values()) <= {"changed", "unchanged"}
    assert fleet("undo", apply).code == 0


def test_a_failing_canary_stops_the_others_until_a_resume(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """The second wave never starts, and says why; a resume after the repair changes both; undo brings all back."""
    assert planned(fleet).code == 1
    # What is mounted cannot be replaced: half of the canary's changes fail.
    hosts[0].run("for f in /etc/issue /etc/issue.net; do mount --bind $f $f; done")
    try:
        stopped = fleet("apply", "plan.yml", "--json", *ACCEPT)
    finally:
        hosts[0].run("umount /etc/issue /etc/issue.net")
    reasons = {change["reason"] for change in stopped.document()["changes"] if change["host"] == "cli-two"}

    assert stopped.code == 3
    assert {state.partition(":")[0] for (host, _), state in states(stopped).items() if host == "cli-one"} == {
        "changed",
        "failed",
    }
    assert {state for (host, _), state in states(stopped).items() if host == "cli-two"} == {"skipped"}
    assert reasons == {"stopped: 1 of the planned hosts failed (cli-one), and none may fail (--max-failed)"}
    resumed = fleet("resume", "latest-apply", "--json")
    assert resumed.code == 0, resumed.err
    assert fleet("undo", "latest-apply").code == 0


LOCKING = """\
sshd_own_allow_users:
  title: Nobody may log in
  title_zh: 不允许任何人登录
  why: For the test that a host heals itself.
  severity: low
  kind: sshd.option
  with: {option: AllowUsers}
  want: nobody
  broken: ops
  danger: lockout
"""
LOCKING_PROFILE = """\
title: It locks everybody out
title_zh: 把所有人锁在外面
controls:
  sshd_own_allow_users: {}
  linux_banner_issue: {}
"""


def test_a_host_that_locks_us_out_puts_itself_back(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """Foretold, and left out until somebody insists; then the canary heals itself, and the second host is untouched."""
    (fleet.place / "base" / "sshd").mkdir()
    (fleet.place / "base" / "sshd" / "own.yml").write_text(LOCKING)
    (fleet.place / "base" / "profiles" / "locking.yml").write_text(LOCKING_PROFILE)
    assert fleet("plan", "-i", "lab.yml", "-p", "locking", "--no-preview").code == 1

    careful = fleet("apply", "plan.yml", "--json", *ACCEPT, "--control", "sshd_own_allow_users")
    said = fleet("apply", "plan.yml", "--guard", "20", "--json", *ACCEPT, "--acknowledge", "sshd_account_denied")

    assert careful.code == 3, careful.err
    assert set(states(careful).values()) == {"skipped"}
    assert said.code == 3, said.err
    assert states(said) == {
        ("cli-one", "linux_banner_issue"): "reverted",
        ("cli-one", "sshd_own_allow_users"): "reverted",
        ("cli-two", "linux_banner_issue"): "skipped",
        ("cli-two", "sshd_own_allow_users"): "skipped",
    }
    reasons = {change["reason"] for change in said.document()["changes"] if change["host"] == "cli-one"}
    assert all(reason.startswith("the host put itself back at ") for reason in reasons)
    assert {finding["status"] for finding in said.document()["findings"]} == {"FAIL"}
    assert fleet("undo", "latest-apply").code == 2  # There is nothing left to undo.


def test_the_pytest_door_gives_the_verdicts_of_the_scan(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """Control for control; and what it cannot look at without sudo is an error, never a pass or a failure."""
    host = hosts[0]
    scan = fleet("scan", "-i", "lab.yml", "-p", "tiny", "-l", host.name, "--json")
    (fleet.place / "ssh_config").write_text(
        f"Host {host.address}\nUserKnownHostsFile {host.ssh.known_hosts}\nIdentityFile {host.ssh.key}\nUser ops\n"
    )

    def verdicts(*arguments: str) -> tuple[int, dict[str, str]]:
        argv = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "checks/"]
        argv += [f"--hosts=ssh://{host.address}", f"--ssh-config={fleet.place / 'ssh_config'}"]
        argv += ["--profile", "tiny", f"--baselines={fleet.place / 'base'}", *arguments]
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
        words = {"PASSED": "PASS", "FAILED": "FAIL", "ERROR": "ERROR"}
        lines = [line.split() for line in done.stdout.splitlines() if line.split(" ")[0] in words]
        found = {
            line[1].partition("[")[2].rpartition("]")[0].replace(f"ssh://{host.address}", "").strip("-"): words[line[0]]
            for line in lines
        }
        return done.returncode, found

    as_root, blind = verdicts("--sudo"), verdicts("--control", "sshd_max_auth_tries")

    assert as_root == (1, fleet.statuses(scan))
    assert blind[1] == {"sshd_max_auth_tries": "ERROR"}


@pytest.mark.parametrize(
    ("variables", "arguments", "sentence"),
    [
        pytest.param({"known": "other"}, (), "host key", id="host-key-changed"),
        pytest.param({"ansible_user": "nobody-here"}, (), "refused the login", id="wrong-user"),
        pytest.param({"ansible_user": "opspw"}, (), "sudo wants a password for opspw", id="sudo-password-missing"),
        pytest.param(
            {"ansible_user": "opspw"}, ("--become-password-file", "wrong"), "sudo refused the password", id="sudo-wrong"
        ),
        pytest.param({"ansible_user": "shell-less"}, (), "has no usable shell", id="no-shell"),
        pytest.param({"ansible_port": 2}, (), "refused the connection: nothing listens", id="not-there"),
    ],
)
def test_a_host_that_lets_us_not_in_is_unreachable_and_says_why(
    fleet: CommandLine,
    hosts: tuple[LabHost, LabHost],
    variables: dict[str, Any],
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    """Exit code 3, every control UNREACHABLE, the reason in the report, and no secret anywhere in it."""
    reach = {**host_vars(hosts[0]), **variables}
    if reach.pop("known", None):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", fleet.place / "k"], check=True)
        (fleet.place / "other").write_text(f"{hosts[0].address} {(fleet.place / 'k.pub').read_text()}")
        common = str(reach["ansible_ssh_common_args"])
        reach["ansible_ssh_common_args"] = common.replace(str(hosts[0].ssh.known_hosts), str(fleet.place / "other"))
    (fleet.place / "wrong").write_text("Lab-wrong-0000-pass\n")
    (fleet.place / "one.yml").write_text(yaml.safe_dump({"all": {"hosts": {"cli-one": reach}}}))
    if reach["ansible_user"] == "shell-less":
        hosts[0].run("cp -a /etc/passwd /etc/passwd.kept; sed -i '/^opssu:/s#[^:]*$#/usr/sbin/nologin#' /etc/passwd")
        reach["ansible_user"] = "opssu"
        (fleet.place / "one.yml").write_text(yaml.safe_dump({"all": {"hosts": {"cli-one": reach}}}))
    try:
        said = fleet("scan", "-i", "one.yml", "-p", "tiny", "--json", *arguments)
    finally:
        hosts[0].run("if [ -e /etc/passwd.kept ]; then mv /etc/passwd.kept /etc/passwd; fi")

    assert said.code == 3, said.err
    assert set(fleet.statuses(said).values()) == {"UNREACHABLE"}
    reasons = {finding["reason"] for finding in said.document()["findings"]}
    assert len(reasons) == 1
    assert re.search(sentence, reasons.pop())
    assert "Lab-wrong" not in said.out + said.err + fleet("report").out


def test_noise_at_login_changes_no_verdict(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """A message of the day and a .bashrc that talk on both streams."""
    quiet = fleet("scan", "-i", "lab.yml", "-p", "tiny", "-l", "cli-one", "--json")
    rc = hosts[0].root / "home/ops/.bashrc"
    kept = rc.read_bytes() if rc.exists() else None
    rc.write_text("echo 'PermitRootLogin no \377'; echo oops >&2\n")
    noisy = fleet("scan", "-i", "lab.yml", "-p", "tiny", "-l", "cli-one", "--json")
    if kept is None:
        rc.unlink()
    else:
        rc.write_bytes(kept)

    assert quiet.code == noisy.code == 1
    assert fleet.statuses(noisy) == fleet.statuses(quiet)
