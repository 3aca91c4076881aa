"""Several hosts at once."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.lab.host import LabHost
from tests.lab.inventory import write_inventory
from tests.lab.lab import Lab

_AT_ONCE = 2
"""Booting is work for the processor: more at once than it has cores only makes each one slower."""


@dataclass(frozen=True, kw_only=True)
class HostSpec:
    """A host that is wanted."""

    name: str
    image: str = "debian12"
    services: tuple[str, ...] = ()


def boot_fleet(lab: Lab, specs: Sequence[HostSpec]) -> list[LabHost]:
    """Make and boot the hosts, two at a time; all are up when this returns, and the lab's inventory.yml lists them."""
    began = time.monotonic()
    hosts = [lab.host(spec.name, image=spec.image, services=spec.services) for spec in specs]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for host, took_s in zip(hosts, pool.map(LabHost.boot, hosts), strict=True):
            print(f"lab: {host} up in {took_s:.1f} s", file=sys.stderr)
    write_inventory(lab.directory / "inventory.yml", list(lab.everyone.values()))
    print(f"lab: {len(hosts)} hosts up in {time.monotonic() - began:.1f} s", file=sys.stderr)
    return hosts
