"""Nobody changes the record unseen, and what is derived from it can be derived again."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from hardening.errors import EvidenceBroken
from hardening.ledger import Ledger, open_ledger
from hardening.ledger.chain import Entry
from hardening.model import Status, Verb
from tests.ledger_store.samples import START, campaign, change, clock, control, finding, host, probe, profile
from tests.ledger_store.tampering import raw_connection, tamper

SCAN, APPLY = campaign("c-scan"), campaign("c-apply", verb=Verb.APPLY, started_at=START + timedelta(hours=1))
PROFILE = profile(*[control(f"sshd_{name}") for name in "abc"])
BIG = "n\0" * 4000
DERIVED = ("findings", "changes", "hosts", "campaigns")


@pytest.fixture
def filled(ledger: Ledger, address: str) -> str:
    """The address of a closed ledger with two campaigns, a second look, and a text that is stored apart."""
    for each in (SCAN, APPLY):
        ledger.begin(each, PROFILE)
        ledger.record_host(each.id, "before", host())
        looks = [finding(asked, host=name) for name in ("web01", "db01") for asked in PROFILE.requirements]
        ledger.record_findings(each.id, "before", looks)
        ledger.record_findings(each.id, "before", [finding(PROFILE.requirements[0], status=Status.PASS)])
        ledger.record_step(each.id, "apply", {"host": "web01"})
        ledger.record_changes(each.id, [change(), change("db01")])
        ledger.record_findings(each.id, "after", [finding(PROFILE.requirements[0], probes=(probe(BIG),))])
        ledger.finish(each.id, 1, START + timedelta(hours=2))
    ledger.close()
    return address


def problems(address: str) -> list[str]:
    """Return what verifying says."""
    with open_ledger(address, clock=clock) as ledger:
        return [str(problem) for problem in ledger.verify()]


def rows(address: str, *tables: str) -> list[list[tuple[object, ...]]]:
    """Return all rows of tables, in a fixed order."""
    with raw_connection(address) as connection:
        return [sorted(map(tuple, connection.exec_driver_sql(f"SELECT * FROM {table}")), key=repr) for table in tables]  # noqa: S608 - our own names


def test_an_untouched_ledger_is_sound(filled: str) -> None:
    """Verifying finds nothing, and leaves nothing."""
    before = rows(filled, "entries", "blobs", *DERIVED)

    assert problems(filled) == []
    assert rows(filled, "entries", "blobs", *DERIVED) == before


@pytest.mark.parametrize("table", ["entries", "blobs"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}", "REPLACE", "TRUNCATE {table} CASCADE"],
)
def test_the_database_refuses_to_change_the_record(filled: str, table: str, statement: str) -> None:
    """Also by INSERT OR REPLACE on SQLite and by TRUNCATE on PostgreSQL; every row stays."""
    before = rows(filled, "entries", "blobs")
    column = {"entries": "payload", "blobs": "content"}[table]
    postgresql = "://" in filled
    if statement == "REPLACE":
        statement = (
            "DELETE FROM {table} WHERE true" if postgresql else "INSERT OR REPLACE INTO {table} SELECT * FROM {table}"
        )
    if statement.startswith("TRUNCATE") and not postgresql:
        statement = "DELETE FROM {table} WHERE rowid > 0"

    with pytest.raises(DBAPIError, match="append-only"), raw_connection(filled) as connection:
        connection.exec_driver_sql(statement.format(table=table, column=column))

    assert rows(filled, "entries", "blobs") == before


PAYLOAD = {"sqlite": "CAST('{}' AS BLOB)", "postgresql": "'{}'::bytea"}


@pytest.mark.parametrize(
    "forgery",
    [
        "payload = <other>",
        "kind = 'host'",
        "campaign_id = 'c-other'",
        "taken_at = '1999'",
        "prev_hash = 'f'",
        "hash = 'f'",
    ],
)
def test_a_changed_entry_is_named(filled: str, forgery: str) -> None:
    """The first problem is the entry itself, wherever in the chain it stands and whatever of it was changed."""
    other = PAYLOAD["postgresql" if "://" in filled else "sqlite"]
    statement = f"UPDATE entries SET {forgery.replace('<other>', other)} WHERE seq = "  # noqa: S608 - the point

    for seq in (14, 5, 1):
        tamper(filled, f"{statement}{seq}")

        assert problems(filled)[0].startswith(f"entry {seq}: ")


@pytest.mark.parametrize("seq", [1, 7])
def test_an_entry_that_was_taken_away_is_named(filled: str, seq: int) -> None:
    """A gap in the numbers."""
    tamper(filled, f"DELETE FROM entries WHERE seq = {seq}")  # noqa: S608 - the point

    assert problems(filled)[0].startswith(f"entry {seq}: gone")


def test_entries_renumbered_over_a_gap_are_named(filled: str) -> None:
    """Closing the gap breaks the hash of the entry that moved."""
    tamper(filled, "DELETE FROM entries WHERE seq = 7", "UPDATE entries SET seq = 7 WHERE seq = 8")

    assert problems(filled)[0].startswith("entry 7: ")


def test_an_end_that_was_cut_off_shows_in_what_was_derived(filled: str) -> None:
    """The chain alone cannot know its own end; the derived rows and the head in a seal do."""
    with open_ledger(filled, clock=clock) as ledger:
        head = ledger.head()
    assert head is not None

    tamper(filled, f"DELETE FROM entries WHERE seq >= {head.seq - 1}")  # noqa: S608 - the point

    assert any("findings" in problem for problem in problems(filled))
    with open_ledger(filled, clock=clock) as ledger:
        assert ledger.head() != head


def test_a_changed_text_is_named_and_never_read(filled: str) -> None:
    """A blob that does not match its digest is no evidence."""
    other = "'x'::bytea" if "://" in filled else "CAST('x' AS BLOB)"

    tamper(filled, f"UPDATE blobs SET content = {other}")  # noqa: S608 - the point

    assert any("does not match" in problem or "digest differs" in problem for problem in problems(filled))
    with open_ledger(filled, clock=clock) as ledger, pytest.raises(EvidenceBroken, match="entry"):
        list(ledger.findings(SCAN.id, "after"))


def test_a_text_that_was_taken_away_is_named(filled: str) -> None:
    """With the entry that points at it."""
    tamper(filled, "DELETE FROM blobs")

    assert problems(filled)[0].startswith("entry 9: points at the text")


def test_listing_campaigns_needs_no_profile(ledger: Ledger, address: str) -> None:
    """A profile is large and a list long: with its text gone, the list is still there, and the profile is an error."""
    large = profile(*[control(f"sshd_{number}") for number in range(50)])
    ledger.begin(SCAN, large)
    ledger.finish(SCAN.id, 0, START)

    tamper(address, "DELETE FROM blobs")

    assert [each.exit_code for each in ledger.campaigns()] == [0]
    with pytest.raises(EvidenceBroken, match="is gone"):
        ledger.profile(SCAN.id)


def test_a_changed_entry_is_never_read(filled: str) -> None:
    """No report is written from a forged record."""
    with open_ledger(filled, clock=clock) as ledger:
        seq = ledger.steps(SCAN.id)[0].seq
    tamper(filled, f"UPDATE entries SET taken_at = '1999-01-01T00:00:00+00:00' WHERE seq = {seq}")  # noqa: S608

    with open_ledger(filled, clock=clock) as ledger, pytest.raises(EvidenceBroken, match=f"entry {seq} "):
        ledger.steps(SCAN.id)


@pytest.mark.parametrize(
    ("table", "forgery"),
    [
        ("findings", "UPDATE findings SET status = 'PASS' WHERE host = 'db01' AND control_id = 'sshd_b'"),
        ("findings", "DELETE FROM findings WHERE host = 'db01'"),
        ("changes", "UPDATE changes SET state = 'changed_not'"),
        ("hosts", "DELETE FROM hosts"),
        ("campaigns", "UPDATE campaigns SET exit_code = 0"),
    ],
)
def test_a_derived_table_that_was_changed_is_found_and_rebuilt(filled: str, table: str, forgery: str) -> None:
    """Rebuilding derives exactly the rows that were there before."""
    before = rows(filled, *DERIVED)
    tamper(filled, forgery)
    assert any(f"table {table} " in problem for problem in problems(filled))

    with open_ledger(filled, clock=clock) as ledger:
        ledger.rebuild()

    assert rows(filled, *DERIVED) == before
    assert problems(filled) == []


def test_a_broken_record_is_not_rebuilt_from(filled: str) -> None:
    """Rebuilding from a forged entry would launder it; nothing changes instead."""
    before = rows(filled, *DERIVED)
    tamper(filled, "UPDATE entries SET taken_at = '1999' WHERE seq = 5")

    with open_ledger(filled, clock=clock) as ledger, pytest.raises(EvidenceBroken, match="entry 5"):
        ledger.rebuild()

    assert rows(filled, *DERIVED) == before


def test_anybody_can_recompute_the_chain(filled: str) -> None:
    """Without this tool: SHA-256 over the JSON that `hardening.chain_link` describes."""
    previous = "0" * 64
    for seq, campaign_id, kind, taken_at, payload, prev_hash, own, _ in sorted(
        rows(filled, "entries")[0], key=lambda row: int(str(row[0]))
    ):
        head = {
            "campaign_id": campaign_id,
            "kind": kind,
            "payload_digest": hashlib.sha256(bytes(payload)).hexdigest(),  # type: ignore[call-overload]  # a driver's bytes
            "prev_hash": prev_hash,
            "seq": seq,
            "taken_at": taken_at,
        }
        text = json.dumps(head, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert prev_hash == previous
        assert own == hashlib.sha256(text.encode()).hexdigest()
        previous = str(own)


def test_the_hash_covers_every_field() -> None:
    """Each field of an entry's head, and its payload, changes the hash."""
    entry = Entry(seq=1, campaign_id="c", kind="step", taken_at="t", payload=b"{}", prev_hash="0", hash="")

    hashes = {entry.hash_due}
    for change_of in (
        {"seq": 2},
        {"campaign_id": "d"},
        {"kind": "host"},
        {"taken_at": "u"},
        {"payload": b""},
        {"prev_hash": "1"},
    ):
        hashes.add(Entry(**{**vars(entry), **change_of}).hash_due)

    assert len(hashes) == 7
