"""Transport "ansible": the same answers through Ansible's own connection plugins."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hardening.remote import (
    Become,
    CommandTimeout,
    Connection,
    HostJob,
    HostReport,
    HostScope,
    Limits,
    OutputTooLarge,
    TransportLost,
    look,
)
from tests.lab.accounts import OPS_PASSWORD
from tests.lab.host import LabHost
from tests.lab.plugin import HostFactory

LIMITS = Limits(command_s=3, host_s=120)


@pytest.fixture
def inventory(lab_host: HostFactory, tmp_path: Path) -> Path:
    """An inventory with a host that Ansible reaches by itself, and one it cannot."""
    host: LabHost = lab_host()
    common = {
        "ansible_host": host.address,
        "ansible_ssh_private_key_file": str(host.ssh.key),
        "ansible_ssh_common_args": f"-F none -o UserKnownHostsFile={host.ssh.known_hosts} -o IdentitiesOnly=yes",
    }
    hosts = {
        "there": {**common, "ansible_user": "ops"},
        "asks": {**common, "ansible_user": "opspw"},
        "with_password": {**common, "ansible_user": "opspw", "ansible_become_password": OPS_PASSWORD},
        "gone": {**common, "ansible_host": "127.0.0.1", "ansible_port": 9},
    }
    path = tmp_path / "inventory.yml"
    path.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    return path


def ask(
    inventory: Path, name: str, *commands: str, become: Become | None = None, limits: Limits = LIMITS
) -> HostReport:
    """Ask every command in a task of its own."""

    def script(scope: HostScope) -> None:
        for command in commands:
            scope.spawn(command, scope.host.run, command)

    connection = Connection(name=name, transport="ansible", ansible_inventory=(str(inventory),), become=become)
    (report,) = look([HostJob(connection=connection, script=script)], limits=limits)
    return report


def test_bytes_and_exit_codes_come_back(inventory: Path) -> None:
    """What templating, splitting, a callback and a pty could change comes back unchanged."""
    commands = {
        r"printf '\000\377\r\n\004'": (0, b"\0\xff\r\n\4", b""),
        "echo '{{ not_a_template }} {% if %}' \"two  blanks\"; echo key=value >&2; exit 3": (
            3,
            b"{{ not_a_template }} {% if %} two  blanks\n",
            b"key=value\n",
        ),
        "if then": (2, b"", None),
        "cat": (0, b"", b""),
        "printf unended": (0, b"unended", b""),
        "exit 124": (124, b"", b""),
        "head -c 30000 /dev/zero": (0, b"\0" * 30000, b""),
    }
    report = ask(inventory, "there", *commands)

    assert report.unreachable is None
    assert report.user == "ops"
    for command, (exit_code, stdout, stderr) in commands.items():
        result = report.outcomes[command].value
        got = (
            getattr(result, "rc", None),
            getattr(result, "stdout_bytes", None),
            getattr(result, "stderr_bytes", None),
        )
        assert got == (exit_code, stdout, got[2] if stderr is None else stderr), command


def test_we_become_root_as_ansible_does(inventory: Path) -> None:
    """Become goes through Ansible, with the password of the inventory; without one the host is unreachable."""
    plain = ask(inventory, "there", "id -u", become=Become())
    with_password = ask(inventory, "with_password", "id -u", become=Become())
    without = ask(inventory, "asks", "id -u", become=Become())

    assert (plain.user, with_password.user) == ("root", "root")
    assert without.unreachable is not None
    assert isinstance(without.outcomes["id -u"].error, TransportLost)
    assert OPS_PASSWORD not in repr(without) + repr(with_password)


def test_a_host_that_ansible_cannot_reach_is_said(inventory: Path) -> None:
    """UNREACHABLE of Ansible is a sentence of ours, and no answer."""
    gone = ask(inventory, "gone", "true")
    unknown = ask(inventory, "not_in_the_inventory", "true")

    assert gone.unreachable is not None
    assert "refused" in gone.unreachable
    assert unknown.unreachable is not None
    assert isinstance(unknown.outcomes["true"].error, TransportLost)


@pytest.mark.parametrize(
    ("rude", "limits", "error"),
    [
        pytest.param("sleep 3456.5", LIMITS, CommandTimeout, id="hangs"),
        pytest.param("head -c 3000000 /dev/zero", Limits(output_bytes=500_000), OutputTooLarge, id="floods"),
    ],
)
def test_a_rude_command_costs_only_its_own_answer(
    inventory: Path, lab_host: HostFactory, rude: str, limits: Limits, error: type[Exception]
) -> None:
    """A command over its time is ended over there; one that writes too much is stopped; the rest is answered."""
    report = ask(inventory, "there", "echo before", rude, "echo after", limits=limits)

    assert report.unreachable is None
    assert isinstance(report.outcomes[rude].error, error)
    assert [getattr(report.outcomes[key].value, "stdout", None) for key in ("echo before", "echo after")] == [
        "before\n",
        "after\n",
    ]
    assert lab_host().exec_inside(f"pgrep -f '^{rude}'").rc == 1
