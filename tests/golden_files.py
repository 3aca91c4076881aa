"""Golden files: what a report looked like when somebody last read it. `make golden` rewrites them; the diff is read."""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def assert_golden(name: str, written: str) -> None:
    """Fail where a report differs from its golden file; with HARDENING_GOLDEN set, rewrite the file instead."""
    path = GOLDEN / name
    if os.environ.get("HARDENING_GOLDEN"):
        path.write_bytes(written.encode())
    assert path.exists(), f"{path} is missing: run `make golden` and read it"
    assert written == path.read_bytes().decode(), f"{name} differs: run `make golden`, read the diff"
