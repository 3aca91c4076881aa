"""What a run says of each control, and what it says when modules crash, lie or fall silent (facts 7 to 12)."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from hardening.ansible import (
    AnsibleRun,
    ControlItem,
    ControlOutcome,
    HostFailed,
    NotReported,
    RunDone,
    RunEvent,
    run_changes,
)
from hardening.ansible.room import environment_of
from hardening.errors import AskedWrongly
from tests.probe_roles import write_probe_roles

LOCAL = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
TEMPLATE = "{{ lookup('pipe', 'echo pwned') }} {% raw %} {# #}"


@pytest.fixture(scope="module")
def roles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_probe_roles(tmp_path_factory.mktemp("roles"))


def item(kind: str, number: int = 0, **more: object) -> ControlItem:
    return ControlItem(id=f"probe_{kind}_{number}", target="h/probe", **more)  # type: ignore[arg-type]


def run_of(
    directory: Path,
    roles: Path,
    hosts: Mapping[str, Mapping[str, Iterable[ControlItem]]],
    *,
    inventory: str | None = None,
    check: bool = False,
) -> AnsibleRun:
    text = inventory if inventory is not None else "".join(f"{host} {LOCAL}\n" for host in hosts)
    (directory / "hosts").write_text(text)
    return AnsibleRun(
        campaign="20260101T000000Z-apply-test",
        inventory_sources=(str(directory / "hosts"),),
        hosts={host: {kind: tuple(items) for kind, items in kinds.items()} for host, kinds in hosts.items()},
        roles_path=roles,
        check=check,
        deadline_s=120,
    )


def carried_out(run: AnsibleRun) -> tuple[list[ControlOutcome], dict[tuple[str, str | None], str], RunDone]:
    """Return the outcomes, the first sentence for each (host, kind), and the end."""
    events: list[RunEvent] = list(run_changes(run))
    done = events.pop()
    assert isinstance(done, RunDone)
    failures: dict[tuple[str, str | None], str] = {}
    for event in events:
        if isinstance(event, HostFailed):
            failures.setdefault((event.host, event.kind), event.sentence)
    return [event for event in events if isinstance(event, ControlOutcome)], failures, done


TROUBLE = ("crash", "refuse", "half", "silent", "twice", "noutil", "hidden", "ignored", "echo")


@pytest.fixture(scope="module")
def trouble(
    tmp_path_factory: pytest.TempPathFactory, roles: Path
) -> tuple[list[ControlOutcome], dict[tuple[str, str | None], str], RunDone]:
    """One host that is asked two controls of every kind of trouble, and of a good kind at the end."""
    kinds = {f"probe.{kind}": [item(kind, 0), item(kind, 1)] for kind in TROUBLE}
    return carried_out(run_of(tmp_path_factory.mktemp("trouble"), roles, {"h": kinds}))


def test_every_control_is_reported_with_what_it_touched(tmp_path: Path, roles: Path) -> None:
    """Id, target, instance, value, campaign and reason go there and back, as root whatever the inventory says."""
    controls = [item("echo", 0, instance="15-main", value="on"), item("echo", 1, params={"fail": "no such key"})]
    inventory = f"a {LOCAL} ansible_become=False ansible_become_user=nobody\n"
    outcomes, failures, done = carried_out(
        run_of(tmp_path, roles, {"a": {"probe.echo": controls}}, inventory=inventory)
    )

    good, bad = outcomes
    assert (good.host, good.kind, good.id, good.target, good.diff) == (
        "a",
        "probe.echo",
        "probe_echo_0",
        "h/probe",
        "on",
    )
    assert (good.changed, good.failed, good.reason) == (True, False, None)
    assert good.after_actions == ("reload:15-main", "uid:0")
    assert [(touch.kind, touch.name, touch.after) for touch in good.touches] == [
        ("file", "/x", "20260101T000000Z-apply-test")
    ]
    assert (bad.failed, bad.reason) == (True, "no such key")
    assert (failures, done.hosts_reached, done.not_reported, done.cut_short) == ({}, ("a",), (), None)


def test_values_are_never_templates(tmp_path: Path, roles: Path) -> None:
    """A value that looks like a template arrives letter by letter; else a host's text could run programs here."""
    outcomes, _, _ = carried_out(run_of(tmp_path, roles, {"a": {"probe.echo": [item("echo", value=TEMPLATE)]}}))

    assert outcomes[0].diff == TEMPLATE


