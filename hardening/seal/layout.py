"""What lies where in a bundle, and how large a bundle may be.

`manifest.json` lists every file outside `seal/` but itself and `SHA256SUMS`, which says the same to `sha256sum -c`.
`seal/` holds what speaks of the manifest: the statement that is signed, the signatures, and time stamps.
"""

from __future__ import annotations

import re

README = "README.md"
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
COVERAGE = "coverage.json"
ENTRIES = "facts/entries.jsonl"
ATTESTATIONS = "facts/attestations.jsonl"
TEXTS = "facts/texts/"
REPORTS = "reports/"
STATEMENT = "seal/statement.pae"
ENVELOPE = "seal/envelope.dsse.json"

SIGNATURE = re.compile(r"seal/signature-(?P<number>[1-9]\d{0,2})\.(?P<kind>ssh|external)\.sig")
TIMESTAMP = re.compile(r"seal/timestamp-(?P<number>[1-9]\d{0,2})\.tsr")

# What ssh-keygen is told that the signature is for: a signature over anything else cannot be passed off as one of ours.
NAMESPACE = "hardening-evidence"

# A thousand hosts with three hundred controls make a tenth of these.
MAX_FILES = 100_000
MAX_TOTAL_BYTES = 4 * 1024**3 - 1
MAX_SMALL_BYTES = 64 * 1024**2
MAX_LINE_BYTES = 256 * 1024**2


def listed(name: str) -> bool:
    """Tell whether the manifest speaks of a file."""
    return name not in (MANIFEST, SUMS) and not name.startswith("seal/")


def signature_name(number: int, kind: str) -> str:
    """Return where the signature of a number lies. `kind` is `ssh` or `external`."""
    return f"seal/signature-{number}.{kind}.sig"


def order(name: str) -> tuple[bool, str]:
    """Sort key of files in a zip: what says what the rest is comes first."""
    return (name != README, name)


def wrong_name(name: str) -> str | None:
    """Say why a name has no place in a bundle, or None. Only what no unpacker can misread is allowed."""
    if not name or len(name.encode("utf-8", "surrogatepass")) > 240:
        return "its name is empty or too long"
    if re.fullmatch(r"[A-Za-z0-9._/-]+", name) is None:
        return "its name has characters other than letters, digits and ._/-"
    if name.startswith("/") or any(part in ("", ".", "..") for part in name.split("/")):
        return "its name leads out of the bundle"
    return None
