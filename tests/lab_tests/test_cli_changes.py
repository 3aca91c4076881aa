"""Plan, apply and undo from the command line on real hosts: only what was agreed, once, and back byte for byte."""

from __future__ import annotations

import yaml

from tests.command_line import CommandLine
from tests.lab.host import LabHost
from tests.lab.inventory import write_inventory
from tests.tiny_fleet import ACCEPT, everywhere, planned, states

HOSTS = {"cli-one": "debian12", "cli-two": "debian13"}


def test_a_plan_is_applied_as_agreed_and_undone_as_asked(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """Without --accept no lockout; a second apply changes nothing; one control, one host, then all the rest go back."""
    assert planned(fleet).code == 1
    careful = fleet("apply", "plan.yml", "--json")
    assert (careful.code, states(careful)) == (
        1,
        {**everywhere(hosts, "changed"), **{(host.name, "sshd_permit_root_login"): "skipped" for host in hosts}},
    )
    whole = fleet("apply", "plan.yml", "--json", *ACCEPT)
    assert whole.code == 0
    assert sorted(states(whole).values()) == ["changed"] * 2 + ["unchanged"] * 6
    again = fleet("apply", "plan.yml", "--json", *ACCEPT)
    assert (again.code, states(again)) == (0, everywhere(hosts, "unchanged"))
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


def test_who_does_not_confirm_over_our_session_confirms_through_ansible(
    fleet: CommandLine, hosts: tuple[LabHost, LabHost]
) -> None:
    """The program that the guard keeps for it cannot be started on one host: both are changed, and no guard is left."""
    listed = yaml.safe_load((fleet.place / "lab.yml").read_text())
    spoilt = "find /var/lib/hardening/guard -name library.zip -delete 2>/dev/null; true"
    listed["all"]["children"]["lab"]["hosts"]["cli-two"]["hardening_health"] = [spoilt]
    (fleet.place / "lab.yml").write_text(yaml.safe_dump(listed))
    assert planned(fleet).code == 1
    before = [modules_run(host) for host in hosts]

    said = fleet("apply", "plan.yml", "--json", "--wave-size", "2", "--canary", "0", *ACCEPT)

    ran = [modules_run(host) - earlier for host, earlier in zip(hosts, before, strict=True)]
    assert said.code == 0, said.err
    assert states(said) == everywhere(hosts, "changed")
    assert ran[1] == ran[0] + 1
    for host in hosts:
        assert not (host.root / "var/lib/hardening/guard").exists()
    assert fleet("undo", "latest-apply").code == 0


def modules_run(host: LabHost) -> int:
    """Return how many modules of Ansible were run as root, by what sudo logged."""
    return int(host.exec_inside("journalctl --no-pager -t sudo | grep -c 'COMMAND=.*BECOME-SUCCESS'; true").stdout)


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
