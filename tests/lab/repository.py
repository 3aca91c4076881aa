"""The package repositories that hosts install from, signed with a key of their own.

One holds packages; the other stands for the security archive, and holds nothing newer than what hosts have: they
are built from the real one. Without it a host could not say which updates are missing.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.lab.commands import run
from tests.lab.layers import in_chroot

KEYRING = "usr/share/keyrings/lab-archive.gpg"
PACKAGES, SECURITY = "opt/debs", "opt/debs-security"
SOURCE = "".join(f"deb [signed-by=/{KEYRING}] file:/{place} ./\n" for place in (PACKAGES, SECURITY))
_KEY = "Lab package archive"


def build_repository(base: Path, into: Path, *, script: Path, packages: list[str]) -> None:
    """Fill the layer `into` with the repositories, their key, and apt configured for it alone."""
    work = into.with_name(f"{into.name}-work")
    merged = into.with_name(f"{into.name}-merged")
    for directory in (work, merged):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
    overlay = f"lowerdir={base},upperdir={into},workdir={work}"
    _download(into, merged, overlay, script, packages)
    _sign(into)
    (into / "etc/apt").mkdir(parents=True, exist_ok=True)
    (into / "etc/apt/sources.list").write_text(SOURCE)
    in_chroot(merged, ["apt-get", "-qq", "update"], overlay=overlay)
    in_chroot(merged, ["apt-get", "clean"], overlay=overlay)
    shutil.rmtree(work)
    merged.rmdir()


def _download(into: Path, merged: Path, overlay: str, script: Path, packages: list[str]) -> None:
    etc = into / "etc"
    etc.mkdir()
    shutil.copy("/etc/resolv.conf", etc / "resolv.conf")
    shutil.copy(script, into / "download-debs.sh")
    in_chroot(merged, ["sh", "/download-debs.sh", *packages], overlay=overlay, timeout_s=900)
    (into / "download-debs.sh").unlink()
    # Written empty by each host; the lists of the outer archive are of no use where it cannot be reached.
    (etc / "resolv.conf").write_text("")
    shutil.rmtree(into / "var/lib/apt/lists", ignore_errors=True)


def _sign(into: Path) -> None:
    """Write Packages, Release and InRelease, and the public key; the private key is thrown away."""
    with tempfile.TemporaryDirectory(prefix="lab-archive-") as home:
        gpg = ["gpg", "--homedir", home, "--batch", "--quiet"]
        run([*gpg, "--passphrase", "", "--quick-generate-key", _KEY, "ed25519", "sign", "never"])
        for place, origin in ((PACKAGES, "Lab"), (SECURITY, "Lab-Security")):
            debs = into / place
            debs.mkdir(parents=True, exist_ok=True)
            (debs / "Packages").write_text(run(["sh", "-c", 'cd "$1" && apt-ftparchive packages .', "sh", debs]))
            named = f"APT::FTPArchive::Release::Origin={origin}"
            (debs / "Release").write_text(run(["apt-ftparchive", "-o", named, "release", debs]))
            run([*gpg, "--clearsign", "--output", debs / "InRelease", debs / "Release"])
        keyring = into / KEYRING
        keyring.parent.mkdir(parents=True)
        run([*gpg, "--export", "--output", keyring])
        run(["gpgconf", "--homedir", home, "--kill", "all"])
