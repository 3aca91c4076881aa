"""Seal a directory of files into a bundle, or add a signature or a time stamp to a bundle that verifies."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hardening.chain_link import digest
from hardening.errors import AskedWrongly, EvidenceBroken, Incomplete
from hardening.model import Json
from hardening.seal import layout
from hardening.seal.box import Box, new_sm3, open_box
from hardening.seal.manifest import Manifest, listing_of, manifest_bytes, sums_text
from hardening.seal.statement import BUNDLE_PREDICATE, Signature, envelope, pae, statement
from hardening.seal.timestamps import insist_on_stamp
from hardening.seal.verify import verify
from hardening.seal.zip_box import write_zip

Signer = Callable[[bytes], Signature]


def seal(
    root: Path,
    *,
    campaign: str,
    tool_version: str,
    catalogue_digest: str,
    predicate: Json,
    sm3: bool,
    signers: Sequence[Signer] = (),
    tokens: Sequence[Path] = (),
) -> None:
    """Write manifest, sums, statement, envelope, signatures and time stamps beside the files of a directory."""
    files = listing_of(root, [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()], sm3=sm3)
    manifest = Manifest(campaign=campaign, tool_version=tool_version, catalogue_digest=catalogue_digest, files=files)
    written = manifest_bytes(manifest)
    sums = sums_text(manifest, digest(written))
    (root / layout.MANIFEST).write_bytes(written)
    (root / layout.SUMS).write_bytes(sums)
    subjects = {name: _digests(content, sm3=sm3) for name, content in ((layout.MANIFEST, written), (layout.SUMS, sums))}
    signed = pae(statement(subjects, BUNDLE_PREDICATE, predicate))
    (root / "seal").mkdir()
    (root / layout.STATEMENT).write_bytes(signed)
    _add(root, signed, [], signers, tokens)


def add(bundle: Path, *, signers: Sequence[Signer], tokens: Sequence[Path]) -> None:
    """Add signatures and time stamps to a bundle. Raises EvidenceBroken, and changes nothing, for one that is broken.

    A signature says that its signer stands by this bundle; a broken one must not get any.
    """
    found = verify(bundle)
    if found.problems:
        raise EvidenceBroken("\n".join([f"{bundle} does not verify, and was not signed:", *found.problems]))
    box = open_box(bundle)
    try:
        with staging(bundle) as room:
            for name in box.names:
                _copy(box, name, room)
            held = [name for name in box.names if layout.SIGNATURE.fullmatch(name)]
            signed = (room / layout.STATEMENT).read_bytes()
            _add(room, signed, _in_order(room, held), signers, tokens)
            names = sorted(path.relative_to(room).as_posix() for path in room.rglob("*") if path.is_file())
            if bundle.is_dir():
                for name in names:
                    if name.startswith("seal/"):
                        (room / name).replace(bundle / name)
                return
            part = bundle.with_name(f".{bundle.name}.{os.getpid()}.part")
            try:
                write_zip(room, names, part)
                part.replace(bundle)
            finally:
                part.unlink(missing_ok=True)
    finally:
        box.close()


def put_in_place(room: Path, destination: Path) -> None:
    """Move a finished bundle to where it was asked for: a directory, or a zip where the name says so."""
    names = sorted(path.relative_to(room).as_posix() for path in room.rglob("*") if path.is_file())
    if destination.suffix != ".zip":
        room.rename(destination)
        return
    part = destination.with_name(f".{destination.name}.{os.getpid()}.part")
    try:
        write_zip(room, names, part)
        part.replace(destination)
    finally:
        part.unlink(missing_ok=True)


def check_destination(destination: Path) -> None:
    """Refuse a place where no bundle can be written, before anything is done."""
    if destination.exists() or destination.is_symlink():
        raise AskedWrongly(f"{destination}: exists already; name a new directory or .zip file")
    above = destination.absolute().parent
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise AskedWrongly(f"{destination}: cannot be written: {above} is no directory that this user may write to")


@contextmanager
def staging(destination: Path) -> Iterator[Path]:
    """Give a private directory on the destination's own disk; what is left of it at the end is removed."""
    try:
        room = Path(tempfile.mkdtemp(prefix=f".{destination.name}.", suffix=".part", dir=destination.absolute().parent))
    except OSError as problem:
        raise Incomplete(f"{destination}: cannot be written: {problem.strerror}") from problem
    try:
        yield room
    except OSError as problem:
        raise Incomplete(f"{destination}: cannot be written: {problem.strerror or problem}") from problem
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _add(
    root: Path, signed: bytes, present: list[Signature], signers: Sequence[Signer], tokens: Sequence[Path]
) -> None:
    signatures = [*present]
    for signer in signers:
        signatures.append(signer(signed))
        path = root / layout.signature_name(len(signatures), signatures[-1].kind)
        path.write_bytes(signatures[-1].content)
    (root / layout.ENVELOPE).write_bytes(envelope(signed, signatures))
    stamps = sum(1 for path in (root / "seal").glob("timestamp-*.tsr"))
    for number, token in enumerate(tokens, start=stamps + 1):
        (root / f"seal/timestamp-{number}.tsr").write_bytes(insist_on_stamp(token, signed))


def _in_order(root: Path, names: Sequence[str]) -> list[Signature]:
    """Return the signatures that are there, in the order of their numbers."""
    found = [(match, name) for name in names if (match := layout.SIGNATURE.fullmatch(name))]
    return [
        Signature(kind=match["kind"], content=(root / name).read_bytes())
        for match, name in sorted(found, key=lambda each: int(each[0]["number"]))
    ]


def _copy(box: Box, name: str, room: Path) -> None:
    """Write one file of a bundle that verified below `room`; its name was found to stay inside."""
    target = room / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with box.open(name) as source, target.open("xb") as file:
        shutil.copyfileobj(source, file, 1024 * 1024)


def _digests(content: bytes, *, sm3: bool) -> dict[str, str]:
    digests = {"sha256": digest(content)}
    if sm3:
        chinese = new_sm3()
        chinese.update(content)
        digests["sm3"] = chinese.hexdigest()
    return digests
