"""Ledgers for tests: on SQLite, and on a PostgreSQL server that the tests start themselves."""
