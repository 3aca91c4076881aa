"""Our own tables of the packet filter, one per control, so that each comes and goes alone; others' are not touched."""

from __future__ import annotations

import re
from typing import List, Sequence, Set

from .errors import CannotApply
from .system import System

CONFIGURATION = "/etc/nftables.conf"
FRONT_ENDS = ("nftables.service", "firewalld.service", "ufw.service", "netfilter-persistent.service")
FIRST_EPHEMERAL = "net.ipv4.ip_local_port_range"
# Without these a host loses its address, its path MTU, or over IPv6 its neighbours.
ALWAYS = {
    "ip": [
        'iif "lo" accept',
        "ct state established,related accept",
        "icmp type { echo-request, destination-unreachable, time-exceeded, parameter-problem } accept",
        "ip protocol igmp accept",
        "udp sport 67 udp dport 68 accept",
    ],
    "ip6": [
        'iif "lo" accept',
        "ct state established,related accept",
        "meta l4proto ipv6-icmp accept",
        "udp sport 547 udp dport 546 accept",
    ],
}


class Table:
    """The table `hardening_<purpose>` of a family: loaded now, and a block of /etc/nftables.conf for the next boot."""

    def __init__(self, system: System, *, family: str, purpose: str) -> None:
        self.system = system
        self.family = family
        self.name = "hardening_" + purpose
        self.runtime = system.runtime("nft-" + family + "-" + purpose)

    @property
    def text(self) -> str:
        """The table as nft lists it; empty where there is none."""
        return self.runtime.text

    @property
    def ports(self) -> Set[str]:
        """Ports that the table lets in, as `tcp/22`; they stay let in while their service is being restarted."""
        found = set()
        for protocol, ports in re.findall(
            r"^\s*(tcp|udp) dport (?:\{ )?([0-9, ]+?)(?: \})? accept$", self.text, re.MULTILINE
        ):
            found |= {protocol + "/" + port for port in re.findall(r"[0-9]+", ports)}
        return found

    @property
    def owner(self) -> str:
        """The control whose block in the configuration makes this table; empty where there is none."""
        above = self.system.file(CONFIGURATION).text.split("table " + self.family + " " + self.name)[0]
        named = re.findall(r"^# (\S+)$", above, re.MULTILINE)
        return str(named[-1]) if named else ""

    def set(self, key: str, hook: str, rules: Sequence[str], *, policy: str, priority: str = "filter") -> None:
        """Have the table with one chain, now and at boot."""
        if not self.system.file(CONFIGURATION).exists:
            raise CannotApply(CONFIGURATION + " does not exist; install nftables")
        head = "type filter hook " + hook + " priority " + priority + "; policy " + policy + ";"
        body = "".join("\t\t" + line + "\n" for line in [head, *rules])
        text = "table " + self.family + " " + self.name + " {\n\tchain " + hook + " {\n" + body + "\t}\n}\n"
        listed = self._as_listed(text)
        self.runtime.set_text(listed)
        self.system.dropin(CONFIGURATION).set(key, listed.rstrip("\n"))

    def remove(self, key: str) -> None:
        """Have no such table, now and at boot."""
        self.runtime.set_text("")
        if self.system.file(CONFIGURATION).exists:
            self.system.dropin(CONFIGURATION).remove(key)

    def _as_listed(self, text: str) -> str:
        """Return the text as nft will list it: loaded into an empty network namespace, which ends with the command."""
        script = 'printf "%s" "$1" | nft -f - && nft -s list table "$2" "$3"'
        ran = self.system.ask("unshare", "--net", "sh", "-c", script, "sh", text, self.family, self.name)
        if ran.rc != 0:
            raise CannotApply("nft does not take the rules: " + ran.said)
        return ran.out


def refuse_other_front_ends(system: System) -> None:
    """Refuse where firewalld, ufw or saved iptables rules make the filter: two of them hide each other's faults."""
    others = [name for name in FRONT_ENDS[1:] if system.unit(name).state["enabled"] == "enabled"]
    if others:
        raise CannotApply(", ".join(others) + " makes the packet filter of this host; set the policy there")


def input_rules(system: System, family: str, known: Set[str]) -> List[str]:
    """Return the rules that let in what this host serves: every listening socket, and those let in before."""
    if any(
        line
        for line in system.ask("ip", "tunnel", "show").out.splitlines()
        if not re.match(r"^(gre0|tunl0|sit0|ip_vti0|erspan0):", line)
    ):
        raise CannotApply(
            "this host has tunnels, whose packets a default of drop would cut off; write its filter by hand"
        )
    ports = listening(system) | known
    rules = list(ALWAYS[family])
    if system.ask("ip", "xfrm", "state").out.strip():
        rules.append("meta l4proto { esp, ah } accept")
    protocols = raw_protocols(system)
    if protocols:
        rules.append("meta l4proto { " + ", ".join(str(number) for number in sorted(protocols)) + " } accept")
    for protocol in ("tcp", "udp"):
        numbers = sorted(int(port.split("/")[1]) for port in ports if port.startswith(protocol + "/"))
        if numbers:
            rules.append(protocol + " dport { " + ", ".join(map(str, numbers)) + " } accept")
    return rules


def listening(system: System) -> Set[str]:
    """Return what others may reach, as `tcp/22`; loopback and the passing ports of clients are left out."""
    limit = str(system.sysctl(FIRST_EPHEMERAL).value or "32768").split()[0]
    found = set()
    ran = system.ask("ss", "-Hltun")
    if ran.rc != 0:
        raise CannotApply("ss cannot tell what listens: " + ran.said)
    for line in ran.out.splitlines():
        words = line.split()
        address, _, port = words[4].rpartition(":")
        passing = words[0] == "udp" and int(port) >= int(limit)
        if not passing and not address.startswith(("127.", "[::1]", "[::ffff:127.")):
            found.add(words[0] + "/" + port)
    if not any(port.startswith("tcp/") for port in found):
        raise CannotApply(
            "nothing seems to listen on this host, not even what lets us in; dropping by default would lock it"
        )
    # The very connections that administer the host, whatever listens for them (a jump, a socket unit).
    for line in system.ask("ss", "-Htnp", "state", "established").out.splitlines():
        words = line.split()
        if '"sshd' in line and words[2].rpartition(":")[2].isdigit() and not words[3].startswith(("127.", "[::1]")):
            found.add("tcp/" + words[2].rpartition(":")[2])
    return found


def raw_protocols(system: System) -> Set[int]:
    """Return the numbers of protocols that programs take off the wire themselves (VRRP is 112, OSPF 89)."""
    numbers = set()
    for line in system.ask("ss", "-Hlwn").out.splitlines():
        words = line.split()
        number = words[4].rpartition(":")[2] if len(words) > 4 else ""
        if number.isdigit() and int(number) not in (0, 1, 2, 6, 17, 58, 255):
            numbers.add(int(number))
    return numbers
