"""Directories that are built once, whole or not at all, and the chroot in which they are built."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from tests.lab.commands import run
from tests.lab.errors import LabError
from tests.lab.mounts import mounts_under
from tests.lab.paths import lab_root

_IN_CHROOT = """
set -e
root=$1; shift
[ -z "$OVERLAY" ] || mount -t overlay overlay -o "$OVERLAY" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
exec chroot "$root" "$@"
"""
_WITH_OVERLAY = """
set -e
mount -t overlay overlay -o "$OVERLAY" "$1"; shift
exec "$@"
"""
OWN_ROOM = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
"""Mounts and processes of its own: when we are killed, everything a build started ends, and no mount stays behind."""
_CLEAN_ENV = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def digest(parts: Iterable[str | bytes]) -> str:
    """Return a short digest that changes when any of the parts does."""
    total = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        total.update(b"%d:" % len(content) + content)
    return total.hexdigest()[:12]


def built(name: str, recipe_digest: str, build: Callable[[Path], None]) -> Path:
    """Return the directory of that name and recipe; build it beside its place and move it in when it is whole.

    The caller holds the lock of that name, so a leftover of an earlier build belongs to nobody and is removed.
    """
    images = lab_root() / "images"
    done = images / f"{name}-{recipe_digest}"
    if done.exists():
        return done
    partial = images / f"{name}.partial"
    if mounts_under(partial):
        raise LabError(f"something is mounted under {partial}; unmount it, then try again")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    print(f"lab: building {name} ...", file=sys.stderr, flush=True)
    began = time.monotonic()
    build(partial)
    partial.rename(done)
    print(f"lab: built {name} in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return done


def in_chroot(
    root: Path,
    argv: Sequence[str],
    *,
    overlay: str = "",
    env: Mapping[str, str] | None = None,
    timeout_s: float = 600,
) -> str:
    """Run a program inside `root` and return what it printed.

    `overlay`: options of an overlay to mount on `root` first.
    """
    return run(
        [*OWN_ROOM, "sh", "-c", _IN_CHROOT, "sh", root, *argv],
        env={**_CLEAN_ENV, **(env or {}), "OVERLAY": overlay},
        timeout_s=timeout_s,
    )


def with_overlay(point: Path, argv: Sequence[str], overlay: str, *, timeout_s: float = 600) -> str:
    """Run a program of this machine while an overlay is mounted on `point`, which only that program sees."""
    return run(
        [*OWN_ROOM, "sh", "-c", _WITH_OVERLAY, "sh", point, *argv],
        env={**os.environ, "OVERLAY": overlay},
        timeout_s=timeout_s,
    )
