"""What a campaign said goes; that it was said, and when, stays: the chain's hashes cover the digests of payloads.

Texts that other campaigns share stay. The triggers that keep the record from changing are lifted inside the one
transaction that empties it, so that nobody else ever meets a ledger without them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select, text, update

from hardening.chain_link import blobs_named
from hardening.ledger.chain import entries
from hardening.ledger.records import KINDS, Purged
from hardening.ledger.schema import BLOBS, ENTRIES, HOSTS, REMEMBERED_PLANS

TOMBSTONE = KINDS[Purged]
# SQLite takes 32,766 values in one statement, PostgreSQL 65,535.
AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Doomed:
    """What a purge of a campaign takes: entries (without payloads here), texts that nobody else needs, and hosts."""

    entries: tuple[tuple[int, str, str], ...]
    texts: tuple[str, ...]
    texts_shared: int
    hosts: tuple[str, ...]
    by_campaign: Mapping[str, int]


def purges(connection: Connection) -> dict[str, int]:
    """Return the last tombstone of every purged campaign."""
    query = (
        select(ENTRIES.c.campaign_id, func.max(ENTRIES.c.seq))
        .where(ENTRIES.c.kind == TOMBSTONE)
        .group_by(ENTRIES.c.campaign_id)
    )
    return {str(row[0]): int(row[1]) for row in connection.execute(query)}


def doomed(connection: Connection, *campaign_ids: str) -> Doomed:
    """Return what purging campaigns would take. Every entry of the ledger is read: a text may be shared."""
    mine: list[tuple[int, str, str]] = []
    named: set[str] = set()
    elsewhere: set[str] = set()
    asked = frozenset(campaign_ids)
    by_campaign: Counter[str] = Counter()
    for entry in entries(connection):
        if entry.purged_digest is not None:
            continue
        if entry.campaign_id in asked and entry.kind != TOMBSTONE:
            mine.append((entry.seq, entry.kind, entry.payload_digest))
            named |= blobs_named(entry.payload)
            by_campaign[entry.campaign_id] += 1
        else:
            elsewhere |= blobs_named(entry.payload)
    hosts: set[str] = set()
    names = sorted(asked)
    for at in range(0, len(names), AT_ONCE):
        of_some = HOSTS.c.campaign_id.in_(names[at : at + AT_ONCE])
        hosts.update(connection.scalars(select(HOSTS.c.host).where(of_some).distinct()))
    return Doomed(
        entries=tuple(mine),
        texts=tuple(sorted(named - elsewhere)),
        texts_shared=len(named & elsewhere),
        hosts=tuple(sorted(hosts)),
        by_campaign=by_campaign,
    )


def empty(connection: Connection, gone: Doomed) -> None:
    """Take the payloads and texts away. The caller holds the write lock, and has written the tombstone."""
    if connection.dialect.name == "sqlite":
        # Freed pages are overwritten with zeros at once, and not only when the file is compacted.
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
    with _record_unlocked(connection):
        for seq, _, payload_digest in gone.entries:
            emptied = {"payload": b"", "purged_digest": payload_digest}
            connection.execute(update(ENTRIES).where(ENTRIES.c.seq == seq).values(emptied))
        for at in range(0, len(gone.texts), AT_ONCE):
            connection.execute(delete(BLOBS).where(BLOBS.c.digest.in_(gone.texts[at : at + AT_ONCE])))
    _forget_plans(connection, gone.hosts)


def _forget_plans(connection: Connection, hosts: Collection[str]) -> None:
    """Commands that were remembered of a host tell of it too; they are a cache, and come back with the next look."""
    names = sorted(hosts)
    for at in range(0, len(names), AT_ONCE):
        connection.execute(
            delete(REMEMBERED_PLANS).where(REMEMBERED_PLANS.c.platform_key.in_(names[at : at + AT_ONCE]))
        )


@contextmanager
def _record_unlocked(connection: Connection) -> Iterator[None]:
    if connection.dialect.name == "postgresql":
        for table in ("entries", "blobs"):
            connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER {table}_keep")
        yield
        for table in ("entries", "blobs"):
            connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER {table}_keep")
        return
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('entries', 'blobs')"
    triggers = [(str(name), str(sql)) for name, sql in connection.execute(text(query))]
    for name, _ in triggers:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield
    for _, sql in triggers:
        connection.exec_driver_sql(sql)
