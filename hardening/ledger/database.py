"""Connections and transactions: how SQLite and PostgreSQL are opened, locked, and how their refusals are said."""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry, Pool, QueuePool

from hardening.errors import AskedWrongly, EvidenceBroken, HardeningError, Incomplete
from hardening.ledger.schema import METADATA
from hardening.redact import redact

# Any fixed number serves, as long as every writer of a ledger takes the same advisory lock.
WRITER_LOCK = 0x6861_7264

_SQLITE_SENTENCES = {
    "SQLITE_BUSY": (Incomplete, "another process is writing to it and did not finish in time; try again"),
    "SQLITE_LOCKED": (Incomplete, "another process is writing to it and did not finish in time; try again"),
    "SQLITE_FULL": (Incomplete, "the disk is full, nothing of this record was written; free some space and resume"),
    "SQLITE_READONLY": (Incomplete, "it is read-only here; make its directory writable or name another ledger"),
    "SQLITE_CANTOPEN": (Incomplete, "it cannot be opened; check that its directory exists and is writable"),
    "SQLITE_IOERR": (Incomplete, "the disk answered with an error, nothing of this record was written"),
    "SQLITE_CORRUPT": (EvidenceBroken, "the file is damaged; restore it from a backup"),
    "SQLITE_NOTADB": (EvidenceBroken, "the file is no ledger (not an SQLite database)"),
}
# The class (first two digits) or the whole SQLSTATE: PostgreSQL manual, appendix A.
_POSTGRES_SENTENCES = {
    "55P03": (Incomplete, "another process is writing to it and did not finish in time; try again"),
    "53100": (Incomplete, "the server's disk is full, nothing of this record was written; free some space and resume"),
    "25006": (Incomplete, "the server is read-only (a standby?); name the writable server"),
    "42501": (Incomplete, "the account may not write there; grant it the ledger's tables"),
    "28": (AskedWrongly, "the server refused the account; check user, password and pg_hba.conf"),
    "3D": (AskedWrongly, "the server has no such database; create it first"),
    "53": (Incomplete, "the server is out of resources; try again"),
    "57": (Incomplete, "the server stopped the connection; try again"),
    "08": (Incomplete, "the server cannot be reached"),
}


class Database:
    """One ledger's database. `write` is serialised over all processes, `read` is a snapshot."""

    def __init__(self, engine: Engine, *, name: str, wait_s: float) -> None:
        self.name = name
        self._engine = engine
        self._inherited: list[Pool] = []
        self._writing = engine.execution_options(hardening_write=True)
        self._wait_s = wait_s

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a transaction that no other writer of this ledger runs beside; all or nothing is kept."""
        with _refusals_said(self.name), self._writing.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SET LOCAL lock_timeout = {int(self._wait_s * 1000)}"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITER_LOCK})
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a transaction for reading; it is rolled back at its end, so it leaves nothing."""
        with _refusals_said(self.name), self._engine.connect() as connection:
            yield connection

    def compact(self) -> None:
        """Write the tables anew without what was deleted, and empty the log, so that no deleted byte stays behind.

        Raises Incomplete where another process reads from the log and keeps it from being emptied.
        """
        alone = self._engine.execution_options(isolation_level="AUTOCOMMIT", hardening_bare=True)
        with _refusals_said(self.name), alone.connect() as connection:
            if connection.dialect.name == "postgresql":
                for table in METADATA.sorted_tables:
                    connection.exec_driver_sql(f"VACUUM FULL {table.name}")
                return
            connection.exec_driver_sql("VACUUM")
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
        if busy:
            raise Incomplete(
                f"{self.name}: purged, but another process reads it, so that its log still holds deleted bytes;"
                " end that process and purge again"
            )

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def leave_to_parent(self) -> None:
        """Use connections of our own after a fork; those of the parent stay untouched, not even closed."""
        self._inherited.append(self._engine.pool)
        self._engine.dispose(close=False)


def open_database(url_or_path: str | Path, *, wait_s: float, read_only: bool = False) -> Database:
    """Return the database of a path (SQLite) or of a `postgresql://` URL; the file is made when it is missing.

    Raises AskedWrongly for what is neither, Incomplete when it cannot be opened.
    """
    if isinstance(url_or_path, str) and "://" in url_or_path:
        database = _open_url(url_or_path, wait_s=wait_s, read_only=read_only)
    else:
        database = _open_file(Path(url_or_path).absolute(), wait_s=wait_s, read_only=read_only)
    _part_at_fork(weakref.ref(database))
    return database


def _part_at_fork(database: weakref.ref[Database]) -> None:
    """Give forked children connections of their own: two processes on one connection would mix their transactions."""

    def part() -> None:
        held = database()
        if held is not None:
            held.leave_to_parent()

    os.register_at_fork(after_in_child=part)


