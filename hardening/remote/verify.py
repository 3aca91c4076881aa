"""Prove that our session answers as testinfra's own backend does: every command, exit code and both outputs."""

from __future__ import annotations

import re
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.backend.local import LocalBackend
from testinfra.backend.ssh import SshBackend

from hardening.remote.backend import Reply
from hardening.remote.hub import look
from hardening.remote.scope import HostScope
from hardening.remote.values import Become, Connection, Difference, HostJob, Limits

# A shell's own words for what it could not run tell which shell it is and the line: the one thing that may differ.
# bash calls itself `main` where it reads its commands from its input.
_SHELL_SAYS = re.compile(rb"(?m)^(?:\S*sh|main): (?:line )?(?:\d+: )?(?:eval: )?(.*?)(?:: command)?:? not found$")
_MORE_LOOKS = 2


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What was compared. `volatile` are commands whose reply of the stock backend changes by itself."""

    compared: int
    differences: tuple[Difference, ...]
    volatile: tuple[str, ...]


def verify(
    connection: Connection, scripts: Sequence[Callable[[HostScope], None]], limits: Limits | None = None
) -> list[Difference]:
    """Return every difference between our session and the stock backend; see `compare`."""
    return list(compare(connection, scripts, limits).differences)


def compare(
    connection: Connection, scripts: Sequence[Callable[[HostScope], None]], limits: Limits | None = None
) -> Comparison:
    """Run the scripts plainly, fused, and fused with the plan, and ask the stock backend every command they asked.

    What names the session itself (the environment of a login, $$) differs from login to login, stock or not.
    Raises ValueError for a connection that the stock backend cannot make: a password, su, doas, transport "ansible".
    """
    limits = limits or Limits()
    with _stock(connection) as ask:
        replies = _ours(connection, scripts, limits)
        compared = len(replies)
        found, volatile = _differing(replies, ask)
        # The mounts of a login come and go: what is really different is so every time.
        for _ in range(_MORE_LOOKS):
            if not found:
                break
            again = _ours(connection, scripts, limits)
            not_asked = {command: differences for command, differences in found.items() if command not in again}
            found, more = _differing({command: again[command] for command in found if command in again}, ask)
            found.update(not_asked)
            volatile |= more
    return Comparison(
        compared=compared,
        differences=tuple(difference for each in found.values() for difference in each),
        volatile=tuple(sorted(volatile)),
    )


def _ours(
    connection: Connection, scripts: Sequence[Callable[[HostScope], None]], limits: Limits
) -> dict[str, list[Reply]]:
    """Return every reply of three looks: plain, fused, and fused with the plan of the one before."""
    replies: dict[str, list[Reply]] = {}
    plan: tuple[str, ...] = ()
    for script in scripts:
        for fuse, planned in ((False, False), (True, False), (True, True)):
            recorded = _Recorded(script)
            job = HostJob(connection=connection, script=recorded, fuse=fuse, plan=plan if planned else ())
            for report in look([job], limits=limits):
                if report.unreachable is not None:
                    raise ConnectionError(report.unreachable)
                plan = report.plan
            for scope in recorded.scopes:
                for reply in scope.replies():
                    replies.setdefault(reply.command, []).append(reply)
    return replies


class _Recorded:
    """A script that keeps its scope, so that all replies can be read afterwards."""

    def __init__(self, script: Callable[[HostScope], None]) -> None:
        self.scopes: list[HostScope] = []
        self._script = script

    def __call__(self, scope: HostScope) -> None:
        self.scopes.append(scope)
        self._script(scope)


def _differing(
    replies: dict[str, list[Reply]], ask: Callable[[str], CommandResult]
) -> tuple[dict[str, list[Difference]], set[str]]:
    """Return the differences by command, and the commands whose stock reply changes while one looks."""
    differing: dict[str, list[Difference]] = {}
    volatile: set[str] = set()
    for command, ours in replies.items():
        stock = ask(command)
        found = [difference for reply in ours for difference in _differences(reply, stock)]
        if found and _changed(stock, ask(command)):
            volatile.add(command)
        elif found:
            differing[command] = found
    return differing, volatile


def _changed(first: CommandResult, second: CommandResult) -> bool:
    return (first.rc, first.stdout_bytes, first.stderr_bytes) != (second.rc, second.stdout_bytes, second.stderr_bytes)


def _differences(ours: Reply, stock: CommandResult) -> Iterator[Difference]:
    if ours.exit_code != stock.rc:
        yield Difference(command=ours.command, what="exit_code", ours=ours.exit_code, stock=stock.rc)
    if ours.stdout != stock.stdout_bytes:
        yield Difference(command=ours.command, what="stdout", ours=ours.stdout, stock=stock.stdout_bytes)
    if _without_shell(ours.stderr) != _without_shell(stock.stderr_bytes):
        yield Difference(command=ours.command, what="stderr", ours=ours.stderr, stock=stock.stderr_bytes)


def _without_shell(stderr: bytes) -> bytes:
    return _SHELL_SAYS.sub(rb"shell: \1: not found", stderr)


@contextmanager
def _stock(connection: Connection) -> Iterator[Callable[[str], CommandResult]]:
    """Yield a function that asks testinfra's own backend, and end its shared connection afterwards."""
    become = connection.become
    if connection.transport == "ansible" or connection.password is not None:
        raise ValueError("the stock backend cannot make this connection")
    if become is not None and (become.method != "sudo" or become.password is not None or become.exe or become.flags):
        raise ValueError("the stock backend knows only sudo without a password")
    privilege = _privilege(become)
    if connection.transport == "local":
        yield _asker(LocalBackend(**privilege))
        return
    with tempfile.TemporaryDirectory(prefix="hardening-") as room:
        options = ["-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", *connection.ssh_args]
        if connection.known_hosts_file is not None:
            options += ["-o", f"UserKnownHostsFile={connection.known_hosts_file}"]
        hostspec = connection.host if connection.user is None else f"{connection.user}@{connection.host}"
        backend = SshBackend(
            hostspec if connection.port is None else f"{hostspec}:{connection.port}",
            ssh_identity_file=connection.private_key_file,
            ssh_extra_args=shlex.join(options),
            controlpath=f"{room}/mux",
            **privilege,
        )
        try:
            yield _asker(backend)
        finally:
            master = ["ssh", *options, "-o", f"ControlPath={room}/mux", "-O", "exit"]
            master += ["-p", str(connection.port)] if connection.port is not None else []
            subprocess.run([*master, hostspec], capture_output=True, check=False)


def _privilege(become: Become | None) -> dict[str, Any]:
    if become is None:
        return {}
    return {"sudo": True, "sudo_user": None if become.user == "root" else become.user}


def _asker(backend: BaseBackend) -> Callable[[str], CommandResult]:
    def ask(command: str) -> CommandResult:
        # ssh's own failure raises in the stock backend: a command that answers 255 cannot be told from it.
        result: CommandResult = backend.run(command)
        return result

    return ask
