"""Remove images that nothing needs any more."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.lab.disks import disk_digest
from tests.lab.images import SUITES, planned
from tests.lab.mounts import mounts_under
from tests.lab.paths import lab_root, locked


def prune_images() -> list[Path]:
    """Remove and return what neither the present recipe nor a lab's host needs; the caller holds the run lock."""
    needed = _used()
    removed: list[Path] = []
    for name in SUITES:
        with locked(f"image-{name}"):
            image = planned(name)
            needed |= {layer.name for layer in image.layers} | {f"{name}-disk-{disk_digest(image)}"}
            for directory in sorted((lab_root() / "images").glob(f"{name}-*")):
                if directory.name not in needed and not mounts_under(directory):
                    shutil.rmtree(directory)
                    removed.append(directory)
    return removed


def _used() -> set[str]:
    """Return the names of what the hosts of all labs stand on: layers, and the disks under machines' own disks."""
    run = lab_root() / "run"
    described = (json.loads(path.read_text()) for path in run.glob("hl*/hosts/*/host.json"))
    layers = {Path(layer).name for host in described for layer in host["image"][1:]}
    return layers | {path.read_text() for path in run.glob("hl*/hosts/*/disk-under")}
