"""Every item that says how its fault is caused was proven with exactly that, on Debian 12 and 13."""

from __future__ import annotations

from hardening.inspection.items import load_items
from hardening.inspection.kinds import kinds
from tests.command_line import ROOT
from tests.prove_inspection.record import SYSTEMS, digest_of, read_record


def test_every_item_is_proven_or_says_why_not() -> None:
    """`make prove-inspection` wrote it down; an item that was changed since has to be proven again."""
    items = load_items([ROOT / "baselines"], kinds())
    record = read_record(ROOT / "docs" / "inspection-proof.json")
    unproven = [
        f"{item.id} on {system}"
        for item in items.values()
        for system in SYSTEMS
        if item.fault is not None and record.get(item.id, {}).get(system) != digest_of(item)
    ]

    assert unproven == []
    assert set(record) <= {item.id for item in items.values()}
