"""Disks of virtual machines: one per image, made once, and a small layer per machine."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.lab.commands import run
from tests.lab.images import RECIPE, Image
from tests.lab.layers import built, digest, in_chroot, with_overlay
from tests.lab.paths import locked

_DISK_SIZE = "6G"


@dataclass(frozen=True, kw_only=True)
class Disk:
    """What a machine starts from."""

    directory: Path

    @property
    def root(self) -> Path:
        """The root file system, which no machine writes to."""
        return self.directory / "root.raw"

    @property
    def kernel(self) -> Path:
        """Debian's kernel."""
        return self.directory / "kernel"

    @property
    def initrd(self) -> Path:
        """What mounts the root."""
        return self.directory / "initrd"


def disk(image: Image) -> Disk:
    """Return the disk of an image, building it the first time."""
    with locked(f"image-{image.name}"):
        made = built(f"{image.name}-disk", disk_digest(image), lambda into: _build(image, into))
    return Disk(directory=made)


def disk_digest(image: Image) -> str:
    """Return the digest of everything a disk is made from."""
    return digest([image.base.name, image.debs.name, (RECIPE / "machine.sh").read_bytes(), _DISK_SIZE])


def identity_disk(content: Path, target: Path) -> None:
    """Make the disk that gives a machine its identity: its content is copied over the root at the first boot."""
    run(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", content, target, "64M"])


def _build(image: Image, into: Path) -> None:
    upper, work, merged = (into / part for part in ("upper", "work", "merged"))
    for part in (upper, work, merged):
        part.mkdir()
    overlay = f"lowerdir={image.debs}:{image.base},upperdir={upper},workdir={work}"
    shutil.copy(RECIPE / "machine.sh", upper / "machine.sh")
    in_chroot(merged, ["sh", "/machine.sh"], overlay=overlay)
    (upper / "machine.sh").unlink()
    for name in ("kernel", "initrd"):
        (upper / f"boot/lab-{name}").rename(into / name)
    with_overlay(merged, ["mke2fs", "-q", "-t", "ext4", "-d", str(merged), str(into / "root.raw"), _DISK_SIZE], overlay)
    shutil.rmtree(upper)
    shutil.rmtree(work)
    merged.rmdir()
