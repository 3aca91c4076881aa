"""Prove inspection items on lab hosts: python -m tests.prove_inspection [--system debian13] [NAME ...].

Every fault is caused, found, mended and gone again; what was proven is written to docs/inspection-proof.json.
Names of items, categories or services (redis) prove a part: only the hosts that it needs are booted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from hardening.inspection.items import Item, load_items
from hardening.inspection.kinds import kinds
from hardening.inventory import load_inventory
from tests.lab.images import MIDDLEWARE
from tests.lab.inventory import write_inventory
from tests.lab.lab import Lab
from tests.prove_inspection.proof import Proof, prove
from tests.prove_inspection.record import SYSTEMS, write_record

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "docs" / "inspection-proof.json"
SERVICES = ("nginx", "postgresql")
ON_THEIR_OWN = ("mariadb", "rabbitmq", "redis", "tomcat")
"""Services that have a host to themselves, of the image with middleware, and are proven on no other."""


def main(arguments: Sequence[str]) -> int:
    """Prove all items, or those that are named (or whose category is), and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--system", action="append", choices=SYSTEMS)
    parser.add_argument("--network", help="A kept lab on this /24, in place of one that ends with us.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="an item, a category, or a service such as mariadb")
    asked = parser.parse_args(arguments)
    items = load_items([ROOT / "baselines"], kinds())
    names = set(asked.names)
    chosen = [item for item in items.values() if not names or names & {item.id, item.category, _own_service(item)}]
    proofs = []
    with ExitStack() as stack:
        lab = Lab.open(asked.network) if asked.network else stack.enter_context(Lab.create())
        for system in asked.system or SYSTEMS:
            proofs.append(_prove_on(lab, system, chosen))
            _print(proofs[-1])
            proven = set(proofs[-1].proven)
            write_record(RECORD, system, [item for item in chosen if item.id in proven], chosen)
    return 1 if any(proof.complaints or proof.left_behind for proof in proofs) else 0


def _own_service(item: Item) -> str | None:
    """Return the service that an item looks at where that has a host to itself: redis_memory, backup_mariadb_age."""
    return next((service for service in ON_THEIR_OWN if service in item.id.split("_")), None)


def _prove_on(lab: Lab, system: str, chosen: Sequence[Item]) -> Proof:
    together = Proof(system=system, asked=())
    shared = [item for item in chosen if _own_service(item) is None]
    if shared:
        together = together.joined(_prove_on_host(lab, system, system, SERVICES, shared))
    for service in ON_THEIR_OWN:
        own = [item for item in chosen if _own_service(item) == service]
        if own:
            together = together.joined(_prove_on_host(lab, system, f"{system}{MIDDLEWARE}", (service,), own))
    return together


def _prove_on_host(lab: Lab, system: str, image: str, services: tuple[str, ...], items: Sequence[Item]) -> Proof:
    host = lab.host(f"inspected-{system}", image=image, services=services)
    host.boot()
    try:
        inventory = load_inventory([write_inventory(lab.directory / f"{system}.yml", [host])])
        return prove(system, inventory.hosts[0].connection, host.run, items, say=_sayer(system))
    finally:
        lab.remove(host.name)


def _sayer(system: str) -> Callable[[str], None]:
    return lambda sentence: print(f"{system}: {sentence}", file=sys.stderr, flush=True)


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
    for sentence in proof.left_behind:
        print(f"  left behind: {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
