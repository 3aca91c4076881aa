"""RFC 3161 time stamps over the signed statement, read and checked through openssl.

A token says that a digest was there at a time. Asking an authority for one is left to the user: hosts and bundles of
this kind often have no way out.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hardening.errors import EvidenceBroken, Incomplete
from hardening.seal.signers import Trust

TIME_LIMIT_S = 60
_DUMP = re.compile(r"^ {4}[0-9a-f]{4} - (?P<bytes>[0-9a-f -]{1,49})", re.MULTILINE)
# As hashlib calls them.
_ALGORITHMS = {"sha256": "sha256", "sha384": "sha384", "sha512": "sha512", "sm3": "sm3"}


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """A time stamp, checked. `at` is the authority's time in its words; VALID means that its certificate is trusted."""

    file: str
    trust: Trust
    at: str | None = None
    why: str = ""


def check_stamp(file: str, token: bytes, signed: bytes, *, authorities: Path | None = None) -> Stamp:
    """Check that a token (or a whole reply) speaks of these bytes, and by whom where authorities are named."""
    with tempfile.TemporaryDirectory(prefix="hardening-stamp-") as room:
        path = Path(room, "stamp")
        path.write_bytes(token)
        bare, said = _read(path)
        if said is None:
            return Stamp(file=file, trust=Trust.INVALID, why="is no RFC 3161 token or reply")
        at = _field(said, "Time stamp")
        algorithm = _ALGORITHMS.get((_field(said, "Hash Algorithm") or "").lower())
        if algorithm is None:
            why = f"its digest is {_field(said, 'Hash Algorithm')!r}; ask for SHA-256, SHA-384, SHA-512 or SM3"
            return Stamp(file=file, trust=Trust.INVALID, at=at, why=why)
        if _imprint(said) != hashlib.new(algorithm, signed).hexdigest():
            return Stamp(file=file, trust=Trust.INVALID, at=at, why="is a time stamp of something else")
        if authorities is None:
            why = "speaks of this bundle, but whose it is nobody said: name --tsa-ca"
            return Stamp(file=file, trust=Trust.UNCHECKED, at=at, why=why)
        data = Path(room, "signed")
        data.write_bytes(signed)
        words = ["ts", "-verify", "-data", str(data), "-in", str(path), "-CAfile", str(authorities)]
        answer = _openssl([*words, *(["-token_in"] if bare else [])])
        if answer.returncode:
            return Stamp(file=file, trust=Trust.INVALID, at=at, why=_why(answer))
        return Stamp(file=file, trust=Trust.VALID, at=at)


def insist_on_stamp(path: Path, signed: bytes) -> bytes:
    """Return the token in a file, if it speaks of these bytes. Raises EvidenceBroken with the reason where not."""
    try:
        token = path.read_bytes()
    except OSError as problem:
        raise Incomplete(f"{path}: cannot be read: {problem.strerror}") from problem
    checked = check_stamp(str(path), token, signed)
    if checked.trust is Trust.INVALID:
        raise EvidenceBroken(f"{path}: {checked.why}")
    return token


def _read(path: Path) -> tuple[bool, str | None]:
    """Return whether a file is a bare token, and what openssl reads in it (None where it reads nothing)."""
    for bare in (False, True):
        answer = _openssl(["ts", "-reply", "-in", str(path), "-text", *(["-token_in"] if bare else [])])
        said = answer.stdout.decode("utf-8", "replace")
        if answer.returncode == 0 and "Message data:" in said:
            return bare, said
    return False, None


def _field(said: str, name: str) -> str | None:
    found = re.search(rf"^{name}: (.*)$", said, re.MULTILINE)
    return found[1].strip() if found else None


def _imprint(said: str) -> str:
    """Return the digest that openssl shows as a dump of sixteen bytes a line."""
    dump = said.partition("Message data:\n")[2].partition("\nSerial number:")[0]
    return "".join(re.sub(r"[^0-9a-f]", "", found["bytes"]) for found in _DUMP.finditer(dump))


def _openssl(words: list[str]) -> subprocess.CompletedProcess[bytes]:
    if shutil.which("openssl") is None:
        raise Incomplete("openssl is missing; it reads and checks time stamps")
    return subprocess.run(["openssl", *words], capture_output=True, check=False, timeout=TIME_LIMIT_S)


def _why(answer: subprocess.CompletedProcess[bytes]) -> str:
    said = [line for line in answer.stderr.decode("utf-8", "replace").splitlines() if "error" in line]
    return f"openssl does not trust it: {said[0] if said else 'it gave no reason'}"
