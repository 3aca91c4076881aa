"""Exporting, verifying and purging from the command line, on this machine and without a lab."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

from hardening.context import utc_now
from hardening.ledger import open_ledger
from hardening.reports import FORMATS
from tests.bundles import allowed_signers, ssh_key
from tests.command_line import ROOT, CommandLine
from tests.scanned_workspace import ATTEST, SOON


def test_a_bundle_is_exported_and_verified(scanned: CommandLine, tmp_path: Path) -> None:
    """Signed and signed off; without a workspace; with what was attested and attached in it."""
    Path("photo.png").write_bytes(b"\x89PNG photo")
    scanned(*ATTEST, "--expires", SOON, "--attach", "photo.png")
    keys = [ssh_key(tmp_path, name) for name in ("wang", "zhao")]
    rules = allowed_signers(tmp_path, *keys)
    formats = [word for name in FORMATS if name != "pdf" for word in ("--format", name)]

    made = scanned(
        "evidence", "export", "latest", "-o", "b.zip", "--attested", "--sign-key", keys[0], "--sm3", *formats
    )
    signed_off = scanned("evidence", "sign", "b.zip", "--sign-key", keys[1])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    words = ["evidence", "verify", "../b.zip", "--allowed-signers", str(rules), "--require", "2", "--json"]
    verified = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), *words], cwd=elsewhere, capture_output=True, text=True, check=False
    )

    assert (made.code, made.err, made.out.strip()) == (0, "", "b.zip")
    assert signed_off.code == 0
    assert verified.returncode == 0, verified.stdout
    assert list(elsewhere.iterdir()) == []
    document = json.loads(verified.stdout)
    assert document["verified"] is True
    assert [each["signer"] for each in document["signatures"]] == ["wang", "zhao"]
    assert scanned("evidence", "verify", "b.zip", "--against-ledger", "--allowed-signers", rules).code == 0
    assert b"\x89PNG photo" in _member(tmp_path / "b.zip", "facts/texts/")
    assert b"linux_own_person" in _member(tmp_path / "b.zip", "facts/attestations.jsonl")


def _member(path: Path, begins: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return b"".join(archive.read(name) for name in archive.namelist() if name.startswith(begins))


def test_what_verifying_answers(scanned: CommandLine, tmp_path: Path) -> None:
    """0 signed and sound; 3 sound, but nobody said who may sign; 4 anything else; 2 no bundle."""
    keys = [ssh_key(tmp_path, name) for name in ("wang", "mallory")]
    rules = allowed_signers(tmp_path, keys[0])
    scanned("evidence", "export", "-o", "plain", "--format", "json")
    scanned("evidence", "export", "-o", "signed", "--format", "json", "--sign-key", keys[0])
    scanned("evidence", "export", "-o", "foreign", "--format", "json", "--sign-key", keys[1])

    answers = {
        name: scanned("evidence", "verify", *words)
        for name, words in {
            "signed": ("signed", "--allowed-signers", rules),
            "unsaid": ("signed",),
            "plain": ("plain",),
            "acknowledged": ("plain", "--unsigned"),
            "absent": ("plain", "--allowed-signers", rules),
            "foreign": ("foreign", "--allowed-signers", rules),
            "too few": ("signed", "--allowed-signers", rules, "--require", "2"),
            "none": ("missing",),
        }.items()
    }
    Path("signed/README.md").write_text("changed")
    changed = scanned("evidence", "verify", "signed", "--allowed-signers", rules)

    assert {name: said.code for name, said in answers.items()} == {
        "signed": 0, "unsaid": 3, "plain": 3, "acknowledged": 0, "absent": 4, "foreign": 4, "too few": 4, "none": 2,
    }  # fmt: skip
    assert "nobody signed it" in answers["absent"].out
    assert "unknown signer" in answers["foreign"].out
    assert changed.code == 4
    assert "README.md: was changed" in changed.out


def test_the_ledger_finds_a_bundle_that_lacks_what_came_later(scanned: CommandLine) -> None:
    """Such as one that was exported, or made up, before the campaign went on."""
    scanned("evidence", "export", "-o", "b", "--format", "json")
    campaign = scanned("status", "--json").document()["campaigns"][0]["id"]
    with open_ledger(Path(".hardening/ledger.sqlite3"), clock=utc_now) as ledger:
        ledger.finish(campaign, 0, utc_now())

    said = scanned("evidence", "verify", "b", "--unsigned", "--against-ledger")

    assert said.code == 4
    assert "(finish) of the ledger is not in the bundle" in said.out


def test_a_purge_leaves_a_signed_certificate_and_a_ledger_that_verifies(scanned: CommandLine, tmp_path: Path) -> None:
    """And an earlier bundle still verifies against that ledger."""
    key = ssh_key(tmp_path, "wang")
    rules = allowed_signers(tmp_path, key)
    campaign = scanned("status", "--json").document()["campaigns"][0]["id"]
    scanned("evidence", "export", "-o", "b", "--format", "json")

    assert "--yes says that you mean it" in scanned("purge", campaign, "--reason", "end", "--unsigned").err
    assert scanned("purge", "latest", "--reason", "end", "--unsigned", "--yes").code == 2
    assert scanned("purge", campaign, "--reason", "end", "--yes").code == 2  # Nobody was named to sign.
    nonsense = Path("nonsense")
    nonsense.write_text("no key\n")
    assert scanned("purge", campaign, "--reason", "end", "--yes", "--sign-key", nonsense).code == 3
    assert scanned("report", campaign).code == 0  # Nothing is deleted by a key that cannot sign.
    said = scanned("purge", campaign, "--reason", "end of contract", "--yes", "--sign-key", key)

    assert said.code == 0, said.err
    room = Path(f"purge-{campaign}")
    certificate = json.loads((room / "certificate.json").read_text())
    assert certificate["purged"] == campaign
    assert certificate["ledger_verifies_after"] is True
    assert [entry["kind"] for entry in certificate["entries"]] == ["begin", "findings", "host", "finish"]
    assert "here" not in (room / "certificate.json").read_text().replace("there", "")  # The host's name.
    verified = subprocess.run(
        ["ssh-keygen", "-Y", "verify", "-f", rules, "-I", "wang", "-n", "hardening-evidence",
         "-s", room / "signature-1.ssh.sig"],
        input=(room / "certificate.pae").read_bytes(), capture_output=True, check=False,
    )  # fmt: skip
    assert verified.returncode == 0
    assert "was purged on" in scanned("report", campaign).err
    assert scanned("status", "--verify").code == 0
    assert scanned("evidence", "verify", "b", "--unsigned", "--against-ledger").code == 0
