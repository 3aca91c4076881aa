"""Ending guards through Ansible: one outcome for each host whatever happens, over connections that nobody shares."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hardening.ansible import AnsibleRun, ControlItem, GuardOutcome, GuardRun, HostFailed, guard_outcome, run_guard
from hardening.ansible.reconcile import Pair, Reconciliation
from hardening.ansible.room import change_plays, environment_of, roles_of
from hardening.errors import AskedWrongly
from tests.probe_roles import write_probe_roles

LOCAL = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
INVENTORY = f"""
good {LOCAL}
python-less ansible_connection=local ansible_python_interpreter=/no/such/python
nobody-there ansible_host=127.0.0.1 ansible_port=1
"""


@pytest.fixture
def run(tmp_path: Path) -> GuardRun:
    """A run that asks four hosts, one of which the inventory does not have."""
    (tmp_path / "hosts").write_text(INVENTORY)
    return GuardRun(
        campaign="20260101T000000Z-apply-none",
        inventory_sources=(str(tmp_path / "hosts"),),
        hosts=("good", "python-less", "nobody-there", "unlisted"),
        action="status",
        deadline_s=240,
    )


def test_every_host_has_one_outcome(run: GuardRun) -> None:
    """Where no guard is, `none`; who cannot answer is `lost`, with the reason."""
    outcomes = list(run_guard(run))

    by_host = {outcome.host: outcome for outcome in outcomes}
    assert len(outcomes) == len(by_host) == 4
    assert by_host["good"] == GuardOutcome(host="good", outcome="none")
    assert {by_host[name].outcome for name in run.hosts[1:]} == {"lost"}
    assert "no Python" in by_host["python-less"].details[0]
    assert by_host["nobody-there"].details[0].startswith("unreachable: ")
    assert "is it in the inventory?" in by_host["unlisted"].details[0]


def test_only_what_asking_again_cannot_change_is_taken_from_a_program() -> None:
    """A refusal may be for the way that we came; what is no answer is none."""
    said = '{"outcome": "reverted", "details": ["failed: /etc/x: why"], "at": "2026-01-01T00:00:00Z", "unguarded": []}'

    reverted = guard_outcome("web01", said)

    assert reverted == GuardOutcome(
        host="web01", outcome="reverted", details=("failed: /etc/x: why",), at="2026-01-01T00:00:00Z"
    )
    outcomes = ("confirmed", "reverted", "revert_failed", "none", "refused", "armed", "reverting", "lost")
    assert [o for o in outcomes if GuardOutcome(host="web01", outcome=o).is_definite] == list(outcomes[:3])
    for text in ("", "motd\n", "[]", '{"outcome": "lost"}', '{"outcome": ["confirmed"]}', '{"outcome": null}'):
        assert guard_outcome("web01", text) is None


def test_nothing_is_started_for_what_makes_no_sense(run: GuardRun) -> None:
    """An action that is none, and no host at all."""
    with pytest.raises(AskedWrongly, match="can confirm, status, revert"):
        next(run_guard(replace(run, action="forget")))
    with pytest.raises(AskedWrongly, match="no host was named"):
        next(run_guard(replace(run, hosts=())))


def test_a_guard_run_shares_no_connection(run: GuardRun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """For ssh the first value counts: ours stands before a ControlPath that the user's own settings name."""
    monkeypatch.setenv("ANSIBLE_SSH_ARGS", "-o ControlMaster=auto -o ControlPath=/tmp/one -o ControlPersist=60s")

    guard = environment_of(run, tmp_path, {}, roles_of(run))["ANSIBLE_SSH_ARGS"].split()
    other = environment_of(changes(None), tmp_path, {}, roles_of(run))["ANSIBLE_SSH_ARGS"].split()

    assert [word for word in guard if word.startswith("ControlPath=")] == ["ControlPath=none", "ControlPath=/tmp/one"]
    assert guard[1] == "ControlMaster=no"
    assert [word for word in other if word.startswith("ControlPath=")] == ["ControlPath=/tmp/one"]


def changes(guard_s: float | None) -> AnsibleRun:
    """Return a run over one host that writes one control."""
    item = ControlItem(id="a", target="t")
    return AnsibleRun(campaign="c", inventory_sources=("x",), hosts={"h": {"sshd.option": (item,)}}, guard_s=guard_s)


def test_every_kind_of_a_guarded_run_is_told_of_the_guard(run: GuardRun) -> None:
    """By an argument of the module that joins them, and by nothing else; a run without a guard has no word of it."""
    roles = roles_of(run)
    (guarded,), variables = change_plays(changes(60.0), roles)
    (plain,), plain_variables = change_plays(changes(None), roles)
    (task,) = guarded["tasks"][0]["block"]

    assert task["hardening_kinds_1"].pop("guard") == "{{ hardening_guard }}"
    assert guarded == plain
    assert variables["h"]["hardening_guard"] == {"seconds": 60.0, "campaign": "c"}
    assert "hardening_guard" not in plain_variables["h"]


def test_a_kind_with_a_play_of_its_own_is_told_of_the_guard(tmp_path: Path) -> None:
    """By the default of its module."""
    item = ControlItem(id="a", target="t")
    alone = replace(changes(60.0), hosts={"h": {"probe.echo": (item,)}})

    (guarded,), _ = change_plays(alone, write_probe_roles(tmp_path))

    assert guarded["module_defaults"] == {"probe_echo": {"guard": "{{ hardening_guard }}"}}


def test_every_kind_is_one_module_of_its_name() -> None:
    """`tasks/<topic>.yml` of a role calls the module `<role>_<topic>`: on this the guard reaches every kind."""
    roles = roles_of(changes(None))
    kinds = [path for path in roles.glob("*/tasks/*.yml") if path.parent.parent.name != "core" and path.stem != "main"]

    assert len(kinds) > 50
    for path in kinds:
        role = path.parent.parent.name
        assert f"\n  {role}_{path.stem}:\n" in path.read_text(), path
        assert (roles / role / "library" / f"{role}_{path.stem}.py").is_file()


@pytest.mark.parametrize(
    "result", [{"kinds": [1]}, {"kinds": [{"controls": []}]}, {"kinds": [{"kind": "sshd.option", "controls": [7]}]}]
)
def test_a_host_that_answers_nonsense_fails_alone(result: dict[str, object]) -> None:
    """Whoever is root there can answer anything; the others of the run go on."""
    reconciliation = Reconciliation([Pair("h", "sshd.option", "a", "t")])

    told = list(reconciliation.take({"type": "runner_on_ok", "host": "h", "play": "together", "result": result}))

    assert [type(each) for each in told] == [HostFailed]
    assert "agreed shape" in told[0].sentence  # type: ignore[union-attr]


def test_what_a_host_says_of_its_guard_comes_with_the_end() -> None:
    """Triggers and what the guard cannot put back, by host and kind."""
    answer = {"controls": [], "guard": {"triggers": ["systemd timer"], "unguarded": ["package:telnet"]}}
    reconciliation = Reconciliation([Pair("h", "linux.packages", "a", "t")])

    list(reconciliation.take({"type": "runner_on_ok", "host": "h", "play": "linux.packages", "result": answer}))

    (said,) = reconciliation.guards
    assert (said.host, said.kind, said.triggers) == ("h", "linux.packages", ("systemd timer",))
    assert said.unguarded == ("package:telnet",)
