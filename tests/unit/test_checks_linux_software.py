"""What the looks at packages, apt, units and the packet filter make of recorded answers."""

from __future__ import annotations

from typing import Any

import pytest

from checks import CannotLook, NotApplicable, Truths
from checks.linux import (
    apt_option,
    limit,
    packages,
    pending_security_updates,
    sweep,
    systemd_option,
    units,
    unverified_sources,
)
from checks.linux.configuration import trusts_blindly
from checks.linux.firewall import listening_ports, loopback, policy, ports_named
from tests.recorded import RecordedHost

LIST_PACKAGES = (
    "if command -v dpkg-query >/dev/null; then dpkg-query --show --showformat "
    "'${db:Status-Status} ${Package} ${Version}\n'; elif command -v rpm >/dev/null; then rpm --query --all"
    " --queryformat 'installed %{NAME} %{VERSION}\n'; else exit 3; fi"
)
LIMITS = "cat /etc/security/limits.conf $(ls /etc/security/limits.d/*.conf 2>/dev/null)"


def chain(name: str, hook: str, verdict: str, family: str = "inet") -> dict[str, Any]:
    """Return a base chain as nft prints it."""
    head = {"family": family, "table": "t", "name": name, "handle": 1}
    return {"chain": {**head, "type": "filter", "hook": hook, "prio": 0, "policy": verdict}}


def rule(in_chain: str, *statements: dict[str, Any], family: str = "inet") -> dict[str, Any]:
    """Return a rule as nft prints it."""
    return {"rule": {"family": family, "table": "t", "chain": in_chain, "expr": list(statements)}}


def port(right: Any, protocol: str = "tcp") -> dict[str, Any]:
    """Return the match of a destination port."""
    return {"match": {"op": "==", "left": {"payload": {"protocol": protocol, "field": "dport"}}, "right": right}}


def test_removed_packages_that_left_configuration_are_not_installed() -> None:
    """dpkg keeps the names of removed packages."""
    listing = "installed nginx 1.22\nconfig-files telnet 0.17\n"

    assert packages(RecordedHost({LIST_PACKAGES: (0, listing, "")}), names=["nginx", "telnet"]) == ["nginx"]


def test_an_empty_package_database_is_no_answer() -> None:
    """Every package control would pass on a host whose dpkg is broken."""
    with pytest.raises(CannotLook):
        packages(RecordedHost({LIST_PACKAGES: (0, "", "")}), names=["telnet"])


def test_a_unit_has_two_truths_and_may_not_exist() -> None:
    """Running and enabled are told apart; a unit nobody has is not-found in both."""
    ask = "systemctl show --property=Id,LoadState,ActiveState,UnitFileState "
    replies = {
        ask + "cups.service": (
            0,
            "Id=cups.service\nLoadState=loaded\nActiveState=inactive\nUnitFileState=enabled\n",
            "",
        ),
        ask + "x.service": (0, "Id=x.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n", ""),
        ask + "m.service": (0, "Id=m.service\nLoadState=masked\nActiveState=inactive\nUnitFileState=masked\n", ""),
    }

    seen = units(RecordedHost(replies), names=["cups.service", "x.service", "m.service"])

    assert seen == Truths(
        running={"cups.service": "inactive", "x.service": "not-found", "m.service": "inactive"},
        on_disk={"cups.service": "enabled", "x.service": "not-found", "m.service": "masked"},
    )


def test_without_a_list_of_the_security_archive_nothing_can_be_said() -> None:
    """A host that never fetched the archive's list would otherwise look up to date."""
    host = RecordedHost(
        {"command -v apt-get": (0, "", ""), "ls -1 -q -- /var/lib/apt/lists": (0, "lock\npartial\n", "")}
    )

    with pytest.raises(CannotLook, match="security archive"):
        pending_security_updates(host)


def test_updates_from_the_security_archive_are_told_from_others() -> None:
    """New packages and updates of other archives are no missing security update."""
    simulate = "LC_ALL=C apt-get --simulate -o Debug::NoLocking=true dist-upgrade"
    planned = (
        "Inst openssl [3.0.14] (3.0.15 Debian-Security:12/stable-security [amd64])\n"
        "Inst vim [9.0.1] (9.0.2 Debian:12.9/stable [amd64])\n"
        "Inst linux-image-6.1.0-30 (6.1.124 Debian-Security:12/stable-security [amd64])\n"
    )
    lists = "security.debian.org_dists_bookworm-security_InRelease\n"
    replies = {
        "command -v apt-get": (0, "", ""),
        "ls -1 -q -- /var/lib/apt/lists": (0, lists, ""),
        simulate: (0, planned, ""),
    }

    assert pending_security_updates(RecordedHost(replies)) == ["openssl"]


def test_apt_options_are_found_whatever_their_case() -> None:
    """apt.conf(5): names are not case-sensitive; one that is there without a value is not set."""
    dump = 'APT "";\nAPT::Periodic "";\nAPT::periodic::Unattended-Upgrade "1";\nAPT::Get "";\n'
    host = RecordedHost({"apt-config dump": (0, dump, "")})

    assert apt_option(host, option="APT::Periodic::Unattended-Upgrade") == "1"
    assert apt_option(host, option="APT::Get") is None


@pytest.mark.parametrize(
    ("line", "blind"),
    [
        ("deb [trusted=yes] http://a b main", True),
        ("deb [arch=amd64 Trusted=YES] http://a b main", True),
        ("deb-src [allow-insecure=yes] http://a b main", True),
        ("deb [signed-by=/k.gpg] http://a b main", False),
        ("# deb [trusted=yes] http://a b main", False),
        ("deb [trusted=no] http://a b main", False),
        ("Trusted: yes", True),
        ("Signed-By: /usr/share/keyrings/x.gpg", False),
    ],
)
def test_sources_that_trust_blindly_are_found_in_both_formats(line: str, blind: bool) -> None:
    """One-line and deb822 sources are read alike; comments are not sources."""
    assert trusts_blindly(line) is blind


