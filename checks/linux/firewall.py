"""The host's packet filter: what the kernel has loaded, what a boot would load, and what listens behind it."""

from __future__ import annotations

import json
from typing import Any

from checks import CannotLook, NotApplicable, Truths, kind, read
from checks.linux.reading import tool
from checks.linux.software import unit

LOADED = "nft --json list ruleset"
# The file is loaded into an empty network namespace that ends with the command: what a boot would give,
# and the host sees nothing of it.
AT_BOOT = "unshare --net sh -c 'nft --file /etc/nftables.conf && nft --json list ruleset'"
FRONT_ENDS = ("firewalld.service", "ufw.service", "nftables.service", "netfilter-persistent.service")
LOOPBACK = ("127.", "[::1]", "[::ffff:127.")

Ruleset = list[dict[str, Any]]


@kind
def firewall_services(host: Any) -> list[str]:
    """Return which services that load a packet filter are enabled at boot."""
    return [name for name in FRONT_ENDS if unit(host, name)["UnitFileState"].startswith("enabled")]


@kind
def firewall_policy(host: Any, *, hook: str, family: str) -> str | Truths:
    """Return what becomes of a packet that no rule names (`drop` or `accept`), now and after a reboot.

    `hook` is input or forward, `family` is ip or ip6. The next boot is seen where nftables loads the filter.
    """
    now = policy(_ruleset(tool(host, "nft", LOADED)), hook, family)
    if _own_front_end(host):
        return now
    return Truths(running=now, on_disk=policy(_at_boot(host), hook, family))


@kind
def firewall_loopback(host: Any, *, family: str) -> str | Truths:
    """Return whether packets that claim a loopback address but come from outside are dropped: `dropped` or `let in`."""
    now = loopback(_ruleset(tool(host, "nft", LOADED)), family)
    if _own_front_end(host):
        return now
    return Truths(running=now, on_disk=loopback(_at_boot(host), family))


@kind
def firewall_hidden_ports(host: Any) -> list[str]:
    """Return the ports that listen for others while the filter drops by default and no rule of it names them."""
    rules = _ruleset(tool(host, "nft", LOADED))
    if policy(rules, "input", "ip") != "drop" and policy(rules, "input", "ip6") != "drop":
        raise NotApplicable("the filter drops nothing by default")
    named = ports_named(rules)
    return sorted(_listening(host) - named)


@kind
def listening(host: Any) -> list[str]:
    """Return what listens for other hosts, as `tcp/22`; what listens on loopback only is left out."""
    return sorted(_listening(host))


@kind
def wireless_interfaces(host: Any) -> list[str]:
    """Return the wireless network interfaces of the host."""
    found = read(host, "find /sys/class/net/*/ -maxdepth 1 \\( -name phy80211 -o -name wireless \\)")
    return sorted({path.split("/")[4] for path in found.splitlines()})


def policy(rules: Ruleset, hook: str, family: str) -> str:
    """Return `drop` where any base chain of the hook drops what no rule names; the strictest chain decides."""
    chains = [rule["chain"] for rule in rules if "chain" in rule]
    policies = [
        chain.get("policy", "accept")
        for chain in chains
        if chain.get("hook") == hook and chain["family"] in (family, "inet") and chain.get("type") == "filter"
    ]
    return "drop" if "drop" in policies else "accept"


def loopback(rules: Ruleset, family: str) -> str:
    """Return `dropped` where an input chain drops loopback sources that arrive on another interface than lo."""
    network = "127.0.0.0" if family == "ip" else "::1"
    for chain, statements in _input_rules(rules):
        if chain["family"] not in (family, "inet"):
            continue
        text = json.dumps(statements)
        foreign = any(_match(item, meta) == ("!=", "lo") for item in statements for meta in ("iif", "iifname"))
        drops = any("drop" in item or "reject" in item for item in statements)
        if foreign and drops and network in text and '"saddr"' in text:
            return "dropped"
    return "let in"


