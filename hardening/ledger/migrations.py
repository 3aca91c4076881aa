"""How a ledger's tables come to be: numbered steps, each taken once, in one transaction.

A step that was released is never edited: a new step follows it. Written as SQL and not derived from `schema`, since
what an old step did must not change when the tables do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, inspect, select

from hardening.errors import AskedWrongly
from hardening.ledger.schema import SCHEMA_VERSION


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One numbered step: statements for both databases (with the words of `_WORDS`), then those of one."""

    version: int
    statements: tuple[str, ...]
    sqlite: tuple[str, ...] = ()
    postgresql: tuple[str, ...] = ()


FIRST = Migration(
    version=1,
    statements=(
        """CREATE TABLE entries (
            seq INTEGER NOT NULL PRIMARY KEY,
            campaign_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            taken_at TEXT NOT NULL,
            payload {bytes} NOT NULL,
            prev_hash TEXT NOT NULL,
            hash TEXT NOT NULL
        )""",
        "CREATE INDEX entries_by_campaign ON entries (campaign_id, kind, seq)",
        "CREATE TABLE blobs (digest TEXT NOT NULL PRIMARY KEY, content {bytes} NOT NULL)",
        """CREATE TABLE campaigns (
            campaign_id TEXT NOT NULL PRIMARY KEY,
            verb TEXT NOT NULL,
            started_at TEXT NOT NULL,
            finished_at TEXT,
            exit_code INTEGER,
            seq INTEGER NOT NULL REFERENCES entries (seq)
        )""",
        """CREATE TABLE hosts (
            campaign_id TEXT NOT NULL REFERENCES campaigns (campaign_id),
            phase TEXT NOT NULL,
            host TEXT NOT NULL,
            seq INTEGER NOT NULL REFERENCES entries (seq),
            PRIMARY KEY (campaign_id, phase, host)
        )""",
        # No references from the many rows: each would be looked up once more, and verifying finds a stray row anyway.
        """CREATE TABLE findings (
            campaign_id TEXT NOT NULL,
            phase TEXT NOT NULL,
            host TEXT NOT NULL,
            component TEXT NOT NULL,
            instance TEXT NOT NULL,
            control_id TEXT NOT NULL,
            status TEXT NOT NULL,
            verdict TEXT NOT NULL,
            severity TEXT NOT NULL,
            seq INTEGER NOT NULL,
            PRIMARY KEY (campaign_id, phase, host, component, instance, control_id)
        ) {keyed}""",
        """CREATE TABLE changes (
            seq INTEGER NOT NULL,
            place INTEGER NOT NULL,
            campaign_id TEXT NOT NULL,
            host TEXT NOT NULL,
            component TEXT NOT NULL,
            instance TEXT NOT NULL,
            control_id TEXT NOT NULL,
            state TEXT NOT NULL,
            PRIMARY KEY (seq, place)
        )""",
        "CREATE INDEX changes_by_campaign ON changes (campaign_id, host)",
        """CREATE TABLE remembered_plans (
            platform_key TEXT NOT NULL,
            profile_digest TEXT NOT NULL,
            commands {bytes} NOT NULL,
            remembered_at TEXT NOT NULL,
            PRIMARY KEY (platform_key, profile_digest)
        )""",
    ),
    sqlite=(
        "CREATE TRIGGER entries_keep_update BEFORE UPDATE ON entries {refuse_entries}",
        "CREATE TRIGGER entries_keep_delete BEFORE DELETE ON entries {refuse_entries}",
        "CREATE TRIGGER blobs_keep_update BEFORE UPDATE ON blobs {refuse_blobs}",
        "CREATE TRIGGER blobs_keep_delete BEFORE DELETE ON blobs {refuse_blobs}",
        # INSERT OR REPLACE deletes without asking the delete trigger unless recursive_triggers is on.
        """CREATE TRIGGER entries_keep_replace BEFORE INSERT ON entries
            WHEN EXISTS (SELECT 1 FROM entries WHERE seq = NEW.seq) {refuse_entries}""",
        """CREATE TRIGGER blobs_keep_replace BEFORE INSERT ON blobs
            WHEN EXISTS (SELECT 1 FROM blobs WHERE digest = NEW.digest) {refuse_blobs}""",
    ),
    postgresql=(
        """CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only'; END $$""",
        *(
            f"CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only()"
            for table in ("entries", "blobs")
        ),
    ),
)

# What people attest, and payloads that were purged: the chain's hashes cover their digests, which stay.
PURGE_AND_ATTEST = Migration(
    version=2,
    statements=(
        "ALTER TABLE entries ADD COLUMN purged_digest TEXT",
        "CREATE TABLE attestations (seq INTEGER NOT NULL PRIMARY KEY, campaign_id TEXT NOT NULL)",
    ),
)

