"""What was proven of items, and where: docs/inspection-proof.json. A proof holds while the item stays as it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from hardening.inspection.items import Item

SYSTEMS = ("debian12", "debian13")


def digest_of(item: Item) -> str:
    """Return a digest of what is read, when it is bad, and how its fault is caused."""
    fault = None if item.fault is None else {**asdict(item.fault), "thresholds": repr(item.fault.thresholds)}
    if fault is not None and not fault["clear"]:
        del fault["clear"]
    told = [item.kind, dict(item.params), repr(item.thresholds), fault]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]


def read_record(path: Path) -> dict[str, dict[str, str]]:
    """Return by item and system the digest that was proven."""
    if not path.exists():
        return {}
    record: dict[str, dict[str, str]] = json.loads(path.read_text("utf-8"))
    return record


def write_record(path: Path, system: str, proven: Iterable[Item], tried: Iterable[Item]) -> None:
    """Write down what was proven on a system; what was tried and not proven is taken out."""
    record = read_record(path)
    for item in tried:
        record.get(item.id, {}).pop(system, None)
    for item in proven:
        record.setdefault(item.id, {})[system] = digest_of(item)
    kept = {name: dict(sorted(systems.items())) for name, systems in sorted(record.items()) if systems}
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
