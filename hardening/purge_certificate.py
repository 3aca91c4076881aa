"""What stays of a purged campaign: a certificate of what was deleted, signed, that names nothing of the customer's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from hardening.chain_link import digest
from hardening.errors import Incomplete
from hardening.ledger import PurgeDone
from hardening.model import Json
from hardening.seal.statement import PURGE_PREDICATE, Signature, envelope, pae, statement
from hardening.seal.writing import Signer

SCHEMA = "hardening/purge-certificate/1"
CERTIFICATE, STATEMENT, ENVELOPE = "certificate.json", "certificate.pae", "certificate.dsse.json"
NOT_COVERED = (
    "backups and replicas of the ledger, and the database server's own logs",
    "reports, plans and evidence bundles that were written from it",
    "what the campaign left on hosts under /var/lib/hardening, which an undo needs",
    "blocks that the file system or the disk freed but did not overwrite",
    "texts that other campaigns in the ledger hold as well",
)


def certificate(
    campaign_id: str, done: PurgeDone, *, by: str, reason: str, tool_version: str, problems: Sequence[str]
) -> dict[str, Json]:
    """Return the certificate of a purge. `problems` are what verifying the ledger found afterwards."""
    return {
        "schema": SCHEMA,
        "purged": campaign_id,
        "purged_at": done.taken_at,
        "by": by,
        "reason": reason,
        "tool_version": tool_version,
        "entries": [{"seq": seq, "kind": kind, "payload_sha256": name} for seq, kind, name in done.entries],
        "texts_deleted": [*done.texts],
        "texts_kept_as_shared": done.texts_shared,
        "tombstone": {"seq": done.tombstone.seq, "hash": done.tombstone.hash},
        "ledger_verifies_after": not problems,
        "not_covered": [*NOT_COVERED],
    }


def write_certificate(directory: Path, document: dict[str, Json], signers: Sequence[Signer]) -> tuple[Path, ...]:
    """Write the certificate and its signatures; it is there, unsigned, also where signing fails."""
    try:
        directory.mkdir()
        written = (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
        encoded = pae(statement({CERTIFICATE: {"sha256": digest(written)}}, PURGE_PREDICATE, document))
        (directory / CERTIFICATE).write_bytes(written)
        (directory / STATEMENT).write_bytes(encoded)
        signatures: list[Signature] = []
        for number, signer in enumerate(signers, start=1):
            signatures.append(signer(encoded))
            (directory / f"signature-{number}.{signatures[-1].kind}.sig").write_bytes(signatures[-1].content)
        (directory / ENVELOPE).write_bytes(envelope(encoded, signatures))
    except OSError as problem:
        raise Incomplete(f"{directory}: the certificate cannot be written: {problem.strerror}") from problem
    return tuple(sorted(directory.iterdir()))
