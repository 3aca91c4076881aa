"""What is in a tree: contents, modes, owners and extended attributes, for comparing before with after.

Also a program: inside a virtual machine, `python3 - PATH ...` reads this file and prints the entries as JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """One file, directory, link or other node; times are left out on purpose."""

    sha256: str
    """Of a file's content or a link's target; empty for what has no content."""
    mode: int
    """Type and permissions, as in st_mode."""
    uid: int
    gid: int
    xattrs: tuple[tuple[str, str], ...]
    """Extended attributes by name, as hexadecimal digits; ACLs are among them."""


def snapshot_tree(root: Path, paths: tuple[str, ...]) -> dict[str, Entry]:
    """Return the entries at and under each absolute path inside `root`; a path that does not exist has none."""
    entries: dict[str, Entry] = {}
    for path in paths:
        top = root / path.lstrip("/")
        if not os.path.lexists(top):
            continue
        entries[path] = _entry(top)
        if top.is_dir() and not top.is_symlink():
            for directory, directories, files in os.walk(top):
                for name in (*directories, *files):
                    node = Path(directory) / name
                    entries[f"/{node.relative_to(root)}"] = _entry(node)
    return entries


def from_json(said: dict[str, list[Any]]) -> dict[str, Entry]:
    """Return the entries that this file, run as a program, printed."""
    return {
        path: Entry(sha256=sha256, mode=mode, uid=uid, gid=gid, xattrs=tuple((name, value) for name, value in xattrs))
        for path, (sha256, mode, uid, gid, xattrs) in said.items()
    }


def _entry(node: Path) -> Entry:
    status = node.lstat()
    content = b""
    if stat.S_ISREG(status.st_mode):
        content = node.read_bytes()
    elif stat.S_ISLNK(status.st_mode):
        content = os.fsencode(node.readlink())
    names = sorted(os.listxattr(node, follow_symlinks=False))
    return Entry(
        sha256=hashlib.sha256(content).hexdigest() if content else "",
        mode=status.st_mode,
        uid=status.st_uid,
        gid=status.st_gid,
        # overlayfs keeps notes of its own there.
        xattrs=tuple(
            (name, os.getxattr(node, name, follow_symlinks=False).hex())
            for name in names
            if not name.startswith("trusted.overlay.")
        ),
    )


if __name__ == "__main__":
    json.dump(snapshot_tree(Path("/"), tuple(sys.argv[1:])), sys.stdout)