# What was seen of resources over time, days that were summed up, and what was allocated.
RESOURCES = Migration(
    version=3,
    statements=(
        """CREATE TABLE resource_looks (
            seq INTEGER NOT NULL PRIMARY KEY,
            campaign_id TEXT NOT NULL,
            host TEXT NOT NULL,
            taken_at TEXT NOT NULL,
            reached INTEGER NOT NULL
        )""",
        "CREATE INDEX resource_looks_by_host ON resource_looks (host, taken_at)",
        """CREATE TABLE samples (
            host TEXT NOT NULL,
            subject TEXT NOT NULL,
            metric TEXT NOT NULL,
            taken_at TEXT NOT NULL,
            value DOUBLE PRECISION NOT NULL,
            campaign_id TEXT NOT NULL,
            seq INTEGER NOT NULL,
            PRIMARY KEY (host, subject, metric, taken_at, seq)
        ) {keyed}""",
        # A purge takes the samples of one act among those of years.
        "CREATE INDEX samples_by_campaign ON samples (campaign_id)",
        """CREATE TABLE sample_rollups (
            host TEXT NOT NULL,
            subject TEXT NOT NULL,
            metric TEXT NOT NULL,
            day TEXT NOT NULL,
            count INTEGER NOT NULL,
            minimum DOUBLE PRECISION NOT NULL,
            maximum DOUBLE PRECISION NOT NULL,
            mean DOUBLE PRECISION NOT NULL,
            p95 DOUBLE PRECISION NOT NULL,
            last DOUBLE PRECISION NOT NULL,
            campaign_id TEXT NOT NULL,
            seq INTEGER NOT NULL,
            PRIMARY KEY (host, subject, metric, day, seq)
        ) {keyed}""",
        """CREATE TABLE allocations (
            seq INTEGER NOT NULL PRIMARY KEY,
            campaign_id TEXT NOT NULL,
            request_id TEXT NOT NULL
        )""",
    ),
)

# What inspections read, and the register of incidents.
INSPECTION = Migration(
    version=4,
    statements=(
        """CREATE TABLE inspections (
            campaign_id TEXT NOT NULL PRIMARY KEY,
            plan TEXT NOT NULL,
            started_at TEXT NOT NULL,
            finished_at TEXT,
            exit_code INTEGER,
            seq INTEGER NOT NULL
        )""",
        """CREATE TABLE readings (
            seq INTEGER NOT NULL PRIMARY KEY,
            campaign_id TEXT NOT NULL,
            host TEXT NOT NULL
        )""",
        "CREATE INDEX readings_by_campaign ON readings (campaign_id, seq)",
        """CREATE TABLE incident_events (
            seq INTEGER NOT NULL PRIMARY KEY,
            campaign_id TEXT NOT NULL
        )""",
        """CREATE TABLE inspection_plans (
            seq INTEGER NOT NULL PRIMARY KEY,
            campaign_id TEXT NOT NULL,
            plan TEXT NOT NULL
        )""",
        "CREATE TABLE reports_written (seq INTEGER NOT NULL PRIMARY KEY, campaign_id TEXT NOT NULL)",
    ),
)

MIGRATIONS = (FIRST, PURGE_AND_ATTEST, RESOURCES, INSPECTION)
NEWEST = MIGRATIONS[-1].version

_WORDS = {
    "sqlite": {
        "{bytes}": "BLOB",
        # The rows live in the key's own tree: one tree to write instead of two.
        "{keyed}": "WITHOUT ROWID",
        "{refuse_entries}": "BEGIN SELECT RAISE(ABORT, 'entries is append-only'); END",
        "{refuse_blobs}": "BEGIN SELECT RAISE(ABORT, 'blobs is append-only'); END",
    },
    "postgresql": {"{bytes}": "BYTEA", "{keyed}": ""},
}


def migrate(connection: Connection, *, taken_at: str, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Take the steps that this ledger has not taken yet, inside the caller's transaction.

    Raises AskedWrongly for a ledger that a newer version wrote.
    """
    present = ledger_version(connection, migrations=migrations)
    if not present and not inspect(connection).has_table(SCHEMA_VERSION.name):
        SCHEMA_VERSION.create(connection)
    dialect = connection.dialect.name
    for migration in migrations:
        if migration.version <= present:
            continue
        for statement in (*migration.statements, *getattr(migration, dialect)):
            connection.exec_driver_sql(_in_words_of(dialect, statement))
        connection.execute(insert(SCHEMA_VERSION).values(version=migration.version, applied_at=taken_at))


def _in_words_of(dialect: str, statement: str) -> str:
    for word, meaning in _WORDS[dialect].items():
        statement = statement.replace(word, meaning)
    return statement


def ledger_version(connection: Connection, *, migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """Return the newest step that the ledger has taken, 0 for none. Raises AskedWrongly for one we do not know."""
    if not inspect(connection).has_table(SCHEMA_VERSION.name):
        return 0
    present = connection.execute(select(func.max(SCHEMA_VERSION.c.version))).scalar() or 0
    newest = migrations[-1].version
    if present > newest:
        raise AskedWrongly(
            f"the ledger was written by a newer version (its schema is {present}, this version knows {newest});"
            " upgrade this tool, or point it at another ledger"
        )
    return int(present)