def ports_named(rules: Ruleset) -> set[str]:
    """Return the ports, as `tcp/22`, that accept rules of input chains name; ranges and sets are opened."""
    named: set[str] = set()
    sets = {(s["family"], s["table"], s["name"]): s.get("elem", []) for s in (i["set"] for i in rules if "set" in i)}
    for chain, statements in _input_rules(rules, dropping=True):
        for item in statements:
            match = item.get("match", {}) if any("accept" in other for other in statements) else {}
            if match.get("op") in ("==", "in"):
                left, right = match["left"], match["right"]
            elif "vmap" in item:
                left, right = item["vmap"]["key"], _accepting(item["vmap"]["data"])
            else:
                continue
            payload = left.get("payload", {}) if isinstance(left, dict) else {}
            if payload.get("field") != "dport":
                continue
            if isinstance(right, str) and right.startswith("@"):
                right = {"set": sets.get((chain["family"], chain["table"], right[1:]), [])}
            protocols = ("tcp", "udp") if payload["protocol"] == "th" else (payload["protocol"],)
            named |= {f"{protocol}/{port}" for protocol in protocols for port in _ports(right)}
    return named


def listening_ports(sockets: str, first_passing: int) -> set[str]:
    """Return `tcp/22` for each line of `ss -Hltun` that is not bound to loopback.

    UDP ports from `first_passing` on are left out: clients get them for the time of a question.
    """
    found = set()
    for line in sockets.splitlines():
        fields = line.split()
        if len(fields) < 5 or not fields[4].rpartition(":")[2].isdigit():
            raise CannotLook(f"ss printed a line that cannot be understood: {line[:80]!r}")
        address, _, port = fields[4].rpartition(":")
        passing = fields[0] == "udp" and int(port) >= first_passing
        if not passing and not address.startswith(LOOPBACK):
            found.add(f"{fields[0]}/{port}")
    return found


def _listening(host: Any) -> set[str]:
    first = read(host, "sysctl -n net.ipv4.ip_local_port_range").split()[0]
    return listening_ports(read(host, "ss -Hltun"), int(first))


def _at_boot(host: Any) -> Ruleset:
    if not unit(host, "nftables.service")["UnitFileState"].startswith("enabled"):
        return []
    return _ruleset(read(host, AT_BOOT))


def _own_front_end(host: Any) -> bool:
    """Tell whether firewalld, ufw or a saved iptables set makes the filter at boot, whose files nft cannot load."""
    others = [name for name in FRONT_ENDS if name != "nftables.service"]
    return any(unit(host, name)["UnitFileState"].startswith("enabled") for name in others)


def _ruleset(text: str) -> Ruleset:
    try:
        rules: Ruleset = json.loads(text)["nftables"]
    except (ValueError, KeyError) as problem:
        raise CannotLook(f"nft did not print a ruleset: {problem}") from None
    return rules


def _input_rules(rules: Ruleset, *, dropping: bool = False) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Return (chain, statements) of every rule in a chain that packets for this host run through, jumps followed.

    `dropping` leaves out what begins in a chain that lets everything in by itself.
    """
    chains = {(c["family"], c["table"], c["name"]): c for c in (item["chain"] for item in rules if "chain" in item)}
    every = [
        (r["family"], r["table"], r["chain"], r.get("expr", [])) for r in (i["rule"] for i in rules if "rule" in i)
    ]
    first = [key for key, chain in chains.items() if chain.get("hook") == "input"]
    reached = {key for key in first if not dropping or chains[key].get("policy") == "drop"}
    while True:
        targets = {
            (family, table, item[verb]["target"])
            for family, table, chain, statements in every
            if (family, table, chain) in reached
            for item in statements
            for verb in ("jump", "goto")
            if verb in item
        }
        if targets <= reached:
            break
        reached |= targets
    inside = reached & chains.keys()
    return [(chains[f, t, c], statements) for f, t, c, statements in every if (f, t, c) in inside]


def _match(statement: dict[str, Any], meta: str) -> tuple[str, str] | None:
    match = statement.get("match", {})
    left = match.get("left", {})
    if isinstance(left, dict) and left.get("meta", {}).get("key") == meta:
        return match["op"], str(match["right"])
    return None


def _accepting(verdicts: Any) -> Any:
    """Return the keys of a verdict map that accept."""
    pairs = verdicts.get("set", []) if isinstance(verdicts, dict) else []
    return {"set": [pair[0] for pair in pairs if isinstance(pair[1], dict) and "accept" in pair[1]]}


def _ports(right: Any) -> list[int]:
    if isinstance(right, int):
        return [right]
    if isinstance(right, dict) and "range" in right:
        low, high = right["range"]
        return list(range(int(low), int(high) + 1))
    if isinstance(right, dict) and "set" in right:
        return [port for item in right["set"] for port in _ports(item)]
    return []
