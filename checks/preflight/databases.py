"""Who is connected to a PostgreSQL cluster this moment, how, and what replicates from it."""

from __future__ import annotations

from typing import Any

from checks.postgresql import ROLES, SETTINGS, ask, cluster_owner
from checks.preflight.marking import look

SESSIONS = """
SELECT coalesce(json_agg(json_build_object('user', a.usename, 'database', a.datname, 'address', a.client_addr,
         'program', a.application_name, 'backend', a.backend_type, 'tls', coalesce(s.ssl, false),
         'tls_version', s.version, 'state', a.state,
         'idle_ms', CASE WHEN a.state LIKE 'idle%' THEN
           (extract(epoch FROM clock_timestamp() - a.state_change) * 1000)::bigint ELSE 0 END)), '[]')
FROM pg_stat_activity a LEFT JOIN pg_stat_ssl s USING (pid)
WHERE a.usename IS NOT NULL AND a.backend_type IN ('client backend', 'walsender') AND a.pid <> pg_backend_pid()
"""
SLOTS = """
SELECT coalesce(json_agg(json_build_object('slot', slot_name, 'type', slot_type, 'active', active)), '[]')
FROM pg_replication_slots
"""


@look
def postgresql_sessions(host: Any, *, instance: str) -> list[dict[str, Any]]:
    """Return the sessions of a cluster but our own: role, address (None over a socket), TLS, and how long idle."""
    found: list[dict[str, Any]] = ask(host, instance, SESSIONS)
    return found


@look
def postgresql_roles(host: Any, *, instance: str) -> dict[str, Any]:
    """Return the roles of a cluster: whether they log in, and the class of their password; never the password."""
    return {"owner": cluster_owner(host, instance), "roles": ask(host, instance, ROLES)}


@look
def postgresql_slots(host: Any, *, instance: str) -> list[dict[str, Any]]:
    """Return the replication slots of a cluster."""
    found: list[dict[str, Any]] = ask(host, instance, SLOTS)
    return found


@look
def postgresql_tls(host: Any, *, instance: str) -> str:
    """Return whether the cluster speaks TLS now: on or off."""
    return str(ask(host, instance, SETTINGS)["ssl"][0])
