"""Does the record hold together: the chain, the blobs, and what was derived from them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, MetaData, Table, delete, except_, select

from hardening.chain_link import blobs_named
from hardening.codec import DecodeError
from hardening.errors import HardeningError
from hardening.ledger.chain import START, Entry, digest, entries, stored_bytes
from hardening.ledger.projection import OWN_TABLES, Tables, project
from hardening.ledger.purging import TOMBSTONE, purges
from hardening.ledger.reading import Records
from hardening.ledger.schema import BLOBS, DERIVED
from hardening.ledger.values import LedgerProblem

# One broken entry can set every derived row wrong; a person needs the first few.
ROWS_NAMED = 3


def rebuild(connection: Connection) -> None:
    """Make every derived table again from the entries. The caller holds the write lock."""
    for table in reversed(DERIVED):
        connection.execute(delete(table))
    records = Records()
    for entry in entries(connection):
        if entry.purged_digest is not None:
            continue
        record = records.read(connection, entry)
        project(connection, OWN_TABLES, seq=entry.seq, campaign_id=entry.campaign_id, record=record)


def audit(connection: Connection) -> list[LedgerProblem]:
    """Return everything that does not hold together; the first broken entry comes first."""
    problems = [*_chain_problems(connection), *_blob_problems(connection)]
    return problems or list(_derived_problems(connection))


def _chain_problems(connection: Connection) -> Iterator[LedgerProblem]:
    """Walk the chain; each entry is held against the hash written in the one before, so one change is one problem."""
    before, prev_hash = 0, START
    purged = purges(connection)
    for entry in entries(connection):
        yield from _entry_problems(connection, entry, before, prev_hash)
        yield from _purge_problems(entry, purged.get(entry.campaign_id, 0))
        before, prev_hash = entry.seq, entry.hash


def _entry_problems(connection: Connection, entry: Entry, before: int, prev_hash: str) -> Iterator[LedgerProblem]:
    if entry.seq != before + 1:
        gone = str(before + 1) if entry.seq == before + 2 else f"{before + 1} to {entry.seq - 1}"
        yield LedgerProblem(seq=before + 1, message=f"gone: {gone} is not in the ledger, {entry.seq} is")
    elif entry.prev_hash != prev_hash:
        yield LedgerProblem(seq=entry.seq, message="does not follow the entry before it (prev_hash differs)")
    if entry.hash != entry.hash_due:
        yield LedgerProblem(seq=entry.seq, message="was changed: its content does not match its hash")
        return
    if entry.purged_digest is not None:
        return
    try:
        named = blobs_named(entry.payload)
    except DecodeError as error:
        yield LedgerProblem(seq=entry.seq, message=f"cannot be read: {error}")
        return
    present = set(connection.scalars(select(BLOBS.c.digest).where(BLOBS.c.digest.in_(named)))) if named else set()
    for name in sorted(named - present):
        yield LedgerProblem(seq=entry.seq, message=f"points at the text {name}, which is gone")


def _purge_problems(entry: Entry, purged_at: int) -> Iterator[LedgerProblem]:
    """A payload is gone if, and only if, a later entry says that its campaign was purged."""
    if entry.purged_digest is not None and (entry.seq > purged_at or entry.payload):
        yield LedgerProblem(seq=entry.seq, message="was emptied, and no later entry says that its campaign was purged")
    if entry.purged_digest is None and entry.seq < purged_at and entry.kind != TOMBSTONE:
        yield LedgerProblem(seq=entry.seq, message=f"is there, though entry {purged_at} says that it was purged")


def _blob_problems(connection: Connection) -> Iterator[LedgerProblem]:
    after = ""
    while names := list(
        connection.scalars(select(BLOBS.c.digest).where(BLOBS.c.digest > after).order_by(BLOBS.c.digest).limit(100))
    ):
        for name in names:
            content = connection.execute(select(BLOBS.c.content).where(BLOBS.c.digest == name)).scalar()
            if content is None or digest(stored_bytes(content)) != name:
                yield LedgerProblem(
                    seq=None, message=f"the stored text {name} was changed: it does not match its digest"
                )
        after = names[-1]


def _derived_problems(connection: Connection) -> Iterator[LedgerProblem]:
    """Derive everything again, beside what is there, and compare row by row."""
    fresh = _temporary_tables(connection)
    records = Records()
    try:
        for entry in entries(connection):
            if entry.purged_digest is not None:
                continue
            record = records.read(connection, entry)
            project(connection, fresh, seq=entry.seq, campaign_id=entry.campaign_id, record=record)
    except HardeningError as error:
        yield LedgerProblem(seq=entry.seq, message=str(error))
        return
    for name, table in OWN_TABLES.items():
        for left, right, what in ((fresh[name], table, "lacks or differs in"), (table, fresh[name], "has, unproven,")):
            rows = connection.execute(except_(select(left), select(right)).limit(ROWS_NAMED)).all()
            for row in rows:
                yield LedgerProblem(
                    seq=row._mapping["seq"],
                    message=f"table {name} {what} {dict(row._mapping)}; rebuilding derives it from the entries again",
                )


def _temporary_tables(connection: Connection) -> Tables:
    """Make empty twins of the derived tables that only this transaction sees: reading is rolled back."""
    metadata = MetaData()
    twins = {}
    for table in DERIVED:
        columns = [column._copy() for column in table.columns]
        twins[table.name] = Table(f"fresh_{table.name}", metadata, *columns, prefixes=["TEMPORARY"])
    metadata.create_all(connection)
    return twins
