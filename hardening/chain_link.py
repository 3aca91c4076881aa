"""One link of the ledger's hash chain. Pure, so that a bundle is verified where there is no ledger.

`link_hash` is the SHA-256 of this canonical JSON (UTF-8, keys sorted, no spaces), which anybody can recompute:
`{"campaign_id":...,"kind":...,"payload_digest":...,"prev_hash":...,"seq":...,"taken_at":...}`.
It covers the digest of the payload and not the payload, so that a payload can be purged and the chain still verifies.
"""

from __future__ import annotations

import hashlib

from hardening.codec import DecodeError, json_bytes, json_value
from hardening.model import Json

START = "0" * 64
# In a payload, a JSON object with this one key stands for a text that is stored by digest; a real key that starts with
# $ gets one more.
BLOB = "$blob"
# And one with this key for the bytes of a file: it reads as the digest, and whoever wants the bytes fetches them.
FILE = "$bytes"


def digest(content: bytes) -> str:
    """Return the SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def link_hash(*, seq: int, campaign_id: str, kind: str, taken_at: str, payload_digest: str, prev_hash: str) -> str:
    """Return the hash that an entry must have."""
    head: dict[str, Json] = {
        "seq": seq,
        "campaign_id": campaign_id,
        "kind": kind,
        "taken_at": taken_at,
        "payload_digest": payload_digest,
        "prev_hash": prev_hash,
    }
    return digest(json_bytes(head))


def blobs_named(payload: bytes) -> set[str]:
    """Return the digests of the texts and files that a payload points at. Raises DecodeError."""
    value = json_value(payload)
    if not isinstance(value, dict):
        raise DecodeError("an entry holds an object")
    named: set[str] = set()
    waiting: list[Json] = [value] if b'"$' in payload else []
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            pointed = [value[key] for key in (BLOB, FILE) if key in value and len(value) == 1]
            named.update(name for name in pointed if isinstance(name, str))
            waiting += value.values()
    return named
