"""The network as a host sees it: interfaces, lines to peers, and the state of its connections."""

from __future__ import annotations

import json
import re
from typing import Any

from checks import CannotLook, NotApplicable, read
from checks.inspection.marking import look
from checks.inspection.reading import lines, number, percent

# What the kernel answers where no route leads to the peer, or one that refuses or swallows everything.
_NO_WAY = re.compile(r"(Network is unreachable|No route to host|Invalid argument)$", re.M)


@look
def interfaces_down(host: Any) -> list[str]:
    """Return the interfaces that are switched on and have no link."""
    links = json.loads(read(host, "ip -j link show"))
    return sorted(link["ifname"] for link in links if "UP" in link["flags"] and "NO-CARRIER" in link["flags"])


@look
def interface_errors(host: Any) -> dict[str, float]:
    """Return for each interface how many of a million packets were lost to errors since it came up."""
    listed = lines(read(host, "cat /proc/net/dev"))[2:]
    found = {}
    for line in listed:
        name, _, rest = line.partition(":")
        counts = [number(word, "a counter") for word in rest.split()]
        packets, errors = counts[1] + counts[9], counts[2] + counts[10]
        if name != "lo" and packets + errors > 0:
            found[name] = round(1e6 * errors / (packets + errors), 1)
    if not found:
        raise NotApplicable("no interface has carried anything")
    return found


@look
def gateway_loss(host: Any) -> dict[str, float]:
    """Return how many packets to each default gateway are lost, in percent."""
    routes = json.loads(read(host, "ip -j route show default") or "[]")
    gateways = sorted({route["gateway"] for route in routes if "gateway" in route})
    if not gateways:
        raise NotApplicable("there is no default gateway")
    return {gateway: _ping(host, gateway)[0] for gateway in gateways}


@look
def line_loss(host: Any, *, peers: list[str]) -> dict[str, float]:
    """Return how many packets to each peer at the other end of a line are lost, in percent."""
    return {peer: _ping(host, peer)[0] for peer in _named(peers)}


@look
def line_round_trip(host: Any, *, peers: list[str]) -> dict[str, float | None]:
    """Return the mean round trip to each peer in milliseconds, None where nothing came back."""
    return {peer: _ping(host, peer)[1] for peer in _named(peers)}


def _named(peers: list[str]) -> list[str]:
    if not peers:
        raise NotApplicable("no peer is named for this host")
    return peers


def _ping(host: Any, peer: str) -> tuple[float, float | None]:
    done = host.run("LC_ALL=C ping -n -c 5 -i 0.2 -W 2 %s", peer)
    lost = re.search(r"([\d.]+)% packet loss", str(done.stdout))
    if not lost and _NO_WAY.search(str(done.stderr)):
        return 100.0, None
    if not lost:
        raise CannotLook(f"ping said: {(done.stderr or done.stdout).strip()[-120:]}")
    took = re.search(r"= [\d.]+/([\d.]+)/", str(done.stdout))
    return float(lost[1]), float(took[1]) if took else None


@look
def connections_in(host: Any, *, state: str) -> float:
    """Return how many TCP connections are in a state, such as close-wait: the program has not noticed their end."""
    return float(len(lines(read(host, "ss -H -tan state %s", state))))


@look
def backlog_use(host: Any) -> dict[str, float]:
    """Return how full the queue of each listening TCP port is, in percent: what waits there is not served."""
    found = {}
    for line in lines(read(host, "ss -H -ltn")):
        _, waiting, most, address = line.split()[:4]
        found[address] = percent(number(waiting, "a queue"), max(number(most, "its length"), 1.0))
    if not found:
        raise NotApplicable("nothing listens")
    return found


@look
def local_port_use(host: Any) -> float:
    """Return how many of the ports for outgoing connections are in use, in percent."""
    low, high = (int(word) for word in read(host, "cat /proc/sys/net/ipv4/ip_local_port_range").split())
    used = set()
    for line in lines(read(host, "ss -H -tan")):
        port = line.split()[3].rpartition(":")[2]
        if port.isdigit() and low <= int(port) <= high:
            used.add(port)
    return percent(len(used), high - low + 1)
