"""The list of a bundle's files with their sizes and digests."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hardening.errors import EvidenceBroken
from hardening.model import Json
from hardening.seal.box import measure
from hardening.seal.layout import MANIFEST, MAX_FILES, MAX_TOTAL_BYTES, listed, wrong_name

SCHEMA = "hardening/bundle/1"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One file of a bundle. `sm3` is None where SM3 was not asked for."""

    size: int
    sha256: str
    sm3: str | None = None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a bundle holds, and of what."""

    campaign: str
    tool_version: str
    catalogue_digest: str
    files: Mapping[str, Listed]


def listing_of(root: Path, names: list[str], *, sm3: bool) -> dict[str, Listed]:
    """Measure files below a directory."""
    found = {}
    for name in sorted(names):
        with (root / name).open("rb") as file:
            size, sha256, chinese = measure(file, limit=MAX_TOTAL_BYTES, sm3=sm3)
        found[name] = Listed(size=size, sha256=sha256, sm3=chinese)
    return found


def manifest_bytes(manifest: Manifest) -> bytes:
    """Return the manifest as it is written: JSON with a line for each file."""
    head = {
        "schema": SCHEMA,
        "campaign": manifest.campaign,
        "tool_version": manifest.tool_version,
        "catalogue_digest": manifest.catalogue_digest,
    }
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    files = ",\n".join(f"{json.dumps(name)}: {json.dumps(_row(each))}" for name, each in sorted(manifest.files.items()))
    return ("{\n" + ",\n".join(lines) + f',\n"files": {{\n{files}\n}}\n}}\n').encode()


def sums_text(manifest: Manifest, manifest_sha256: str) -> bytes:
    """Return what `sha256sum -c` reads: the manifest and all that it lists."""
    sums = {name: each.sha256 for name, each in manifest.files.items()} | {MANIFEST: manifest_sha256}
    return "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(sums.items())).encode()


def read_manifest(written: bytes) -> Manifest:
    """Return the manifest of a bundle that may come from anybody. Raises EvidenceBroken for what is none."""
    try:
        document = json.loads(written, object_pairs_hook=_each_once)
        if document["schema"] != SCHEMA:
            raise EvidenceBroken(f"{MANIFEST}: its schema is {document['schema']!r}, this version reads {SCHEMA!r}")
        files = {name: _listed(name, row) for name, row in document["files"].items()}
        heads = {key: str(document[key]) for key in ("campaign", "tool_version", "catalogue_digest")}
        manifest = Manifest(**heads, files=files)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise EvidenceBroken(f"{MANIFEST}: is no manifest: {type(problem).__name__} {problem}") from problem
    if len(files) > MAX_FILES or sum(each.size for each in files.values()) > MAX_TOTAL_BYTES:
        raise EvidenceBroken(f"{MANIFEST}: lists more than a bundle may hold")
    if manifest_bytes(manifest) != written:
        raise EvidenceBroken(f"{MANIFEST}: is not written as this tool writes it: something in it was changed")
    return manifest


def _row(each: Listed) -> dict[str, Json]:
    row: dict[str, Json] = {"size": each.size, "sha256": each.sha256}
    return row if each.sm3 is None else {**row, "sm3": each.sm3}


def _listed(name: str, row: Mapping[str, object]) -> Listed:
    size, sha256, sm3 = row["size"], row["sha256"], row.get("sm3")
    if wrong_name(name) or not listed(name):
        raise ValueError(f"{name!r} has no place in it")
    if type(size) is not int or size < 0:
        raise ValueError(f"the size of {name} is {size!r}")
    if any(not isinstance(each, str) or not _SHA256.fullmatch(each) for each in (sha256, sm3) if each is not None):
        raise ValueError(f"a digest of {name} is none")
    return Listed(size=size, sha256=str(sha256), sm3=None if sm3 is None else str(sm3))


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)
