"""The ledger: what was done and seen, append-only and hash-chained, in SQLite or PostgreSQL."""

from hardening.ledger.book import Ledger, ledger_path, open_ledger
from hardening.ledger.inspections import InspectionBook
from hardening.ledger.values import Head, LedgerProblem, Link, OnRecord, Phase, PurgeDone, Standing, Step

__all__ = [
    "Head",
    "InspectionBook",
    "Ledger",
    "LedgerProblem",
    "Link",
    "OnRecord",
    "Phase",
    "PurgeDone",
    "Standing",
    "Step",
    "ledger_path",
    "open_ledger",
]
