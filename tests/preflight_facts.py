"""What preflights would see on a host where nothing breaks, and how tests of their rules ask what is expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hardening.model import Json, Target
from hardening.prediction import Consequence, Fact, Planned, Us
from hardening.preflights import needs_of, predict

LOGIN = {
    "over": "ssh",
    "user": "ops",
    "groups": ["ops", "sudo"],
    "home": "/home/ops",
    "shell": "/bin/bash",
    "address": "10.97.14.1",
    "port": "37834",
    "to_address": "10.97.14.2",
    "to_port": "22",
}
BY_KEY = {"method": "publickey", "key": "ED25519"}
BY_PASSWORD = {"method": "password", "key": ""}
SSHD = {"port": ["22"], "usedns": ["no"], "passwordauthentication": ["yes"]}
ONE_ROOM: dict[str, Json] = {
    "path": "/",
    "mount": "/",
    "free_bytes": 2**33,
    "free_inodes": 10**6,
    "read_only": False,
}
ROOM: list[Json] = [ONE_ROOM]
ACCOUNT = {
    "user": "ops",
    "password": "y",
    "today": 20786,
    "last_change": 20700,
    "max_days": 99999,
    "inactive_days": None,
    "expires": None,
}
FINE: Mapping[str, Any] = {
    "login": LOGIN,
    "login_method": BY_KEY,
    "sshd_effective": SSHD,
    "room": ROOM,
    "our_account": ACCOUNT,
    "host_key_types": ["ecdsa-sha2-nistp256", "ssh-ed25519", "ssh-rsa"],
    "failed_logins": {"ops": 0, "root": 0},
    "sudo_grants": {"user": "ops", "options": [], "grants": ["(ALL : ALL) ALL", "(ALL : ALL) NOPASSWD: ALL"]},
}
US = Us(
    become="sudo",
    offers={
        "ciphers": ("chacha20-poly1305@openssh.com", "aes128-ctr"),
        "hostkeyalgorithms": ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512"),
    },
    known_keys=("ecdsa-sha2-nistp256",),
)


def item(kind: str, value: Json, *, seen: Json = None, **params: Json) -> Planned:
    """Return something planned."""
    target = Target(host="web01", component=kind.partition(".")[0])
    return Planned(control_id=kind, target=target, kind=kind, params=params, value=value, seen={"value": seen})


def expected(planned: Planned | Sequence[Planned], us: Us = US, **facts: Any) -> dict[str, str]:
    """Return what is expected by code; `facts` are by the name of the look and stand in for what is fine."""
    items = [planned] if isinstance(planned, Planned) else planned
    known = {**FINE, **facts}
    seen = {need.key: Fact(value=known[need.look]) for need in needs_of(items) if need.look in known}
    found: dict[str, str] = {}
    for each in predict("web01", items, seen, us):
        unknown = "unknown: " if each.consequence is Consequence.UNKNOWN else ""
        found[each.code] = f"{found[each.code]} / " if each.code in found else ""
        found[each.code] += unknown + each.says
    return found


def sshd(option: str, value: str) -> Planned:
    """Return a planned option of the SSH server."""
    return item("sshd.option", value, option=option)