def _open_file(path: Path, *, wait_s: float, read_only: bool) -> Database:
    if path.is_dir():
        raise AskedWrongly(f"ledger {path}: that is a directory; name the file, such as {path / 'ledger.sqlite3'}")
    if read_only:
        return _open_file_to_read(path, wait_s=wait_s)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The file must be private from its first byte; SQLite gives its side files (-wal, -shm) the same mode.
        path.touch(mode=0o600, exist_ok=True)
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise Incomplete(f"ledger {path}: cannot be opened: {error.strerror or error}") from error
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        # The driver's own transaction handling would begin too late; ours is in `_begin`.
        connect_args={"isolation_level": None, "timeout": wait_s},
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin)
    return Database(engine, name=f"ledger {path}", wait_s=wait_s)


def _open_file_to_read(path: Path, *, wait_s: float) -> Database:
    """Return the database of a file that will not be written, and need not be writable."""
    if not path.exists():
        raise AskedWrongly(
            f"ledger {path}: there is no ledger yet; `hardening scan` makes one, --workspace names another"
        )
    wal = path.with_name(path.name + "-wal")
    # Readers of a write-ahead log need a side file. Where none can be made, and no log waits to be read, nobody can be
    # writing either, and SQLite may read without locks.
    alone = not os.access(path.parent, os.W_OK) and not (wal.exists() and wal.stat().st_size)
    address = f"{path.resolve().as_uri()}?mode=ro" + ("&immutable=1" if alone else "")
    engine = create_engine(
        "sqlite+pysqlite://",
        creator=lambda: sqlite3.connect(
            address, uri=True, isolation_level=None, timeout=wait_s, check_same_thread=False
        ),
        poolclass=QueuePool,
    )
    event.listen(engine, "begin", _begin)
    return Database(engine, name=f"ledger {path}", wait_s=wait_s)


def _open_url(address: str, *, wait_s: float, read_only: bool) -> Database:
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        # The address is not repeated: it may hold a password that could not be told apart.
        raise AskedWrongly("the ledger's URL cannot be read; write postgresql+psycopg://user@host/database") from None
    if url.get_backend_name() == "sqlite" and url.database:
        return _open_file(Path(url.database).absolute(), wait_s=wait_s, read_only=read_only)
    if url.get_backend_name() != "postgresql":
        raise AskedWrongly(
            f"a ledger is an SQLite file or a PostgreSQL database, not {url.get_backend_name()!r};"
            " write a path, or postgresql+psycopg://user@host/database"
        )
    url = url.set(drivername="postgresql+psycopg")
    try:
        engine = create_engine(url, connect_args={"connect_timeout": max(2, int(wait_s))}, pool_pre_ping=True)
    except (NoSuchModuleError, ModuleNotFoundError):
        raise AskedWrongly("a PostgreSQL ledger needs the driver: pip install 'hardening[postgresql]'") from None
    # SQLAlchemy hides the password of `user:password@`, and not one among the parameters.
    return Database(engine, name=f"ledger {redact(url.render_as_string(hide_password=True))}", wait_s=wait_s)


def _set_up_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    """Make commits durable and references binding, on every connection."""
    mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise Incomplete(
            f"the ledger's file system cannot hold a write-ahead log (journal mode stays {mode!r});"
            " keep the ledger on a local disk, or use PostgreSQL"
        )
    # FULL syncs the log at every commit: a record that was said to be kept outlives a power cut.
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: Connection) -> None:
    """Take the write lock at the start: a reader that turns into a writer half-way would be refused without waiting."""
    if connection.get_execution_options().get("hardening_bare", False):
        return  # VACUUM refuses to run inside a transaction.
    writes = connection.get_execution_options().get("hardening_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class _DriverError(Protocol):
    sqlstate: str | None


@contextmanager
def _refusals_said(name: str) -> Iterator[None]:
    """Turn what a database refuses into one of our errors."""
    try:
        yield
    except DBAPIError as error:
        raise _sentence(name, error.orig) from error
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise _sentence(name, error) from error


def _sentence(name: str, refusal: Any) -> HardeningError:
    """Return the error for a driver's exception."""
    if isinstance(refusal, sqlite3.Error):
        code = getattr(refusal, "sqlite_errorname", None) or ""
        # Extended codes name the detail behind the primary one: SQLITE_IOERR_WRITE.
        primary = "_".join(code.split("_")[:2])
        kind, sentence = _SQLITE_SENTENCES.get(primary, (HardeningError, str(refusal)))
        return kind(f"{name}: {sentence}")
    state = getattr(refusal, "sqlstate", None)
    if state is None:
        # No SQLSTATE: the connection never came to be, or broke. The driver's first line says why.
        return Incomplete(f"{name}: the server cannot be reached: {redact(str(refusal)).strip().splitlines()[0]}")
    kind, sentence = _POSTGRES_SENTENCES.get(
        state, _POSTGRES_SENTENCES.get(state[:2], (HardeningError, str(refusal).strip()))
    )
    return kind(f"{name}: {sentence}")
