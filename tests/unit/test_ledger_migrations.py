"""A ledger's tables come to be by numbered steps, on both databases alike."""

from __future__ import annotations

from contextlib import closing

import pytest
from sqlalchemy import inspect

from hardening.errors import HardeningError
from hardening.ledger import open_ledger
from hardening.ledger.database import open_database
from hardening.ledger.migrations import MIGRATIONS, Migration, ledger_version, migrate
from hardening.ledger.schema import METADATA
from tests.ledger_store.samples import campaign, clock, profile
from tests.ledger_store.tampering import raw_connection

NEXT = Migration(
    version=len(MIGRATIONS) + 1,
    statements=("ALTER TABLE campaigns ADD COLUMN note TEXT", "CREATE TABLE notes (content {bytes})"),
)


def test_the_steps_make_the_tables_that_queries_name(address: str) -> None:
    """Tables, columns, keys, and indexes: `schema` and `migrations` say the same."""
    open_ledger(address, clock=clock).close()

    with raw_connection(address) as connection:
        found = inspect(connection)
        assert set(found.get_table_names()) == set(METADATA.tables)
        for name, table in METADATA.tables.items():
            columns = {column["name"]: column["nullable"] for column in found.get_columns(name)}
            assert columns == {column.name: column.nullable for column in table.columns}
            keys = found.get_pk_constraint(name)["constrained_columns"]
            assert keys == [column.name for column in table.primary_key.columns]
            indexes = {index["name"]: index["column_names"] for index in found.get_indexes(name)}
            assert indexes == {index.name: [column.name for column in index.columns] for index in table.indexes}


def test_steps_are_numbered_without_gaps() -> None:
    """The number of the newest step is the version of a ledger."""
    assert [step.version for step in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


def test_opening_again_takes_no_step_again(address: str) -> None:
    """Each step is taken once."""
    for _ in range(2):
        open_ledger(address, clock=clock).close()

    with raw_connection(address) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM schema_version").scalar() == len(MIGRATIONS)


def test_an_older_ledger_is_brought_up_to_date(address: str) -> None:
    """A later step is taken on a ledger that has entries, and keeps them."""
    with open_ledger(address, clock=clock) as ledger:
        ledger.begin(campaign(), profile())

    with raw_connection(address) as connection:
        migrate(connection, taken_at="now", migrations=(*MIGRATIONS, NEXT))

    with raw_connection(address) as connection:
        assert ledger_version(connection, migrations=(*MIGRATIONS, NEXT)) == NEXT.version
        assert connection.exec_driver_sql("SELECT campaign_id, note FROM campaigns").all() == [(campaign().id, None)]


def test_a_step_that_fails_leaves_nothing(address: str) -> None:
    """Half a step would be a ledger of no version."""
    broken = Migration(version=NEXT.version, statements=(*NEXT.statements, "CREATE TABLE campaigns (x TEXT)"))
    open_ledger(address, clock=clock).close()

    with (
        closing(open_database(address, wait_s=5)) as database,
        pytest.raises(HardeningError, match="exists"),
        database.write() as connection,
    ):
        migrate(connection, taken_at="now", migrations=(*MIGRATIONS, broken))

    with raw_connection(address) as connection:
        assert "notes" not in inspect(connection).get_table_names()
        assert ledger_version(connection) == len(MIGRATIONS)
