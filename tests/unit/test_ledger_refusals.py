"""What a ledger's place refuses is said in one clear sentence, and nothing is left half-written."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from hardening.errors import AskedWrongly, EvidenceBroken, Exit, Incomplete
from hardening.ledger import ledger_path, open_ledger
from tests.ledger_store.samples import campaign, clock, profile
from tests.ledger_store.tampering import raw_connection, tamper

ROOT = Path(__file__).parents[2]


def test_a_ledger_is_private(tmp_path: Path) -> None:
    """Directory 0700, file and side files 0600, also when somebody had opened it up."""
    path = ledger_path(tmp_path)
    with open_ledger(path, clock=clock):
        pass
    path.chmod(0o644)

    with open_ledger(path, clock=clock) as ledger:
        ledger.begin(campaign(), profile())
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (path.parent, *path.parent.iterdir())}

    assert modes.pop(".hardening") == 0o700
    assert set(modes) == {"ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3-shm"}
    assert set(modes.values()) == {0o600}


def test_a_newer_ledger_is_refused(address: str) -> None:
    """It is not written to, and the sentence says what to do."""
    open_ledger(address, clock=clock).close()
    tamper(address, "INSERT INTO schema_version (version, applied_at) VALUES (99, 'later')")

    with pytest.raises(AskedWrongly, match=r"newer version \(its schema is 99.*upgrade") as refused:
        open_ledger(address, clock=clock)

    assert refused.value.exit is Exit.ASKED_WRONGLY


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    """And left as it was."""
    notes = tmp_path / "notes.txt"
    notes.write_text("remember the milk\n" * 100)

    with pytest.raises(EvidenceBroken, match=r"notes\.txt: the file is no ledger"):
        open_ledger(notes, clock=clock)

    assert notes.read_text() == "remember the milk\n" * 100


@pytest.mark.parametrize("name", [":memory:", "a?mode=ro#%41 b.sqlite3", "账本.sqlite3"])
def test_an_odd_name_is_a_file_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Nothing of a path is taken for an option, and reading finds the same file."""
    monkeypatch.chdir(tmp_path)
    with open_ledger(name, clock=clock) as ledger:
        ledger.begin(campaign(), profile())

    with open_ledger(name, clock=clock, read_only=True) as ledger:
        assert ledger.campaigns() == (campaign(),)
    assert name in [path.name for path in tmp_path.iterdir()]


def test_a_directory_is_refused(tmp_path: Path) -> None:
    """With the name that was probably meant."""
    with pytest.raises(AskedWrongly, match=r"is a directory; name the file, such as .*ledger\.sqlite3"):
        open_ledger(tmp_path, clock=clock)


def test_a_place_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A file where a directory must be."""
    (tmp_path / "file").touch()

    with pytest.raises(Incomplete, match="cannot be opened: "):
        open_ledger(tmp_path / "file" / "ledger.sqlite3", clock=clock)


@pytest.mark.parametrize(
    "url",
    ["mysql://root:sesame@db/ledger", "postgresql://u:sesame@h:port/x", "oracle://u:sesame@h/x", "http://u:sesame@h"],
)
def test_an_unknown_kind_of_url_is_refused_without_its_password(url: str) -> None:
    """The address may hold a password."""
    with pytest.raises(AskedWrongly, match=r"postgresql\+psycopg://") as refused:
        open_ledger(url, clock=clock)

    assert "sesame" not in str(refused.value)


def test_a_server_that_is_not_there_is_said_to_be(ledger_server: str) -> None:
    """Incomplete, and the password in the URL is not repeated."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        nobody = make_url(ledger_server).set(port=listener.getsockname()[1], password="sesame")

        for address in (nobody, nobody.update_query_dict({"password": "sesame"})):
            with pytest.raises(Incomplete, match="cannot be reached") as refused:
                open_ledger(address.render_as_string(hide_password=False), clock=clock, wait_s=2)
            assert "sesame" not in str(refused.value)


def test_a_database_that_does_not_exist_is_said_to_be(ledger_server: str) -> None:
    """The server's own words name it."""
    missing = make_url(ledger_server).set(database="nowhere").render_as_string(hide_password=False)

    with pytest.raises((AskedWrongly, Incomplete), match='database "nowhere" does not exist'):
        open_ledger(missing, clock=clock)


def test_a_read_only_server_is_said_to_be(postgresql_address: str) -> None:
    """A standby, for example; reading goes on."""
    with open_ledger(postgresql_address, clock=clock) as ledger:
        ledger.begin(campaign(), profile())
    url = make_url(postgresql_address)
    options = f"{url.query['options']} -cdefault_transaction_read_only=on"
    standby = url.update_query_dict({"options": options}).render_as_string(hide_password=False)

    with open_ledger(standby, clock=clock) as ledger:
        assert ledger.campaigns() == (campaign(),)
        with pytest.raises(Incomplete, match="the server is read-only"):
            ledger.record_step(campaign().id, "apply")