def test_a_file_of_the_current_directory_is_no_module(
    tmp_path: Path, roles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workspace may have a `tty.py` or a `yaml.py` of its own: it is not run in the place of Python's."""
    for name in ("tty", "yaml", "ansible_runner", "hardening"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('this is not ours')\n")
    monkeypatch.chdir(tmp_path)

    outcomes, failures, _ = carried_out(run_of(tmp_path, roles, {"h": {"probe.echo": [item("echo")]}}))

    assert (len(outcomes), failures) == (1, {})


def test_check_mode_reaches_the_module(tmp_path: Path, roles: Path) -> None:
    """With check the module is told to write nothing."""
    outcomes, _, _ = carried_out(run_of(tmp_path, roles, {"a": {"probe.echo": [item("echo")]}}, check=True))

    assert [outcome.changed for outcome in outcomes] == [False]


Trouble = tuple[list[ControlOutcome], dict[tuple[str, str | None], str], RunDone]


def test_a_crash_of_one_kind_does_not_stop_the_next(trouble: Trouble) -> None:
    """The good kind after eight bad ones reports all its controls."""
    outcomes, _, _ = trouble

    assert [outcome.id for outcome in outcomes if outcome.kind == "probe.echo"] == ["probe_echo_0", "probe_echo_1"]


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("crash", "the module failed: RuntimeError: the module lost its way"),
        ("refuse", "the module failed: systemd does not run on this host"),
        ("half", "Ansible came to its end without a result of these controls"),
        ("silent", "Ansible came to its end without a result of these controls"),
        ("twice", "probe_twice_0 of h/probe was reported twice"),
        ("noutil", "ansible.legacy.probe_noutil imports ansible.module_utils.hardening_nowhere.nothing"),
        ("hidden", "the result was hidden by no_log, so nothing is known of its controls"),
        ("ignored", "the module failed: RuntimeError: the module lost its way"),
    ],
)
def test_each_trouble_has_a_sentence(trouble: Trouble, kind: str, sentence: str) -> None:
    """A module that crashes, refuses, reports half, nothing, twice, or hides its result is named with the reason."""
    _, failures, _ = trouble

    assert failures["h", f"probe.{kind}"].startswith(sentence)


def test_what_was_asked_and_not_heard_of_is_listed(trouble: Trouble) -> None:
    """Reported and not reported together are exactly what was asked; a rescued failure is no success."""
    outcomes, _, done = trouble
    missing = {(left.kind, left.id) for left in done.not_reported}
    heard = {(outcome.kind, outcome.id) for outcome in outcomes}

    assert missing | heard == {(f"probe.{kind}", f"probe_{kind}_{n}") for kind in TROUBLE for n in (0, 1)}
    assert missing & heard == set()
    assert heard == {
        ("probe.half", "probe_half_0"),
        ("probe.twice", "probe_twice_0"),
        ("probe.echo", "probe_echo_0"),
        ("probe.echo", "probe_echo_1"),
    }


def test_a_result_of_a_megabyte_arrives(tmp_path: Path, roles: Path) -> None:
    """Ansible's bridge drops results over 700 kB by itself; ours reach us."""
    run = run_of(tmp_path, roles, {"a": {"probe.big": [item("big", value=1_000_000)]}})
    outcomes, failures, _ = carried_out(run)

    assert (len(outcomes[0].diff), failures) == (1_000_000, {})


def test_a_result_that_is_too_large_is_said_to_be_lost(tmp_path: Path, roles: Path) -> None:
    """Beyond the limit the bridge sends an empty result, which is never taken for success."""
    run = run_of(tmp_path, roles, {"a": {"probe.big": [item("big", value=17_000_000)]}})
    outcomes, failures, done = carried_out(run)

    assert outcomes == []
    assert failures == {
        ("a", "probe.big"): "the result was too large and was lost on its way; look again before anything"
    }
    assert len(done.not_reported) == 1


def test_a_missing_module_stops_the_run_before_anything_is_changed(tmp_path: Path, roles: Path) -> None:
    """Ansible refuses the whole playbook; every host gets the reason, and nothing was done."""
    kinds = {"probe.echo": [item("echo")], "probe.absent": [item("absent")]}
    outcomes, failures, done = carried_out(run_of(tmp_path, roles, {"a": kinds, "b": kinds}))

    assert outcomes == []
    assert set(failures) == {("a", None), ("b", None)}
    assert failures["a", None].startswith("Ansible did not run: couldn't resolve module/action 'probe_absent'")
    assert len(done.not_reported) == 4


def test_a_kind_without_a_role_is_refused(tmp_path: Path, roles: Path) -> None:
    """Before anything is started."""
    with pytest.raises(AskedWrongly, match=r"probe\.nowhere: .*nowhere\.yml is missing"):
        list(run_changes(run_of(tmp_path, roles, {"a": {"probe.nowhere": [item("nowhere")]}})))


