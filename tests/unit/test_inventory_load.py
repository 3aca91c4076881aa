"""Inventories that cannot be used: each one gives one clear sentence and the exit code for asking wrongly."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from hardening import private_room
from hardening.errors import AskedWrongly, Exit
from hardening.inventory import VaultSecrets, load_inventory, secret_from_file
from hardening.inventory.tools import program
from hardening.remote.values import Secret

REPOSITORY = Path(__file__).parents[2]


def refusal(home: Path, source: str, *, limit: str | None = None, vault: VaultSecrets | None = None) -> str:
    """Return the sentence with which a source is refused, with the test's own directory left out."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    with pytest.raises(AskedWrongly) as refused:
        load_inventory([source], limit=limit, vault=vault, environment=environment, cwd=home)

    assert refused.value.exit is Exit.ASKED_WRONGLY
    return str(refused.value).replace(f"{home}/", "")


def names(home: Path, source: str, limit: str | None = None, vault: VaultSecrets | None = None) -> list[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    return [h.name for h in load_inventory([source], limit=limit, vault=vault, environment=environment, cwd=home).hosts]


def script(path: Path, text: str) -> None:
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o700)


def encrypt(path: Path, password: Path) -> None:
    argv = [program("ansible-vault"), "encrypt", "--vault-password-file", str(password), str(path)]
    subprocess.run(argv, check=True, capture_output=True)


def test_the_example_inventory_loads() -> None:
    """The inventory we ship is one that works."""
    loaded = load_inventory([REPOSITORY / "inventories/example"])

    assert [(h.name, h.groups, h.connection.user) for h in loaded.hosts] == [
        ("bare01", ("bare",), "ops"),
        ("db01", ("db",), "ops"),
        ("web01", ("web",), "ops"),
    ]


def test_a_missing_inventory_is_named_with_its_neighbour(tmp_path: Path) -> None:
    """A misspelt path says so and offers the file that is there."""
    (tmp_path / "hosts.yml").touch()

    assert refusal(tmp_path, "host.yml") == "host.yml: there is no such inventory; did you mean hosts.yml?"


def test_no_source_at_all_is_refused() -> None:
    """Ansible would fall back to /etc/ansible/hosts; we do not guess."""
    with pytest.raises(AskedWrongly, match="no inventory was named"):
        load_inventory([])


def test_a_failing_script_speaks(tmp_path: Path) -> None:
    """The last line of the script's error output and its exit code are in the sentence."""
    script(tmp_path / "cmdb.sh", "echo starting >&2; echo 'cannot reach the CMDB' >&2; exit 3\n")

    said = refusal(tmp_path, "cmdb.sh")

    assert said == "cmdb.sh: the inventory script ended with non-zero exit code 3: cannot reach the CMDB"


def test_a_script_without_json_is_named(tmp_path: Path) -> None:
    """Half an answer is no answer."""
    script(tmp_path / "cmdb.sh", "echo '{'\n")

    assert refusal(tmp_path, "cmdb.sh").startswith("cmdb.sh: the inventory script printed no JSON")


def test_a_script_without_execute_bit_is_told_how(tmp_path: Path) -> None:
    """Ansible would try to read the script as a list of hosts."""
    (tmp_path / "cmdb.py").write_text("#!/usr/bin/python3\nprint(1) = 2\n")

    assert "chmod +x" in refusal(tmp_path, "cmdb.py")


@pytest.mark.parametrize("text", ["", "[web]\n", "# nothing yet\n"])
def test_an_empty_inventory_is_an_error(tmp_path: Path, text: str) -> None:
    """Zero hosts is never a clean run."""
    (tmp_path / "hosts").write_text(text)

    assert refusal(tmp_path, "hosts") == "hosts: the inventory is empty: it holds no host"


def test_broken_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    """File and line of the break."""
    (tmp_path / "hosts.yml").write_text("all:\n  hosts:\n    a: {b: [}\n")

    assert refusal(tmp_path, "hosts.yml").startswith("hosts.yml:3: YAML parsing failed")


