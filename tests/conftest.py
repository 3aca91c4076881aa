"""What all tests share."""

from __future__ import annotations

pytest_plugins = ["tests.command_line", "tests.lab.plugin", "tests.ledger_store.plugin", "tests.scanned_workspace"]