def test_nothing_to_do_is_an_error(tmp_path: Path, roles: Path) -> None:
    """A run that asks for nothing would be the cleanest run of all."""
    with pytest.raises(AskedWrongly, match="nothing to apply"):
        list(run_changes(run_of(tmp_path, roles, {"a": {}})))


def test_unreachable_absent_and_pythonless_hosts_are_told_apart(tmp_path: Path, roles: Path) -> None:
    """Each gets its sentence and all its controls are listed; the good host beside them is not disturbed."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    old = tmp_path / "python3.6"
    old.write_text(
        "#!/bin/sh\ncat >/dev/null\necho 'SyntaxError: future feature annotations is not defined' >&2\nexit 1\n"
    )
    old.chmod(0o700)
    inventory = (
        f"good {LOCAL}\n"
        f"down ansible_host=127.0.0.1 ansible_port={port}\n"
        "bare ansible_connection=local ansible_python_interpreter=/nonexistent/python3\n"
        f"old ansible_connection=local ansible_python_interpreter={old}\n"
    )
    hosts = {name: {"probe.echo": [item("echo")]} for name in ("good", "down", "bare", "old", "gone")}
    outcomes, failures, done = carried_out(run_of(tmp_path, roles, hosts, inventory=inventory))

    assert [outcome.host for outcome in outcomes] == ["good"]
    assert failures["down", None] == (f"unreachable: ssh: connect to host 127.0.0.1 port {port}: Connection refused")
    assert failures["bare", "probe.echo"].startswith("there is no Python on this host")
    assert failures["old", "probe.echo"].startswith("a module does not compile there: the host's Python is too old")
    assert failures["gone", None] == "Ansible did not run on this host; is it in the inventory?"
    assert {left.host for left in done.not_reported} == {"down", "bare", "old", "gone"}
    assert "down" not in done.hosts_reached


def test_a_kind_whose_only_host_is_lost_does_not_end_the_run(tmp_path: Path, roles: Path) -> None:
    """Ansible stops at a play that lost all its hosts; the next kind on the other hosts must run all the same."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        inventory = f"down ansible_host=127.0.0.1 ansible_port={closed.getsockname()[1]}\ngood {LOCAL}\n"
    hosts = {"down": {"probe.echo": [item("echo")]}, "good": {"probe.half": [item("half")]}}
    outcomes, failures, done = carried_out(run_of(tmp_path, roles, hosts, inventory=inventory))

    assert [(outcome.host, outcome.id) for outcome in outcomes] == [("good", "probe_half_0")]
    assert set(failures) == {("down", None)}
    assert (done.hosts_reached, [left.host for left in done.not_reported]) == (("good",), ["down"])


def test_a_missing_result_is_one_value(roles: Path) -> None:
    """Two instances of one control are two pairs."""
    assert NotReported(host="h", kind="k", id="i", target="a") != NotReported(host="h", kind="k", id="i", target="b")


def test_sixty_hosts_in_one_run(tmp_path: Path, roles: Path) -> None:
    """Every host reports both kinds; the number of tasks does not grow with the hosts."""
    kinds = {"probe.echo": [item("echo", n) for n in range(20)], "probe.half": [item("half")]}
    outcomes, failures, done = carried_out(run_of(tmp_path, roles, {f"h{n}": kinds for n in range(60)}))

    assert len(outcomes) == 60 * 21
    assert (failures, done.not_reported, done.tasks) == ({}, (), 2)
    assert len(done.hosts_reached) == 60


def test_the_users_ssh_settings_stay_and_a_dead_host_is_noticed(
    tmp_path: Path, roles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ssh_args come from the variable, else from ansible.cfg, else are Ansible's own; ours only follow them."""
    monkeypatch.delenv("ANSIBLE_SSH_ARGS", raising=False)
    run = replace(run_of(tmp_path, roles, {"a": {}}), cwd=tmp_path)
    without = environment_of(run, tmp_path, {}, roles)["ANSIBLE_SSH_ARGS"]
    (tmp_path / "ansible.cfg").write_text("[ssh_connection]\nssh_args = -o ProxyJump=%h.bastion\n")
    with_file = environment_of(run, tmp_path, {}, roles)
    monkeypatch.setenv("ANSIBLE_SSH_ARGS", "-4")
    with_variable = environment_of(run, tmp_path, {}, roles)["ANSIBLE_SSH_ARGS"]

    ours = "-o ServerAliveInterval=10 -o ServerAliveCountMax=3"
    assert without == f"-C -o ControlMaster=auto -o ControlPersist=60s {ours}"
    assert with_file["ANSIBLE_SSH_ARGS"] == f"-o ProxyJump=%h.bastion {ours}"
    assert with_file["ANSIBLE_CONFIG"] == str(tmp_path / "ansible.cfg")
    assert with_variable == f"-4 {ours}"
