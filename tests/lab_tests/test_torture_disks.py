"""Hosts that are full, read-only, strict or poor: what cannot be written fails alone, with a sentence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.command_line import CommandLine
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.tiny_fleet import ACCEPT, GAPS, different, planned, states, tiny_fleet

NAME = "torture-disk"
KEPT = "/var/lib/hardening"
SSHD = {"sshd_permit_root_login", "sshd_max_auth_tries"}


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    """A host for the tests of this file; each leaves it as it was."""
    made = lab.host(NAME, image="debian12")
    made.boot()
    yield made
    lab.remove(made.name)


@pytest.fixture
def fleet(hardening: CommandLine, host: LabHost) -> Iterator[CommandLine]:
    """The command line beside the host, with a plan made."""
    with tiny_fleet(hardening, [host]) as made:
        assert planned(made).code == 1
        yield made


def undone(fleet: CommandLine) -> None:
    """Undo the newest apply, whole."""
    said = fleet("undo", "latest-apply", "--json")
    assert said.code == 0, said.err


def failed(fleet: CommandLine, controls: set[str], why: str) -> None:
    """Apply: exactly these controls fail, for that reason; the others are changed; the answer is 3."""
    said = fleet("apply", "plan.yml", "--json", "--guard", "60", *ACCEPT)

    became = {control: state for (_, control), state in states(said).items()}
    assert said.code == 3, said.err
    assert {control for control, state in became.items() if state.startswith("failed: ")} == controls, became
    assert {control for control, state in became.items() if state == "changed"} == GAPS - controls, became
    assert all(why in became[control] for control in controls), became


@pytest.mark.torture
@pytest.mark.parametrize(
    ("size", "state", "why"),
    [
        pytest.param("size=16k", "failed", "No space left on device", id="disk-full"),
        pytest.param("nr_inodes=2", "skipped", "No space left on device", id="inodes-full"),
        pytest.param("size=1m,ro", "skipped", "Read-only file system", id="read-only"),
    ],
)
def test_a_host_that_cannot_keep_what_was_before_is_not_changed(
    fleet: CommandLine, host: LabHost, size: str, state: str, why: str
) -> None:
    """Without room for the copies, or for the lease before them, nothing is written, and every control says why."""
    before = host.snapshot_tree(("/etc",))
    host.run(f"mkdir -p {KEPT}; mount -t tmpfs -o mode=0700,{size} none {KEPT}")
    try:
        said = fleet("apply", "plan.yml", "--json", "--guard", "60", *ACCEPT)
    finally:
        host.run(f"umount {KEPT}")

    changes = said.document()["changes"]
    assert said.code == 3, said.err
    assert {change["control"] for change in changes} == GAPS
    assert {change["state"] for change in changes} == {state}
    assert all(why in change["reason"] for change in changes), changes
    assert different(before, host.snapshot_tree(("/etc",))) == {}


@pytest.mark.torture
@pytest.mark.parametrize(
    ("break_it", "mend_it", "why"),
    [
        pytest.param(
            "cd /etc/ssh && mount -t tmpfs -o size=4k none sshd_config.d && head -c 4096 /dev/zero > sshd_config.d/x",
            "umount /etc/ssh/sshd_config.d",
            "the file system is full",
            id="disk-full",
        ),
        pytest.param(
            "mount -t tmpfs -o nr_inodes=1 none /etc/ssh/sshd_config.d",
            "umount /etc/ssh/sshd_config.d",
            "the file system is full",
            id="inodes-full",
        ),
        pytest.param(
            "mount --bind /etc/ssh/sshd_config.d /etc/ssh/sshd_config.d;"
            " mount -o remount,bind,ro /etc/ssh/sshd_config.d",
            "umount /etc/ssh/sshd_config.d",
            "mounted read-only",
            id="read-only",
        ),
        pytest.param(
            "chattr +i /etc/ssh/sshd_config.d",
            "chattr -i /etc/ssh/sshd_config.d",
            "is immutable",
            id="immutable",
        ),
    ],
)
def test_what_cannot_be_written_fails_alone(
    fleet: CommandLine, host: LabHost, break_it: str, mend_it: str, why: str
) -> None:
    """The two options of sshd fail and say why, the banners are written and come back."""
    # A directory that is newer than sshd's last reading would be left out as changed since the plan.
    host.run(f"{break_it}; systemctl reload ssh")
    try:
        failed(fleet, SSHD, why)
        undone(fleet)
    finally:
        host.run(mend_it)


@pytest.mark.torture
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "for d in /tmp /var/tmp /home/ops; do mount --bind $d $d; mount -o remount,bind,noexec $d; done",
            "umount /tmp /var/tmp /home/ops",
            id="noexec",
        ),
        pytest.param(
            "cp -a /etc/login.defs /root/login.defs; sed -i 's/^UMASK.*/UMASK 077/' /etc/login.defs;"
            " cp -a /home/ops/.bashrc /root/bashrc 2>/dev/null; echo 'umask 077' > /home/ops/.bashrc",
            "cp -a /root/login.defs /etc/login.defs; rm -f /home/ops/.bashrc;"
            " test ! -e /root/bashrc || cp -a /root/bashrc /home/ops/.bashrc",
            id="umask-077",
        ),
    ],
)
def test_a_strict_host_is_changed_all_the_same(fleet: CommandLine, host: LabHost, before: str, after: str) -> None:
    """Files keep the modes that others need, nothing is run from where nothing may run, and all comes back."""
    host.run(before)
    try:
        said = fleet("apply", "plan.yml", "--json", *ACCEPT)
        modes = host.run("stat -c %a /etc/issue /etc/issue.net").split()
        undone(fleet)
    finally:
        host.run(after)

    assert said.code == 0, said.err
    assert set(states(said).values()) == {"changed"}
    assert modes == ["644", "644"]


@pytest.mark.torture
def test_a_host_without_python_is_scanned_and_not_changed(fleet: CommandLine, host: LabHost) -> None:
    """The scan needs none; the apply says in a sentence what is missing, and the answer is 3."""
    python = host.run("readlink -f /usr/bin/python3").strip()
    host.run(f"mv {python} {python}.away")
    try:
        scan = fleet("scan", "-i", "lab.yml", "-p", "tiny", "--json")
        said = fleet("apply", "plan.yml", "--json", *ACCEPT)
    finally:
        host.exec_inside(f"mv {python}.away {python}")

    assert scan.code == 1, scan.err
    assert set(fleet.statuses(scan).values()) == {"PASS", "FAIL"}
    assert said.code == 3, said.err
    became = states(said)
    assert {state.partition(":")[0] for state in became.values()} <= {"failed", "not_reported"}, became
    assert any("ython" in state for state in became.values()), became


@pytest.mark.torture
def test_a_diff_of_a_megabyte_comes_through(fleet: CommandLine, host: LabHost) -> None:
    """A result far over what a pipe or an event holds: the change is recorded, bounded for people, and undone whole."""
    host.run("cp -a /etc/issue /root/issue; (head -c 900000 /dev/urandom | base64; echo Debian) > /etc/issue")
    try:
        assert planned(fleet).code == 1
        said = fleet("apply", "plan.yml", "--json", *ACCEPT)
        undone(fleet)
        size = int(host.run("stat -c %s /etc/issue"))
    finally:
        host.run("cp -a /root/issue /etc/issue; rm /root/issue")

    assert said.code == 0, said.err
    assert set(states(said).values()) == {"changed"}
    assert size > 1_000_000
    assert len(said.out) < 5_000_000
