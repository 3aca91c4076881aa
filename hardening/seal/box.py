"""A bundle to read, as a directory or a zip: names and bytes, with nothing unpacked and nothing followed."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

from hardening.errors import AskedWrongly, EvidenceBroken, Incomplete
from hardening.seal.layout import MAX_FILES, MAX_LINE_BYTES, MAX_TOTAL_BYTES, wrong_name

CHUNK = 1024 * 1024


class Box(Protocol):
    """Files by name. `problems` are those of the container itself; with some, nothing in it may be read."""

    problems: list[str]
    names: tuple[str, ...]

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a file to read."""

    def close(self) -> None:
        """Let go of the container."""


class Directory:
    """A bundle that lies in a directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[str] = []
        found, total = [], 0
        for path in _files_below(root):
            name = path.relative_to(root).as_posix()
            kind = path.lstat()
            if why := wrong_name(name):
                self.problems.append(f"{name!r}: {why}")
            elif not stat.S_ISREG(kind.st_mode):
                self.problems.append(f"{name}: is no ordinary file (a bundle has no links and no devices)")
            found.append(name)
            total += kind.st_size
            if len(found) > MAX_FILES or total > MAX_TOTAL_BYTES:
                self.problems.append(f"holds more than {MAX_FILES} files or {MAX_TOTAL_BYTES} bytes: no bundle of ours")
                break
        self.names: tuple[str, ...] = tuple(found)

    def open(self, name: str) -> BinaryIO:
        """Open a file to read."""
        return (self.root / name).open("rb")

    def close(self) -> None:
        """There is nothing to let go of."""


def open_box(path: Path) -> Box:
    """Open a bundle. Raises AskedWrongly where there is none, EvidenceBroken where it is no bundle at all."""
    from hardening.seal.zip_box import Zip

    try:
        if path.is_dir():
            return Directory(path)
        if not path.exists():
            raise AskedWrongly(f"{path}: there is no such bundle")
        return Zip(path)
    except OSError as problem:
        raise Incomplete(f"{path}: cannot be read: {problem.strerror or problem}") from problem


def read(box: Box, name: str, *, limit: int) -> bytes:
    """Return a file's bytes. Raises EvidenceBroken where it is larger than `limit`, whatever it says of its size."""
    with box.open(name) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise EvidenceBroken(f"{name}: is larger than {limit} bytes")
    return content


def lines(box: Box, name: str) -> Iterator[bytes]:
    """Yield a file's lines, without their ends. Raises EvidenceBroken for one without an end in sight."""
    with box.open(name) as file:
        while line := file.readline(MAX_LINE_BYTES):
            if not line.endswith(b"\n"):
                raise EvidenceBroken(f"{name}: a line does not end")
            yield line[:-1]


def measure(file: BinaryIO, *, limit: int, sm3: bool) -> tuple[int, str, str | None]:
    """Return size, SHA-256 and, if asked, SM3 of a stream, reading no more than `limit` bytes and one."""
    sha256 = hashlib.sha256()
    chinese = new_sm3() if sm3 else None
    size = 0
    while size <= limit and (chunk := file.read(min(CHUNK, limit + 1 - size))):
        size += len(chunk)
        sha256.update(chunk)
        if chinese is not None:
            chinese.update(chunk)
    return size, sha256.hexdigest(), None if chinese is None else chinese.hexdigest()


def new_sm3() -> hashlib._Hash:
    """Return an SM3 digest. Raises Incomplete where this Python's OpenSSL was built without it."""
    try:
        return hashlib.new("sm3")
    except ValueError:
        raise Incomplete("SM3 is not in this Python's OpenSSL: nothing can be said about SM3 digests here") from None


def _files_below(root: Path) -> Iterator[Path]:
    """Yield everything below a directory that is no directory, without following links."""
    waiting = [root]
    while waiting:
        for path in sorted(waiting.pop().iterdir()):
            if path.is_dir() and not path.is_symlink():
                waiting.append(path)
            else:
                yield path
