"""What the ledger answers beside the model's own values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from hardening.model import Attestation, Json, Severity, Status, Verb

# A scan has one look, `before`; a change is looked at before and after.
Phase: TypeAlias = Literal["before", "after"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a campaign's journal, in the order in which they were written."""

    seq: int
    step: str
    payload: Json
    taken_at: datetime


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How one control stood on one target in one campaign."""

    campaign_id: str
    verb: Verb
    started_at: datetime
    phase: str
    status: Status
    verdict: Status
    severity: Severity


@dataclass(frozen=True, kw_only=True)
class LedgerProblem:
    """One place where the record does not hold together. `seq` is the entry, None where no entry is to blame."""

    seq: int | None
    message: str

    def __str__(self) -> str:
        return self.message if self.seq is None else f"entry {self.seq}: {self.message}"


@dataclass(frozen=True, kw_only=True)
class Head:
    """The end of the chain. Written down elsewhere, it proves later that nothing before it was taken away."""

    seq: int
    hash: str


@dataclass(frozen=True, kw_only=True)
class Link:
    """One entry as it stands in the chain. `payload` is None where only its digest is known."""

    seq: int
    campaign_id: str
    kind: str
    taken_at: str
    payload_digest: str
    prev_hash: str
    hash: str
    payload: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class OnRecord:
    """An attestation with the entry that holds it. `act_id` is what a purge calls the act of attesting."""

    seq: int
    act_id: str
    attestation: Attestation


@dataclass(frozen=True, kw_only=True)
class PurgeDone:
    """What a purge took: entries as (seq, kind, digest of the payload), texts by digest; and its tombstone."""

    entries: tuple[tuple[int, str, str], ...]
    texts: tuple[str, ...]
    texts_shared: int
    tombstone: Head
    taken_at: str