def test_broken_group_vars_are_named_with_their_line(tmp_path: Path) -> None:
    """Ansible does not say which variables file is broken; we do."""
    (tmp_path / "hosts").write_text("a\n")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/all.yml").write_text("fine: 1\nbroken: : [\n")

    assert refusal(tmp_path, "hosts").startswith("group_vars/all.yml:2: broken YAML")


def test_one_broken_source_among_good_ones_is_an_error(tmp_path: Path) -> None:
    """Ansible would warn and go on with fewer hosts."""
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory/good").write_text("a\n")
    (tmp_path / "inventory/bad.yml").write_text("all: [\n")

    assert "inventory/bad.yml" in refusal(tmp_path, "inventory")


def test_a_limit_selects_as_ansible_does(tmp_path: Path) -> None:
    """Groups, globs, exclusions and intersections are Ansible's own."""
    (tmp_path / "hosts").write_text("[web]\nweb01\nweb02\n[stage]\nweb02\n")

    assert names(tmp_path, "hosts", "web:!stage") == ["web01"]


def test_a_limit_that_names_nothing_offers_the_nearest(tmp_path: Path) -> None:
    """Even beside a name that exists: half a limit is a mistake, and a misspelt exclusion a dangerous one."""
    (tmp_path / "hosts").write_text("[web]\nweb01\n[database]\ndb01\n")

    assert refusal(tmp_path, "hosts", limit="web01,databse") == (
        "--limit: databse matches no host or group of the inventory; did you mean database?"
    )
    assert "databse" in refusal(tmp_path, "hosts", limit="web:!databse")


def test_a_limit_that_leaves_nothing_is_an_error(tmp_path: Path) -> None:
    """An intersection may be empty although all its names exist."""
    (tmp_path / "hosts").write_text("[web]\nweb01\n[db]\ndb01\n")

    assert refusal(tmp_path, "hosts", limit="web:&db") == "--limit web:&db leaves none of the 2 hosts of the inventory"


def test_a_template_that_cannot_be_resolved_names_host_and_variable(tmp_path: Path) -> None:
    """The undefined name, the variable it stands in and the host; other hosts' templates are fine."""
    (tmp_path / "hosts").write_text('a ansible_host="{{ x }}" x=192.0.2.1\nb ansible_host="{{ y }}"\n')

    assert refusal(tmp_path, "hosts") == "b: ansible_host: {{ y }} cannot be resolved: 'y' is undefined"


def test_a_vaulted_file_needs_its_password(tmp_path: Path) -> None:
    """Missing, wrong and right password, and a password file that is not there."""
    (tmp_path / "hosts").write_text("a\n")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/all.yml").write_text("ansible_become_password: hidden\n")
    (tmp_path / "right").write_text("right\n")
    (tmp_path / "wrong").write_text("wrong\n")
    encrypt(tmp_path / "group_vars/all.yml", tmp_path / "right")
    wrong = VaultSecrets(password_files=(str(tmp_path / "wrong"),))

    assert "--vault-password-file" in refusal(tmp_path, "hosts")
    assert "does not open" in refusal(tmp_path, "hosts", vault=wrong)
    assert names(tmp_path, "hosts", vault=VaultSecrets(password_files=(f"dev@{tmp_path}/right",))) == ["a"]
    assert names(tmp_path, "hosts", vault=VaultSecrets(password=Secret("right"))) == ["a"]
    with pytest.raises(AskedWrongly, match="no such vault password file"):
        VaultSecrets(password_files=(str(tmp_path / "absent"),))


def test_a_vaulted_value_needs_its_password(tmp_path: Path) -> None:
    """A single encrypted connection variable: the host and the variable are named, and its value arrives decrypted."""
    (tmp_path / "right").write_text("right\n")
    (tmp_path / "wrong").write_text("wrong\n")
    argv = [program("ansible-vault"), "encrypt_string", "--vault-password-file", str(tmp_path / "right"), "s3cret"]
    vaulted = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.replace("\n", "\n        ")
    (tmp_path / "hosts.yml").write_text(f"all:\n  hosts:\n    a:\n      ansible_become_password: {vaulted}\n")
    right = VaultSecrets(password_files=(str(tmp_path / "right"),))
    wrong = VaultSecrets(password_files=(str(tmp_path / "wrong"),))

    assert refusal(tmp_path, "hosts.yml").startswith("a: ansible_become_password: encrypted;")
    assert refusal(tmp_path, "hosts.yml", vault=wrong) == "a: the vault password does not open ansible_become_password"
    (host,) = load_inventory([tmp_path / "hosts.yml"], vault=right).hosts
    assert host.connection.become is not None
    assert host.connection.become.password == Secret("s3cret")


def test_a_password_file_may_be_a_program(tmp_path: Path) -> None:
    """An executable password file is run, as Ansible does; an empty or failing one is refused with its name."""
    script(tmp_path / "give", "echo s3cret\n")
    script(tmp_path / "fail", "echo locked >&2; exit 1\n")
    (tmp_path / "empty").write_text("\n")

    assert secret_from_file(tmp_path / "give", purpose="become password") == Secret("s3cret")
    with pytest.raises(AskedWrongly, match=r"fail: the become password script answered 1: locked"):
        secret_from_file(tmp_path / "fail", purpose="become password")
    with pytest.raises(AskedWrongly, match=r"empty: the become password file is empty"):
        secret_from_file(tmp_path / "empty", purpose="become password")


def test_nothing_is_left_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The private directory of an asked vault password is gone afterwards."""
    (tmp_path / "hosts").write_text("a\n")
    (tmp_path / "memory").mkdir()
    monkeypatch.setattr(private_room, "MEMORY", tmp_path / "memory")

    names(tmp_path, "hosts", vault=VaultSecrets(password=Secret("any")))

    assert list((tmp_path / "memory").iterdir()) == []
