"""One bridge per lab, one network namespace per host."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path

from tests.lab.commands import run
from tests.lab.errors import LabError


@dataclass(frozen=True, kw_only=True)
class Network:
    """A private /24; every device and namespace is named after an address in it, so two labs cannot collide."""

    base: str

    def __post_init__(self) -> None:
        """Refuse what is not a private /24."""
        try:
            parsed = ipaddress.IPv4Network(self.base)
        except ValueError as problem:
            raise LabError(f"{self.base} is not a network: {problem}; give one like 10.97.0.0/24") from None
        if parsed.prefixlen != 24 or not parsed.is_private:
            raise LabError(f"{self.base} is not a private /24; give one like 10.97.0.0/24")

    @property
    def bridge(self) -> str:
        """The bridge's name, which is also the lab's name."""
        return device_name(str(ipaddress.IPv4Network(self.base).network_address))

    @property
    def gateway(self) -> str:
        """The address of this machine in the lab."""
        return self.address(1)

    def address(self, number: int) -> str:
        """Return the address with that last number."""
        return str(ipaddress.IPv4Network(self.base)[number])


def device_name(address: str) -> str:
    """Return the name of what belongs to an address: link, namespace, control group (at most 15 characters)."""
    return f"hl{int(ipaddress.IPv4Address(address)):08x}"


def links() -> set[str]:
    """Return the names of all links of this machine."""
    return {link["ifname"] for link in json.loads(run(["ip", "-json", "link", "show"]))}


def make_bridge(network: Network) -> None:
    """Create the lab's bridge with this machine's address on it."""
    # Of its own accord a bridge takes the lowest address of its links: with one that comes or goes it would be another
    # neighbour to all hosts.
    own = bytes([2, 0, *ipaddress.IPv4Address(network.gateway).packed]).hex(":")
    run(["ip", "link", "add", network.bridge, "address", own, "type", "bridge"])
    run(["ip", "address", "add", f"{network.gateway}/24", "dev", network.bridge])
    run(["ip", "link", "set", network.bridge, "up"])


def make_namespace(network: Network, address: str) -> Path:
    """Return the host's network namespace, linked to the bridge, with its address; create what is missing."""
    name = device_name(address)
    path = Path("/run/netns") / name
    if not path.exists():
        run(["ip", "netns", "add", name])
    if name not in links():
        run(["ip", "link", "add", name, "type", "veth", "peer", "name", "host0", "netns", name])
    attach(network, address)
    return path


def make_tap(network: Network, address: str) -> None:
    """Create a machine's end of the bridge, if it is missing."""
    name = device_name(address)
    if name not in links():
        run(["ip", "tuntap", "add", "dev", name, "mode", "tap"])
    run(["ip", "link", "set", name, "master", network.bridge, "up"])


def attach(network: Network, address: str) -> None:
    """Give host0 inside the namespace its address and its way to the bridge."""
    name = device_name(address)
    run(["ip", "link", "set", name, "master", network.bridge, "up"])
    inside = ["ip", "-netns", name]
    run([*inside, "link", "set", "lo", "up"])
    run([*inside, "address", "replace", f"{address}/24", "dev", "host0"])
    run([*inside, "link", "set", "host0", "up"])
    run([*inside, "route", "replace", "default", "via", network.gateway])
    # A new link has another hardware address than the one that this machine remembers.
    run(["ip", "neighbour", "flush", "to", address, "dev", network.bridge])


def drop_namespace(name: str) -> None:
    """Remove a host's namespace and link, whatever of them exists."""
    # The link first: a namespace takes its links along some time after it was deleted, not at once.
    drop_link(name)
    if (Path("/run/netns") / name).exists():
        run(["ip", "netns", "delete", name])


def drop_link(name: str) -> None:
    """Remove a link if it exists."""
    if name in links():
        run(["ip", "link", "delete", name])
