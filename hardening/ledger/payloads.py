"""The bytes of an entry: canonical JSON whose big texts are stored once, by digest, in `blobs`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from hardening.chain_link import BLOB, FILE, digest
from hardening.codec import DecodeError, json_bytes, json_value
from hardening.model import Json

# Longer texts are stored once by digest: the same listing comes from every host of a fleet.
INLINE_MAX_BYTES = 4096
ReadBlob = Callable[[str], bytes]


@dataclass
class Payload:
    """The bytes of one entry, being put together, with the blobs they point at."""

    blobs: dict[str, bytes] = field(default_factory=dict)

    def write(self, value: Json) -> bytes:
        """Return canonical bytes, with big texts moved to `blobs`."""
        written = json_bytes(value)
        if len(written) <= INLINE_MAX_BYTES and b'"$' not in written:
            return written
        return json_bytes(self._spill(value))

    def write_object(self, parts: Mapping[str, bytes | Iterable[bytes]]) -> bytes:
        """Return the canonical object of parts that are written already; an iterable of parts is a list."""
        written = []
        for key in sorted(parts):
            part = parts[key]
            written.append(
                json_bytes(key) + b":" + (part if isinstance(part, bytes) else b"[" + b",".join(part) + b"]")
            )
        return b"{" + b",".join(written) + b"}"

    def write_files(self, files: Mapping[str, bytes]) -> list[bytes]:
        """Return references to files, whose bytes become blobs under their digests."""
        self.blobs.update(files)
        return [json_bytes({FILE: name}) for name in sorted(files)]

    def _spill(self, value: Json) -> Json:
        if isinstance(value, str):
            return self._spill_text(value)
        if isinstance(value, (list, tuple)):
            return [self._spill(item) for item in value]
        if isinstance(value, Mapping):
            return {"$" + key if key.startswith("$") else key: self._spill(item) for key, item in value.items()}
        return value

    def _spill_text(self, text: str) -> Json:
        content = text.encode("utf-8", "surrogatepass")
        if len(content) <= INLINE_MAX_BYTES:
            return text
        name = digest(content)
        self.blobs[name] = content
        return {BLOB: name}


def read_payload(payload: bytes, read_blob: ReadBlob, *, only: tuple[str, ...] = ()) -> dict[str, Json]:
    """Return the object that was written, with its big texts in place, or some parts of it. Raises DecodeError."""
    value = json_value(payload)
    if not isinstance(value, dict):
        raise DecodeError("an entry holds an object")
    if only:
        value = {key: part for key, part in value.items() if key in only}
    if b'"$' in payload:
        return {key[1:] if key.startswith("$") else key: _fill(part, read_blob) for key, part in value.items()}
    return value


def _fill(value: Json, read_blob: ReadBlob) -> Json:
    if isinstance(value, list):
        return [_fill(item, read_blob) for item in value]
    if not isinstance(value, dict):
        return value
    name = value.get(BLOB)
    if isinstance(name, str) and len(value) == 1:
        return read_blob(name).decode("utf-8", "surrogatepass")
    if isinstance(value.get(FILE), str) and len(value) == 1:
        return value[FILE]
    return {key[1:] if key.startswith("$") else key: _fill(item, read_blob) for key, item in value.items()}
