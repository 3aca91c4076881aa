"""Root file systems, built once and kept until their recipe changes.

An image is three layers: `base`, a Debian server with everything installed; `debs`, a package repository, because hosts
have no way out; and `standins`, what a container host needs because it cannot reach the kernel. A host is an overlay on
all three, the virtual machine is made of the first two.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.lab import accounts, repository
from tests.lab.apt_sources import machine_archive
from tests.lab.commands import run
from tests.lab.errors import LabError
from tests.lab.layers import OWN_ROOM, built, digest, in_chroot
from tests.lab.paths import lab_root, locked, require_root

RECIPE = Path(__file__).parent / "recipe"
SUITES = {"debian12": "bookworm", "debian13": "trixie"}
_STANDINS = ("standins.sh", "writable-sysctls", "lab-writable-sysctls.service", "auditctl", "grub-mkconfig")
_ACCOUNTS = {"LAB_ROOT_PASSWORD": accounts.ROOT_PASSWORD, "LAB_OPS_PASSWORD": accounts.OPS_PASSWORD}


@dataclass(frozen=True, kw_only=True)
class Image:
    """A built image: where its layers are."""

    name: str
    base: Path
    debs: Path
    standins: Path

    @property
    def lowerdir(self) -> str:
        """The layers as overlayfs wants them, the upper one first."""
        return f"{self.standins}:{self.debs}:{self.base}"


def image(name: str) -> Image:
    """Return the image of that name, building what is missing; a second process waits for the first one's build."""
    require_root()
    if name not in SUITES:
        raise LabError(f"{name} is not a lab image; there are: {', '.join(SUITES)}")
    with locked(f"image-{name}"):
        base = built(f"{name}-base", _base_digest(name), lambda into: _build_base(name, into))
        debs = built(f"{name}-debs", _debs_digest(base), lambda into: _build_debs(base, into))
        standins = built(f"{name}-standins", _standins_digest(base), lambda into: _build_standins(base, into))
    return Image(name=name, base=base, debs=debs, standins=standins)


def planned(name: str) -> Image:
    """Return the image of the present recipe, built or not."""
    images = lab_root() / "images"
    base = images / f"{name}-base-{_base_digest(name)}"
    debs = images / f"{name}-debs-{_debs_digest(base)}"
    return Image(name=name, base=base, debs=debs, standins=images / f"{name}-standins-{_standins_digest(base)}")


def _listed(file: str) -> list[str]:
    """Return the package names in a file of the recipe."""
    lines = (RECIPE / file).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _base_digest(name: str) -> str:
    return digest([SUITES[name], *_listed("packages.txt"), (RECIPE / "base.sh").read_bytes(), repr(_ACCOUNTS)])


def _debs_digest(base: Path) -> str:
    script = (RECIPE / "download-debs.sh").read_bytes()
    return digest([base.name, *_listed("repository.txt"), script, repository.SOURCE])


def _standins_digest(base: Path) -> str:
    return digest([base.name, os.uname().release, *((RECIPE / file).read_bytes() for file in _STANDINS)])


def _build_base(name: str, into: Path) -> None:
    suite = SUITES[name]
    archive = machine_archive()
    run(
        [
            *OWN_ROOM,
            "mmdebstrap",
            "--quiet",
            "--mode=root",
            "--variant=apt",
            f"--include={','.join(_listed('packages.txt'))}",
            "--dpkgopt=force-unsafe-io",
            '--aptopt=Acquire::Languages "none"',
            '--aptopt=APT::Install-Recommends "false"',
            suite,
            into,
            "-",
        ],
        stdin=archive.sources(suite),
        timeout_s=1200,
    )
    shutil.copy(RECIPE / "base.sh", into / "root" / "base.sh")
    in_chroot(into, ["sh", "/root/base.sh"], env=_ACCOUNTS)
    (into / "root" / "base.sh").unlink()


def _build_debs(base: Path, into: Path) -> None:
    script = RECIPE / "download-debs.sh"
    repository.build_repository(base, into, script=script, packages=_listed("repository.txt"))


def _build_standins(base: Path, into: Path) -> None:
    work = into.parent / f"{into.name}-work"
    merged = into.parent / f"{into.name}-merged"
    for directory in (work, merged):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
    recipe = into / "root" / "lab-recipe"
    recipe.mkdir(parents=True)
    (into / "root").chmod(0o700)
    for file in _STANDINS:
        shutil.copy(RECIPE / file, recipe / file)
    in_chroot(
        merged,
        ["sh", "/root/lab-recipe/standins.sh", "/root/lab-recipe"],
        overlay=f"lowerdir={base},upperdir={into},workdir={work}",
        env={"LAB_KERNEL": os.uname().release},
    )
    shutil.rmtree(recipe)
    shutil.rmtree(work)
    merged.rmdir()
