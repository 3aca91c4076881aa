"""The tasks of one host: greenlets that run side by side in one thread and park while they wait."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from greenlet import getcurrent, greenlet
from testinfra.host import Host

from hardening.model import Probe
from hardening.remote.backend import BatchBackend, Reply
from hardening.remote.desk import Desk
from hardening.remote.values import HostJob, Outcome

SCRIPT = "script"


class Loop(Protocol):
    """What a task needs of the hub: a place to go back to, and a queue to be continued from."""

    ready: deque[Task]

    def park(self) -> None:
        """Leave the running task; returns when somebody has put it back into the queue."""


class Task:
    """One function of one host. Whatever it raises is its outcome; only an interrupt of the whole run passes on."""

    __slots__ = (
        "_args",
        "_function",
        "_keywords",
        "_started_at",
        "greenlet",
        "host",
        "key",
        "outcome",
        "replies",
        "state",
        "waiters",
    )

    def __init__(
        self, host: Any, key: str, function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> None:
        self.host = host
        self.key = key
        self.outcome: Outcome | None = None
        self.replies: list[Reply] = []
        self.state: dict[str, Any] = {}
        self.waiters: list[Task] = []
        self.greenlet = _TaskGreenlet(self)
        self._function = function
        self._args = args
        self._keywords = keywords
        self._started_at = 0.0

    @property
    def is_done(self) -> bool:
        """True once there is an outcome."""
        return self.outcome is not None

    def result(self) -> Outcome:
        """Return the outcome of a task that is done."""
        if self.outcome is None:
            raise RuntimeError(f"task {self.key!r} is not done")
        return self.outcome

    def run(self) -> None:
        """Do the work; called in the task's own greenlet."""
        self._started_at = time.monotonic()
        value, error = None, None
        try:
            value = self._function(*self._args, **self._keywords)
        except KeyboardInterrupt:
            raise
        except BaseException as problem:  # pytest's own outcomes (Failed, Skipped) are no Exceptions
            error = problem
        self.finish(value, error)

    def finish(self, value: object | None, error: BaseException | None) -> None:
        """Set the outcome."""
        started_at = self._started_at or time.monotonic()
        self.outcome = Outcome(
            key=self.key,
            value=value,
            error=error,
            probes=self._probes(),
            duration_s=time.monotonic() - started_at,
        )
        self._args, self._keywords, self.replies = (), {}, []

    def _probes(self) -> tuple[Probe, ...]:
        # A task that asked the same twice has one probe of it.
        return tuple({id(reply): reply.probe for reply in self.replies}.values())


class _TaskGreenlet(greenlet):
    """A greenlet that knows its task, so that shared code can tell for whom it works."""

    def __init__(self, task: Task) -> None:
        super().__init__(task.run)
        self.task = task


def running_task() -> Task:
    """Return the task that is running; outside one there is nobody to park."""
    current = getcurrent()
    if not isinstance(current, _TaskGreenlet):
        raise RuntimeError("this host can be asked only from a task: use scope.spawn or the script itself")
    task: Task = current.task
    return task


class HostScope:
    """What a job's script gets: the host, and a way to do several things on it at once."""

    def __init__(self, job: HostJob, desk: Desk, loop: Loop, owner: Any) -> None:
        self._desk = desk
        self._loop = loop
        self._owner = owner
        self.tasks: dict[str, Task] = {}
        self.tasks_done = 0
        self.script = Task(owner, SCRIPT, job.script, (self,), {})
        self.replies = desk.replies
        self.host = Host(BatchBackend(job.connection.name, _TaskAsker(desk, loop)))
        self.host.backend.set_host(self.host)

    def spawn(self, key: str, fn: Callable[..., Any], /, *args: Any, **kw: Any) -> None:
        """Run a function side by side with the others. A key is used once per host."""
        if key in self.tasks:
            raise ValueError(f"a task {key!r} exists already on this host")
        task = Task(self._owner, key, fn, args, kw)
        self.tasks[key] = task
        self._loop.ready.append(task)

    def wait(self, key: str) -> Outcome:
        """Return the outcome of a task, once it is done."""
        if key not in self.tasks:
            raise LookupError(f"no task {key!r} was spawned on this host")
        task = self.tasks[key]
        if task.outcome is None:
            task.waiters.append(running_task())
            self._loop.park()
        if task.outcome is None:
            raise RuntimeError(f"task {key!r} cannot end: tasks wait for each other in a circle")
        return task.outcome


class _TaskAsker:
    """Asks the host's desk on behalf of whatever task is running."""

    def __init__(self, desk: Desk, loop: Loop) -> None:
        self._desk = desk
        self._loop = loop

    def ask(self, command: str, *, memo: bool) -> Reply:
        task = running_task()
        question = self._desk.question(command, memo=memo)
        if not question.is_settled:
            question.waiters.append(task)
            self._loop.park()
        reply = question.reply_or_raise()
        task.replies.append(reply)
        return reply

    def ahead(self, command: str) -> None:
        self._desk.foresee(command)

    def task_state(self) -> dict[str, Any]:
        return running_task().state
