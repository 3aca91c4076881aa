"""A hand that changes a ledger behind its back, with the database's own means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import URL, make_url

from hardening.ledger.database import WRITER_LOCK


@contextmanager
def raw_connection(address: str) -> Iterator[Connection]:
    """Give a plain connection to a ledger's database, committed at the end."""
    url = make_url(address) if "://" in address else URL.create("sqlite", database=address)
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def hold_write_lock(connection: Connection) -> None:
    """Do what a writer does first, until the connection's transaction ends."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")


def tamper(address: str, *statements: str) -> None:
    """Run statements as somebody who has lifted the protection first, and put it back after."""
    with raw_connection(address) as connection:
        if connection.dialect.name == "postgresql":
            # Also lifts the references between tables, as PRAGMA foreign_keys=OFF (the default) does on SQLite.
            connection.exec_driver_sql("SET session_replication_role = replica")
            for statement in statements:
                connection.exec_driver_sql(statement)
            return
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all()
        for name, _ in rows:
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.exec_driver_sql(statement)
        for _, definition in rows:
            connection.exec_driver_sql(definition)
