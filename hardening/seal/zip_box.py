"""A bundle as a zip: written so that equal files give equal bytes, and read so that every byte is accounted for.

All that is not content is fixed: order, times, modes, flags, no extras, no comments, no gaps. So a reader can hold
each header against the one that must stand there, and nothing can hide before, between or behind the files.
"""

from __future__ import annotations

import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

from hardening.errors import AskedWrongly, EvidenceBroken
from hardening.seal.layout import MAX_FILES, MAX_TOTAL_BYTES, order, wrong_name

# The earliest that the format can say.
EPOCH = (1980, 1, 1, 0, 0, 0)
MODE = 0o100644 << 16
LOCAL_BYTES, CENTRAL_BYTES, END_BYTES = 30, 46, 22


def write_zip(root: Path, names: Iterable[str], destination: Path) -> None:
    """Write files below a directory as a zip. Raises AskedWrongly for more than the plain format can hold."""
    chosen = sorted(names, key=order)
    total = sum((root / name).stat().st_size for name in chosen)
    # Without the extensions for large archives: their headers would be a second form of the same bundle.
    if total > MAX_TOTAL_BYTES or len(chosen) > 65_000:
        raise AskedWrongly(f"{destination}: too large for a zip ({total} bytes, {len(chosen)} files); name a directory")
    with zipfile.ZipFile(destination, "w", allowZip64=False) as archive:
        for name in chosen:
            with (root / name).open("rb") as source, archive.open(_header(name), "w") as target:
                shutil.copyfileobj(source, target, 1024 * 1024)


class Zip:
    """A bundle in a zip."""

    def __init__(self, path: Path) -> None:
        self.problems: list[str] = []
        self.names: tuple[str, ...] = ()
        try:
            self._archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, UnicodeError, struct.error, NotImplementedError, ValueError) as problem:
            raise EvidenceBroken(f"{path}: is neither a directory nor a whole zip: {problem}") from problem
        entries = self._archive.infolist()
        self.problems += _dangers(entries)
        if not self.problems:
            self.names = tuple(entry.filename for entry in entries)
            with path.open("rb") as file:
                self.problems += _container_problems(file, entries, path.stat().st_size)

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open a file to read. Raises EvidenceBroken where its packed bytes make no sense."""
        try:
            with self._archive.open(name) as file:
                yield cast("BinaryIO", file)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as problem:
            raise EvidenceBroken(f"{name}: cannot be unpacked: {problem}") from problem

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()


def _header(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = MODE
    entry.create_system = 3
    return entry


def _dangers(entries: list[zipfile.ZipInfo]) -> Iterator[str]:
    """Say what must not even be looked at more closely."""
    if len(entries) > MAX_FILES or sum(entry.file_size for entry in entries) > MAX_TOTAL_BYTES:
        yield f"holds more than {MAX_FILES} files or {MAX_TOTAL_BYTES} bytes: no bundle of ours"
        return
    seen: set[str] = set()
    for entry in entries:
        # Not `filename`: the library cuts names at a NUL and turns backslashes, on some systems.
        name = entry.orig_filename
        if why := wrong_name(name):
            yield f"{name!r}: {why}"
        elif name.casefold() in seen:
            yield f"{name}: is there twice (or differs only in capitals)"
        elif entry.external_attr != MODE or entry.flag_bits & 1:
            yield f"{name}: is no ordinary file (a bundle has no links, no directories and nothing encrypted)"
        seen.add(name.casefold())


def _container_problems(file: IO[bytes], entries: list[zipfile.ZipInfo], size: int) -> Iterator[str]:
    """Hold every byte that is no content against what must stand there."""
    if [entry.filename for entry in entries] != sorted((entry.filename for entry in entries), key=order):
        yield "the files of the zip are not in their order"
    at = 0
    directory = []
    for entry in entries:
        local, listed = _headers_due(entry, at)
        file.seek(at)
        if entry.header_offset != at or file.read(len(local)) != local:
            yield f"{entry.filename}: its header in the zip was changed, or something lies before it"
            return
        yield from _packing_problems(file, entry)
        directory.append(listed)
        at += len(local) + entry.compress_size
    central = b"".join(directory)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(entries), len(entries), len(central), at, 0)
    file.seek(at)
    if file.read(len(central) + len(end) + 1) != central + end or size != at + len(central) + len(end):
        yield "the directory at the end of the zip was changed, or something lies around it"


def _headers_due(entry: zipfile.ZipInfo, at: int) -> tuple[bytes, bytes]:
    """Return the header before a file and its line in the directory, as our writer writes them (APPNOTE.TXT 4.3)."""
    name = entry.filename.encode("ascii")
    sizes = (entry.CRC, entry.compress_size, entry.file_size, len(name), 0)
    date = (EPOCH[0] - 1980) << 9 | EPOCH[1] << 5 | EPOCH[2]
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, zipfile.ZIP_DEFLATED, 0, date, *sizes) + name
    listed = struct.pack(
        "<4s4B4H3L5H2L", b"PK\1\2", 20, 3, 20, 0, 0, zipfile.ZIP_DEFLATED, 0, date, *sizes, 0, 0, 0, MODE, at
    )
    return local, listed + name


def _packing_problems(file: IO[bytes], entry: zipfile.ZipInfo) -> Iterator[str]:
    """The packed bytes must unpack to exactly what was declared, with nothing left behind their end."""
    unpacker = zlib.decompressobj(-15)
    left, unpacked = entry.compress_size, 0
    try:
        while left and not unpacker.eof:
            chunk = file.read(min(left, 1024 * 1024))
            left -= len(chunk)
            while chunk and not unpacker.eof:
                unpacked += len(unpacker.decompress(chunk, 1024 * 1024))
                chunk = unpacker.unconsumed_tail
                if unpacked > entry.file_size:
                    yield f"{entry.filename}: unpacks to more than its {entry.file_size} bytes"
                    return
    except zlib.error as problem:
        yield f"{entry.filename}: cannot be unpacked: {problem}"
        return
    if not unpacker.eof or unpacker.unused_data or left or unpacked != entry.file_size:
        yield f"{entry.filename}: something lies behind its end in the zip, or its end is missing"
