"""JSON as text that every reader takes: ASCII, no infinite numbers, the same bytes for the same value. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence

from hardening.model import Json

# A document whose long lists are still to be made: a fleet's would not fit into memory at once.
Lazy = Json | Iterator[Json] | Sequence["Lazy"] | Mapping[str, "Lazy"]


def compact(value: Mapping[str, Json] | Json) -> str:
    """Return a value on one line."""
    return json.dumps(plain(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def document(value: Lazy) -> Iterator[str]:
    """Return a document in pieces, as `compact` writes it whole; the items of an iterator are made in their turn."""
    yield from _pieces(value)
    yield "\n"


def _pieces(value: Lazy) -> Iterator[str]:
    if isinstance(value, Iterator):
        yield "["
        for number, item in enumerate(value):
            yield f"{',' if number else ''}{compact(item)}"
        yield "]"
    elif isinstance(value, Mapping):
        yield "{"
        for number, (name, held) in enumerate(value.items()):
            yield f"{',' if number else ''}{compact(name)}:"
            yield from _pieces(held)
        yield "}"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield "["
        for number, held in enumerate(value):
            yield "," if number else ""
            yield from _pieces(held)
        yield "]"
    else:
        yield compact(value)


def in_order(value: Mapping[str, Json] | Json) -> Json:
    """Return a value with its names sorted: a file states them in one order, and the ledger gives them in another."""
    if isinstance(value, list | tuple):
        return [in_order(item) for item in value]
    if isinstance(value, Mapping):
        return {key: in_order(value[key]) for key in sorted(value)}
    return value


def plain(value: Mapping[str, Json] | Json) -> Json:
    """Return a value that JSON can hold: it has no infinite numbers, though YAML and floats do."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return value
