"""Does a bundle hold together, and who says so? Needs the bundle alone: no workspace, no ledger, no network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hardening.chain_link import digest
from hardening.codec import DecodeError
from hardening.errors import EvidenceBroken, Incomplete
from hardening.seal import layout
from hardening.seal.box import Box, lines, measure, open_box, read
from hardening.seal.facts import Walk, coverage_problems, line_problems, read_line, texts_of, walk_chain
from hardening.seal.manifest import Manifest, read_manifest, sums_text
from hardening.seal.signers import Checked, Trust, check
from hardening.seal.statement import Signature, envelope, payload_of, subjects_of
from hardening.seal.timestamps import Stamp, check_stamp


@dataclass(kw_only=True)
class Verdict:
    """What verifying found. `problems` name the file, and the line where there is one; empty means that all holds."""

    campaign: str = ""
    tool_version: str = ""
    files: int = 0
    entries: int = 0
    problems: list[str] = field(default_factory=list)
    signatures: list[Checked] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    # What cannot be checked here, such as SM3 without an OpenSSL that has it.
    unchecked: list[str] = field(default_factory=list)
    heads: dict[int, str] = field(default_factory=dict)
    last_seq: int = 0


def verify(
    path: Path, *, allowed_signers: Path | None = None, verifier: str | None = None, authorities: Path | None = None
) -> Verdict:
    """Verify a bundle: container, files, chain, statement, signatures, time stamps. Every problem is named."""
    verdict = Verdict()
    box: Box | None = None
    try:
        box = open_box(path)
        verdict.problems += box.problems
        if not box.problems:
            _verify_box(box, verdict, allowed_signers=allowed_signers, verifier=verifier, authorities=authorities)
    except EvidenceBroken as problem:
        verdict.problems.append(str(problem))
    finally:
        if box is not None:
            box.close()
    return verdict


def _verify_box(
    box: Box, verdict: Verdict, *, allowed_signers: Path | None, verifier: str | None, authorities: Path | None
) -> None:
    present = set(box.names)
    # Who signed is told even where the rest is broken.
    signed = read(box, layout.STATEMENT, limit=layout.MAX_SMALL_BYTES) if layout.STATEMENT in present else None
    if signed is not None:
        signatures = _signatures(box)
        verdict.signatures = [
            check(name, signature, signed, allowed_signers=allowed_signers, verifier=verifier)
            for name, signature in signatures.items()
        ]
        verdict.stamps = [
            check_stamp(name, read(box, name, limit=layout.MAX_SMALL_BYTES), signed, authorities=authorities)
            for name in sorted(present)
            if layout.TIMESTAMP.fullmatch(name)
        ]
        verdict.problems += _seal_problems(box, signed, signatures)
    manifest = _manifest(box, verdict)
    if manifest is None:
        return
    verdict.campaign, verdict.tool_version, verdict.files = manifest.campaign, manifest.tool_version, len(present)
    verdict.problems += _presence_problems(present, manifest)
    verdict.problems += _file_problems(box, present, manifest, verdict)
    verdict.problems += _chain_problems(box, manifest, verdict)


def _manifest(box: Box, verdict: Verdict) -> Manifest | None:
    if layout.MANIFEST not in box.names:
        verdict.problems.append(f"{layout.MANIFEST}: is missing; without it nothing else can be held against anything")
        return None
    return read_manifest(read(box, layout.MANIFEST, limit=layout.MAX_SMALL_BYTES))


def _presence_problems(present: set[str], manifest: Manifest) -> Iterator[str]:
    always = {layout.README, layout.COVERAGE, layout.ENTRIES}
    due = {*manifest.files, *always, layout.MANIFEST, layout.SUMS, layout.STATEMENT, layout.ENVELOPE}
    free = {name for name in present if layout.SIGNATURE.fullmatch(name) or layout.TIMESTAMP.fullmatch(name)}
    for name in sorted(due - present):
        yield f"{name}: is missing"
    for name in sorted(present - due - free):
        yield f"{name}: was added: the manifest does not list it"
    for shape in (layout.SIGNATURE, layout.TIMESTAMP):
        numbers = sorted(int(found["number"]) for name in free if (found := shape.fullmatch(name)))
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"seal/: the numbers {numbers} have a gap or stand twice: a signature or time stamp was taken away"


def _file_problems(box: Box, present: set[str], manifest: Manifest, verdict: Verdict) -> Iterator[str]:
    sm3 = True
    for name, due in manifest.files.items():
        if name not in present:
            continue
        try:
            with box.open(name) as file:
                size, sha256, chinese = measure(file, limit=due.size, sm3=sm3 and due.sm3 is not None)
        except EvidenceBroken as problem:
            yield str(problem)
            continue
        except Incomplete as problem:
            verdict.unchecked.append(str(problem))
            sm3 = False
            with box.open(name) as file:
                size, sha256, chinese = measure(file, limit=due.size, sm3=False)
        if size != due.size:
            yield f"{name}: was changed: it has {'more than ' * (size > due.size)}{min(size, due.size)} bytes" + (
                "" if size > due.size else f" and not {due.size}"
            )
        elif sha256 != due.sha256:
            yield f"{name}: was changed: its SHA-256 is {sha256}, the manifest says {due.sha256}"
        elif chinese is not None and chinese != due.sm3:
            yield f"{name}: was changed: its SM3 is {chinese}, the manifest says {due.sm3}"
    if layout.SUMS in box.names:
        written = read(box, layout.MANIFEST, limit=layout.MAX_SMALL_BYTES)
        if read(box, layout.SUMS, limit=layout.MAX_SMALL_BYTES) != sums_text(manifest, digest(written)):
            yield f"{layout.SUMS}: was changed: it does not say what {layout.MANIFEST} says"


def _signatures(box: Box) -> dict[str, Signature]:
    """Return the signatures in the order of their numbers."""
    found = [(int(match["number"]), match["kind"], name) for name in box.names if (match := _is_signature(name))]
    return {
        name: Signature(kind=kind, content=read(box, name, limit=layout.MAX_SMALL_BYTES))
        for _, kind, name in sorted(found)
    }


_is_signature = layout.SIGNATURE.fullmatch


def _seal_problems(box: Box, signed: bytes, signatures: dict[str, Signature]) -> Iterator[str]:
    """What is signed must be this bundle's manifest, and the envelope must say the same as the files beside it."""
    try:
        payload = payload_of(signed)
        subjects = subjects_of(payload)
    except EvidenceBroken as problem:
        yield f"{layout.STATEMENT}: {problem}"
        return
    if set(subjects) != {layout.MANIFEST, layout.SUMS}:
        yield f"{layout.STATEMENT}: speaks of {', '.join(sorted(subjects))}, and not of this bundle"
    for name, digests in subjects.items():
        if name not in box.names:
            continue  # Said as missing.
        content = read(box, name, limit=layout.MAX_SMALL_BYTES)
        if digest(content) != digests.get("sha256"):
            yield f"{name}: was changed: its SHA-256 is {digest(content)}, the statement says {digests.get('sha256')}"
    if layout.ENVELOPE in box.names:
        written = read(box, layout.ENVELOPE, limit=layout.MAX_SMALL_BYTES)
        if written != envelope(signed, list(signatures.values())):
            yield f"{layout.ENVELOPE}: was changed: it does not follow from {layout.STATEMENT} and the signatures"


