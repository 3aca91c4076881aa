"""From entries back to records, each checked against its hash as it is read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, func, select

from hardening.codec import DecodeError
from hardening.errors import AskedWrongly, EvidenceBroken
from hardening.ledger.chain import Entry, digest, entries, entry_of, stored_bytes
from hardening.ledger.payloads import ReadBlob
from hardening.ledger.records import Attested, Begun, Finished, Record, Requirements, read_campaign, read_record
from hardening.ledger.schema import ATTESTATIONS, BLOBS, ENTRIES
from hardening.ledger.values import Link, OnRecord
from hardening.model import Campaign, Profile

Value = TypeVar("Value")

# A profile is decoded once per campaign that is being read; few are read at a time.
CAMPAIGNS_KEPT = 16
NO_REQUIREMENTS: Requirements = {}


class Records:
    """Reads entries as records."""

    def __init__(self) -> None:
        self._requirements: OrderedDict[str, Requirements] = OrderedDict()
        self._lock = threading.Lock()

    def of_campaign(self, connection: Connection, campaign_id: str, *kinds: str) -> Iterator[tuple[Entry, Record]]:
        """Yield a campaign's entries of some kinds with what they say, oldest first."""
        for entry in entries(connection, campaign_id=campaign_id, kinds=kinds):
            yield entry, self.read(connection, entry)

    def at(self, connection: Connection, seq: int) -> tuple[Entry, Record]:
        """Return one entry with what it says. Raises EvidenceBroken where it is gone."""
        row = connection.execute(select(ENTRIES).where(ENTRIES.c.seq == seq)).first()
        if row is None:
            raise EvidenceBroken(f"ledger entry {seq} is gone; run `hardening verify`")
        entry = entry_of(row)
        return entry, self.read(connection, entry)

    def read(self, connection: Connection, entry: Entry) -> Record:
        """Return what an entry says. Raises EvidenceBroken where it does not match its hash or cannot be read."""
        known = self.requirements(connection, entry.campaign_id) if entry.kind == "findings" else NO_REQUIREMENTS
        return self._checked(connection, entry, partial(read_record, entry.kind, known=known))

    def _checked(self, connection: Connection, entry: Entry, read: Callable[[bytes, ReadBlob], Value]) -> Value:
        """Return what `read` makes of an entry's payload, if that is what was written."""
        if entry.purged_digest is not None:
            raise AskedWrongly(f"{entry.campaign_id} was purged: what entry {entry.seq} said is gone")
        if entry.hash != entry.hash_due:
            raise EvidenceBroken(f"ledger entry {entry.seq} does not match its hash; run `hardening verify`")
        try:
            return read(entry.payload, blob_reader(connection))
        except DecodeError as error:
            raise EvidenceBroken(f"ledger entry {entry.seq} ({entry.kind}) cannot be read: {error}") from error

    def requirements(self, connection: Connection, campaign_id: str) -> Requirements:
        """Return the requirements of a campaign's profile by control id. Raises AskedWrongly for an unknown one."""
        kept = self.kept(campaign_id)
        return self.keep(campaign_id, self.begun(connection, campaign_id).profile) if kept is None else kept

    def kept(self, campaign_id: str) -> Requirements | None:
        """Return a campaign's requirements if they are remembered."""
        with self._lock:
            return self._requirements.get(campaign_id)

    def keep(self, campaign_id: str, profile: Profile) -> Requirements:
        """Remember a campaign's requirements, and forget those that have been remembered longest."""
        known = {requirement.control.id: requirement for requirement in profile.requirements}
        with self._lock:
            self._requirements[campaign_id] = known
            while len(self._requirements) > CAMPAIGNS_KEPT:
                self._requirements.popitem(last=False)
        return known

    def forget(self, campaign_id: str) -> None:
        """Remember nothing of a campaign any more."""
        with self._lock:
            self._requirements.pop(campaign_id, None)

    def begun(self, connection: Connection, campaign_id: str) -> Begun:
        """Return how a campaign began. Raises AskedWrongly for an unknown one."""
        for _, record in self.of_campaign(connection, campaign_id, "begin"):
            if isinstance(record, Begun):
                return record
        raise AskedWrongly(f"the ledger has no campaign {campaign_id}")

    def campaign(self, connection: Connection, campaign_id: str) -> Campaign:
        """Return a campaign with its end, if it has one. Raises AskedWrongly for an unknown one."""
        begun: Campaign | None = None
        for entry in entries(connection, campaign_id=campaign_id, kinds=("begin", "finish")):
            if entry.kind == "begin":
                # The profile beside it is large, and a list of campaigns does not show it.
                begun = self._checked(connection, entry, read_campaign)
                continue
            ending = self.read(connection, entry)
            if begun is not None and isinstance(ending, Finished):
                begun = replace(begun, finished_at=ending.finished_at, exit_code=ending.exit_code)
        if begun is None:
            raise AskedWrongly(f"the ledger has no campaign {campaign_id}")
        return begun


def on_record(connection: Connection, records: Records) -> Iterator[OnRecord]:
    """Yield every attestation, oldest first."""
    for seq in list(connection.scalars(select(ATTESTATIONS.c.seq).order_by(ATTESTATIONS.c.seq))):
        entry, record = records.at(connection, seq)
        if isinstance(record, Attested):
            for attestation in record.attestations:
                yield OnRecord(seq=seq, act_id=entry.campaign_id, attestation=attestation)


def links(connection: Connection, campaign_id: str) -> Iterator[Link]:
    """Yield the chain from a campaign's first to its last entry. Raises EvidenceBroken for one that was changed."""
    bounds = select(func.min(ENTRIES.c.seq), func.max(ENTRIES.c.seq)).where(ENTRIES.c.campaign_id == campaign_id)
    first, last = connection.execute(bounds).one()
    if first is None:
        return
    for entry in entries(connection, first=first, last=last):
        if entry.hash != entry.hash_due:
            raise EvidenceBroken(f"ledger entry {entry.seq} does not match its hash; run `hardening status --verify`")
        yield Link(
            seq=entry.seq,
            campaign_id=entry.campaign_id,
            kind=entry.kind,
            taken_at=entry.taken_at,
            payload_digest=entry.payload_digest,
            prev_hash=entry.prev_hash,
            hash=entry.hash,
            payload=entry.payload if entry.campaign_id == campaign_id and entry.purged_digest is None else None,
        )


def blob_reader(connection: Connection) -> ReadBlob:
    """Return a reader of blobs that insists on their digest."""

    def read_blob(name: str) -> bytes:
        content = connection.execute(select(BLOBS.c.content).where(BLOBS.c.digest == name)).scalar()
        if content is None:
            raise DecodeError(f"the text {name} is gone")
        if digest(stored_bytes(content)) != name:
            raise DecodeError(f"the text {name} does not match its digest")
        return stored_bytes(content)

    return read_blob
