"""Root file systems, built once and kept until their recipe changes.

An image is three layers: `base`, a Debian server with everything installed; `debs`, a package repository, because hosts
have no way out; and `standins`, what a container host needs because it cannot reach the kernel. A host is an overlay on
all three, the virtual machine is made of the first two. `debian12-middleware` has a fourth one on top, with databases
and middleware that few tests need: it is built when somebody asks for it.
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
MIDDLEWARE = "-middleware"
IMAGES = (*SUITES, *(f"{name}{MIDDLEWARE}" for name in SUITES))
_STANDINS = ("standins.sh", "writable-sysctls", "lab-writable-sysctls.service", "auditctl", "grub-mkconfig")
_ACCOUNTS = {"LAB_ROOT_PASSWORD": accounts.ROOT_PASSWORD, "LAB_OPS_PASSWORD": accounts.OPS_PASSWORD}


@dataclass(frozen=True, kw_only=True)
class Image:
    """A built image: where its layers are."""

    name: str
    base: Path
    debs: Path
    standins: Path
    middleware: Path | None = None

    @property
    def layers(self) -> tuple[Path, ...]:
        """The layers, the lowest one first."""
        return (self.base, self.debs, self.standins, *((self.middleware,) if self.middleware else ()))

    @property
    def lowerdir(self) -> str:
        """The layers as overlayfs wants them, the upper one first."""
        return ":".join(map(str, reversed(self.layers)))


def image(name: str) -> Image:
    """Return the image of that name, building what is missing; a second process waits for the first one's build."""
    require_root()
    if name not in IMAGES:
        raise LabError(f"{name} is not a lab image; there are: {', '.join(IMAGES)}")
    system = name.removesuffix(MIDDLEWARE)
    with locked(f"image-{system}"):
        base = built(f"{system}-base", _base_digest(system), lambda into: _build_base(system, into))
        debs = built(f"{system}-debs", _debs_digest(base), lambda into: _build_debs(base, into))
        standins = built(f"{system}-standins", _standins_digest(base), lambda into: _build_standins(base, into))
        middleware = None
        if name != system:
            recipe = _middleware_digest(standins)
            middleware = built(name, recipe, lambda into: _build_middleware(system, f"{standins}:{base}", into))
    return Image(name=name, base=base, debs=debs, standins=standins, middleware=middleware)


def planned(name: str) -> Image:
    """Return the image of the present recipe, built or not."""
    images = lab_root() / "images"
    base = images / f"{name}-base-{_base_digest(name)}"
    debs = images / f"{name}-debs-{_debs_digest(base)}"
    standins = images / f"{name}-standins-{_standins_digest(base)}"
    middleware = images / f"{name}{MIDDLEWARE}-{_middleware_digest(standins)}"
    return Image(name=name, base=base, debs=debs, standins=standins, middleware=middleware)


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


def _middleware_digest(standins: Path) -> str:
    return digest([standins.name, *_listed("middleware.txt"), (RECIPE / "middleware.sh").read_bytes()])


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


def _build_middleware(system: str, lower: str, into: Path) -> None:
    """Install from the machine's own archive; what apt learned there goes again, so that hosts know theirs alone."""
    work = into.with_name(f"{into.name}-work")
    merged = into.with_name(f"{into.name}-merged")
    for directory in (work, merged):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
    for part in ("etc", "root"):
        (into / part).mkdir()
    (into / "root").chmod(0o700)
    shutil.copy("/etc/resolv.conf", into / "etc/resolv.conf")
    shutil.copy(RECIPE / "middleware.sh", into / "root/middleware.sh")
    (into / "root/middleware.list").write_text(machine_archive().sources(SUITES[system]))
    in_chroot(
        merged,
        ["sh", "/root/middleware.sh", *_listed("middleware.txt")],
        overlay=f"lowerdir={lower},upperdir={into},workdir={work}",
        timeout_s=1200,
    )
    for name in ("etc/resolv.conf", "root/middleware.sh", "root/middleware.list"):
        (into / name).unlink()
    for name in ("var/lib/apt/lists", "var/cache/apt"):
        shutil.rmtree(into / name, ignore_errors=True)
    shutil.rmtree(work)
    merged.rmdir()
