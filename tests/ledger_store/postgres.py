"""A PostgreSQL server of our own: a fresh cluster in a temporary directory, on loopback, stopped by its process."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BINARIES = Path("/usr/lib/postgresql")
START_LIMIT_S = 60
READY = b"database system is ready to accept connections"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "40",
    # These tests kill clients, never the server: its durability is PostgreSQL's own business.
    "fsync": "off",
    "logging_collector": "off",
}


class NoServerError(Exception):
    """There is no PostgreSQL to test with; the message says what to install."""


@contextmanager
def running_server() -> Iterator[str]:
    """Give the URL of a server's `postgres` database; the server ends with the block."""
    programs = _programs()
    # Not in pytest's own directories: they are private to us, and the server runs under another account.
    cluster = Path(tempfile.mkdtemp(prefix="hardening-ledger-", dir=memory_directory()))
    account = _account()
    if account is not None:
        os.chown(cluster, account.pw_uid, account.pw_gid)
    _run_as(account, [str(programs / "initdb"), "-D", str(cluster), "-U", "ledger", "--auth=trust", "-E", "UTF8"])
    port = _free_port()
    options = [f"--{name}={value}" for name, value in {**SETTINGS, "port": str(port)}.items()]
    with subprocess.Popen(
        [str(programs / "postgres"), "-D", str(cluster), *options],
        stderr=subprocess.PIPE,
        cwd="/",
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    ) as server:
        try:
            _wait_until_ready(server)
            yield f"postgresql+psycopg://ledger@127.0.0.1:{port}/postgres"
        finally:
            # SIGINT is the fast shutdown: clients are dropped, the data directory is closed properly.
            server.send_signal(2)
            server.wait(timeout=START_LIMIT_S)
            shutil.rmtree(cluster, ignore_errors=True)


def memory_directory() -> str | None:
    """Return a directory in memory where there is one: hundreds of ledgers are synced to the disk at every commit.

    What these tests kill are processes; what they wrote outlives them there as well.
    """
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _programs() -> Path:
    """Return the directory of the newest server's programs."""
    found = sorted(BINARIES.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise NoServerError(f"no PostgreSQL server in {BINARIES}: apt-get install postgresql")
    return found[-1].parent


def _account() -> pwd.struct_passwd | None:
    """Return the account to run as: the server refuses to run as root. None means as who we are."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _run_as(account: pwd.struct_passwd | None, command: list[str]) -> None:
    done = subprocess.run(
        command,
        capture_output=True,
        cwd="/",
        timeout=START_LIMIT_S,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )
    if done.returncode != 0:
        raise NoServerError(f"{command[0]} answered {done.returncode}: {done.stderr.decode(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_until_ready(server: subprocess.Popen[bytes]) -> None:
    """Read the server's log until it says that it is ready; then go on reading, so that the pipe never fills."""
    assert server.stderr is not None
    said = []
    for line in server.stderr:
        said.append(line.decode(errors="replace"))
        if READY in line:
            threading.Thread(target=server.stderr.read, daemon=True).start()
            return
    raise NoServerError("PostgreSQL did not start: " + "".join(said[-5:]))
