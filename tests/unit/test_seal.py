"""A bundle holds together to the byte, or what does not is named."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO, cast

import pytest

from hardening.chain_link import digest
from hardening.errors import AskedWrongly, EvidenceBroken
from hardening.evidence import evidence_of
from hardening.exporting import export_bundle
from hardening.ledger import Ledger, open_ledger
from hardening.model import Evidence
from hardening.reports import FORMATS, Format, Writer
from hardening.seal import layout
from hardening.seal.manifest import listing_of, manifest_bytes, read_manifest, sums_text
from hardening.seal.verify import verify
from hardening.seal.writing import add, seal
from hardening.seal.zip_box import write_zip
from tests.bundles import OTHER, SCAN, bundle_of, copied, every_byte_changed, record, recorded
from tests.ledger_store.samples import clock


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger with the campaign."""
    with recorded(tmp_path_factory.mktemp("ledger")) as ledger:
        yield ledger


@pytest.fixture(scope="module")
def directory(ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle as a directory."""
    return bundle_of(ledger, tmp_path_factory.mktemp("bundles") / "bundle", sm3=True)


@pytest.fixture(scope="module")
def archive(ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same bundle as a zip."""
    return bundle_of(ledger, tmp_path_factory.mktemp("bundles") / "bundle.zip", sm3=True)


def files_of(bundle: Path) -> dict[str, bytes]:
    """Return a directory's files."""
    return {path.relative_to(bundle).as_posix(): path.read_bytes() for path in bundle.rglob("*") if path.is_file()}


def test_a_bundle_verifies_as_a_directory_and_as_a_zip(directory: Path, archive: Path) -> None:
    """Both hold the same files, and all of them are accounted for."""
    with zipfile.ZipFile(archive) as opened:
        assert {name: opened.read(name) for name in opened.namelist()} == files_of(directory)
    for bundle in (directory, archive):
        found = verify(bundle)
        assert (found.problems, found.campaign) == ([], SCAN.id)
        assert found.entries == 6
        assert found.files == len(files_of(directory))


def test_the_same_campaign_gives_the_same_bytes(ledger: Ledger, directory: Path, archive: Path, tmp_path: Path) -> None:
    """Today and tomorrow, as long as nobody signs."""
    assert bundle_of(ledger, tmp_path / "again.zip", sm3=True).read_bytes() == archive.read_bytes()
    assert files_of(bundle_of(ledger, tmp_path / "again", sm3=True)) == files_of(directory)


def test_both_databases_give_the_same_bytes(archive: Path, postgresql_address: str, tmp_path: Path) -> None:
    """Where the ledger lies is nothing that evidence depends on."""
    with open_ledger(postgresql_address, clock=clock) as ledger:
        record(ledger)
        bundle = bundle_of(ledger, tmp_path / "bundle.zip", sm3=True)

    assert bundle.read_bytes() == archive.read_bytes()


def test_the_bundle_has_what_it_promises(directory: Path) -> None:
    """Reports in both languages, once where the language changes nothing; other campaigns only as links."""
    files = files_of(directory)
    coverage = json.loads(files["coverage.json"])
    entries = [json.loads(line) for line in files["facts/entries.jsonl"].splitlines()]
    manifest = json.loads(files["manifest.json"])

    assert {name for name in files if name.startswith("reports/")} >= {
        "reports/en/report.md",
        "reports/zh/report.md",
        "reports/report.prom",
    }
    assert [entry["kind"] for entry in entries if entry["campaign_id"] == SCAN.id] == [
        "begin", "findings", "host", "findings", "host", "finish",
    ]  # fmt: skip
    assert {entry["campaign_id"] for entry in entries if not {"payload", "payload_base64"} & set(entry)} == {OTHER.id}
    assert all(entry.keys() & {"payload", "payload_base64"} for entry in entries if entry["campaign_id"] == SCAN.id)
    assert coverage["chain"]["ended"] is True
    assert coverage["look"]["asked"] == {"hosts": 2, "pairs": 6}
    assert coverage["campaign"]["catalogue_digest"] == "c" * 64
    assert len([name for name in files if name.startswith("facts/texts/")]) == 1
    assert all(len(each["sm3"]) == 64 for each in manifest["files"].values())


def test_a_report_of_several_files_is_one_in_both_languages_or_none(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All its files once where the language changes nothing; where it changes one file, all of them twice."""
    written = {
        "json": {"report.json": "{}", "report-002.json": "{}", "report.files/more": "x"},
        "prometheus": {"report.prom": "1", "report-002.prom": "LANG"},
    }

    def writer(texts: dict[str, str]) -> Writer:
        def write(evidence: Evidence, destination: Path | TextIO, *, lang: str = "en") -> None:
            assert isinstance(destination, Path)
            for name, text in texts.items():
                path = destination.parent / name
                path.parent.mkdir(exist_ok=True)
                path.write_text(text.replace("LANG", lang))

        return write

    for name, texts in written.items():
        several = Format(write=writer(texts), suffix=FORMATS[name].suffix, says="")
        monkeypatch.setitem(cast(dict[str, Format], FORMATS), name, several)
    export_bundle(ledger, evidence_of(ledger, SCAN.id), tmp_path / "bundle", formats=[*written])

    assert {name for name in files_of(tmp_path / "bundle") if name.startswith("reports/")} == {
        "reports/report.json",
        "reports/report-002.json",
        "reports/report.files/more",
        *(f"reports/{lang}/{name}" for lang in ("en", "zh") for name in written["prometheus"]),
    }
    assert verify(tmp_path / "bundle").problems == []


def test_every_changed_byte_is_found_and_its_file_is_named(directory: Path, tmp_path: Path) -> None:
    """At places all over every file, by one bit."""
    bundle = copied(directory, tmp_path / "bundle")
    tried = 0
    for name, content in files_of(directory).items():
        for at, changed in every_byte_changed(content, max(1, len(content) // 6), lambda byte: byte ^ 1):
            (bundle / name).write_bytes(changed)
            problems = verify(bundle).problems
            assert any(name in problem for problem in problems), (name, at, problems)
            tried += 1
        (bundle / name).write_bytes(content)

    assert tried > 60
    assert verify(bundle).problems == []


def test_every_changed_byte_of_a_zip_is_found(archive: Path, tmp_path: Path) -> None:
    """In contents, headers, and the directory at its end; never a crash."""
    bundle = tmp_path / "bundle.zip"
    content = archive.read_bytes()
    end = content.rindex(b"PK\5\6")
    start = content.index(b"PK\1\2")
    places = every_byte_changed(content, 211, lambda byte: byte ^ 1)
    places += [(start + at, content[:start] + changed + content[end:]) for at, changed in _central(content, start, end)]
    for at, changed in places:
        bundle.write_bytes(changed)
        assert verify(bundle).problems, at


def _central(content: bytes, start: int, end: int) -> list[tuple[int, bytes]]:
    return every_byte_changed(content[start:end], 17, lambda byte: byte ^ 4)


@pytest.mark.parametrize("more", [b"\0", b"PK", b"x" * 40])
@pytest.mark.parametrize("front", [True, False])
def test_nothing_hides_around_a_zip(archive: Path, tmp_path: Path, more: bytes, front: bool) -> None:
    """Bytes before it and behind it are found."""
    content = archive.read_bytes()
    bundle = tmp_path / "bundle.zip"

    bundle.write_bytes(more + content if front else content + more)

    assert verify(bundle).problems


def test_missing_and_added_files_are_named(directory: Path, tmp_path: Path) -> None:
    """Wherever they are, also where nothing is listed."""
    for name in files_of(directory):
        bundle = copied(directory, tmp_path / "bundle")
        (bundle / name).unlink()
        assert any(problem.startswith(f"{name}: is missing") for problem in verify(bundle).problems), name
        shutil.rmtree(bundle)
    for name in ("more.txt", "reports/en/more.html", "seal/more", "facts/texts/" + "0" * 64, ".hidden"):
        bundle = copied(directory, tmp_path / "bundle")
        (bundle / name).write_text("x")
        assert any(problem.startswith(f"{name}: was added") for problem in verify(bundle).problems), name
        shutil.rmtree(bundle)


def reseal(bundle: Path) -> None:
    """Write manifest, sums and statement again, as a forger would who can do all but sign."""
    campaign = read_manifest((bundle / "manifest.json").read_bytes()).campaign
    shutil.rmtree(bundle / "seal")
    for name in ("manifest.json", "SHA256SUMS"):
        (bundle / name).unlink()
    seal(bundle, campaign=campaign, tool_version="0.1.0", catalogue_digest="c" * 64, predicate={}, sm3=False)


def forged(directory: Path, tmp_path: Path, change: Callable[[list[bytes]], list[bytes]]) -> list[str]:
    """Return what verifying says of a bundle whose entries were changed and that was sealed again."""
    bundle = copied(directory, tmp_path / "bundle")
    entries = bundle / layout.ENTRIES
    entries.write_bytes(b"".join(change(entries.read_bytes().splitlines(keepends=True))))
    reseal(bundle)
    return verify(bundle).problems


def test_a_cut_tail_is_found_by_the_coverage_statement(directory: Path, tmp_path: Path) -> None:
    """A chain whose end is cut off is whole in itself, also where a forger seals it again."""
    problems = forged(directory, tmp_path, lambda lines: lines[:-2])

    assert [problem for problem in problems if "the chain was cut" in problem]
    assert any('last is {"seq": 7' in problem for problem in problems)


def test_a_reordered_chain_is_found_at_its_line(directory: Path, tmp_path: Path) -> None:
    """Also where the seal was made again."""
    problems = forged(directory, tmp_path, lambda lines: [lines[0], lines[2], lines[1], *lines[3:]])

    assert problems[0].startswith("facts/entries.jsonl:2: entry 3 follows entry 1")


def test_a_changed_payload_is_found_at_its_line(directory: Path, tmp_path: Path) -> None:
    """A finding that says PASS where it said FAIL does not match the chain."""
    problems = forged(
        directory, tmp_path, lambda lines: [line.replace(b'"status":"FAIL"', b'"status":"PASS"') for line in lines]
    )

    assert [problem.split(" ")[0] for problem in problems] == ["facts/entries.jsonl:6:"]
    assert "was changed: its payload does not match its digest" in problems[0]


def test_a_payload_with_its_digest_changed_breaks_the_hash(directory: Path, tmp_path: Path) -> None:
    """And whoever recomputes the hash breaks the next link."""
    problems = forged(
        directory, tmp_path, lambda lines: [lines[0].replace(b'"kind":"begin"', b'"kind":"start"'), *lines[1:]]
    )

    assert problems[0] == "facts/entries.jsonl:1: entry 1 was changed: it does not match its hash"


def rezipped(archive: Path, target: Path, change: Callable[[zipfile.ZipFile], None]) -> Path:
    """Copy a zip and let `change` add to it with the ordinary library."""
    shutil.copyfile(archive, target)
    with zipfile.ZipFile(target, "a") as opened:
        change(opened)
    return target


def link() -> zipfile.ZipInfo:
    """Return a symbolic link, as unpackers know it."""
    entry = zipfile.ZipInfo("reports/link")
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../outside", "leads out of the bundle"),
        ("reports/../../outside", "leads out of the bundle"),
        ("/etc/cron.d/outside", "leads out of the bundle"),
        ("C:\\outside", "characters other than"),
        ("manifest.json", "twice"),
        ("MANIFEST.json", "twice"),
        ("reports/\u202egnp.exe", "characters other than"),
        ("x" * 300, "too long"),
        ("empty/", "leads out"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_trick_unpackers_are_refused(archive: Path, tmp_path: Path, name: str, said: str) -> None:
    """Nothing of such a bundle is read, and nothing is ever unpacked to verify it."""
    bundle = rezipped(archive, tmp_path / "b.zip", lambda opened: opened.writestr(zipfile.ZipInfo(name), b"x"))

    found = verify(bundle)

    assert any(said in problem for problem in found.problems), found.problems
    assert found.campaign == ""
    with pytest.raises(EvidenceBroken, match="was not signed"):
        add(bundle, signers=[], tokens=[])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.zip"]


def test_links_are_refused_in_both_forms(archive: Path, directory: Path, tmp_path: Path) -> None:
    """A link could show a file of the auditor's own machine as evidence."""
    bundle = copied(directory, tmp_path / "bundle")
    (bundle / "README.md").unlink()
    (bundle / "README.md").symlink_to(directory / "README.md")
    (bundle / "reports" / "more").symlink_to("/etc")
    zipped = rezipped(archive, tmp_path / "b.zip", lambda opened: opened.writestr(link(), "/etc/passwd"))

    assert {problem.split(":")[0] for problem in verify(bundle).problems} == {"README.md", "reports/more"}
    assert verify(zipped).problems == [
        "reports/link: is no ordinary file (a bundle has no links, no directories and nothing encrypted)"
    ]


def test_a_bomb_is_not_unpacked(directory: Path, tmp_path: Path) -> None:
    """A file of a gigabyte of zeros packs to a megabyte; no more of it is read than the manifest and limits allow."""
    bundle = copied(directory, tmp_path / "bundle")
    (bundle / "README.md").write_bytes(b"\0" * (32 * 1024 * 1024))
    bomb = tmp_path / "bomb.zip"
    write_zip(bundle, files_of(bundle), bomb)
    declared = bomb.read_bytes().replace((32 * 1024 * 1024).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    lying = tmp_path / "lying.zip"
    lying.write_bytes(declared)
    too_much = declared.replace((100).to_bytes(4, "little"), (0xFFFFFFF0).to_bytes(4, "little"))
    huge = tmp_path / "huge.zip"
    huge.write_bytes(too_much)

    size = len((directory / "README.md").read_bytes())
    assert f"README.md: was changed: it has more than {size} bytes" in verify(bomb).problems
    assert verify(lying).problems == ["README.md: unpacks to more than its 100 bytes"]
    assert "no bundle of ours" in verify(huge).problems[0]


def test_what_is_no_bundle_is_said_to_be_none(tmp_path: Path) -> None:
    """A file of anything, an empty directory, a manifest of nonsense."""
    (tmp_path / "text").write_text("hello")
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "manifest.json").write_text("[" * 100_000)

    assert "neither a directory nor a whole zip" in verify(tmp_path / "text").problems[0]
    assert verify(tmp_path / "empty").problems[0].startswith("manifest.json: is missing")
    assert verify(tmp_path / "odd").problems[0].startswith("manifest.json: is no manifest")
    with pytest.raises(AskedWrongly, match="no such bundle"):
        verify(tmp_path / "nothing")


def test_a_manifest_says_everything_in_one_way(directory: Path) -> None:
    """Reading and writing it gives the same bytes, and so do the sums."""
    written = (directory / "manifest.json").read_bytes()
    manifest = read_manifest(written)

    assert manifest_bytes(manifest) == written
    assert listing_of(directory, list(manifest.files), sm3=True) == dict(manifest.files)
    assert sums_text(manifest, digest(written)) == (directory / "SHA256SUMS").read_bytes()
    with pytest.raises(EvidenceBroken, match="stands twice"):
        read_manifest(written.replace(b'"campaign"', b'"schema"'))


def test_verifying_needs_no_database() -> None:
    """The code that walks the chain does not import SQLAlchemy, nor anything that speaks to hosts."""
    unwanted = "('sqlalchemy', 'testinfra', 'ansible', 'hardening.ledger')"
    script = f"import sys, hardening.seal.verify; print([m for m in sys.modules if m.startswith({unwanted})])"

    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "[]"
