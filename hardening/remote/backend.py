"""The testinfra backend of one host: `run` parks the running task until the answer is there.

testinfra's modules are used unmodified on top. What they share through the backend is made safe for tasks that
run side by side: `host.sudo()` swaps `get_command` on the backend, and here every task has a swap of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from testinfra.backend.base import BaseBackend, CommandResult

from hardening.model import Probe

_EXCERPT_CHARACTERS = 400


@dataclass(slots=True)
class Reply:
    """What a command answered. `probe` is worked out when it is first wanted, once for all that asked the same."""

    command: str
    exit_code: int
    stdout: bytes
    stderr: bytes
    _probe: Probe | None = None

    @property
    def probe(self) -> Probe:
        """The reply as evidence: bounded excerpts and a digest."""
        if self._probe is None:
            self._probe = Probe(
                command=self.command,
                exit_code=self.exit_code,
                stdout_sha256=sha256(self.stdout).hexdigest(),
                stdout_bytes=len(self.stdout),
                stdout_excerpt=_excerpt(self.stdout),
                stderr_excerpt=_excerpt(self.stderr),
            )
        return self._probe


class Asker(Protocol):
    """Who answers: gives the reply to a command of the running task, or raises why there is none."""

    def ask(self, command: str, *, memo: bool) -> Reply:
        """Return the reply; with memo, one that was given before counts."""

    def ahead(self, command: str) -> None:
        """Have a command sent that somebody will ask for."""

    def task_state(self) -> dict[str, Any]:
        """Return what belongs to the running task alone."""


class BatchBackend(BaseBackend):  # type: ignore[misc]
    """Hands commands to an asker. `run(..., memo=False)` asks again even if the same was asked before."""

    NAME = "hardening"

    def __init__(self, hostname: str, asker: Asker) -> None:
        self._asker = asker
        super().__init__(hostname)
        # Set, testinfra never runs Python on the target to learn the locale.
        self._encoding = "utf-8"

    @property
    def get_command(self) -> Callable[..., str]:
        """The function that makes the shell command; `host.sudo()` replaces it, here for the running task only."""
        own: Callable[..., str] | None = self._asker.task_state().get("get_command")
        return own if own is not None else super().get_command

    @get_command.setter
    def get_command(self, function: Callable[..., str]) -> None:
        self._asker.task_state()["get_command"] = function

    def ahead(self, command: str, *args: str) -> None:
        """Have a command sent with what is asked next, and go on at once: a later `run` of the same has its answer."""
        self._asker.ahead(self._made(command, *args))

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:
        """Return the result once it is there; other tasks run meanwhile."""
        asked = self._made(command, *args)
        reply = self._asker.ask(asked, memo=kwargs.get("memo", True))
        return self.result(reply.exit_code, self.encode(asked), reply.stdout, reply.stderr)

    def _made(self, command: str, *args: str) -> str:
        asked = self.get_command(command, *args)
        if "\0" in asked:
            raise ValueError(f"a command cannot hold a NUL: {asked!r}")
        return asked

    def decode(self, data: bytes) -> str:
        """Return text; bytes that are no UTF-8 show as `\\xff`. `stdout_bytes` has them unchanged."""
        return data.decode("utf-8", "backslashreplace")

    def encode(self, data: str) -> bytes:
        """Return the bytes of a text; what `surrogateescape` made of odd bytes becomes those bytes again."""
        return data.encode("utf-8", "surrogateescape")


def _excerpt(output: bytes) -> str:
    text = output[: 4 * _EXCERPT_CHARACTERS].decode("utf-8", "backslashreplace")
    return text if len(text) <= _EXCERPT_CHARACTERS else text[: _EXCERPT_CHARACTERS - 1] + "…"
