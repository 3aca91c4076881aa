"""The ledger's entries as JSON lines, and the check of their chain: without a database, and without SQLAlchemy."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from hardening.chain_link import blobs_named, digest, link_hash
from hardening.codec import DecodeError, json_bytes, json_value
from hardening.model import Json

# An entry's own words; its payload is JSON itself, and stands in its line as such.
_TEXTS = ("campaign_id", "kind", "taken_at", "payload_digest", "prev_hash", "hash")
_KEYS = {"seq", *_TEXTS}
_LONE_SURROGATE = re.compile(rb"\xed[\xa0-\xbf]")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One entry. `payload` is None for entries of other campaigns, whose digest is enough for the chain."""

    seq: int
    campaign_id: str
    kind: str
    taken_at: str
    payload_digest: str
    prev_hash: str
    hash: str
    payload: bytes | None = None


@dataclass
class Walk:
    """What was met while the chain was walked."""

    first: Line | None = None
    last: Line | None = None
    links: int = 0
    own: int = 0
    ended: bool = False
    heads: dict[int, str] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)


def line_bytes(line: Line) -> bytes:
    """Return an entry as a line: ASCII JSON, keys sorted, readable by anything."""
    held: dict[str, Json] = {"seq": line.seq, **{name: getattr(line, name) for name in _TEXTS}}
    if line.payload is not None:
        value = json_value(line.payload)
        if json_bytes(value) == line.payload and not _LONE_SURROGATE.search(line.payload):
            held["payload"] = value
        else:
            # It would not come back to the byte: two lone surrogates melt into one character when JSON is read.
            held["payload_base64"] = base64.b64encode(line.payload).decode()
    return json.dumps(held, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"


def read_line(written: bytes) -> Line:
    """Return an entry. Raises DecodeError for a line that is none."""
    try:
        held = json.loads(written)
    except (ValueError, RecursionError) as problem:
        raise DecodeError(f"is no JSON: {problem}") from problem
    if not isinstance(held, dict) or not held.keys() >= _KEYS or type(held["seq"]) is not int:
        raise DecodeError("is no entry of a ledger")
    if any(not isinstance(held[name], str) for name in _TEXTS):
        raise DecodeError("is no entry of a ledger")
    try:
        payload = json_bytes(held["payload"]) if "payload" in held else None
        if "payload_base64" in held:
            payload = base64.b64decode(held["payload_base64"], validate=True)
    except (ValueError, TypeError, RecursionError) as problem:
        raise DecodeError(f"its payload cannot be read: {problem}") from problem
    return Line(seq=held["seq"], payload=payload, **{name: held[name] for name in _TEXTS})


def walk_chain(file: str, written: Iterable[bytes], campaign_id: str, walk: Walk) -> Iterator[str]:
    """Walk the chain and say what does not hold together, naming the line. `walk` gathers what was met."""
    before: Line | None = None
    for number, raw in enumerate(written, start=1):
        where = f"{file}:{number}"
        try:
            line = read_line(raw)
        except DecodeError as problem:
            yield f"{where}: {problem}"
            return
        yield from line_problems(where, line)
        if line.campaign_id == campaign_id and line.payload is None:
            yield f"{where}: entry {line.seq} is of this campaign and has no payload"
        if before is not None and line.seq != before.seq + 1:
            yield f"{where}: entry {line.seq} follows entry {before.seq}: entries are missing or in another order"
        elif before is not None and line.prev_hash != before.hash:
            yield f"{where}: entry {line.seq} does not follow the entry before it (prev_hash differs)"
        _note(walk, line, campaign_id)
        before = line


def line_problems(where: str, line: Line) -> Iterator[str]:
    """Say what is wrong with one entry by itself."""
    due = link_hash(
        seq=line.seq,
        campaign_id=line.campaign_id,
        kind=line.kind,
        taken_at=line.taken_at,
        payload_digest=line.payload_digest,
        prev_hash=line.prev_hash,
    )
    if line.payload is not None and digest(line.payload) != line.payload_digest:
        yield f"{where}: entry {line.seq} was changed: its payload does not match its digest"
    if due != line.hash:
        yield f"{where}: entry {line.seq} was changed: it does not match its hash"


def coverage_problems(file: str, chain: Mapping[str, object], walk: Walk) -> Iterator[str]:
    """Hold what was met against the coverage statement: a chain whose end was cut off is whole in itself."""
    if walk.first is None or walk.last is None:
        yield f"{file}: holds no entry; the coverage statement speaks of {chain.get('entries')}"
        return
    met: dict[str, object] = {"entries": walk.own, "links": walk.links}
    for name, line in (("first", walk.first), ("last", walk.last)):
        met[name] = {"seq": line.seq, "hash": line.hash}
    met["ended"] = walk.ended
    for name, found in met.items():
        if chain.get(name) != found:
            told = json.dumps(chain.get(name))
            yield f"{file}: {name} is {json.dumps(found)}, the coverage statement says {told}: the chain was cut"


def chain_statement(walk: Walk) -> dict[str, Json]:
    """Return what the coverage statement says of the chain."""
    if walk.first is None or walk.last is None:
        raise DecodeError("a chain has a first entry")
    return {
        "entries": walk.own,
        "links": walk.links,
        "first": {"seq": walk.first.seq, "hash": walk.first.hash},
        "last": {"seq": walk.last.seq, "hash": walk.last.hash},
        "ended": walk.ended,
    }


def texts_of(line: Line) -> set[str]:
    """Return the digests of the texts and files that an entry points at."""
    try:
        return set() if line.payload is None else blobs_named(line.payload)
    except (DecodeError, RecursionError):
        return set()  # Whoever wrote such a payload changed it: that is said by its digest.


def noted(lines: Iterable[Line], campaign_id: str, walk: Walk) -> Iterator[Line]:
    """Yield lines on, gathering what is met."""
    for line in lines:
        _note(walk, line, campaign_id)
        yield line


def write_lines(lines: Iterable[Line], write: Callable[[bytes], object]) -> None:
    """Write entries, one after another."""
    for line in lines:
        write(line_bytes(line))


def _note(walk: Walk, line: Line, campaign_id: str) -> None:
    bare = line if line.payload is None else Line(**{**vars(line), "payload": None})
    walk.first = walk.first or bare
    walk.last = bare
    walk.links += 1
    walk.heads[line.seq] = line.hash
    walk.texts |= texts_of(line)
    if line.campaign_id == campaign_id:
        walk.own += 1
        walk.ended = walk.ended or line.kind == "finish"
