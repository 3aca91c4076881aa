"""A purge takes what a campaign said, to the last byte, and the chain verifies as before."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from hardening.errors import AskedWrongly, HardeningError
from hardening.ledger import Ledger, open_ledger
from hardening.model import Attachment, Attestation, Status
from tests.ledger_store.samples import START, campaign, change, clock, finding, host, probe, profile
from tests.ledger_store.tampering import raw_connection, tamper

GOES, STAYS = campaign("c-goes"), campaign("c-stays")
PROFILE = profile()
# Small texts lie in the entries, big ones apart; one of the big ones is seen in both campaigns.
SMALL, BIG, SHARED = "quokka-small", "quokka-big " * 900, "numbat-shared " * 900
FILE = b"\x89PNG quokka-photo" * 10


def fill(ledger: Ledger) -> None:
    """Record two campaigns and an attestation."""
    for each, seen in ((GOES, (SMALL, BIG, SHARED)), (STAYS, ("wombat", SHARED))):
        ledger.begin(each, PROFILE)
        ledger.record_host(each.id, "after", host("web01", address=seen[0]))
        probes = tuple(probe(text) for text in seen)
        ledger.record_findings(each.id, "after", [finding(PROFILE.requirements[0], probes=probes)])
        ledger.record_changes(each.id, [change(diff=seen[0])])
        ledger.record_step(each.id, "apply", {"said": seen[0]})
        ledger.finish(each.id, 1, START)
    ledger.remember_plan("web01", "d" * 64, [f"echo {SMALL}"])
    ledger.record_attestations("c-attest", [attestation()], {hashlib.sha256(FILE).hexdigest(): FILE})


def attestation() -> Attestation:
    """Return what somebody saw, with a photograph."""
    photo = Attachment(name="photo.png", sha256=hashlib.sha256(FILE).hexdigest(), size_bytes=len(FILE))
    return Attestation(
        control_id="linux_boot",
        hosts=("web01",),
        verdict=Status.PASS,
        by="Li Wei",
        seen="quokka-seen",
        seen_on=date(2026, 8, 20),
        expires_on=date(2027, 2, 1),
        recorded_by="jia@bastion",
        attachments=(photo,),
    )


def test_a_purge_takes_one_campaign_and_nothing_else(ledger: Ledger) -> None:
    """The other reads as before, the chain and all that is derived from it verify, and a rebuild changes nothing."""
    fill(ledger)

    done = ledger.purge(GOES.id, by="jia", reason="end of contract")

    assert len(done.entries) == 6
    assert (len(done.texts), done.texts_shared) == (1, 1)  # What only it saw goes; the shared text stays.
    assert [each.id for each in ledger.campaigns()] == [STAYS.id]
    assert next(ledger.findings(STAYS.id, "after")).observation.probes[1].stdout_excerpt == SHARED
    assert ledger.remembered_plan("web01", "d" * 64) is None
    assert ledger.verify() == []
    ledger.rebuild()
    assert ledger.verify() == []
    with pytest.raises(AskedWrongly, match="purged"):
        ledger.campaign(GOES.id)
    with pytest.raises(AskedWrongly, match="purged already"):
        ledger.purge(GOES.id, by="jia", reason="again")


def test_the_record_cannot_be_changed_after_a_purge_either(ledger: Ledger, address: str) -> None:
    """What was lifted for the purge is in its place again."""
    fill(ledger)
    ledger.purge(GOES.id, by="jia", reason="end of contract")

    for statement in ("UPDATE entries SET payload = payload", "DELETE FROM blobs"):
        with pytest.raises(Exception, match="append-only"), raw_connection(address) as connection:
            connection.exec_driver_sql(statement)


def test_no_byte_of_it_stays_in_the_files(sqlite_address: str) -> None:
    """Not in the database, not in freed pages, not in its log; and the same search finds what stays."""
    path = Path(sqlite_address)
    with open_ledger(path, clock=clock) as ledger:
        fill(ledger)
        assert "quokka" in everything(path)

        ledger.purge(GOES.id, by="jia", reason="end of contract")
        ledger.purge("c-attest", by="jia", reason="end of contract")

        assert "quokka" not in everything(path)
        assert "numbat-shared" in everything(path)
    assert "quokka" not in everything(path)


def test_no_byte_of_it_stays_in_postgresql(postgresql_address: str, ledger_server: str) -> None:
    """The tables' own files on the server's disk."""
    with open_ledger(postgresql_address, clock=clock) as ledger:
        fill(ledger)
        assert "quokka" in everything_of(postgresql_address)

        ledger.purge(GOES.id, by="jia", reason="end of contract")
        ledger.purge("c-attest", by="jia", reason="end of contract")

        assert "quokka" not in everything_of(postgresql_address)
        assert "wombat" in everything_of(postgresql_address)


def test_an_entry_that_was_emptied_without_a_purge_is_found(ledger: Ledger, address: str) -> None:
    """Emptying like a purge, but with no tombstone, is tampering; so is emptying what came after one."""
    fill(ledger)
    ledger.close()
    with raw_connection(address) as connection:
        payload = connection.exec_driver_sql("SELECT payload FROM entries WHERE seq = 3").scalar_one()
    emptied = hashlib.sha256(bytes(payload)).hexdigest()

    tamper(address, f"UPDATE entries SET payload = '', purged_digest = '{emptied}' WHERE seq = 3")  # noqa: S608 - ours

    with open_ledger(address, clock=clock) as again:
        said = [str(problem) for problem in again.verify()]
    assert said == ["entry 3: was emptied, and no later entry says that its campaign was purged"]


def test_an_attestation_reads_back_and_its_file_too(ledger: Ledger) -> None:
    """Attachments lie in the ledger under their digest, and no attestation is recorded without them."""
    fill(ledger)

    (found,) = ledger.attestations()

    assert (found.act_id, found.attestation) == ("c-attest", attestation())
    assert ledger.blob(found.attestation.attachments[0].sha256) == FILE
    assert ledger.verify() == []
    assert len(ledger.campaigns()) == 2
    with pytest.raises(HardeningError, match="with its bytes"):
        ledger.record_attestations("c-other", [attestation()])


def test_purged_attestations_hold_no_longer(ledger: Ledger) -> None:
    """They are purged by the name of their act."""
    fill(ledger)

    ledger.purge("c-attest", by="jia", reason="end of contract")

    assert ledger.attestations() == ()
    assert ledger.verify() == []


def everything(path: Path) -> str:
    """Return every byte of the ledger's files."""
    return "".join(file.read_bytes().decode("latin-1") for file in sorted(path.parent.iterdir()))


def everything_of(address: str) -> str:
    """Return every byte of the files of the ledger's tables, as the server has them on its disk."""
    with raw_connection(address) as connection:
        connection.exec_driver_sql("CHECKPOINT")
        query = (
            "SELECT current_setting('data_directory') || '/' || pg_relation_filepath(c.oid) FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 't', 'i') AND "
            "(n.nspname = current_schema() OR c.oid IN (SELECT reltoastrelid FROM pg_class t JOIN pg_namespace m "
            "ON m.oid = t.relnamespace WHERE m.nspname = current_schema()))"
        )
        paths = [str(row[0]) for row in connection.exec_driver_sql(query)]
    return "".join(Path(path).read_bytes().decode("latin-1") for path in paths)
