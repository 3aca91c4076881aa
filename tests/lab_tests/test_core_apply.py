"""Roles applied to real hosts with plain ansible-playbook: applied, validated before replaced, undone one by one."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.core_tree import changed, failures
from tests.lab.host import LabHost
from tests.lab.inventory import write_inventory
from tests.lab.lab import Lab

ROOT = Path(__file__).parents[2]
SYSCTL = {
    "linux_sysctl_redirects": ({"key": "net.ipv4.conf.all.send_redirects"}, "0"),
    "linux_sysctl_martians": ({"key": "net.ipv4.conf.all.log_martians"}, "1"),
    "linux_sysctl_nonsense": ({"key": "net.ipv4.conf.all.nonsense"}, "1"),
}
MODES = {
    "linux_crontab_mode": ({"path": "/etc/crontab"}, "0600"),
    "linux_issue_mode": ({"path": "/etc/issue"}, "0600"),
}
OPTIONS = {
    "sshd_max_auth_tries": ({"option": "MaxAuthTries"}, "3"),
    "sshd_log_level": ({"option": "LogLevel"}, "VERBOSE"),
    "sshd_max_startups": ({"option": "MaxStartups"}, "nonsense"),
}
Kinds = dict[str, dict[str, tuple[dict[str, str], str]]]
ALL: Kinds = {"linux.sysctl": SYSCTL, "linux.file_mode": MODES, "sshd.option": OPTIONS}


@pytest.fixture(scope="module", params=("debian12", "debian13"))
def host(lab: Lab, request: pytest.FixtureRequest) -> Iterator[LabHost]:
    """A host of each system for all tests of this file; each leaves it as it was, which is what they are about."""
    made = lab.host("corea-" + request.param, image=request.param)
    made.boot()
    yield made
    lab.remove(made.name)


def play(host: LabHost, tmp_path: Path, tasks: list[dict[str, Any]], variables: dict[str, Any], *options: str) -> None:
    """Run ansible-playbook over the host; the play's last task leaves what it should in tmp_path."""
    book = [{"hosts": "all", "become": True, "gather_facts": False, "vars": variables, "tasks": tasks}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(book))
    inventory = write_inventory(tmp_path / "inventory.yml", [host])
    environment = {**os.environ, "ANSIBLE_ROLES_PATH": str(ROOT / "roles"), "ANSIBLE_LOCAL_TEMP": str(tmp_path)}
    done = subprocess.run(
        [ROOT / ".venv/bin/ansible-playbook", "-i", inventory, tmp_path / "play.yml", *options],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def saved(tmp_path: Path, expression: str) -> dict[str, Any]:
    """Return the task that saves an expression for the test to read."""
    return {
        "name": "Results are saved",
        "ansible.builtin.copy": {
            "content": "{{ (" + expression + ") | to_json }}",
            "dest": str(tmp_path / "results"),
            "mode": "0600",
        },
        "delegate_to": "localhost",
        "become": False,
        "check_mode": False,
    }


def apply(host: LabHost, tmp_path: Path, kinds: Kinds, campaign: str, *options: str) -> list[dict[str, Any]]:
    """Apply controls by kind; return every control's result."""
    items = {
        kind: [{"id": name, "target": "h", "instance": "", "with": w, "value": v} for name, (w, v) in controls.items()]
        for kind, controls in kinds.items()
    }
    roles = [
        {"ansible.builtin.include_role": {"name": role}} for role in sorted({kind.split(".")[0] for kind in kinds})
    ]
    done = " + ".join(kind.replace(".", "_") + "_done.controls" for kind in kinds)
    variables = {"hardening_controls": items, "hardening_campaign": campaign}
    play(host, tmp_path, [*roles, saved(tmp_path, done)], variables, *options)
    results: list[dict[str, Any]] = json.loads((tmp_path / "results").read_text())
    return results


def undo(host: LabHost, tmp_path: Path, *changes: dict[str, Any]) -> list[dict[str, Any]]:
    """Undo changes, in the order given."""
    role = {"ansible.builtin.include_role": {"name": "core", "tasks_from": "restore"}}
    variables = {"hardening_changes": list(changes), "hardening_campaign": "undo"}
    play(host, tmp_path, [role, saved(tmp_path, "core_restore.controls")], variables)
    results: list[dict[str, Any]] = json.loads((tmp_path / "results").read_text())
    return results


def sshd(host: LabHost) -> dict[str, str]:
    """Return what sshd would do with the configuration on disk."""
    return dict(line.split(" ", 1) for line in host.run("sshd -T").splitlines() if " " in line)


def test_controls_are_applied_and_undone_one_by_one(host: LabHost, tmp_path: Path) -> None:
    """Bad ones fail alone; a second run changes nothing; after all undos every file, mode and owner is as before."""
    before, redirects = host.snapshot_tree(), host.run("sysctl -n net.ipv4.conf.all.send_redirects")

    foretold = apply(host, tmp_path, ALL, "c0", "--check")
    assert host.snapshot_tree() == before
    results = apply(host, tmp_path, ALL, "c1")
    assert [(r["id"], r["changed"], r["failed"]) for r in foretold] == [
        (r["id"], r["changed"], r["failed"]) for r in results
    ]
    assert set(failures(results)) == {"linux_sysctl_nonsense", "sshd_max_startups"}
    assert "sshd -t` refuses it" in failures(results)["sshd_max_startups"]
    assert sshd(host)["maxauthtries"] == "3"
    assert host.over_ssh("true").rc == 0
    assert changed(apply(host, tmp_path, ALL, "c2")) == []

    done = {result["id"]: result for result in results if result["changed"]}
    undo(host, tmp_path, done["linux_sysctl_redirects"], done["sshd_max_auth_tries"], done["linux_crontab_mode"])
    again = apply(host, tmp_path, ALL, "c3", "--check")
    assert set(changed(again)) == {"linux_sysctl_redirects", "sshd_max_auth_tries", "linux_crontab_mode"}

    undo(host, tmp_path, done["sshd_log_level"], done["linux_issue_mode"], done["linux_sysctl_martians"])
    assert host.snapshot_tree() == before
    assert host.run("sysctl -n net.ipv4.conf.all.send_redirects") == redirects


def test_a_service_that_dies_on_its_new_configuration_is_brought_back(host: LabHost, tmp_path: Path) -> None:
    """sshd -t accepts an address that is not ours, the reload kills sshd: all is put back, and a new login works."""
    before = host.snapshot_tree()
    fatal: Kinds = {"sshd.option": {"sshd_listen_address": ({"option": "ListenAddress"}, "203.0.113.9")}}

    results = apply(host, tmp_path, fatal, "c1")

    assert "everything of this run was put back" in failures(results)["sshd_listen_address"]
    assert host.snapshot_tree() == before
    assert host.over_ssh("true").rc == 0


def test_a_lost_record_is_undone_from_the_hosts_journal(host: LabHost, tmp_path: Path) -> None:
    """hardening_restore finds in the journal what a campaign did."""
    before = host.snapshot_tree()
    apply(host, tmp_path, ALL, "lost")
    role = {"ansible.builtin.include_role": {"name": "core", "tasks_from": "restore"}}
    variables = {"hardening_journal_of": "lost", "hardening_campaign": "undo"}

    play(host, tmp_path, [role, saved(tmp_path, "core_restore.controls")], variables)

    results = json.loads((tmp_path / "results").read_text())
    assert len(changed(results)) == 6
    assert failures(results) == {}
    assert host.snapshot_tree() == before
