"""The entries of the hash chain in the database: appended to, read in order, and emptied by a purge alone.

What a hash covers stands in `hardening.chain_link`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Row, Select, insert, select

from hardening.chain_link import START, digest, link_hash
from hardening.ledger.schema import BLOBS, ENTRIES

__all__ = ["START", "Entry", "append", "digest", "entries", "entry_of", "stored_bytes"]

# Rows are fetched a few at a time: one entry can hold a host's whole look.
ENTRIES_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the record. `purged_digest` is the digest of a payload that was purged; else it is None."""

    seq: int
    campaign_id: str
    kind: str
    taken_at: str
    payload: bytes
    prev_hash: str
    hash: str
    purged_digest: str | None = None

    @property
    def payload_digest(self) -> str:
        """The digest of the payload, also of one that is gone."""
        return digest(self.payload) if self.purged_digest is None else self.purged_digest

    @property
    def hash_due(self) -> str:
        """The hash that this entry must have."""
        return link_hash(
            seq=self.seq,
            campaign_id=self.campaign_id,
            kind=self.kind,
            taken_at=self.taken_at,
            payload_digest=self.payload_digest,
            prev_hash=self.prev_hash,
        )


def stored_bytes(column: object) -> bytes:
    """Return a binary column's content; text that a forger put in its place becomes bytes that match no digest."""
    # psycopg hands binary columns out as memoryview in some versions.
    return bytes(column) if isinstance(column, bytes | memoryview) else b"not binary: " + repr(column).encode()


def append(
    connection: Connection,
    *,
    campaign_id: str,
    kind: str,
    taken_at: str,
    payload: bytes,
    blobs: Mapping[str, bytes],
) -> Entry:
    """Add an entry at the end of the chain. The caller holds the write lock (`Database.write`)."""
    _keep_blobs(connection, blobs)
    last = connection.execute(select(ENTRIES.c.seq, ENTRIES.c.hash).order_by(ENTRIES.c.seq.desc()).limit(1)).first()
    head = {"seq": 1, "prev_hash": START} if last is None else {"seq": last.seq + 1, "prev_hash": last.hash}
    unsigned = Entry(campaign_id=campaign_id, kind=kind, taken_at=taken_at, payload=payload, hash="", **head)
    entry = Entry(**{**vars(unsigned), "hash": unsigned.hash_due})
    connection.execute(insert(ENTRIES).values(vars(entry)))
    return entry


def entries(
    connection: Connection,
    *,
    campaign_id: str | None = None,
    kinds: tuple[str, ...] = (),
    first: int = 1,
    last: int | None = None,
) -> Iterator[Entry]:
    """Yield entries from the first to the last, of one campaign or kind where that is asked."""
    query = select(ENTRIES).order_by(ENTRIES.c.seq)
    if last is not None:
        query = query.where(ENTRIES.c.seq <= last)
    if campaign_id is not None:
        query = query.where(ENTRIES.c.campaign_id == campaign_id)
    if kinds:
        query = query.where(ENTRIES.c.kind.in_(kinds))
    after = first - 1
    while rows := _page(connection, query, after=after):
        for row in rows:
            yield entry_of(row)
        after = rows[-1].seq


def _page(connection: Connection, query: Select[tuple[object, ...]], *, after: int) -> list[Row[tuple[object, ...]]]:
    """Return the next rows; pages by key need no cursor held open on either database."""
    return list(connection.execute(query.where(ENTRIES.c.seq > after).limit(ENTRIES_AT_ONCE)))


def entry_of(row: Row[tuple[object, ...]]) -> Entry:
    """Return the entry of a table row."""
    columns = dict(row._mapping)
    columns["payload"] = stored_bytes(columns["payload"])
    return Entry(**columns)


def _keep_blobs(connection: Connection, blobs: Mapping[str, bytes]) -> None:
    """Store contents that the ledger does not hold yet; equal content is stored once."""
    if not blobs:
        return
    known = set(connection.scalars(select(BLOBS.c.digest).where(BLOBS.c.digest.in_(list(blobs)))))
    missing = [{"digest": name, "content": content} for name, content in blobs.items() if name not in known]
    if missing:
        connection.execute(insert(BLOBS), missing)
