"""Ansible's own programs, run as processes: what they are asked, with which settings, and what they answer."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hardening.errors import AskedWrongly

TOOL_S = 300.0

# What we read must be complete or an error, whatever ansible.cfg says; and nothing of it goes into a log file.
STRICT = {
    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "True",
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": "False",
    "ANSIBLE_HOST_PATTERN_MISMATCH": "error",
    "ANSIBLE_NOCOLOR": "True",
    "ANSIBLE_FORCE_COLOR": "False",
    "ANSIBLE_DEPRECATION_WARNINGS": "False",
    "ANSIBLE_LOG_PATH": os.devnull,
    # Ansible refuses to start under another encoding.
    "LC_ALL": "C.UTF-8",
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a program said."""

    exit_code: int
    stdout: str
    stderr: str


def program(name: str) -> str:
    """Return the path of one of Ansible's programs: the one installed beside us, else the one in PATH."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which(name)
    if found is None:
        raise AskedWrongly(f"{name} is not installed; install ansible-core into the environment of this program")
    return found


class Asked:
    """One of Ansible's programs while it works; `answer` waits for it. Several may run at once."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], *, cwd: Path | None = None) -> None:
        self.name = arguments[0]
        # Without a terminal of its own it can ask nobody for a password.
        self._process = subprocess.Popen(
            [program(arguments[0]), *arguments[1:]],
            env={**environment, **STRICT},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def answer(self, timeout_s: float = TOOL_S) -> Answer:
        """Wait for the end and return what was said; too late or interrupted, the whole process group is ended."""
        try:
            stdout, stderr = self._process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self.stop()
            raise AskedWrongly(
                f"{self.name} did not end within {timeout_s:.0f} s; does an inventory script wait for something?"
            ) from None
        except BaseException:
            self.stop()
            raise
        return Answer(
            exit_code=self._process.returncode,
            stdout=stdout.decode(errors="replace"),
            stderr=stderr.decode(errors="replace"),
        )

    def stop(self) -> None:
        """End it with all it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def config_file(environment: Mapping[str, str], cwd: Path) -> Path | None:
    """Return the ansible.cfg that Ansible would take if it were started in `cwd`."""
    named = environment.get("ANSIBLE_CONFIG")
    if named:
        path = cwd / Path(named).expanduser()
        path = path / "ansible.cfg" if path.is_dir() else path
        if path.is_file():
            return path
    # A directory that anyone can write to is not trusted with a configuration.
    trusted = [] if cwd.stat().st_mode & 0o002 else [cwd / "ansible.cfg"]
    home = Path(environment.get("HOME", "~")).expanduser()
    for path in [*trusted, home / ".ansible.cfg", Path("/etc/ansible/ansible.cfg")]:
        if path.is_file():
            return path
    return None
