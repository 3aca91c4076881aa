"""Ansible inventories of lab hosts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.lab.reachable import Reachable

_GROUPS = {"nginx": "web", "postgresql": "db", "mariadb": "db", "redis": "db", "rabbitmq": "queue", "tomcat": "web"}


def write_inventory(path: Path, hosts: Sequence[Reachable]) -> Path:
    """Write an inventory of the hosts; all are in the group `lab`, and in a group for each service they run."""
    groups: dict[str, dict[str, dict[str, dict[str, str | bool | int]]]] = {"lab": {"hosts": {}}}
    for host in hosts:
        groups["lab"]["hosts"][host.name] = host_vars(host)
        for service in host.services:
            groups.setdefault(_GROUPS[service], {"hosts": {}})["hosts"][host.name] = {}
    path.write_text(yaml.safe_dump({"all": {"children": groups}}, sort_keys=True))
    return path


def host_vars(host: Reachable) -> dict[str, str | bool | int]:
    """Return the Ansible variables that log in to a host as ops, with sudo."""
    access = host.ssh
    return {
        "ansible_host": host.address,
        "ansible_user": "ops",
        "ansible_ssh_private_key_file": str(access.key),
        "ansible_ssh_common_args": f"-F none -o UserKnownHostsFile={access.known_hosts} -o GlobalKnownHostsFile=none"
        " -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes",
        "ansible_become": True,
        "ansible_timeout": host.login_timeout_s,
        "ansible_python_interpreter": "/usr/bin/python3",
    }
