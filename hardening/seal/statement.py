"""What is signed: an in-toto statement about the manifest, in a DSSE envelope.

The signed bytes are DSSE's pre-authentication encoding (PAE) of the statement. They lie in the bundle as a file, so
that `ssh-keygen -Y verify` checks the very same signatures that a DSSE reader finds in the envelope.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hardening.codec import json_bytes
from hardening.errors import EvidenceBroken
from hardening.model import Json

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
BUNDLE_PREDICATE = "urn:hardening:evidence-bundle:1"
PURGE_PREDICATE = "urn:hardening:purge-certificate:1"


@dataclass(frozen=True, kw_only=True)
class Signature:
    """One signature over the PAE. `kind` is `ssh` (armoured, as ssh-keygen writes it) or `external`."""

    kind: str
    content: bytes


def statement(subjects: Mapping[str, Mapping[str, str]], predicate_type: str, predicate: Json) -> bytes:
    """Return an in-toto statement: these subjects (name to digests) are what the predicate says."""
    named: list[Json] = [{"name": name, "digest": dict(digests)} for name, digests in sorted(subjects.items())]
    return json_bytes(
        {"_type": STATEMENT_TYPE, "subject": named, "predicateType": predicate_type, "predicate": predicate}
    )


def pae(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """Return DSSE's pre-authentication encoding (https://github.com/secure-systems-lab/dsse, protocol.md)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def payload_of(encoded: bytes) -> bytes:
    """Return the statement inside a PAE. Raises EvidenceBroken for what is none."""
    start = b"DSSEv1 %d %s " % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode())
    length, blank, payload = encoded.removeprefix(start).partition(b" ")
    if not encoded.startswith(start) or not blank or pae(payload) != encoded or not length.isdigit():
        raise EvidenceBroken("is no DSSE encoding of an in-toto statement")
    return payload


def subjects_of(payload: bytes) -> dict[str, dict[str, str]]:
    """Return the subjects of a statement of ours. Raises EvidenceBroken for what is none."""
    try:
        document = json.loads(payload)
        if document["_type"] != STATEMENT_TYPE or document["predicateType"] != BUNDLE_PREDICATE:
            raise EvidenceBroken("is a statement about something else")
        return {str(each["name"]): {**each["digest"]} for each in document["subject"]}
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise EvidenceBroken(f"holds no in-toto statement: {type(problem).__name__} {problem}") from problem


def envelope(encoded: bytes, signatures: Sequence[Signature]) -> bytes:
    """Return the DSSE envelope of a PAE with its signatures; it follows from them to the last byte."""
    document = {
        "payload": base64.b64encode(payload_of(encoded)).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [
            {"keyid": key_of(signature) or "external", "sig": base64.b64encode(signature.content).decode()}
            for signature in signatures
        ],
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def key_of(signature: Signature) -> str | None:
    """Return the fingerprint of the key that made an SSH signature, as ssh-keygen writes it, or None.

    The signature carries the key (OpenSSH, PROTOCOL.sshsig): magic, version, and then the public key as a string.
    """
    if signature.kind != "ssh":
        return None
    armour = signature.content.decode("ascii", "replace").strip().splitlines()
    try:
        blob = base64.b64decode("".join(armour[1:-1]), validate=True)
        (length,) = struct.unpack(">L", blob[10:14])
    except (ValueError, struct.error):
        return None
    if not blob.startswith(b"SSHSIG") or length > len(blob) - 14:
        return None
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob[14 : 14 + length]).digest()).decode().rstrip("=")
