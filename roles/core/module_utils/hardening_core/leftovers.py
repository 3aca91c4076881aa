"""Directories that we made and that were not empty yet when their control was undone: they go once they are."""

from __future__ import annotations

import json
import os
from typing import Set

from .host import STATE_DIRECTORY, Host
from .store import make_private_directory

FILE = "directories-to-remove-when-empty.json"


def sweep(host: Host, more: Set[str]) -> None:
    """Remove those directories, earlier ones and `more`, that are empty now; remember the others."""
    waiting = remembered(host) | more
    still = set()
    # The deepest first, as one may hold the other.
    for name in sorted(waiting, key=lambda name: -name.count("/")):
        full = host.path(name)
        if not os.path.isdir(full) or os.path.islink(full):
            continue
        try:
            os.rmdir(full)
        except OSError:
            still.add(name)
    remember(host, still)


def remembered(host: Host) -> Set[str]:
    """Return the directories that wait for being empty."""
    path = host.path(STATE_DIRECTORY + "/" + FILE)
    if not os.path.exists(path):
        return set()
    with open(path, encoding="utf-8") as file:
        return set(json.load(file))


def remember(host: Host, waiting: Set[str]) -> None:
    """Have exactly these directories wait: for the next undo, or for the confirmation of a guarded one."""
    path = host.path(STATE_DIRECTORY + "/" + FILE)
    if waiting:
        make_private_directory(os.path.dirname(path))
        with open(path + ".part", "w", encoding="utf-8") as file:
            json.dump(sorted(waiting), file)
        os.rename(path + ".part", path)
    elif os.path.exists(path):
        os.unlink(path)
