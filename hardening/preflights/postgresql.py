"""Whether those who use a PostgreSQL cluster now could still come in, and stay."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from hardening.prediction import Consequence, Need, Planned
from hardening.preflights.rule import Asked, Breakage, Needs, Unknown, listed, number, of_kind, preflight, seen_names

RULE = re.compile(r"^line ([0-9]+): (\S+) (\S+) (\S+)")
HASHED = ("scram", "md5", "other")
IDLE = {"idle_session_timeout": ("idle",), "idle_in_transaction_session_timeout": ("idle in transaction",)}


def per_cluster(*looks: str) -> Any:
    """Return the needs of a rule that asks these looks of every cluster that something is planned for."""

    def needs(items: Sequence[Planned]) -> Needs:
        clusters = dict.fromkeys(item.target.instance for item in items)
        return {f"{look} {name}": Need(look=look, params={"instance": name}) for look in looks for name in clusters}

    return needs


def setting(*names: str) -> Any:
    """Return whether an item sets one of these settings."""
    return of_kind("postgresql.setting", name=names)


def _sessions(asked: Asked, item: Planned) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = asked[f"postgresql_sessions {item.target.instance}"]
    return found


def _who(sessions: Sequence[dict[str, Any]]) -> str:
    return listed(sorted({f"{each['user']} from {each['address'] or 'the socket'}" for each in sessions}))


@preflight(
    consequence=Consequence.OUTAGE,
    predicts="roles come in by a method of pg_hba.conf that would become a password, and have none that fits",
    predicts_zh="某些角色目前所用的 pg_hba.conf 认证方式将改为口令，而它们没有相应的口令",
    concerns=of_kind("postgresql.hba_method"),
    needs=per_cluster("postgresql_roles", "postgresql_sessions"),
)
def postgresql_method(asked: Asked) -> Iterator[Breakage]:
    """Judge the roles that each rule lets in; SCRAM takes only a password that is stored so."""
    for item in asked.items:
        held = asked[f"postgresql_roles {item.target.instance}"]
        roles = {name: role for name, role in held["roles"].items() if role["login"]}
        need = {"scram-sha-256": ("scram",), "md5": ("scram", "md5"), "password": ("scram", "md5", "other")}
        if item.value not in need:
            raise Unknown(f"who could come in by {item.value} is not known here")
        meant: set[str] = set()
        for line in seen_names(item):
            found = RULE.match(line)
            users = found[4].split(",") if found else ["all"]
            plain = {user for user in users if user in roles}
            meant |= plain if plain and "all" not in users and len(plain) == len(users) else set(roles)
        # Whoever has no password comes in now only by a method that asks for none.
        lost = {"none", *HASHED} if item.params.get("method") not in ("md5", "password") else set(HASHED)
        lost -= set(need[str(item.value)])
        without = sorted(name for name in meant if roles[name]["password"] in lost)
        now = sorted({each["user"] for each in _sessions(asked, item)} & set(without))
        tools = f"; local tools run as {held['owner']}" if held["owner"] in without and _is_local(item) else ""
        if without:
            connected = f" ({listed(now)} connected now)" if now else ""
            yield asked.breaks(
                f"{item.params['method']} becomes {item.value}, and no such password is stored for "
                f"{listed(without)}{connected}{tools}",
                f"{item.params['method']} 将变为 {item.value}，而 {listed(without)} 没有以此方式存储的口令"
                + (f"（当前连接中：{listed(now)}）" if now else ""),
                [item],
            )


def _is_local(item: Planned) -> bool:
    return any(": local " in line for line in seen_names(item))


@preflight(
    consequence=Consequence.OUTAGE,
    predicts="other machines are connected without TLS, which would be demanded, or the cluster speaks no TLS",
    predicts_zh="其他主机正以非 TLS 方式连接，而今后必须使用 TLS，或集群未启用 TLS",
    concerns=of_kind("postgresql.hba_plain_remote"),
    needs=per_cluster("postgresql_sessions", "postgresql_tls"),
)
def postgresql_plain_clients(asked: Asked) -> Iterator[Breakage]:
    """Judge by the sessions of this moment; a cluster without TLS would let no other machine in."""
    for item in asked.items:
        turned_on = any(
            each.kind == "postgresql.setting" and each.params.get("name") == "ssl" and str(each.value) == "on"
            for each in asked.everything
        )
        plain = [each for each in _sessions(asked, item) if each["address"] and not each["tls"]]
        plain = [each for each in plain if not each["address"].startswith(("127.", "::1"))]
        if plain:
            yield asked.breaks(f"connected without TLS now: {_who(plain)}", f"当前以非 TLS 连接：{_who(plain)}", [item])
        elif asked[f"postgresql_tls {item.target.instance}"] != "on" and not turned_on:
            yield asked.breaks(
                "the cluster speaks no TLS, so no other machine could come in any more",
                "集群未启用 TLS，其他主机将无法连接",
                [item],
            )


@preflight(
    consequence=Consequence.OUTAGE,
    predicts="standbys or slots replicate with a role that would lose the right to",
    predicts_zh="备库或复制槽所用的角色将失去复制权限",
    concerns=of_kind("postgresql.roles_with", attribute="replication"),
    needs=per_cluster("postgresql_sessions", "postgresql_slots"),
)
def postgresql_replication(asked: Asked) -> Iterator[Breakage]:
    """Judge by the senders of this moment; a slot tells that somebody means to come back."""
    for item in asked.items:
        allowed = {str(name) for name in item.value} if isinstance(item.value, list) else set()
        losing = set(seen_names(item)) - allowed
        sending = [e for e in _sessions(asked, item) if e["backend"] == "walsender" and e["user"] in losing]
        slots = [each["slot"] for each in asked[f"postgresql_slots {item.target.instance}"]]
        if sending:
            yield asked.breaks(f"replicating now: {_who(sending)}", f"正在复制：{_who(sending)}", [item])
        elif losing and slots:
            yield asked.breaks(
                f"replication slots wait: {listed(slots)}, and {listed(sorted(losing))} would lose the right",
                f"存在复制槽：{listed(slots)}，而 {listed(sorted(losing))} 将失去复制权限",
                [item],
            )


@preflight(
    consequence=Consequence.OUTAGE,
    predicts="clients are connected that the new listen_addresses, limit of connections or TLS version would keep out",
    predicts_zh="当前连接的客户端将被新的 listen_addresses、连接数上限或 TLS 版本拒之门外",
    concerns=setting("listen_addresses", "max_connections", "ssl_min_protocol_version", "unix_socket_permissions"),
    needs=per_cluster("postgresql_sessions", "postgresql_roles"),
)
def postgresql_clients_kept_out(asked: Asked) -> Iterator[Breakage]:
    """Judge each setting by the sessions of this moment."""
    for item in asked.items:
        sessions, name = _sessions(asked, item), item.params["name"]
        remote = [e for e in sessions if e["address"] and not e["address"].startswith(("127.", "::1"))]
        out: list[dict[str, Any]] = []
        if name == "listen_addresses" and {part.strip() for part in str(item.value).split(",")} <= LOOPBACK:
            out = remote
        elif name == "max_connections" and len(sessions) > (number(item.value) or 0):
            out = sessions
        elif name == "ssl_min_protocol_version":
            out = [e for e in sessions if e["tls_version"] and e["tls_version"] < str(item.value)]
        elif name == "unix_socket_permissions" and (number(str(item.value)) or 0) % 10 == 0:
            owner = asked[f"postgresql_roles {item.target.instance}"]["owner"]
            out = [e for e in sessions if not e["address"] and e["user"] != owner]
        if out:
            yield asked.breaks(
                f"{name} becomes {item.value}, and connected now: {_who(out)}",
                f"{name} 将变为 {item.value}，当前连接：{_who(out)}",
                [item],
            )


LOOPBACK = {"localhost", "127.0.0.1", "::1", ""}


@preflight(
    consequence=Consequence.OUTAGE,
    predicts="sessions are idle for longer than a new time limit allows (a connection pool, a forgotten transaction)",
    predicts_zh="有会话的空闲时间超过新的时限（连接池、遗留事务）",
    concerns=setting(*IDLE),
    needs=per_cluster("postgresql_sessions"),
)
def postgresql_idle_sessions(asked: Asked) -> Iterator[Breakage]:
    """Judge by how long the sessions of this moment have done nothing."""
    for item in asked.items:
        most = number(item.value)
        states = IDLE[str(item.params["name"])]
        idle = [e for e in _sessions(asked, item) if most and e["state"] in states and e["idle_ms"] > most]
        if idle:
            yield asked.breaks(
                f"{item.params['name']} becomes {item.value} ms, and idle for longer: {_who(idle)}",
                f"{item.params['name']} 将变为 {item.value} 毫秒，空闲更久的会话：{_who(idle)}",
                [item],
            )
