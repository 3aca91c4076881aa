"""Ansible runs on real hosts: the shipped roles, the ways to become root, and hosts that die, refuse or lie."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from hardening.ansible import (
    AnsibleRun,
    ControlItem,
    ControlOutcome,
    HostFailed,
    RestoreItem,
    RestoreRun,
    RunDone,
    RunEvent,
    run_changes,
    run_restore,
)
from hardening.ansible.reap import MARK, processes_of
from hardening.remote.values import Secret
from tests.lab.accounts import OPS_PASSWORD, ROOT_PASSWORD
from tests.lab.host import LabHost
from tests.lab.inventory import host_vars
from tests.probe_roles import write_probe_roles

HostFactory = Callable[..., LabHost]
IMAGES = pytest.mark.parametrize("image", ["debian12", "debian13"])


def inventory(path: Path, hosts: Iterable[LabHost], **more: object) -> tuple[str, ...]:
    """Write an inventory and return it as the sources of a run; `more` are further variables of every host."""
    entries = {host.name: {**host_vars(host), **more} for host in hosts}
    (path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": entries}}))
    return (str(path / "hosts.yml"),)


def echo(path: Path, host: LabHost, variables: Mapping[str, object], **secrets: Secret) -> ControlOutcome | str:
    """Run one harmless control on a host and return its outcome, or why there is none."""
    item = ControlItem(id="echo", target=host.name)
    run = AnsibleRun(
        campaign="c",
        inventory_sources=inventory(path, [host], **variables),
        hosts={host.name: {"probe.echo": (item,)}},
        roles_path=write_probe_roles(path / "roles"),
        deadline_s=120,
        **secrets,  # type: ignore[arg-type]
    )
    first, *_ = run_changes(run)
    assert not isinstance(first, RunDone)
    return first.sentence if isinstance(first, HostFailed) else first


def effective_uid(answer: ControlOutcome | str) -> str:
    assert isinstance(answer, ControlOutcome), answer
    return answer.after_actions[1]


CONTROLS: dict[str, tuple[ControlItem, ...]] = {
    "linux.sysctl": (
        ControlItem(
            id="linux_no_redirects", target="t", params={"key": "net.ipv4.conf.default.accept_redirects"}, value="0"
        ),
        ControlItem(id="linux_log_martians", target="t", params={"key": "net.ipv4.conf.all.log_martians"}, value="1"),
    ),
    "sshd.option": (ControlItem(id="sshd_max_auth_tries", target="t", params={"option": "MaxAuthTries"}, value="3"),),
}


def outcomes(events: Iterable[RunEvent]) -> list[ControlOutcome]:
    """Return the outcomes of a run that must have gone well."""
    *heard, done = events
    assert isinstance(done, RunDone)
    assert (done.not_reported, done.cut_short) == ((), None), heard
    assert not [event for event in heard if isinstance(event, HostFailed)]
    return [event for event in heard if isinstance(event, ControlOutcome)]


def state_of(host: LabHost) -> tuple[Any, str]:
    """Return every file of /etc with mode and owner, and what the kernel and sshd say."""
    said = host.exec_inside(
        "sysctl net.ipv4.conf.default.accept_redirects net.ipv4.conf.all.log_martians; sshd -T | grep -i maxauthtries"
    )
    return host.snapshot_tree(("/etc",)), said.stdout


@IMAGES
def test_controls_are_written_once_and_taken_back_exactly(own_host: HostFactory, tmp_path: Path, image: str) -> None:
    """Check mode writes nothing; apply changes; a second apply changes nothing; restore gives every byte back."""
    host = own_host(image=image)
    sources = inventory(tmp_path, [host])
    run = AnsibleRun(campaign="c1", inventory_sources=sources, hosts={host.name: CONTROLS}, deadline_s=300)
    checked_run = AnsibleRun(
        campaign="c0", inventory_sources=sources, hosts={host.name: CONTROLS}, deadline_s=300, check=True
    )
    at_first = state_of(host)

    checked = outcomes(run_changes(checked_run))
    after_check = state_of(host)
    applied = outcomes(run_changes(run))
    after_apply = state_of(host)
    again = outcomes(run_changes(run))
    items = tuple(
        RestoreItem(
            id=change.id,
            target=change.target,
            touches=tuple(
                {"kind": touch.kind, "name": touch.name, "before": touch.before, "after": touch.after}
                for touch in change.touches
            ),
            after_actions=change.after_actions,
        )
        for change in reversed(applied)
    )
    restored = outcomes(
        run_restore(RestoreRun(campaign="c2", inventory_sources=sources, hosts={host.name: items}, deadline_s=300))
    )

    assert {(o.id, o.changed, o.failed) for o in applied} == {
        ("linux_no_redirects", True, False),
        ("linux_log_martians", True, False),
        ("sshd_max_auth_tries", True, False),
    }
    assert {(o.id, o.changed) for o in checked} == {(o.id, o.changed) for o in applied}
    assert after_check == at_first
    assert "maxauthtries 3" in after_apply[1]
    assert [o.changed for o in again] == [False, False, False]
    assert [(o.kind, o.changed, o.failed, o.reason) for o in restored] == [("restore", True, False, None)] * 3
    assert state_of(host) == at_first


def test_every_way_to_become_root(lab_host: HostFactory, tmp_path: Path) -> None:
    """sudo without and with password, su, a login by password, an overruled `become: false`: root each time."""
    host = lab_host()
    ways: dict[str, tuple[dict[str, object], dict[str, Secret]]] = {
        "sudo": ({"ansible_become": False}, {}),
        "sudo_password": ({"ansible_user": "opspw"}, {"become_password": Secret(OPS_PASSWORD)}),
        "sudo_variable": ({"ansible_user": "opspw", "ansible_become_password": OPS_PASSWORD}, {}),
        "su": ({"ansible_user": "opssu", "ansible_become_method": "su"}, {"become_password": Secret(ROOT_PASSWORD)}),
        "root": ({"ansible_user": "root"}, {}),
        "login_password": (
            {"ansible_user": "opspw", "ansible_ssh_extra_args": "-o PubkeyAuthentication=no"},
            {"become_password": Secret(OPS_PASSWORD), "connection_password": Secret(OPS_PASSWORD)},
        ),
    }
    answers = {}
    for way, (variables, secrets) in ways.items():
        (tmp_path / way).mkdir()
        answers[way] = echo(tmp_path / way, host, variables, **secrets)

    assert {way: effective_uid(answer) for way, answer in answers.items()} == dict.fromkeys(ways, "uid:0")


def test_what_refuses_us_is_told_apart(lab_host: HostFactory, tmp_path: Path) -> None:
    """Missing and wrong password, a refused login, and a host key that is not the known one: a sentence each."""
    host = lab_host()
    (tmp_path / "known_hosts").write_text(
        f"{host.address} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFvOxvYmDcJXZsRQGbeHGNgbBIUsHUMUvZrBbBNWZ7cG\n"
    )
    other_key = f"-F none -o UserKnownHostsFile={tmp_path}/known_hosts -o GlobalKnownHostsFile=none"
    ways: dict[str, tuple[dict[str, object], dict[str, Secret]]] = {
        "missing": ({"ansible_user": "opspw"}, {}),
        "wrong": ({"ansible_user": "opspw"}, {"become_password": Secret("no")}),
        "no_login": ({"ansible_user": "nobody"}, {}),
        "host_key": ({"ansible_ssh_common_args": other_key}, {}),
    }
    answers = {}
    for way, (variables, secrets) in ways.items():
        (tmp_path / way).mkdir()
        answers[way] = str(echo(tmp_path / way, host, variables, **secrets))

    assert "needs a password and none was given" in answers["missing"]
    assert "password for becoming root was refused" in answers["wrong"]
    assert answers["no_login"].startswith("unreachable: the login was refused (publickey")
    assert answers["host_key"].startswith("unreachable: the host key is unknown or has changed")


def test_a_host_that_dies_midway_does_not_take_the_others_along(own_host: HostFactory, tmp_path: Path) -> None:
    """Its control in work and all later ones are not reported; the other host's are; nothing is left running here."""
    dying, living = own_host(), own_host()
    dying.exec_inside("mkfifo /run/started")
    slow = {"probe.slow": (ControlItem(id="slow", target="t", params={"started": "/run/started"}),)}
    first = {"probe.echo": (ControlItem(id="first", target="t"),)}
    last = {"probe.half": (ControlItem(id="last", target="t"),)}
    run = AnsibleRun(
        campaign="c",
        inventory_sources=inventory(tmp_path, [dying, living]),
        hosts={dying.name: {**first, **slow, **last}, living.name: {**first, **last}},
        roles_path=write_probe_roles(tmp_path / "roles"),
        deadline_s=180,
    )
    events = run_changes(run)
    heard: list[RunEvent] = [next(events), next(events)]
    dying.exec_inside("cat /run/started")
    mark = _mark_of_our_run()
    shared_connections = [pid for pid in processes_of(mark) if b"[mux]" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    dying.cut_power()
    heard += events
    done = heard.pop()

    assert isinstance(done, RunDone)
    assert sorted((e.host, e.id) for e in heard if isinstance(e, ControlOutcome)) == sorted(
        [(dying.name, "first"), (living.name, "first"), (living.name, "last")]
    )
    (failure,) = [event for event in heard if isinstance(event, HostFailed)]
    assert (failure.host, failure.kind) == (dying.name, None)
    assert failure.sentence.startswith("unreachable: ")
    assert [(left.host, left.id) for left in done.not_reported] == [(dying.name, "slow"), (dying.name, "last")]
    assert (done.cut_short, done.duration_s < 120) == (None, True)
    assert shared_connections
    assert processes_of(mark) == set()


def _mark_of_our_run() -> str:
    """Return the mark of the one run that is a child of this process."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    environments = [Path(f"/proc/{child}/environ").read_bytes().split(b"\0") for child in children]
    prefix = f"{MARK}=".encode()
    (mark,) = {
        entry.removeprefix(prefix).decode() for each in environments for entry in each if entry.startswith(prefix)
    }
    return mark
