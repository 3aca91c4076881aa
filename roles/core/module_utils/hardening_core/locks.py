"""One writer at a time: our own lock for every run of ours, and the system's for the account databases."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import Iterator, Sequence, Tuple

from .host import STATE_DIRECTORY, Host
from .store import make_private_directory

ACCOUNT_DATABASES = tuple(("file", "/etc/" + name) for name in ("passwd", "shadow", "group", "gshadow"))
LIMIT_S = 30


class Busy(Exception):
    """Somebody else is writing; the message says who and what to do."""


@contextlib.contextmanager
def held(host: Host, addresses: Sequence[Tuple[str, str]]) -> Iterator[None]:
    """Hold the locks that writing these resources needs; raise Busy where another keeps one for half a minute."""
    with contextlib.ExitStack() as stack:
        try:
            make_private_directory(host.path(STATE_DIRECTORY))
            ours = stack.enter_context(opened(host.path(STATE_DIRECTORY + "/lock")))
        except OSError as error:
            raise Busy("the lock in {} cannot be had: {}".format(STATE_DIRECTORY, error.strerror)) from None
        take(ours, "another hardening run is writing on this host; try again when it is done")
        if any(address in ACCOUNT_DATABASES for address in addresses):
            # lckpwdf(3): passwd, useradd and their like hold it while they write.
            theirs = stack.enter_context(opened(host.path("/etc/.pwd.lock")))
            take(theirs, "another program holds /etc/.pwd.lock; try again when it is done")
        yield


@contextlib.contextmanager
def opened(path: str) -> Iterator[int]:
    """Yield a descriptor that programs which we start do not inherit."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def take(descriptor: int, busy: str) -> None:
    """Take the lock, waiting for it as long as LIMIT_S."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError:
            if time.monotonic() > deadline:
                raise Busy(busy) from None
            time.sleep(0.1)
