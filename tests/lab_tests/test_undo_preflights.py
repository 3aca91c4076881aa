"""Undoing on real hosts when the state before would keep us out now: foretold, left out, acknowledged, resumed."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from hardening.ledger import open_ledger
from tests.command_line import ROOT, CommandLine, Said
from tests.lab.host import LabHost
from tests.lab.inventory import host_vars
from tests.lab.lab import Lab
from tests.tiny_fleet import different, states

# The class says that it locks nobody out; what is foretold of it says otherwise, and decides about the guard.
OWN = """\
sshd_own_users:
  title: The operators may log in
  title_zh: 允许运维人员登录
  why: For the test of an undo that takes that back.
  severity: low
  kind: sshd.option
  with: {option: AllowUsers}
  want: {superset_of: [ops]}
  set: ops
  broken: root
  danger: restart
"""
PROFILE = """\
title: One that lets us in, and two banners
title_zh: 测试用
controls:
  sshd_own_users: {}
  linux_banner_issue: {}
  linux_banner_issue_net: {}
"""
# Before the campaign only root may come in, and so we do; the inventory is changed to ops once ops may.
ONLY_ROOT = "/etc/ssh/sshd_config.d/50-local.conf"
NAME, CODE = "undo-foretold", "sshd_account_denied"
BANNERS = {(NAME, "linux_banner_issue"), (NAME, "linux_banner_issue_net")}
USERS = (NAME, "sshd_own_users")
# Entries of an undo over one host before what is foretold: the begin, the hold, the pin, the look with its host, what
# is to be undone, and the lease.
FORETOLD = 8


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    """A host for the tests of this file; each leaves it as it was."""
    made = lab.host(NAME, image="debian12")
    made.boot()
    yield made
    lab.remove(made.name)


@pytest.fixture
def fleet(hardening: CommandLine, host: LabHost) -> Iterator[CommandLine]:
    """The command line after a campaign that let ops in; afterwards the host is as it was, and lets root in again."""
    before = host.snapshot_tree(("/etc",))
    host.run(f"echo 'AllowUsers root' >{ONLY_ROOT}; systemctl reload ssh")
    (hardening.place / "base" / "sshd").mkdir()
    (hardening.place / "base" / "sshd" / "own.yml").write_text(OWN)
    (hardening.place / "base" / "profiles" / "own.yml").write_text(PROFILE)
    come_as(hardening, host, "root")
    assert hardening("plan", "-i", "lab.yml", "-p", "own", "--no-preview").code == 1
    applied = hardening("apply", "plan.yml", "--json")
    assert applied.code == 0, applied.err
    come_as(hardening, host, "ops")
    yield hardening
    come_as(hardening, host, "root")
    rest = hardening("undo", "latest-apply", "--json")
    assert rest.code == 0 or "nothing left to undo" in rest.err, rest.err
    host.run(f"rm -f {ONLY_ROOT}; systemctl reload ssh")
    assert different(before, host.snapshot_tree(("/etc",))) == {}


def come_as(fleet: CommandLine, host: LabHost, user: str) -> None:
    """Write the inventory of the host as it is reached by an account."""
    reach = {**host_vars(host), "ansible_user": user, "ansible_become": user != "root"}
    (fleet.place / "lab.yml").write_text(yaml.safe_dump({"all": {"hosts": {host.name: reach}}}))


def journal(fleet: CommandLine, said: Said) -> list[Any]:
    """Return what the journal of a campaign says of preflights: code and whether it was acknowledged."""
    campaign = said.document()["campaign"]["id"]
    with open_ledger(fleet.place / ".hardening" / "ledger.sqlite3", clock=lambda: datetime.now(UTC)) as ledger:
        steps: list[Any] = [step.payload for step in ledger.steps(campaign) if step.step == "preflights"]
    return [(each["code"], each["acknowledged"]) for payload in steps for each in payload["predicted"]]


def reason(said: Said, control: str) -> str:
    """Return why a control became what it is."""
    return next(str(each["reason"]) for each in said.document()["changes"] if each["control"] == control)


def test_an_undo_that_would_lock_out_waits_for_an_acknowledgement(fleet: CommandLine, host: LabHost) -> None:
    """It stays changed, with the reason and 3; all else is undone. A later undo by whom it lets in does it."""
    elsewhere = fleet("undo", "latest-apply", "--acknowledge", f"{CODE}@elsewhere")
    blanket = fleet("undo", "latest-apply", "--acknowledge", "all")
    careful = fleet("undo", "latest-apply", "--json")
    again = fleet("undo", "latest-apply", "--json")
    lets_in = host.over_ssh("sudo -n true").rc
    come_as(fleet, host, "root")
    as_root = fleet("undo", "latest-apply", "--json")

    assert (elsewhere.code, "the undo changes no host elsewhere" in elsewhere.err) == (2, True)
    assert (blanket.code, "no preflight is called all" in blanket.err) == (2, True)
    assert careful.code == 3
    assert states(careful) == {**dict.fromkeys(BANNERS, "reverted"), USERS: "skipped"}
    assert reason(careful, "sshd_own_users").startswith(
        f"not acknowledged: {CODE}: AllowUsers root refuses ops from 10."
    )
    assert f"1 change is left out: nobody acknowledged {CODE}" in careful.err
    assert journal(fleet, careful) == [(CODE, False)]
    assert (again.code, states(again), lets_in) == (3, {USERS: "skipped"}, 0)
    assert (as_root.code, states(as_root), journal(fleet, as_root)) == (0, {USERS: "reverted"}, [])


@pytest.mark.torture
def test_an_undo_that_was_acknowledged_locks_out_and_heals(fleet: CommandLine, host: LabHost) -> None:
    """It goes on, under the guard whatever its class says, and comes true; the host takes the undo back."""
    said = fleet("undo", "latest-apply", "--acknowledge", f"{CODE}@{NAME}", "--guard", "20", "--json")
    lets_in = host.over_ssh("sudo -n true").rc

    assert said.code == 3, said.err
    assert f"acknowledged: {CODE} on {NAME}" in said.err
    assert journal(fleet, said) == [(CODE, True)]
    assert set(states(said).values()) == {"put_back"}
    assert reason(said, "sshd_own_users").startswith("the host put itself back at ")
    assert lets_in == 0


@pytest.mark.torture
@pytest.mark.parametrize("knowing", [False, True])
def test_a_killed_undo_is_resumed_as_it_was_told(fleet: CommandLine, host: LabHost, knowing: bool) -> None:
    """The resume foresees anew, and goes by what its campaign was told: nothing, or that it may lock out."""
    more = ["--acknowledge", CODE] if knowing else []
    argv = [sys.executable, "-m", "tests.fault_points", "before", str(FORETOLD), "--workspace", str(fleet.place)]
    argv += ["--baselines", str(fleet.place / "base"), "undo", "latest-apply", "--guard", "20", *more]
    argv += ["-i", str(fleet.place / "lab.yml")]
    killed = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)

    resumed = fleet("resume", "latest", "--json")

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert resumed.code == 3, resumed.err
    assert journal(fleet, resumed) == [(CODE, knowing)]
    expected = dict.fromkeys([*BANNERS, USERS], "put_back")
    assert states(resumed) == (expected if knowing else {**dict.fromkeys(BANNERS, "reverted"), USERS: "skipped"})
    assert host.over_ssh("sudo -n true").rc == 0
