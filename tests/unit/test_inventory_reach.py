"""How connection variables become connections: every variable is honoured or refused by name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hardening.errors import BadFiles
from hardening.inventory import Inventory, load_inventory
from hardening.remote.values import Become, Connection, Secret

HOSTS = """\
all:
  vars: {gateway: 10.0.0.9, ansible_user: ops}
  children:
    web:
      children: {edge: {}}
    edge:
      hosts:
        plain: {}
        full:
          ansible_host: 192.0.2.7
          ansible_port: "2222"
          ansible_user: deploy
          ansible_ssh_private_key_file: /keys/deploy
          ansible_ssh_common_args: -o ProxyJump=bastion
          ansible_ssh_extra_args: "-o 'SetEnv=A=b c'"
          ansible_ssh_pass: login pass
          ansible_ssh_timeout: 7
          ansible_become_method: ansible.builtin.su
          ansible_become_user: admin
          ansible_become_pass: become pass
          ansible_become_exe: /opt/su
          ansible_become_flags: --login
    db:
      hosts:
        templated:
          ansible_host: "{{ gateway }}"
          ansible_port: "{{ 2000 + 22 }}"
          ansible_become_pass: "{{ 'a' ~ 'b' }}"
        unsafe: {ansible_ssh_pass: !unsafe "{{ not a template"}
        no_become: {ansible_become: "False"}
        as_root: {ansible_user: root}
        here: {ansible_connection: local}
        container: {ansible_connection: community.docker.docker, ansible_host: "{{ gateway }}", api_token: x}
        twice: {ansible_host: 192.0.2.7, ansible_port: 2222}
        behind_other_jump: {ansible_host: 192.0.2.7, ansible_port: 2222, ansible_ssh_common_args: -J other}
        same: {ansible_host: 192.0.2.7, ansible_port: 2222, ansible_ssh_common_args: -o ProxyJump=bastion}
"""


def clean_environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home)}


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    home = tmp_path_factory.mktemp("inventory")
    (home / "hosts.yml").write_text(HOSTS)
    return load_inventory([home / "hosts.yml"], environment=clean_environment(home), cwd=home)


def reach(inventory: Inventory, name: str) -> Connection:
    return inventory.host(name).connection


def test_a_host_without_variables_is_reached_by_its_name_and_becomes_root_through_sudo(inventory: Inventory) -> None:
    """ssh to the inventory name, Ansible's defaults, sudo to root without a password."""
    assert reach(inventory, "plain") == Connection(name="plain", host="plain", user="ops", become=Become())


def test_every_connection_variable_is_honoured(inventory: Inventory) -> None:
    """Address, port, user, key, arguments, password, time limit and all of become arrive in the connection."""
    assert reach(inventory, "full") == Connection(
        name="full",
        host="192.0.2.7",
        port=2222,
        user="deploy",
        private_key_file="/keys/deploy",
        ssh_args=("-o", "ProxyJump=bastion", "-o", "SetEnv=A=b c"),
        password=Secret("login pass"),
        connect_timeout_s=7.0,
        become=Become(method="su", user="admin", password=Secret("become pass"), exe="/opt/su", flags="--login"),
    )


def test_templates_are_resolved_by_ansible(inventory: Inventory) -> None:
    """An address, a port and a password that are templates arrive as Ansible computes them."""
    templated = reach(inventory, "templated")

    assert (templated.host, templated.port) == ("10.0.0.9", 2022)
    assert templated.become == Become(password=Secret("ab"))


def test_unsafe_text_is_not_a_template(inventory: Inventory) -> None:
    """A password tagged !unsafe may hold braces."""
    assert reach(inventory, "unsafe").password == Secret("{{ not a template")


def test_the_text_false_is_false(inventory: Inventory) -> None:
    """ansible_become: "False" means no, as it does for Ansible."""
    assert reach(inventory, "no_become").become is None


def test_who_is_root_already_becomes_nobody(inventory: Inventory) -> None:
    """No sudo for a login as root, which may not even have it."""
    assert reach(inventory, "as_root").become is None


def test_other_transports_are_left_to_ansible(inventory: Inventory) -> None:
    """local is local; any other plugin goes through Ansible with the sources it needs, templates untouched."""
    assert reach(inventory, "here").transport == "local"
    assert reach(inventory, "container").transport == "ansible"
    assert reach(inventory, "container").ansible_inventory == inventory.sources


def test_groups_hold_all_ancestors(inventory: Inventory) -> None:
    """A host of a child group is in the parent group too; all and ungrouped are no groups."""
    assert inventory.host("plain").groups == ("edge", "web")


def test_variables_hold_no_secret(inventory: Inventory) -> None:
    """Passwords and tokens are left out of the variables, and a connection never shows its passwords."""
    assert not any("pass" in name or "token" in name for host in inventory.hosts for name in host.variables)
    assert "login pass" not in repr(inventory)
    assert "become pass" not in repr(inventory)


