"""A throw-away sshd on loopback: own keys, own port, ends with the test. Serves the tests that need ssh but no host."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hardening.remote import Connection

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin") or ""


@dataclass(kw_only=True)
class LoopbackSshd:
    """A running sshd. `home` holds its files; `extra` are further lines of its configuration."""

    home: Path
    port: int
    extra: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None)

    def connection(self, name: str = "loopback") -> Connection:
        """Return how to reach it as root, with its key known."""
        return Connection(
            name=name,
            host="127.0.0.1",
            port=self.port,
            user="root",
            private_key_file=str(self.home / "user"),
            known_hosts_file=str(self.home / "known_hosts"),
            connect_timeout_s=5,
        )

    def start(self) -> None:
        """Start listening; returns when the port answers."""
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        config = self.home / "sshd_config"
        config.write_text(
            "\n".join(
                [
                    f"Port {self.port}",
                    "ListenAddress 127.0.0.1",
                    f"HostKey {self.home / 'host'}",
                    f"AuthorizedKeysFile {self.home / 'user.pub'}",
                    "StrictModes no",
                    "UsePAM no",
                    "PidFile none",
                    *self.extra,
                    "",
                ]
            )
        )
        log = (self.home / "sshd.log").open("ab")
        self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stderr=log, start_new_session=True)
        log.close()
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
        raise RuntimeError(f"sshd did not listen: {(self.home / 'sshd.log').read_text()}")

    def stop(self) -> None:
        """End the listener and every session it serves."""
        if self.process is None:
            return
        victims = [self.process.pid, *descendants(self.process.pid)]
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()
        self.process = None

    def session_pids(self) -> list[int]:
        """Return the processes of sshd that serve a session."""
        return children(self.process.pid) if self.process is not None else []


@contextmanager
def loopback_sshd(home: Path, *extra: str) -> Iterator[LoopbackSshd]:
    """Run an sshd for the length of a test."""
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / name)], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kind, key = (home / "host.pub").read_text().split()[:2]
    (home / "known_hosts").write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
    server = LoopbackSshd(home=home, port=port, extra=extra)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def children(pid: int) -> list[int]:
    """Return the processes whose parent is this one."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(text.rpartition(") ")[2].split()[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def descendants(pid: int) -> list[int]:
    """Return all processes below this one."""
    return [each for child in children(pid) for each in (child, *descendants(child))]