def test_unreadable_lists_of_sources_are_no_verdict() -> None:
    """An unread list might hold anything."""
    with pytest.raises(CannotLook):
        unverified_sources(RecordedHost({"command -v apt-get": (0, "", "")}))


def test_the_last_value_of_a_systemd_option_in_its_section_counts() -> None:
    """Comments and other sections are passed over; an empty value unsets."""
    text = "[Coredump]\n#Storage=external\nStorage=journal\n[Other]\nStorage=x\n[Coredump]\nStorage=none\n"
    host = RecordedHost({"systemd-analyze cat-config systemd/coredump.conf": (0, text, "")})

    assert systemd_option(host, file="coredump.conf", section="Coredump", option="Storage") == "none"


def test_a_dash_sets_the_hard_limit_as_well() -> None:
    """limits.conf(5): `-` is soft and hard; soft alone is not the limit."""
    text = "* soft core 0\n* - core 5\nroot hard core 7\n"

    assert limit(RecordedHost({LIMITS: (0, text, "")}), domain="*", item="core") == "5"


def test_a_walk_that_was_refused_somewhere_is_no_verdict() -> None:
    """A file that vanished meanwhile is fine; a directory that could not be entered is not."""

    class Walked(RecordedHost):
        """Answers whatever walk is asked for."""

        def __init__(self, rc: int, said: str) -> None:
            super().__init__({})
            self.answer = (rc, "w /srv/open\0s /srv/shared\0", said)

        def run(self, command: str, *arguments: str) -> Any:
            """Answer the walk."""
            self.replies = {command: self.answer}
            return super().run(command)

    vanished = Walked(1, "find: '/tmp/x': No such file or directory\n")
    refused = Walked(1, "find: '/srv/y': Permission denied\n")

    assert sweep(vanished, what="world_writable_files") == ["/srv/open"]
    with pytest.raises(CannotLook):
        sweep(refused, what="world_writable_files")


def test_the_strictest_chain_decides_what_becomes_of_a_packet() -> None:
    """A drop in any base chain is final, and inet counts for both families."""
    rules = [chain("a", "input", "accept"), chain("b", "input", "drop", family="ip")]

    assert policy(rules, "input", "ip") == "drop"
    assert policy(rules, "input", "ip6") == "accept"


def test_ports_are_found_in_lists_ranges_named_sets_verdict_maps_and_jumps() -> None:
    """Whatever way a filter names a port, what listens there is not hidden; chains that accept anyway do not count."""
    accept = {"accept": None}
    rules = [
        chain("input", "input", "drop"),
        chain("open", "input", "accept"),
        {"chain": {"family": "inet", "table": "t", "name": "web", "handle": 3}},
        {"set": {"family": "inet", "table": "t", "name": "mail", "elem": [25, 587]}},
        rule("input", port({"set": [22, {"range": [8000, 8002]}]}), accept),
        rule("input", port("@mail"), accept),
        rule("input", {"jump": {"target": "web"}}),
        rule("web", port(443), accept),
        rule("web", port(81), {"drop": None}),
        rule(
            "input",
            {"vmap": {"key": {"payload": {"protocol": "udp", "field": "dport"}}, "data": {"set": [[53, accept]]}}},
        ),
        rule("open", port(9999), accept),
    ]
    ports = ("22", "8000", "8001", "8002", "25", "587", "443")

    assert ports_named(rules) == {*(f"tcp/{number}" for number in ports), "udp/53"}


def test_only_a_rule_that_drops_foreign_loopback_sources_counts() -> None:
    """The source has to be the loopback network, and the interface any but lo."""
    source = {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "127.0.0.0"}}
    foreign = {"match": {"op": "!=", "left": {"meta": {"key": "iif"}}, "right": "lo"}}
    own = {"match": {"op": "==", "left": {"meta": {"key": "iif"}}, "right": "lo"}}
    first = chain("input", "input", "accept")

    assert loopback([first, rule("input", foreign, source, {"drop": None})], "ip") == "dropped"
    assert loopback([first, rule("input", own, source, {"drop": None})], "ip") == "let in"
    assert loopback([first, rule("input", foreign, source, {"accept": None})], "ip") == "let in"


def test_what_listens_on_loopback_only_is_nothing_to_others() -> None:
    """Addresses of both families, IPv4 written as IPv6; and a client's passing UDP port is no service."""
    sockets = (
        "tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n"
        "tcp LISTEN 0 128 127.0.0.1:5432 0.0.0.0:*\n"
        "tcp LISTEN 0 128 [::1]:5432 [::]:*\n"
        "tcp LISTEN 0 100 [::ffff:127.0.0.1]:8005 *:*\n"
        "udp UNCONN 0 0 10.0.0.5%eth0:68 0.0.0.0:*\n"
        "udp UNCONN 0 0 0.0.0.0:41234 0.0.0.0:*\n"
    )

    assert listening_ports(sockets, 32768) == {"tcp/22", "udp/68"}


def test_a_reply_of_ss_that_cannot_be_understood_is_no_verdict() -> None:
    """Half a line would lose a port."""
    with pytest.raises(CannotLook):
        listening_ports("tcp LISTEN 0\n", 32768)


def test_a_host_without_apt_has_no_apt_options() -> None:
    """Another package manager is not a gap of apt."""
    host = RecordedHost({"apt-config dump": (127, "", "not found")})

    with pytest.raises(NotApplicable):
        apt_option(host, option="APT::Get::AllowUnauthenticated")