def test_two_names_for_one_door_are_found(inventory: Inventory) -> None:
    """Same address, port and way there is the same host; the same address behind another jump host is not."""
    assert [(pair.first, pair.second) for pair in inventory.duplicates] == [("full", "same")]


REFUSALS: list[tuple[dict[str, object], str]] = [
    ({"ansible_ssh_host_key_checking": "False"}, "ansible_ssh_host_key_checking: False is refused: host keys are"),
    (
        {"ansible_ssh_common_args": "-o StrictHostKeyChecking=no"},
        "ansible_ssh_common_args: StrictHostKeyChecking=no is refused: host keys are always checked",
    ),
    ({"ansible_ssh_extra_args": "-oUserKnownHostsFile=/dev/null"}, "ansible_ssh_extra_args: UserKnownHostsFile="),
    ({"ansible_port": "ssh"}, "ansible_port: ssh is not a port number"),
    ({"ansible_port": 70000}, "ansible_port: 70000 is not a port number"),
    ({"ansible_become": "perhaps"}, "ansible_become: perhaps is neither yes nor no"),
    ({"ansible_become_method": "pbrun"}, "ansible_become_method: pbrun is not supported (sudo, su and doas are)"),
    ({"ansible_host": "-oProxyCommand=x"}, "may hold no blanks and not begin with a dash"),
    ({"ansible_ssh_private_key": "text"}, "ansible_ssh_private_key: keys inside the inventory are not supported"),
    ({"ansible_ssh_executable": "/opt/ssh"}, "ansible_ssh_executable: only the system's ssh is used"),
    ({"ansible_shell_type": "powershell"}, "ansible_shell_type: powershell is not supported"),
    ({"ansible_ssh_timeout": "soon"}, "ansible_ssh_timeout: soon is not a number of seconds"),
    ({"ansible_ssh_common_args": "-o 'x"}, "ansible_ssh_common_args: No closing quotation"),
]


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what is said of host 0, 1, 2, ... with the variables of that refusal, and of no other host."""
    home = tmp_path_factory.mktemp("refusals")
    hosts: dict[str, dict[str, object]] = {f"h{number}": variables for number, (variables, _) in enumerate(REFUSALS)}
    (home / "hosts.json").write_text(json.dumps({"all": {"hosts": {**hosts, "fine": {}}}}))
    with pytest.raises(BadFiles) as refused:
        load_inventory([home / "hosts.json"], environment=clean_environment(home), cwd=home)
    return {problem.file: problem.message for problem in refused.value.problems}


@pytest.mark.parametrize("number", range(len(REFUSALS)))
def test_what_cannot_be_honoured_is_refused_by_name(refusals: dict[str, str], number: int) -> None:
    """Host, variable and reason stand in the refusal; all refusals come in one error."""
    assert REFUSALS[number][1] in refusals[f"h{number}"]
    assert len(refusals) == len(REFUSALS)


def test_all_refusals_come_at_once(tmp_path: Path) -> None:
    """Every host and every variable is named in one error."""
    (tmp_path / "hosts").write_text("a ansible_port=x ansible_become_method=pbrun\nb ansible_port=y\n")

    with pytest.raises(BadFiles) as refused:
        load_inventory([tmp_path / "hosts"], environment=clean_environment(tmp_path), cwd=tmp_path)

    assert [(problem.file, problem.message.split(":")[0]) for problem in refused.value.problems] == [
        ("a", "ansible_become_method"),
        ("a", "ansible_port"),
        ("b", "ansible_port"),
    ]


def test_settings_of_ansible_cfg_hold(tmp_path: Path) -> None:
    """What the inventory leaves open is filled from ansible.cfg, as Ansible itself resolves it."""
    (tmp_path / "hosts").write_text("web01\nweb02 ansible_user=other ansible_become_method=sudo\n")
    (tmp_path / "password").write_text("from a file\n")
    (tmp_path / "ansible.cfg").write_text(
        "[defaults]\nremote_user = ops\nprivate_key_file = /keys/cfg\ntimeout = 4\nbecome_password_file = password\n"
        "[ssh_connection]\nssh_common_args = -o ProxyJump=bastion\n"
        "[privilege_escalation]\nbecome_method = su\n"
        "[sudo_become_plugin]\nflags = -H\n"
    )

    first, second = load_inventory([tmp_path / "hosts"], environment=clean_environment(tmp_path), cwd=tmp_path).hosts

    assert first.connection == Connection(
        name="web01",
        host="web01",
        user="ops",
        private_key_file="/keys/cfg",
        ssh_args=("-o", "ProxyJump=bastion"),
        connect_timeout_s=4.0,
        become=Become(method="su", password=Secret("from a file")),
    )
    assert second.connection.user == "other"
    assert second.connection.become == Become(method="sudo", flags="-H", password=Secret("from a file"))
