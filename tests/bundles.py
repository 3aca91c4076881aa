"""A recorded campaign and bundles of it, for tests that change them."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hardening.evidence import evidence_of
from hardening.exporting import export_bundle
from hardening.ledger import Ledger, open_ledger
from hardening.model import Status
from tests.ledger_store.samples import HARD_TEXTS, START, campaign, clock, control, finding, host, probe, profile

# The formats that are quick to write; one has a language, one has none.
FORMATS = ("json", "markdown", "prometheus")
SCAN, OTHER = campaign(), campaign("20260821T101503Z-scan-0000")
PROFILE = profile(*[control(f"sshd_{name}") for name in "abc"])
LONG = "a long listing\n" * 600


def record(ledger: Ledger) -> None:
    """Record a campaign with another one in between, hard texts of one host, and a text that is stored apart."""
    ledger.begin(SCAN, PROFILE)
    ledger.begin(OTHER, PROFILE)
    for name in ("web01", "db01"):
        probes = (probe(LONG), *(probe(text) for text in HARD_TEXTS if name == "web01"))
        looks = [finding(asked, host=name, probes=probes) for asked in PROFILE.requirements]
        ledger.record_findings(SCAN.id, "after", looks)
        ledger.record_findings(OTHER.id, "after", [replace(look, status=Status.PASS) for look in looks])
        ledger.record_host(SCAN.id, "after", host(name))
    ledger.finish(SCAN.id, 1, START + timedelta(minutes=2))
    ledger.finish(OTHER.id, 0, START + timedelta(minutes=2))


def recorded(directory: Path) -> Ledger:
    """Return an open ledger with the campaign in it."""
    ledger = open_ledger(directory / "ledger.sqlite3", clock=clock)
    record(ledger)
    return ledger


def bundle_of(ledger: Ledger, destination: Path, **given: Any) -> Path:
    """Export the campaign."""
    export_bundle(ledger, evidence_of(ledger, SCAN.id), destination, formats=FORMATS, **given)
    return destination


def copied(bundle: Path, destination: Path) -> Path:
    """Return a copy of a bundle that a test may break."""
    if bundle.is_dir():
        return Path(shutil.copytree(bundle, destination))
    return Path(shutil.copyfile(bundle, destination))


def ssh_key(directory: Path, name: str, *more: str) -> Path:
    """Make an SSH key without a passphrase."""
    path = directory / name
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path), *more]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    return path


def allowed_signers(directory: Path, *keys: Path, options: str = "") -> Path:
    """Write who may sign: each key under its file's name."""
    path = directory / "allowed_signers"
    rows = [f"{key.name} {options} {key.with_suffix('.pub').read_text()}" for key in keys]
    path.write_text("".join(rows))
    return path


def every_byte_changed(content: bytes, step: int, change: Callable[[int], int]) -> list[tuple[int, bytes]]:
    """Return a text with one byte changed, at every `step`th place and at both ends."""
    places = sorted({*range(0, len(content), step), len(content) - 1})
    return [(at, content[:at] + bytes([change(content[at])]) + content[at + 1 :]) for at in places]


def unpacked(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes and, where it is a zip (as office files are), those of all that is in it, however deep."""
    waiting = [path.read_bytes()]
    while waiting:
        content = waiting.pop()
        yield content
        if content.startswith(b"PK\3\4"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                waiting += [archive.read(name) for name in archive.namelist()]
