"""The ledger as the rest of the tool knows it: model values in, model values out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from sqlalchemy import Connection, delete, func, insert, select

from hardening.codec import DecodeError, json_bytes, json_value
from hardening.errors import AskedWrongly, EvidenceBroken, HardeningError
from hardening.ledger.audit import audit, rebuild
from hardening.ledger.campaigns import campaign_ids, campaigns_going_on, resolve
from hardening.ledger.chain import Entry, append, digest
from hardening.ledger.database import Database, open_database
from hardening.ledger.history import counts, standings
from hardening.ledger.migrations import NEWEST, ledger_version, migrate
from hardening.ledger.projection import OWN_TABLES, project, utc_text
from hardening.ledger.purging import doomed, empty
from hardening.ledger.reading import NO_REQUIREMENTS, Records, blob_reader, links, on_record
from hardening.ledger.records import (
    KINDS,
    OF_NO_CAMPAIGN,
    Attested,
    Begun,
    Changed,
    Finished,
    HostMet,
    Imported,
    Judged,
    Purged,
    Record,
    Requirements,
    Stepped,
    write_record,
)
from hardening.ledger.resource_book import ResourceBook
from hardening.ledger.schema import CAMPAIGNS, ENTRIES, FINDINGS, HOSTS, REMEMBERED_PLANS
from hardening.ledger.values import Head, LedgerProblem, Link, OnRecord, Phase, PurgeDone, Standing, Step
from hardening.model import Attestation, Campaign, Change, Finding, HostSeen, Import, Json, Profile, Status, Verb
from hardening.redaction_policy import NO_POLICY, RedactionPolicy

Clock: TypeAlias = Callable[[], datetime]

WAIT_S = 30.0
# Plans kept per platform, one for each profile; older ones were left behind by edited profiles.
PLANS_KEPT = 4


def ledger_path(workspace: Path) -> Path:
    """Return where a workspace keeps its ledger unless a URL says otherwise."""
    return workspace / ".hardening" / "ledger.sqlite3"


def open_ledger(
    url_or_path: str | Path,
    *,
    clock: Clock,
    wait_s: float = WAIT_S,
    read_only: bool = False,
    redaction: RedactionPolicy = NO_POLICY,
) -> Ledger:
    """Return the ledger of a path (SQLite) or a `postgresql+psycopg://` URL, made or brought up to date as needed.

    `wait_s` bounds how long a write waits for another writer. The ledger may be used by the threads of one process,
    and by any number of processes that each opened it themselves.
    `redaction` is what goes out of texts before they are kept, beside secrets.
    With `read_only` nothing is made or written, and a file on a read-only disk can be read.
    Raises AskedWrongly for a ledger that a newer version wrote, Incomplete for one that cannot be opened.
    """
    database = open_database(url_or_path, wait_s=wait_s, read_only=read_only)
    try:
        with database.read() as connection:
            present = ledger_version(connection)
        if read_only and present < NEWEST:
            raise AskedWrongly(
                f"{database.name} was written by an older version; open it for writing once, to bring it up to date"
                if present
                else f"{database.name}: there is no ledger yet; `hardening scan` makes one"
            )
        if present < NEWEST:
            with database.write() as connection:
                migrate(connection, taken_at=utc_text(clock()))
    except HardeningError:
        database.close()
        raise
    return Ledger(database, clock=clock, redaction=redaction)


class Ledger(ResourceBook):
    """Append-only store of campaigns. Every method is one transaction (`record_findings`: one per host).

    A context manager: leaving it closes the connections.
    """

    def __init__(self, database: Database, *, clock: Clock, redaction: RedactionPolicy = NO_POLICY) -> None:
        self.redaction = redaction
        self._database = database
        self._clock = clock
        self._records = Records()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; what was recorded is kept already."""
        self._database.close()

    # Writing

    def begin(self, campaign: Campaign, profile: Profile) -> None:
        """Record that a campaign begins, with the whole profile that it goes by."""
        if campaign.finished_at is not None or campaign.exit_code is not None:
            raise HardeningError(f"campaign {campaign.id} cannot begin with an end; `finish` records the end")
        with self._database.read() as connection:
            if connection.execute(select(CAMPAIGNS.c.seq).where(CAMPAIGNS.c.campaign_id == campaign.id)).first():
                raise HardeningError(f"campaign {campaign.id} is in the ledger already; a campaign begins once")
        self._append(campaign.id, Begun(campaign=campaign, profile=profile))

    def record_host(self, campaign_id: str, phase: Phase, host: HostSeen) -> None:
        """Record what the preflight learned of a host; a later record of the same host replaces it when reading."""
        self._append(campaign_id, HostMet(phase=phase, host=self.redaction.host(host)))

    def record_findings(self, campaign_id: str, phase: Phase, findings: Iterable[Finding]) -> None:
        """Record findings, one entry for each run of findings of one host, so hand them in host by host.

        The iterable is taken a host at a time and never held whole. A later look replaces an earlier one when reading.
        """
        for _, of_host in itertools.groupby(findings, key=lambda finding: finding.observation.target.host):
            look = tuple(self.redaction.finding(finding) for finding in of_host)
            if len({finding.key for finding in look}) != len(look):
                twice = [finding.key for finding in look]
                raise HardeningError(f"one look judged {max(twice, key=twice.count)} twice")
            self._append(campaign_id, Judged(phase=phase, findings=look))

    def record_step(self, campaign_id: str, step: str, payload: Json = None) -> None:
        """Record a step of the journal; when this returns it is on the disk, and the step may be taken."""
        self._append(campaign_id, Stepped(step=step, payload=payload))

    def record_changes(self, campaign_id: str, changes: Iterable[Change]) -> None:
        """Record what applying or undoing did, one entry for each run of changes of one host."""
        for _, of_host in itertools.groupby(changes, key=lambda change: change.target.host):
            self._append(campaign_id, Changed(changes=tuple(map(self.redaction.change, of_host))))

    def finish(self, campaign_id: str, exit_code: int, finished_at: datetime) -> None:
        """Record that a campaign ended; after a resume it can end once more, and the later end counts."""
        self._append(campaign_id, Finished(exit_code=int(exit_code), finished_at=finished_at))

    def record_attestations(
        self, act_id: str, attestations: Sequence[Attestation], files: Mapping[str, bytes] | None = None
    ) -> None:
        """Record what a person attested, as one entry of no campaign; `files` are attachments by digest."""
        files = files or {}
        named = {attached.sha256 for attestation in attestations for attached in attestation.attachments}
        if named != set(files) or any(digest(content) != name for name, content in files.items()):
            raise HardeningError("an attachment is recorded with its bytes, under their digest")
        self._append(act_id, Attested(attestations=tuple(attestations), files=files))

    def record_import(self, campaign_id: str, imported: Import) -> None:
        """Record what another tool said, beside a campaign that may have ended."""
        self._append(campaign_id, Imported(imported=self.redaction.imported(imported)))

    def imports(self, campaign_id: str) -> tuple[Import, ...]:
        """Return what other tools said, in the order of importing."""
        with self._database.read() as connection:
            records = self._records.of_campaign(connection, campaign_id, "import")
            return tuple(record.imported for _, record in records if isinstance(record, Imported))

    def purge(self, campaign_id: str, *, by: str, reason: str) -> PurgeDone:
        """Take away what a campaign (or an act of attesting) said, and leave a tombstone in the chain.

        The chain verifies as before. The bytes are gone from the database when this returns, not only out of reach.
        """
        with self._database.write() as connection:
            gone = doomed(connection, campaign_id)
            if not gone.entries:
                raise AskedWrongly(f"the ledger has nothing of {campaign_id}, or it was purged already")
            tombstone = Purged(
                by=by, reason=reason, entries=len(gone.entries), texts=len(gone.texts), texts_shared=gone.texts_shared
            )
            entry = self._append_in(connection, campaign_id, tombstone, NO_REQUIREMENTS)
            empty(connection, gone)
        self._records.forget(campaign_id)
        self._database.compact()
        return PurgeDone(
            entries=gone.entries,
            texts=gone.texts,
            texts_shared=gone.texts_shared,
            tombstone=Head(seq=entry.seq, hash=entry.hash),
            taken_at=entry.taken_at,
        )

    def _append(self, campaign_id: str, record: Record) -> None:
        known = NO_REQUIREMENTS
        if isinstance(record, Begun):
            self._records.keep(campaign_id, record.profile)
        elif not isinstance(record, OF_NO_CAMPAIGN):
            # Also the proof that the campaign exists.
            kept = self._records.kept(campaign_id)
            if kept is None:
                with self._database.read() as connection:
                    kept = self._records.requirements(connection, campaign_id)
            known = kept
        with self._database.write() as connection:
            self._append_in(connection, campaign_id, record, known)

    def _append_in(self, connection: Connection, campaign_id: str, record: Record, known: Requirements) -> Entry:
        payload, blobs = write_record(record, known=known)
        entry = append(
            connection,
            campaign_id=campaign_id,
            kind=KINDS[type(record)],
            taken_at=utc_text(self._clock()),
            payload=payload,
            blobs=blobs,
        )
        project(connection, OWN_TABLES, seq=entry.seq, campaign_id=campaign_id, record=record)
        return entry

    # Reading

    def campaign(self, campaign_id: str) -> Campaign:
        """Return a campaign, with its end if it has one. Raises AskedWrongly for an unknown one."""
        with self._database.read() as connection:
            return self._records.campaign(connection, campaign_id)

    def campaigns(self, verb: Verb | None = None, limit: int | None = None) -> tuple[Campaign, ...]:
        """Return campaigns, newest first."""
        with self._database.read() as connection:
            names = campaign_ids(connection, verb=verb, limit=limit)
            return tuple(self._records.campaign(connection, name) for name in names)

    def unfinished(self) -> tuple[Campaign, ...]:
        """Return the campaigns without an end, newest first: they run, or were killed."""
        with self._database.read() as connection:
            names = campaign_ids(connection, unfinished=True)
            return tuple(self._records.campaign(connection, name) for name in names)

    def going_on(self) -> tuple[Campaign, ...]:
        """Return the campaigns whose record goes on after their last end, or has none: they run, or were stopped."""
        with self._database.read() as connection:
            names = campaigns_going_on(connection)
            return tuple(self._records.campaign(connection, name) for name in names)

    def resolve(self, asked: str) -> str:
        """Return the campaign id that a user means by an id, its beginning, `latest` or `latest-<verb>`."""
        with self._database.read() as connection:
            return resolve(connection, asked)

    def profile(self, campaign_id: str) -> Profile:
        """Return the profile as it was when the campaign began."""
        with self._database.read() as connection:
            return self._records.begun(connection, campaign_id).profile

    def hosts(self, campaign_id: str, phase: Phase | None = None) -> tuple[HostSeen, ...]:
        """Return the hosts as they were last met in a phase (or in the campaign), in the order of meeting."""
        newest: dict[str, HostSeen] = {}
        with self._database.read() as connection:
            self._records.requirements(connection, campaign_id)
            query = select(HOSTS.c.seq).where(HOSTS.c.campaign_id == campaign_id).order_by(HOSTS.c.seq)
            if phase is not None:
                query = query.where(HOSTS.c.phase == phase)
            for seq in list(connection.scalars(query)):
                _, record = self._records.at(connection, seq)
                if isinstance(record, HostMet):
                    newest[record.host.name] = record.host
        return tuple(newest.values())

    def findings(self, campaign_id: str, phase: Phase) -> Iterator[Finding]:
        """Yield the newest finding of every (target, control) of a phase, in the order of recording."""
        of_phase = (FINDINGS.c.campaign_id == campaign_id, FINDINGS.c.phase == phase)
        with self._database.read() as connection:
            self._records.requirements(connection, campaign_id)
            counts = select(FINDINGS.c.seq, func.count()).where(*of_phase).group_by(FINDINGS.c.seq)
            standing = sorted(tuple(row) for row in connection.execute(counts))
        for seq, count in standing:
            with self._database.read() as connection:
                _, record = self._records.at(connection, seq)
                if not isinstance(record, Judged):
                    continue
                if len(record.findings) == count:
                    yield from record.findings
                    continue
                # Part of this look was looked at again later.
                columns = (FINDINGS.c.host, FINDINGS.c.component, FINDINGS.c.instance, FINDINGS.c.control_id)
                of_look = (*of_phase, FINDINGS.c.host == record.findings[0].observation.target.host)
                query = select(*columns).where(*of_look, FINDINGS.c.seq == seq)
                newest = {tuple(row) for row in connection.execute(query)}
            for finding in record.findings:
                target = finding.observation.target
                if (target.host, target.component, target.instance, finding.observation.control_id) in newest:
                    yield finding

    def changes(self, campaign_id: str) -> tuple[Change, ...]:
        """Return every change, in the order of recording; after a resume one (target, control) can be there twice."""
        with self._database.read() as connection:
            self._records.requirements(connection, campaign_id)
            records = self._records.of_campaign(connection, campaign_id, "changes")
            return tuple(change for _, record in records if isinstance(record, Changed) for change in record.changes)

    def steps(self, campaign_id: str) -> tuple[Step, ...]:
        """Return the journal, oldest first."""
        with self._database.read() as connection:
            self._records.requirements(connection, campaign_id)
            return tuple(
                Step(
                    seq=entry.seq,
                    step=record.step,
                    payload=record.payload,
                    taken_at=datetime.fromisoformat(entry.taken_at),
                )
                for entry, record in self._records.of_campaign(connection, campaign_id, "step")
                if isinstance(record, Stepped)
            )

    def history(self, target_name: str, control_id: str) -> tuple[Standing, ...]:
        """Return how a control stood on a target (`Target.name`) in every campaign, oldest first."""
        with self._database.read() as connection:
            return standings(connection, target_name=target_name, control_id=control_id)

    def counts(self, campaign_id: str) -> dict[str, dict[Status, int]]:
        """Return for every control how many findings of a campaign's last look have which status."""
        with self._database.read() as connection:
            return counts(connection, campaign_id)

    def attestations(self) -> tuple[OnRecord, ...]:
        """Return what people attested, oldest first; the newest word on a control and host is the one that counts."""
        with self._database.read() as connection:
            return tuple(on_record(connection, self._records))

    def links(self, campaign_id: str) -> Iterator[Link]:
        """Yield the chain from the first to the last entry of a campaign; those of others come without payloads."""
        with self._database.read() as connection:
            yield from links(connection, campaign_id)

    def blob(self, name: str) -> bytes:
        """Return a stored text or file by its digest. Raises EvidenceBroken where it is gone or was changed."""
        with self._database.read() as connection:
            try:
                return blob_reader(connection)(name)
            except DecodeError as error:
                raise EvidenceBroken(f"{error}; run `hardening status --verify`") from error

    def head(self) -> Head | None:
        """Return the end of the chain, for a seal to hold; None while the ledger is empty."""
        last = select(ENTRIES.c.seq, ENTRIES.c.hash).order_by(ENTRIES.c.seq.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(last).first()
        return None if row is None else Head(seq=row.seq, hash=row.hash)

    # The whole

    def verify(self) -> list[LedgerProblem]:
        """Return everything that does not hold together: chain, stored texts, derived tables. Empty means sound."""
        with self._database.read() as connection:
            return audit(connection)

    def rebuild(self) -> None:
        """Derive every table again from the entries. Raises EvidenceBroken, and changes nothing, if one is broken."""
        with self._database.write() as connection:
            rebuild(connection)

    def remember_plan(self, platform_key: str, profile_digest: str, commands: Sequence[str]) -> None:
        """Remember, in a cache that proves nothing, which commands a profile asked on a platform; the newest counts."""
        table = REMEMBERED_PLANS
        of_platform = table.c.platform_key == platform_key
        newest = select(table.c.profile_digest).where(of_platform).order_by(table.c.remembered_at.desc())
        with self._database.write() as connection:
            connection.execute(
                delete(table).where(table.c.platform_key == platform_key, table.c.profile_digest == profile_digest)
            )
            row = {
                "platform_key": platform_key,
                "profile_digest": profile_digest,
                "commands": json_bytes(list(commands)),
                "remembered_at": utc_text(self._clock()),
            }
            connection.execute(insert(table), [row])
            left_behind = list(connection.scalars(newest.offset(PLANS_KEPT)))
            connection.execute(delete(table).where(of_platform, table.c.profile_digest.in_(left_behind)))

    def remembered_plan(self, platform_key: str, profile_digest: str) -> tuple[str, ...] | None:
        """Return the remembered commands, or None."""
        table = REMEMBERED_PLANS
        query = select(table.c.commands).where(
            table.c.platform_key == platform_key, table.c.profile_digest == profile_digest
        )
        with self._database.read() as connection:
            written = connection.execute(query).scalar()
        commands = json_value(bytes(written)) if written is not None else None
        return tuple(str(command) for command in commands) if isinstance(commands, list) else None
