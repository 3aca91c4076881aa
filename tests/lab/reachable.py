"""What every lab host is, whether it boots in a container or in a virtual machine."""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.images import Image
from tests.lab.network import Network
from tests.lab.snapshot import Entry
from tests.lab.ssh import SshAccess


@dataclass(frozen=True, kw_only=True)
class Done:
    """A command that ran to its end."""

    rc: int
    stdout: str
    stderr: str


@dataclass(frozen=True, kw_only=True)
class Reachable(ABC):
    """A host with a name, an address, a sshd and a console that is written down."""

    name: str
    address: str
    image: Image
    services: tuple[str, ...]
    network: Network
    directory: Path
    ssh: SshAccess

    @property
    def login_timeout_s(self) -> int:
        """How long a login may take, sudo included."""
        return 10

    @property
    def log(self) -> Path:
        """What the host's console said."""
        return self.directory / "console.log"

    @property
    @abstractmethod
    def pid(self) -> int | None:
        """The pid of the process that runs the host, if it runs."""

    @abstractmethod
    def boot(self, *, timeout_s: float) -> float:
        """Switch the host on, wait until systemd is done and ssh lets ops in; return the seconds it took."""

    @abstractmethod
    def power_off(self) -> None:
        """Shut the host down in good order; its file system stays, and boot() goes on with it."""

    @abstractmethod
    def cut_power(self) -> None:
        """Stop the host as a power failure would: no shutdown, nothing is asked."""

    @abstractmethod
    def stop(self) -> None:
        """Switch the host off for good; its network goes too."""

    @abstractmethod
    def exec_inside(self, command: str, *, stdin: str | None = None, timeout_s: float = 120) -> Done:
        """Run a shell command as root inside the host."""

    @abstractmethod
    def snapshot_tree(self, paths: tuple[str, ...] = ("/etc",)) -> dict[str, Entry]:
        """Return what is at and under the paths, for comparing before with after; times are left out."""

    def run(self, command: str, *, stdin: str | None = None, timeout_s: float = 120) -> str:
        """Run a shell command as root inside the host and return its standard output; a failure is a LabError."""
        done = self.exec_inside(command, stdin=stdin, timeout_s=timeout_s)
        if done.rc != 0:
            raise LabError(f"{self.name}: {command}: exit code {done.rc}\n{done.stdout}{done.stderr}")
        return done.stdout

    def over_ssh(self, command: str, *, user: str = "ops", stdin: str | None = None, timeout_s: float = 60) -> Done:
        """Run a command over a new ssh connection, with this lab's key and known_hosts."""
        argv = [*self.ssh.argv(self.address, user=user), command]
        return finished(argv, stdin=stdin, timeout_s=timeout_s)

    def console_tail(self) -> str:
        """Return the last lines of the console."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    def __str__(self) -> str:
        """The host as a person would name it."""
        return f"{self.name} ({' '.join([self.address, self.image.name, *self.services])})"


def finished(argv: list[str], *, stdin: str | None, timeout_s: float) -> Done:
    """Run a program to its end, whatever its exit code."""
    done = subprocess.run(
        argv,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout_s,
        check=False,
    )
    return Done(rc=done.returncode, stdout=done.stdout, stderr=done.stderr)
