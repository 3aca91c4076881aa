"""PostgreSQL at work: every cluster of the host, asked through its own socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from checks import NotApplicable
from checks.inspection.marking import look
from checks.postgresql import Cluster, ask, clusters_of

CONNECTIONS = """
SELECT to_json(round(100.0 * count(*) / current_setting('max_connections')::int, 1))
FROM pg_stat_activity WHERE backend_type = 'client backend'
"""
LONGEST = """
SELECT to_json(coalesce(round(max(extract(epoch FROM clock_timestamp() - query_start))::numeric, 1), 0))
FROM pg_stat_activity WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
IDLE = """
SELECT to_json(coalesce(round(max(extract(epoch FROM clock_timestamp() - state_change))::numeric, 1), 0))
FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'
"""
LOCKED = "SELECT to_json(count(DISTINCT pid)) FROM pg_locks WHERE NOT granted"
SLOTS = """
SELECT coalesce(json_agg(slot_name ORDER BY slot_name), '[]') FROM pg_replication_slots WHERE NOT active
"""
# On a standby: how old the last replayed change is, unless all that was received is replayed. On a primary: how much
# the slowest standby is behind.
LAG = """
SELECT coalesce(to_json(CASE WHEN pg_is_in_recovery() THEN
  CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
       ELSE coalesce(round(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::numeric, 1), 0) END
  ELSE (SELECT round(max(extract(epoch FROM coalesce(replay_lag, '0'::interval)))::numeric, 1)
        FROM pg_stat_replication) END), 'null')
"""
# A standby without a receiver still answers, and falls further behind every minute.
RECEIVER = """
SELECT to_json(CASE WHEN NOT pg_is_in_recovery() THEN 'primary'
  ELSE coalesce((SELECT status FROM pg_stat_wal_receiver), 'stopped') END)
"""
ARCHIVER = """
SELECT to_json(CASE WHEN current_setting('archive_mode') = 'off' THEN 'off'
  WHEN last_failed_time IS NOT NULL AND (last_archived_time IS NULL OR last_failed_time > last_archived_time)
  THEN 'failing' ELSE 'ok' END) FROM pg_stat_archiver
"""
INDEXES = """
SELECT coalesce(json_agg(indexrelid::regclass::text ORDER BY 1), '[]') FROM pg_index WHERE NOT indisvalid
"""
DEAD = """
SELECT to_json(coalesce(round(max(100.0 * n_dead_tup / (n_dead_tup + n_live_tup)), 1), 0))
FROM pg_stat_user_tables WHERE n_dead_tup > 10000
"""
AGE = """
SELECT to_json(round(max(100.0 * age(datfrozenxid) / current_setting('autovacuum_freeze_max_age')::bigint), 1))
FROM pg_database
"""
PREPARED = "SELECT to_json(count(*)) FROM pg_prepared_xacts WHERE prepared < clock_timestamp() - %s * interval '1 s'"
RESTART = "SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM pg_settings WHERE pending_restart"
DATABASES = """
SELECT json_agg(datname ORDER BY datname) FROM pg_database WHERE datallowconn AND NOT datistemplate
"""


@look
def postgresql_available(host: Any) -> dict[str, str]:
    """Return for each cluster `up` where it answers a query, else `down`."""
    return {_name(cluster): _answers(host, cluster) for cluster in _all(host)}


def _answers(host: Any, cluster: Cluster) -> str:
    done = host.run(
        "runuser -u %s -- psql -X -q -A -t -p %s -d postgres -c %s", cluster.owner, cluster.port, "SELECT 1"
    )
    return "up" if done.rc == 0 and str(done.stdout).strip() == "1" else "down"


@look
def postgresql_connection_use(host: Any) -> dict[str, float]:
    """Return how many of its connections each cluster has given away, in percent."""
    return _each(host, CONNECTIONS)


@look
def postgresql_longest_query(host: Any) -> dict[str, float]:
    """Return for how many seconds the longest query of each cluster has been running."""
    return _each(host, LONGEST)


@look
def postgresql_idle_in_transaction(host: Any) -> dict[str, float]:
    """Return for how many seconds a session has held a transaction open without doing anything in it."""
    return _each(host, IDLE)


@look
def postgresql_waiting_for_locks(host: Any) -> dict[str, float]:
    """Return how many sessions of each cluster wait for a lock."""
    return _each(host, LOCKED)


@look
def postgresql_replication_lag(host: Any) -> dict[str, float]:
    """Return how many seconds each standby is behind, or on a primary its slowest standby."""
    found = {name: lag for name, lag in _each(host, LAG).items() if lag is not None}
    if not found:
        raise NotApplicable("nothing is replicated here")
    return found


@look
def postgresql_receiver(host: Any) -> dict[str, str]:
    """Return for each standby whether it receives from its primary: streaming, or stopped."""
    found = {name: state for name, state in _each(host, RECEIVER).items() if state != "primary"}
    if not found:
        raise NotApplicable("no standby is here")
    return found


@look
def postgresql_idle_slots(host: Any) -> dict[str, list[str]]:
    """Return the replication slots of each cluster that nobody reads: they keep its log until the disk is full."""
    return _each(host, SLOTS)


@look
def postgresql_archiver(host: Any) -> dict[str, str]:
    """Return whether archiving of the log works: ok or failing."""
    found = {name: state for name, state in _each(host, ARCHIVER).items() if state != "off"}
    if not found:
        raise NotApplicable("no cluster archives its log")
    return found


@look
def postgresql_invalid_indexes(host: Any) -> dict[str, list[str]]:
    """Return indexes that are there and not used, in any database of each cluster."""
    return _each_database(host, INDEXES, lambda found: sorted(name for names in found for name in names))


@look
def postgresql_dead_rows(host: Any) -> dict[str, float]:
    """Return the highest share of dead rows in a large table of each cluster, in percent."""
    return _each_database(host, DEAD, max)


@look
def postgresql_transaction_age(host: Any) -> dict[str, float]:
    """Return how near each cluster is to a forced vacuum against wraparound, in percent."""
    return _each(host, AGE)


@look
def postgresql_prepared(host: Any, *, seconds: int) -> dict[str, float]:
    """Return how many prepared transactions have waited longer than so many seconds for their end."""
    return _each(host, PREPARED % seconds)


@look
def postgresql_pending_restart(host: Any) -> dict[str, list[str]]:
    """Return the settings that were changed and hold only after a restart."""
    return _each(host, RESTART)


def _all(host: Any) -> list[Cluster]:
    found = clusters_of(host)
    if not found:
        raise NotApplicable("PostgreSQL is not in use here")
    return found


def _name(cluster: Cluster) -> str:
    return f"{cluster.version}-{cluster.name}"


def _each(host: Any, query: str) -> dict[str, Any]:
    return {_name(cluster): ask(host, _name(cluster), query) for cluster in _all(host)}


def _each_database(host: Any, query: str, together: Callable[[list[Any]], Any]) -> dict[str, Any]:
    found = {}
    for cluster in _all(host):
        names = ask(host, _name(cluster), DATABASES)
        found[_name(cluster)] = together([ask(host, _name(cluster), query, name) for name in names])
    return found
