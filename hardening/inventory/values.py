"""What an inventory is to us."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from hardening.errors import AskedWrongly
from hardening.model import Json
from hardening.remote.values import Connection
from hardening.yaml_lines import did_you_mean


@dataclass(frozen=True, kw_only=True)
class InventoryHost:
    """One host. `groups` leaves out `all` and `ungrouped`; `variables` leaves out everything that may be secret."""

    name: str
    groups: tuple[str, ...]
    variables: Mapping[str, Json]
    connection: Connection


@dataclass(frozen=True, kw_only=True)
class Duplicate:
    """Two names that lead to the same door: changing one is changing the other."""

    first: str
    second: str
    address: str

    def __str__(self) -> str:
        return f"{self.first} and {self.second} are the same host: {self.address}"


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """The selected hosts, sorted by name; never empty."""

    sources: tuple[str, ...]
    hosts: tuple[InventoryHost, ...]
    limit: str | None = None

    @property
    def duplicates(self) -> tuple[Duplicate, ...]:
        """Return each name whose address and port an earlier name has already, paired with that one."""
        first: dict[tuple[str, ...], str] = {}
        found = []
        for host in self.hosts:
            door = _door(host.connection)
            if door is None:
                continue
            if door in first:
                found.append(Duplicate(first=first[door], second=host.name, address=door[0]))
            else:
                first[door] = host.name
        return tuple(found)

    def host(self, name: str) -> InventoryHost:
        """Return a host by name, or complain with the nearest one."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise AskedWrongly(f"{name} is not a host of this inventory{did_you_mean(name, [h.name for h in self.hosts])}")


def _door(connection: Connection) -> tuple[str, ...] | None:
    """Return what tells two hosts apart: address, port and the way there; None where only Ansible knows."""
    if connection.transport == "local":
        return ("this machine",)
    if connection.transport != "ssh":
        return None
    # The same private address behind two jump hosts is two hosts.
    words = ("", *connection.ssh_args)
    way = " ".join(word for before, word in pairwise(words) if "proxy" in word.casefold() or before == "-J")
    return (f"{_address(connection.host)} port {connection.port or 22}", way)


def _address(host: str) -> str:
    try:
        return ipaddress.ip_address(host.strip("[]")).compressed
    except ValueError:
        return host.casefold().rstrip(".")
