"""Prove inspection items on lab hosts: python -m tests.prove_inspection [--system debian13] [ITEM ...]."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hardening.inspection.items import load_items
from hardening.inspection.kinds import kinds
from hardening.inventory import load_inventory
from tests.lab.inventory import write_inventory
from tests.lab.lab import Lab
from tests.prove_inspection.proof import Proof, prove

ROOT = Path(__file__).parents[2]
SERVICES = ("nginx", "postgresql")


def main(arguments: Sequence[str]) -> int:
    """Prove all items, or those that are named (or whose category is), and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--system", action="append", choices=["debian12", "debian13"])
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args(arguments)
    items = load_items([ROOT / "baselines"], kinds())
    chosen = [
        item for item in items.values() if not asked.names or item.id in asked.names or item.category in asked.names
    ]
    proofs = []
    with Lab.create() as lab:
        for system in asked.system or ["debian12"]:
            host = lab.host(f"proof-{system}", image=system, services=SERVICES)
            host.boot()
            inventory = load_inventory([write_inventory(lab.directory / f"{system}.yml", [host])])
            proofs.append(prove(system, inventory.hosts[0].connection, host.run, chosen))
            _print(proofs[-1])
    return 1 if any(proof.complaints for proof in proofs) else 0


def _print(proof: Proof) -> None:
    print(
        f"{proof.system}: {len(proof.proven)} of {len(proof.asked)} items proven, "
        f"{len(set(proof.stood_in) & set(proof.proven))} of them through a stand-in, "
        f"{len(proof.not_tried)} not tried: {', '.join(proof.not_tried) or 'none'}",
        flush=True,
    )
    for name, sentences in sorted(proof.complaints.items()):
        for sentence in sentences:
            print(f"  {name}: {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