def test_an_account_that_may_not_write_is_said_to_be(postgresql_address: str) -> None:
    """One that may read can report."""
    with open_ledger(postgresql_address, clock=clock) as ledger:
        ledger.begin(campaign(), profile())
    with raw_connection(postgresql_address) as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS auditor")
        connection.exec_driver_sql("CREATE ROLE auditor LOGIN")
        schema = connection.exec_driver_sql("SELECT current_schema()").scalar()
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO auditor")
        connection.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO auditor")
    auditor = make_url(postgresql_address).set(username="auditor").render_as_string(hide_password=False)

    with open_ledger(auditor, clock=clock) as ledger:
        assert ledger.campaigns() == (campaign(),)
        assert ledger.verify() == []
        with pytest.raises(Incomplete, match="may not write"):
            ledger.record_step(campaign().id, "apply")
    tamper(postgresql_address, "DROP OWNED BY auditor", "DROP ROLE auditor")


# Runs in a mount namespace of its own, so that no mount outlives it.
FULL_DISK = """
set -e
mount -t tmpfs -o size=2m tmpfs "$1"
exec "$2" - "$1" <<'END'
import sys
from pathlib import Path
from hardening.errors import Incomplete
from hardening.ledger import open_ledger
from tests.ledger_store.samples import campaign, clock, control, finding, profile

path = Path(sys.argv[1], "ledger.sqlite3")
asked = profile(control()).requirements[0]
with open_ledger(path, clock=clock) as ledger:
    ledger.begin(campaign(), profile(control()))
    kept = 0
    try:
        for number in range(1000):
            look = [finding(asked, host=f"h{number}", seen=f"{number}" * 30000)]
            ledger.record_findings(campaign().id, "before", look)
            kept += 1
    except Incomplete as refused:
        print(refused)
    assert 0 < kept < 1000, kept
    assert len(list(ledger.findings(campaign().id, "before"))) == kept
    assert ledger.verify() == [], ledger.verify()
END
"""

READ_ONLY = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
exec "$2" - "$1" <<'END'
import sys
from pathlib import Path
from hardening.errors import HardeningError
from hardening.ledger import open_ledger
from tests.ledger_store.samples import campaign, clock

try:
    open_ledger(Path(sys.argv[1], "ledger.sqlite3"), clock=clock)
except HardeningError as refused:
    print(type(refused).__name__, refused)
with open_ledger(Path(sys.argv[1], "ledger.sqlite3"), clock=clock, read_only=True) as ledger:
    assert ledger.campaigns() == (campaign(),)
    assert ledger.verify() == []
    try:
        ledger.record_step(campaign().id, "apply")
    except HardeningError as refused:
        print(type(refused).__name__, refused)
END
"""


def in_own_mounts(script: str, directory: Path) -> str:
    """Run a script in mounts of its own, and return what it printed."""
    alone = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    done = subprocess.run(
        [*alone, "sh", "-c", script, "sh", str(directory), sys.executable],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_full_disk_is_said_and_what_was_kept_is_whole(tmp_path: Path) -> None:
    """The record that did not fit is not there at all, and the chain before it verifies."""
    assert "the disk is full, nothing of this record was written" in in_own_mounts(FULL_DISK, tmp_path)


def test_a_read_only_place_can_be_read_but_not_written(tmp_path: Path) -> None:
    """An auditor's copy on a read-only disk."""
    with open_ledger(tmp_path / "ledger.sqlite3", clock=clock) as ledger:
        ledger.begin(campaign(), profile())

    said = in_own_mounts(READ_ONLY, tmp_path).splitlines()

    assert len(said) == 2
    assert all(line.startswith("Incomplete ledger ") and "read-only" in line.lower() for line in said)


def test_reading_makes_no_ledger(tmp_path: Path) -> None:
    """A report asked for in the wrong directory does not leave an empty ledger there."""
    with pytest.raises(AskedWrongly, match="there is no ledger yet"):
        open_ledger(ledger_path(tmp_path), clock=clock, read_only=True)

    assert list(tmp_path.iterdir()) == []


def test_an_empty_database_is_no_ledger_to_read(postgresql_address: str) -> None:
    """The same on PostgreSQL."""
    with pytest.raises(AskedWrongly, match="there is no ledger yet"):
        open_ledger(postgresql_address, clock=clock, read_only=True)
