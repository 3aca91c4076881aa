"""The machine we are on: its file tree (which tests put elsewhere) and its programs."""

from __future__ import annotations

import os
import subprocess
from typing import Dict, List, NamedTuple, Optional, Sequence

from .errors import CannotApply
from .store import ObjectStore

STATE_DIRECTORY = "/var/lib/hardening"
# Fixed, so that what a program says can be parsed and nothing of the caller's environment leaks in.
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C",
    "LANG": "C",
    "HOME": "/root",
    "DEBIAN_FRONTEND": "noninteractive",
    "NEEDRESTART_MODE": "l",
}


class Ran(NamedTuple):
    """What a program answered."""

    rc: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """The last line it said, for a message."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return lines[-1].strip()[:300] if lines else "it said nothing"


class Host:
    """A file tree below `root`, an object store in it, and programs."""

    def __init__(self, root: str = "/") -> None:
        self.root = root.rstrip("/")
        self.store = ObjectStore(self.path(STATE_DIRECTORY + "/objects"))
        self.remembered: Dict[str, Ran] = {}

    def path(self, name: str) -> str:
        """Where an absolute path of the host really is."""
        return self.root + name

    def run(self, argv: Sequence[str], stdin: Optional[str] = None, timeout_s: int = 120) -> Ran:
        """Run a program; a missing program or a timeout is an answer with a code as a shell gives it."""
        try:
            done = subprocess.run(
                list(argv),
                input=None if stdin is None else stdin.encode("utf-8", "surrogateescape"),
                stdin=subprocess.DEVNULL if stdin is None else None,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                timeout=timeout_s,
                env=dict(ENVIRONMENT),
                check=False,
            )
        except FileNotFoundError:
            return Ran(127, "", argv[0] + " is not installed")
        except OSError as error:
            return Ran(126, "", argv[0] + ": " + str(error.strerror))
        except subprocess.TimeoutExpired:
            return Ran(124, "", "`" + " ".join(argv) + "` did not answer within " + str(timeout_s) + " s")
        return Ran(
            done.returncode,
            done.stdout.decode("utf-8", "surrogateescape"),
            done.stderr.decode("utf-8", "surrogateescape"),
        )

    def must(self, argv: Sequence[str], stdin: Optional[str] = None, timeout_s: int = 120) -> str:
        """Run a program that has to succeed; return what it said."""
        ran = self.run(argv, stdin=stdin, timeout_s=timeout_s)
        if ran.rc != 0:
            raise CannotApply("`" + " ".join(argv) + "` answered " + str(ran.rc) + ": " + ran.said)
        return ran.out

    def ask_once(self, argv: Sequence[str]) -> Ran:
        """Run a reading program once per module run, however many controls ask; `forget` drops the answers."""
        key = "\0".join(argv)
        if key not in self.remembered:
            self.remembered[key] = self.run(argv)
        return self.remembered[key]

    def forget(self) -> None:
        """Drop remembered answers: something was written."""
        self.remembered.clear()

    def resolve(self, name: str) -> str:
        """Follow the symbolic links of a path, within the root."""
        if not self.root:
            return os.path.realpath(name)
        seen: List[str] = []
        parts = [part for part in name.split("/") if part]
        done = ""
        while parts:
            part = parts.pop(0)
            if part == "..":
                done = os.path.dirname(done)
                continue
            if part == ".":
                continue
            here = done + "/" + part
            if os.path.islink(self.path(here)) and here not in seen:
                seen.append(here)
                link = os.readlink(self.path(here))
                if link.startswith("/"):
                    done = ""
                parts = [step for step in link.split("/") if step] + parts
                continue
            done = here
        return done or "/"