def _chain_problems(box: Box, manifest: Manifest, verdict: Verdict) -> Iterator[str]:
    """The entries must be one chain, as long as the coverage statement says, with every text they point at."""
    if layout.ENTRIES not in box.names or layout.COVERAGE not in box.names:
        return  # Said as missing, or the manifest never spoke of them.
    walk = Walk()
    try:
        yield from walk_chain(layout.ENTRIES, lines(box, layout.ENTRIES), manifest.campaign, walk)
        coverage = json.loads(read(box, layout.COVERAGE, limit=layout.MAX_SMALL_BYTES))
        chain = coverage["chain"]
        if coverage["campaign"]["id"] != manifest.campaign or not isinstance(chain, dict):
            yield f"{layout.COVERAGE}: speaks of another campaign than the manifest"
            return
    except EvidenceBroken as problem:
        yield str(problem)
        return
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        yield f"{layout.COVERAGE}: is no coverage statement: {type(problem).__name__} {problem}"
        return
    yield from coverage_problems(layout.ENTRIES, chain, walk)
    if layout.ATTESTATIONS in box.names:
        yield from _attestation_problems(box, walk)
    stored = {name.removeprefix(layout.TEXTS) for name in box.names if name.startswith(layout.TEXTS)}
    for name in sorted(walk.texts - stored):
        yield f"{layout.TEXTS}{name}: is missing: an entry points at it"
    for name in sorted(stored - walk.texts):
        yield f"{layout.TEXTS}{name}: was added: no entry points at it"
    for name in sorted(stored & walk.texts):
        due = manifest.files.get(layout.TEXTS + name)
        if due is not None and due.sha256 != name:
            yield f"{layout.TEXTS}{name}: was changed: it does not match the digest that entries know it by"
    verdict.entries = walk.own
    verdict.heads = walk.heads
    verdict.last_seq = walk.last.seq if walk.last else 0


def _attestation_problems(box: Box, walk: Walk) -> Iterator[str]:
    """Attestations stand elsewhere in the ledger's chain: each is held against its own hash."""
    for number, raw in enumerate(lines(box, layout.ATTESTATIONS), start=1):
        where = f"{layout.ATTESTATIONS}:{number}"
        try:
            line = read_line(raw)
        except DecodeError as problem:
            yield f"{where}: {problem}"
            return
        yield from line_problems(where, line)
        walk.texts |= texts_of(line)
        walk.heads[line.seq] = line.hash


def untrusted(verdict: Verdict) -> list[str]:
    """Return signatures and time stamps that are bad, one sentence each."""
    bad = (Trust.INVALID, Trust.UNKNOWN)
    every: list[Checked | Stamp] = [*verdict.signatures, *verdict.stamps]
    return [f"{each.file}: {each.trust}: {each.why}" for each in every if each.trust in bad]
