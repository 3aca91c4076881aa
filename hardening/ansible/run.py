"""One Ansible run from its private room to its last event."""

from __future__ import annotations

import json
import queue
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from hardening.ansible.reap import MARK, end_processes_of
from hardening.ansible.reconcile import Reconciliation, asked_of
from hardening.ansible.room import change_plays, environment_of, furnish, present_plays, restore_plays, roles_of
from hardening.ansible.sentences import run_failed
from hardening.ansible.values import AnsibleRun, ControlOutcome, HostFailed, PresentRun, RestoreRun, Run, RunDone
from hardening.errors import AskedWrongly, Incomplete
from hardening.private_room import private_room

# The worker keeps the deadline itself; this is how much later we stop believing in the worker.
WORKER_LATE_S = 30.0
STOP_S = 10.0
COMPLAINTS = "complaints"

_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from hardening.ansible.worker import main; main()"


def run_changes(run: AnsibleRun) -> Generator[ControlOutcome | HostFailed | RunDone, None, None]:
    """Write controls and yield what each host says, as it says it; the last value is the RunDone.

    Closing the iterator, or any exception while it waits, stops the run and everything it started.
    """
    plays, variables = change_plays(run, roles_of(run))
    yield from _run(run, plays, variables)


def run_restore(run: RestoreRun) -> Generator[ControlOutcome | HostFailed | RunDone, None, None]:
    """Take changes back and yield what each host says, as `run_changes` does."""
    plays, variables = restore_plays(run)
    yield from _run(run, plays, variables)


def run_present(run: PresentRun) -> Generator[ControlOutcome | HostFailed | RunDone, None, None]:
    """Compare resources with how they were left and yield what each host says, as `run_changes` does."""
    plays, variables = present_plays(run)
    yield from _run(run, plays, variables)


def _run(
    run: AnsibleRun | RestoreRun | PresentRun, plays: list[dict[str, Any]], variables: Mapping[str, Mapping[str, Any]]
) -> Iterator[ControlOutcome | HostFailed | RunDone]:
    asked = asked_of(run)
    if not asked:
        raise AskedWrongly("there is nothing to apply: no host has a control to change")
    started = time.monotonic()
    reconciliation = Reconciliation(asked)
    ended: Mapping[str, Any] | None = None
    complaint = ""
    for message in conversation(run, plays, variables):
        if message["type"] == "end":
            ended = message
        elif message["type"] == "complaint":
            complaint = message["text"]
        else:
            yield from reconciliation.take(message)
    cut_short, ran = how_it_ended(run, ended, complaint, tasks=reconciliation.tasks)
    yield from reconciliation.end(ran=ran, cut_short=cut_short)
    yield RunDone(
        hosts_reached=reconciliation.hosts_reached,
        tasks=reconciliation.tasks,
        duration_s=round(time.monotonic() - started, 3),
        not_reported=reconciliation.not_reported,
        cut_short=cut_short,
        guards=tuple(reconciliation.guards),
    )


def conversation(
    run: Run, plays: list[dict[str, Any]], variables: Mapping[str, Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    """Carry a run out in a room of its own and yield the worker's messages; the last one is its complaint."""
    with private_room() as room:
        try:
            furnish(room, run, plays, variables)
        except OSError as problem:
            raise Incomplete(f"{room.parent}: {problem.strerror}; nothing was started") from None
        with _worker(run, room) as messages:
            yield from messages
        complaint = (room / COMPLAINTS).read_text(encoding="utf-8", errors="replace")
    yield {"type": "complaint", "text": complaint}


def how_it_ended(run: Run, ended: Mapping[str, Any] | None, complaint: str, *, tasks: int) -> tuple[str | None, bool]:
    """Return what cut the run short, if anything did, and whether a task was ever started."""
    ran = tasks > 0
    if ended is None:
        why = f"failed ({complaint.strip().splitlines()[-1][:200]})" if complaint.strip() else "was killed"
        return f"the process that ran Ansible {why}; what was changed after its last answer is unknown", ran
    if ended["deadline_passed"]:
        return f"the run was stopped at its deadline of {run.deadline_s:.0f} s", ran
    if not ran or ended["trouble"]:
        return run_failed(ended["text"], ended["trouble"]), ran
    return None, ran


@contextmanager
def _worker(run: Run, room: Path) -> Iterator[Iterator[Mapping[str, Any]]]:
    """Start the worker and give its messages; afterwards nothing that it started is left."""
    mark = secrets.token_hex(12)
    package_root = str(Path(__file__).parents[2])
    environment = environment_of(run, room, {MARK: mark}, roles_of(run))
    with (room / COMPLAINTS).open("wb") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, package_root, str(room)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,
        )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("pipes were asked for and not made")
    try:
        yield _messages(process.stdout, time.monotonic() + run.deadline_s + WORKER_LATE_S)
    finally:
        # Closing its standard input tells the worker to stop; it ends what it started, and we look after it.
        process.stdin.close()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        end_processes_of(mark)


def _messages(stream: IO[bytes], deadline: float) -> Iterator[Mapping[str, Any]]:
    """Yield the worker's messages until it ends, or says nothing until the deadline."""
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    # A thread takes the lines off the pipe, so that a slow reader of ours never holds up Ansible.
    reader = threading.Thread(target=_drain, args=(stream, lines), daemon=True)
    reader.start()
    while True:
        try:
            line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return
        if not line.endswith(b"\n"):
            # The end, or half a line of a worker that was killed while it wrote.
            return
        yield json.loads(line)


def _drain(stream: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    with stream:
        for line in stream:
            lines.put(line)
    lines.put(b"")
