"""How this machine logs in to a lab's hosts: one key, one known_hosts, host keys always checked."""

from __future__ import annotations

import fcntl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.commands import run


@dataclass(frozen=True, kw_only=True)
class SshAccess:
    """The lab's key and the host keys it knows."""

    key: Path
    known_hosts: Path

    @property
    def public_key(self) -> str:
        """The line for authorized_keys."""
        return self.key.with_name(f"{self.key.name}.pub").read_text()

    def options(self) -> list[str]:
        """The ssh options that reach a lab host: no configuration of the user's, no questions, host keys checked."""
        return [
            *("-F", "none", "-i", str(self.key)),
            *("-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "GlobalKnownHostsFile=none"),
            *("-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"),
            *("-o", "ConnectTimeout=10", "-o", "LogLevel=ERROR"),
        ]

    def argv(self, address: str, *, user: str = "ops", port: int = 22) -> list[str]:
        """The ssh command line up to the remote command."""
        return ["ssh", *self.options(), "-p", str(port), f"{user}@{address}"]

    def trust(self, names: Sequence[str], public_keys: Sequence[str]) -> None:
        """Add a host's keys under its names; several hosts may be made at once."""
        with self.known_hosts.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.writelines(f"{','.join(names)} {' '.join(key.split()[:2])}\n" for key in public_keys)


def make_access(directory: Path) -> SshAccess:
    """Return the access kept in a directory, creating it the first time."""
    access = SshAccess(key=directory / "id_ed25519", known_hosts=directory / "known_hosts")
    if not access.key.exists():
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", access.key])
        access.known_hosts.touch()
    return access
