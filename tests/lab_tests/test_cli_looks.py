"""Scans from the command line on real hosts: verdicts that noise cannot change, and hosts that do not let us in."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from tests.command_line import ROOT, CommandLine
from tests.lab.host import LabHost
from tests.lab.inventory import host_vars

HOSTS = {"look-one": "debian12", "look-two": "debian13"}


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
    (fleet.place / "one.yml").write_text(yaml.safe_dump({"all": {"hosts": {"look-one": reach}}}))
    if reach["ansible_user"] == "shell-less":
        hosts[0].run("cp -a /etc/passwd /etc/passwd.kept; sed -i '/^opssu:/s#[^:]*$#/usr/sbin/nologin#' /etc/passwd")
        reach["ansible_user"] = "opssu"
        (fleet.place / "one.yml").write_text(yaml.safe_dump({"all": {"hosts": {"look-one": reach}}}))
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
    quiet = fleet("scan", "-i", "lab.yml", "-p", "tiny", "-l", "look-one", "--json")
    rc = hosts[0].root / "home/ops/.bashrc"
    kept = rc.read_bytes() if rc.exists() else None
    rc.write_text("echo 'PermitRootLogin no \377'; echo oops >&2\n")
    noisy = fleet("scan", "-i", "lab.yml", "-p", "tiny", "-l", "look-one", "--json")
    if kept is None:
        rc.unlink()
    else:
        rc.write_bytes(kept)

    assert quiet.code == noisy.code == 1
    assert fleet.statuses(noisy) == fleet.statuses(quiet)
