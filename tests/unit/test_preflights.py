"""The rules of preflights: what they expect to break, what they let pass, and that not knowing is never a pass."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from hardening.kinds import preflight_looks
from hardening.prediction import Consequence, Fact, Need, Us
from hardening.preflights import needs_of, predict, preflights, unreached
from hardening.preflights.nginx import size_bytes
from hardening.preflights.rule import Unknown
from tests.preflight_facts import (
    ACCOUNT,
    BY_PASSWORD,
    LOGIN,
    ONE_ROOM,
    ROOM,
    SSHD,
    US,
    expected,
    item,
    sshd,
)


def test_every_look_is_there_and_is_asked_for() -> None:
    """Each preflight needs looks that exist, with the parameters that they take; no look is there for nothing."""
    samples = {
        "service_in_use": item("linux.units", "off", names=["a.service"]),
        "removal_takes_others": item("linux.packages", "absent", names=["a"]),
        "noexec_in_use": item("linux.mount", ["noexec"], path="/tmp"),
    }
    needs: list[Need] = []
    for code, preflight in preflights().items():
        given = preflight.needs([samples.get(code, item("postgresql.setting", "1", name="x"))])
        needs += [need if isinstance(need, Need) else Need(look=need) for need in given.values()]

    assert {need.look for need in needs} == set(preflight_looks())
    for need in needs:
        assert set(inspect.signature(preflight_looks()[need.look]).parameters) == {"host", *need.params}
    assert all(p.predicts and p.predicts_zh and p.rule.__doc__ for p in preflights().values())


def test_only_what_is_planned_is_asked() -> None:
    """A banner asks for room to write in, and for nothing else; no plan asks for nothing."""
    assert [need.look for need in needs_of([item("linux.banner", "x", path="/etc/issue")])] == ["room"]
    assert needs_of([]) == ()


def test_what_was_not_seen_is_unknown_for_all_its_items() -> None:
    """A look that failed, one that is missing, a rule that fails and a host out of reach are never a pass."""
    planned = [sshd("PermitRootLogin", "no"), item("linux.banner", "x")]
    login, room = Need(look="login").key, Need(look="room").key

    failed = predict("web01", planned, {login: Fact(reason="no ss"), room: Fact(value=ROOM)}, US)
    nonsense = predict("web01", planned[1:], {room: Fact(value="nonsense")}, US)
    away = unreached("web01", planned, "timed out")

    assert [(each.code, each.consequence, each.controls) for each in failed] == [
        ("sshd_root_login", Consequence.UNKNOWN, (("web01/sshd", "sshd.option"),))
    ]
    assert "(no ss)" in failed[0].says
    assert "（no ss）" in failed[0].says_zh
    assert "the preflight itself failed: TypeError" in nonsense[0].says
    assert {each.code for each in away} == {"no_room", "sshd_root_login"}
    assert all(each.consequence is Consequence.UNKNOWN for each in away)


def test_what_is_known_stays_where_the_rest_is_not() -> None:
    """A rule that finds a breakage and then cannot tell says both."""
    planned = [sshd("Ciphers", "3des-cbc"), sshd("MACs", "+hmac-sha1")]

    told = expected(planned)["sshd_algorithms"]

    assert "no cipher of 3des-cbc" in told
    assert "unknown: " in told


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("AllowUsers", "deploy"),
        ("AllowUsers", "root ops,opspw"),
        ("AllowUsers", "op*@10.97.14.0/24,!10.97.14.1"),
        ("DenyUsers", "!ops o*"),
        ("AllowUsers", "ops@10.98.0.0/16"),
        ("AllowUsers", "ops@192.168.*"),
        ("AllowUsers", "OPS"),
        ("AllowUsers", "[o]ps"),
        ("DenyUsers", "o*"),
        ("DenyUsers", "root *@10.97.0.0/16"),
        ("AllowGroups", "wheel"),
        ("DenyGroups", "sudo"),
        ("DenyGroups", "su*"),
        ("AllowGroups", "sudo,x"),
    ],
)
def test_lists_that_refuse_us(option: str, value: str) -> None:
    """Patterns of sshd for users, groups and places, as sshd reads them."""
    assert set(expected(sshd(option, value))) == {"sshd_account_denied"}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("AllowUsers", "ops"),
        ("AllowUsers", "root op*"),
        ("AllowUsers", "ops@10.97.14.0/24"),
        ("AllowUsers", "ops@10.97.14.?"),
        ("AllowUsers", "ops !ops"),
        ("AllowUsers", "op*@!10.98.*,10.97.*"),
        ("DenyUsers", "ops@10.98.0.0/16"),
        ("AllowGroups", "wheel sudo"),
        ("DenyGroups", "wheel"),
    ],
)
def test_lists_that_let_us_in(option: str, value: str) -> None:
    """The same patterns where they do not speak against us."""
    assert expected(sshd(option, value)) == {}


def test_lists_add_up_and_names_need_the_name_server() -> None:
    """What sshd_config has already counts beside the planned line; a host name cannot be judged with UseDNS."""
    already = {**SSHD, "allowusers": ["root", "ops"]}

    assert expected(sshd("AllowUsers", "deploy"), sshd_effective=already) == {}
    assert (
        "unknown"
        in expected(sshd("AllowUsers", "ops@*.example.org"), sshd_effective={**SSHD, "usedns": ["yes"]})[
            "sshd_account_denied"
        ]
    )
    assert set(expected(sshd("AllowUsers", "ops@*.example.org"))) == {"sshd_account_denied"}


def test_ways_to_log_in() -> None:
    """Root, password, key, its type, several at once: only what we use ourselves is missed."""
    root: dict[str, Any] = {**LOGIN, "user": "root"}
    password: dict[str, Any] = {"login_method": BY_PASSWORD}

    assert expected(sshd("PermitRootLogin", "no")) == {}
    assert set(expected(sshd("PermitRootLogin", "no"), login=root)) == {"sshd_root_login"}
    assert expected(sshd("PermitRootLogin", "prohibit-password"), login=root) == {}
    assert set(expected(sshd("PermitRootLogin", "prohibit-password"), login=root, **password)) == {"sshd_root_login"}
    assert expected(sshd("PasswordAuthentication", "no")) == {}
    assert set(expected(sshd("PasswordAuthentication", "no"), **password)) == {"sshd_login_method"}
    assert set(expected(sshd("AuthenticationMethods", "publickey,password"))) == {"sshd_login_method"}
    assert expected(sshd("AuthenticationMethods", "publickey,password publickey")) == {}
    assert set(expected(sshd("PubkeyAcceptedAlgorithms", "rsa-sha2-512"))) == {"sshd_key_type"}
    assert (
        "unknown"
        in expected(sshd("PubkeyAcceptedAlgorithms", "x"), login_method={"method": "publickey", "key": "NEW"})[
            "sshd_key_type"
        ]
    )


def test_algorithms_of_this_client_decide() -> None:
    """One in common is enough; a host key must exist, and be one that this machine trusts already."""
    assert expected(sshd("Ciphers", "aes256-gcm@openssh.com,aes128-ctr")) == {}
    assert set(expected(sshd("Ciphers", "aes256-gcm@openssh.com"))) == {"sshd_algorithms"}
    assert expected(sshd("HostKeyAlgorithms", "ecdsa-sha2-nistp256")) == {}
    # Both sides speak it and the host has such a key, but known_hosts holds only the other: the login would be refused.
    assert set(expected(sshd("HostKeyAlgorithms", "ssh-ed25519"))) == {"sshd_algorithms"}
    assert expected(sshd("HostKeyAlgorithms", "ssh-ed25519"), us=Us(offers=US.offers)) == {}
    assert "unknown" in expected(sshd("Ciphers", "aes128-ctr"), us=Us())["sshd_algorithms"]


@pytest.mark.parametrize(
    ("dates", "refused"),
    [
        ({}, False),
        ({"last_change": 0}, True),
        ({"last_change": 20700, "max_days": 90}, False),
        ({"last_change": 20600, "max_days": 90}, True),
        ({"expires": 20786}, True),
        ({"expires": 20787}, False),
        ({"last_change": None, "max_days": 90}, False),
    ],
)
def test_dates_that_pam_would_refuse(dates: dict[str, int | None], refused: bool) -> None:
    """UsePAM yes makes sshd honour what shadow says of our account."""
    found = expected(sshd("UsePAM", "yes"), our_account={**ACCOUNT, **dates})

    assert set(found) == ({"account_expired"} if refused else set())


def test_accounts_and_pam() -> None:
    """Shells, locks, failed logins, su and sessions, each where it is ours."""
    shells = item("linux.accounts", None, which="system_with_shell", seen=["games", "ops"])
    locks = item("linux.accounts", None, which="system_with_password", seen=["ops"])
    deny = item("linux.faillock", "5", option="deny")
    root_too = item("linux.faillock", True, option="even_deny_root")
    loginuid = item("linux.pam_module", "present", module="pam_loginuid.so")
    most = item("linux.limit", "10", item="maxlogins", domain="*")

    assert set(expected(shells)) == {"account_closed"}
    assert expected(shells, login={**LOGIN, "user": "me"}) == {}
    assert expected(locks) == {}
    assert set(expected(locks, us=Us(become="sudo", gives_password=True))) == {"account_closed"}
    assert set(expected(sshd("UsePAM", "no"), our_account={**ACCOUNT, "password": "locked"})) == {"account_locked"}
    assert expected(deny, failed_logins={"ops": 3, "root": 9}) == {}
    assert set(expected(deny, failed_logins={"ops": 4, "root": 0})) == {"faillock_near_limit"}
    assert set(expected([deny, root_too], failed_logins={"ops": 0, "root": 9})) == {"faillock_near_limit"}
    assert expected(item("linux.su_group", "wheel")) == {}
    assert set(expected(item("linux.su_group", "wheel"), us=Us(become="su"))) == {"su_denied"}
    assert set(expected(loginuid, login_uid_settable=False)) == {"pam_loginuid_refuses"}
    assert set(expected(most, login_sessions={"ops": 10, "root": 40})) == {"logins_at_limit"}
    assert expected(most, login_sessions={"ops": 9, "root": 40}) == {}


def test_sudo_without_a_password() -> None:
    """The last rule that fits decides, as in sudo; who gives a password is asked for it and answers."""
    asks = item("linux.sudo_option", "true", option="authenticate")
    free = {"user": "ops", "options": ["!authenticate"], "grants": ["(ALL) ALL"]}
    late = {"user": "ops", "options": [], "grants": ["(ALL) NOPASSWD: ALL", "(ALL) ALL"]}

    assert expected(asks) == {}
    assert set(expected(asks, sudo_grants=free)) == {"sudo_password"}
    assert set(expected(asks, sudo_grants=late)) == {"sudo_password"}
    assert expected(asks, us=Us(become="sudo", gives_password=True), sudo_grants=free) == {}
    assert expected(asks, us=Us(become=None), sudo_grants=free) == {}


@pytest.mark.parametrize(
    ("changed", "packages", "told"),
    [
        ({}, False, ""),
        ({"free_bytes": 2**25}, False, "has 32 MiB free"),
        ({"free_bytes": 2**28}, False, ""),
        ({"free_bytes": 2**28}, True, "has 256 MiB free"),
        ({"free_inodes": 12}, False, "has 12 inodes free"),
        ({"free_inodes": None}, False, ""),
        ({"read_only": True}, False, "is mounted read-only"),
    ],
)
def test_room(changed: dict[str, Any], packages: bool, told: str) -> None:
    """Bytes, inodes where there are any, and a place that takes no writes; packages need more."""
    planned = item("linux.packages", "present", names=["a"]) if packages else item("linux.banner", "x")

    found = expected(planned, room=[{**ONE_ROOM, **changed}], package_locks=[], packages_half_done=[])

    assert (told in found.get("no_room", "")) if told else found == {}


def test_packages() -> None:
    """A lock, what dpkg left, and what would go along."""
    gone = item("linux.packages", "absent", names=["rsync"])
    quiet: dict[str, Any] = {
        "package_locks": [],
        "packages_half_done": [],
        "removal": {"present": ["rsync"], "others": []},
    }
    lock = [{"path": "/var/lib/dpkg/lock", "pid": "7", "program": "unattended-upgr"}]

    assert expected(gone, **quiet) == {}
    assert "unattended-upgr (7)" in expected(gone, **quiet | {"package_locks": lock})["packages_busy"]
    assert set(expected(gone, **quiet | {"packages_half_done": ["acl"]})) == {"packages_half_done"}
    taken = {"present": ["rsync"], "others": ["mariadb-server"]}
    assert "mariadb-server" in expected(gone, **quiet | {"removal": taken})["removal_takes_others"]


def test_forwarding_is_of_a_family() -> None:
    """Packets of the other family are no reason; a bridge is one for both."""
    off = item("linux.sysctl", "0", key="net.ipv4.ip_forward")
    drop6 = item("linux.firewall_policy", "drop", hook="forward", family="ip6")
    six: dict[str, Any] = {"ipv4": 0, "ipv6": 12, "interfaces": []}

    assert expected(off, forwarding=six) == {}
    assert "12 packets of ipv6" in expected(drop6, forwarding=six)["forwarding_in_use"]
    assert "docker0" in expected(off, forwarding={**six, "interfaces": ["docker0"]})["forwarding_in_use"]
    assert expected(item("linux.sysctl", "1", key="net.ipv4.ip_forward")) == {}


def test_services_that_go_together_are_no_reason_for_each_other() -> None:
    """A socket that its service needs goes with it; another unit and a connection are reasons."""
    off = item("linux.units", "off", names=["rpcbind.service", "rpcbind.socket"])
    unit = {"unit": "rpcbind.socket", "asked": "rpcbind.socket", "needed_by": ["rpcbind.service"], "connections": []}

    assert expected(off, unit_users=[unit]) == {}
    assert (
        "nfs-mountd.service"
        in expected(off, unit_users=[{**unit, "needed_by": ["rpcbind.service", "nfs-mountd.service"]}])[
            "service_in_use"
        ]
    )
    assert "10.0.0.9:700" in expected(off, unit_users=[{**unit, "connections": ["10.0.0.9:700"]}])["service_in_use"]


def test_nginx_limits_are_judged_by_what_was_served() -> None:
    """A looser limit breaks nothing; a tighter one is judged by the logs, and is unknown where they hold no size."""
    limit = item("nginx.server_directive", "10m", directive="client_max_body_size", seen={"_:80": "50m", "a:80": None})
    log = {"log": "/var/log/nginx/access.log", "format": "main", "bytes": 12 * 2**20}
    blind = {**log, "format": "combined", "bytes": None}

    assert set(expected(limit, request_sizes={"logs": [log], "limits": []})) == {"nginx_body_limit"}
    assert expected(limit, request_sizes={"logs": [{**log, "bytes": 2**20}], "limits": []}) == {}
    told = expected(limit, request_sizes={"logs": [blind], "limits": []})["nginx_body_limit"]
    assert told.startswith("unknown: ")
    looser = item("nginx.server_directive", "10m", directive="client_max_body_size", seen={"_:80": None})
    assert expected(looser, request_sizes={"logs": [blind], "limits": []}) == {}
    assert "unknown" in expected(looser, request_sizes={"logs": [blind], "limits": ["0"]})["nginx_body_limit"]
    assert (size_bytes("8K"), size_bytes("0")) == (8192, float("inf"))
    with pytest.raises(Unknown):
        size_bytes("$limit")


def test_methods_of_postgresql() -> None:
    """Whoever a changed rule lets in now, and could not come in any more; names in a rule narrow it."""
    roles = {
        "owner": "postgres",
        "roles": {
            name: {"login": True, "password": password}
            for name, password in {"postgres": "none", "new": "scram", "old": "md5"}.items()
        },
    }
    told = {
        method: expected(
            item(
                "postgresql.hba_method", "scram-sha-256", method=method, seen=[f"line 1: local all {who} None {method}"]
            ),
            postgresql_roles=roles,
            postgresql_sessions=[{"user": "old"}],
        )
        for method, who in (("trust", "all"), ("md5", "all"), ("ident", "new"), ("peer", "+dev"))
    }

    assert "for old, postgres (old connected now); local tools run as postgres" in told["trust"]["postgresql_method"]
    assert "for old (old connected now)" in told["md5"]["postgresql_method"]
    assert told["ident"] == {}
    assert "old, postgres" in told["peer"]["postgresql_method"]
