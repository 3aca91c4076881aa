"""Fixtures: an empty ledger's address on either database."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateSchema

from hardening.ledger import Ledger, open_ledger
from tests.ledger_store.postgres import NoServerError, memory_directory, running_server
from tests.ledger_store.samples import clock

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def ledger_server() -> Iterator[str]:
    """The URL of a PostgreSQL server that lives as long as the tests."""
    try:
        with running_server() as url:
            yield url
    except NoServerError as missing:
        pytest.fail(str(missing))


@pytest.fixture
def postgresql_address(ledger_server: str) -> str:
    """The URL of an empty schema, which takes a tenth of the time of an empty database."""
    name = f"ledger_{next(_NUMBERS)}"
    engine = create_engine(ledger_server)
    with engine.begin() as connection:
        connection.execute(CreateSchema(name))
    engine.dispose()
    options = {"options": f"-csearch_path={name}"}
    return make_url(ledger_server).update_query_dict(options).render_as_string(hide_password=False)


@pytest.fixture
def sqlite_address() -> Iterator[str]:
    """The path of a ledger that does not exist yet."""
    with tempfile.TemporaryDirectory(prefix="hardening-ledger-", dir=memory_directory()) as directory:
        yield str(Path(directory) / ".hardening" / "ledger.sqlite3")


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest) -> str:
    """The address of an empty ledger, on each database in turn."""
    chosen: str = request.getfixturevalue(f"{request.param}_address")
    return chosen


@pytest.fixture
def ledger(address: str) -> Iterator[Ledger]:
    """An empty ledger."""
    with open_ledger(address, clock=clock, wait_s=20) as opened:
        yield opened
