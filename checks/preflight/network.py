"""What passes through the host, what is bound where no rule would name it, and where its routes come from."""

from __future__ import annotations

import re
from typing import Any

from checks import CannotLook, read
from checks.preflight.marking import look

LOOPBACK = ("127.", "[::1]", "[::ffff:127.")
VIRTUAL = re.compile(r"^(docker|br-|veth|virbr|vnet|cni|flannel|cali|podman|lxc|lxd|incus|wg|tun|tap)")


@look
def forwarding(host: Any) -> dict[str, Any]:
    """Return how many packets of either family the kernel passed on since boot, and the interfaces that need it."""
    interfaces = read(host, "ls /sys/class/net").split()
    bridges = host.run("ls -d /sys/class/net/*/bridge").stdout.split()
    snmp = [line.split() for line in read(host, "cat /proc/net/snmp").splitlines() if line.startswith("Ip:")]
    if len(snmp) != 2 or "ForwDatagrams" not in snmp[0]:
        raise CannotLook("/proc/net/snmp does not count forwarded packets")
    six = re.search(r"^Ip6OutForwDatagrams\s+([0-9]+)", host.run("cat /proc/net/snmp6").stdout, re.MULTILINE)
    return {
        "ipv4": int(snmp[1][snmp[0].index("ForwDatagrams")]),
        "ipv6": int(six[1]) if six else 0,
        "interfaces": sorted(
            {name for name in interfaces if VIRTUAL.match(name)} | {path.split("/")[4] for path in bridges}
        ),
    }


@look
def advertised_routes(host: Any) -> list[str]:
    """Return the IPv6 default routes that routers advertised to this host."""
    lines = read(host, "ip -6 -o route show default").splitlines()
    return [" ".join(line.split()) for line in lines if "proto ra" in line]


@look
def high_udp_sockets(host: Any) -> list[dict[str, str]]:
    """Return the UDP sockets for everybody in the range that clients' sockets get, with the program; a kernel has none.

    Such a socket may be a passing one of a client, or a service (a WireGuard, a port of RPC).
    """
    first = int(read(host, "sysctl -n net.ipv4.ip_local_port_range").split()[0])
    found = []
    for line in read(host, "ss -Hlunp").splitlines():
        words = line.split()
        address, _, port = words[3].rpartition(":")
        if port.isdigit() and int(port) >= first and not address.startswith(LOOPBACK):
            program = re.search(r'"([^"]+)"', words[-1])
            found.append({"port": port, "program": program[1] if program else "the kernel"})
    return found


@look
def reverse_paths(host: Any) -> dict[str, Any]:
    """Return the interfaces that IPv4 default routes leave by, and the rules beside the three that every host has."""
    defaults = read(host, "ip -4 -o route show default").splitlines()
    rules = read(host, "ip -4 rule show").splitlines()
    leaving = [found[1] for line in defaults if (found := re.search(r"\bdev (\S+)", line))]
    extra = [rule for rule in rules if not re.match(r"^(0|32766|32767):", rule)]
    return {"interfaces": sorted(set(leaving)), "rules": [" ".join(rule.split()) for rule in extra]}
