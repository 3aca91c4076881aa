"""Contents before and after, kept on the host by digest: root only, never sent to the controller."""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import Dict, Iterable

from .errors import CannotApply


class ObjectStore:
    """`<directory>/<sha256>`; contents wait in memory until `keep` writes them down."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.waiting: Dict[str, bytes] = {}

    def add(self, content: bytes) -> str:
        """Return the digest under which `content` can be had from now on."""
        digest = hashlib.sha256(content).hexdigest()
        self.waiting[digest] = content
        return digest

    def get(self, digest: str) -> bytes:
        """Return what was added under the digest."""
        if digest in self.waiting:
            return self.waiting[digest]
        path = self._path(digest)
        try:
            with open(path, "rb") as file:
                content = file.read()
        except FileNotFoundError:
            raise CannotApply("the kept content " + path + " is gone, so it cannot be put back") from None
        if hashlib.sha256(content).hexdigest() != digest:
            raise CannotApply("the kept content " + path + " is not what was kept: it was changed or damaged")
        return content

    def keep(self, digests: Iterable[str]) -> None:
        """Have the contents on disk, flushed, before anybody relies on them."""
        new = sorted(
            {digest for digest in digests if digest in self.waiting and not os.path.exists(self._path(digest))}
        )
        if not new:
            return
        make_private_directory(self.directory)
        for digest in new:
            # Another run may be keeping the same content.
            part = self._path(digest) + ".{}.part".format(os.getpid())
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(self.waiting[digest])
                file.flush()
                os.fsync(file.fileno())
            os.rename(part, self._path(digest))
        # The names are on disk with one flush for all of them.
        flush_directory(self.directory)

    def _path(self, digest: str) -> str:
        return os.path.join(self.directory, digest)


def make_private_directory(path: str) -> None:
    """Have a directory that only root can enter, parents included."""
    if not os.path.isdir(path):
        parent = os.path.dirname(path)
        # /var and /var/lib are not ours to make private.
        if not os.path.isdir(parent):
            make_private_directory(parent)
        # Another run may make it this moment; what is no directory is refused where it is used.
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)


def flush_directory(path: str) -> None:
    """Have the names in a directory on disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
