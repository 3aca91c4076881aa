"""One host from the first connection to its report: what its tasks ask goes to the line, answers go to the tasks."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Protocol

from hardening.remote.desk import Desk, Question
from hardening.remote.diagnose import Trouble
from hardening.remote.errors import TransportLost
from hardening.remote.fuse import fuse
from hardening.remote.line import Line
from hardening.remote.line_owner import Clockwork, Timer
from hardening.remote.scope import HostScope, Loop, Task
from hardening.remote.session import ShellFacts
from hardening.remote.values import Failure, HostJob, HostProgress, HostReport, Limits, Outcome, State, Traffic
from hardening.remote.work import Single, Work


class Hub(Loop, Clockwork, Protocol):
    """What a host needs of the loop that drives it."""

    def touch(self, host: HostRun) -> None:
        """Have a host advanced once no task can run."""

    def finished(self, host: HostRun) -> None:
        """The host is done; its report can be fetched."""

    def left(self, host: HostRun) -> None:
        """The last process of a finished host has ended."""


class HostRun:
    """The look at one host. The hub calls `begin`, then `advance` whenever none of its tasks can run."""

    def __init__(self, job: HostJob, limits: Limits, hub: Hub) -> None:
        self.is_done = False
        self._job = job
        self._limits = limits
        self._hub = hub
        self._desk = Desk()
        self._scope = HostScope(job, self._desk, hub, self)
        self._line = Line(job.connection, limits, hub, self)
        self._started_at = time.monotonic()
        self._is_planned = False
        # What a fused read could not answer exactly is asked singly for the rest of the look.
        self._singly: set[str] = set()
        self._trouble: Trouble | None = None
        self._user = ""
        self._deadline = Timer(self._host_deadline)

    # -- what the hub calls

    def begin(self) -> None:
        """Start to connect, and let the tasks ask their first questions meanwhile."""
        self._started_at = time.monotonic()
        self._line.connect()
        self._hub.ready.append(self._scope.script)
        self._deadline = self._hub.at(self._started_at + self._limits.host_s, self._host_deadline)

    def advance(self) -> None:
        """Send what was asked since; finish when nothing is left to do. Called when no task of this host can run."""
        if self.is_done:
            return
        if not self._is_planned:
            self._is_planned = True
            self._singly.update(self._desk.prefetch(self._job.plan))
        if self._line.takes_work:
            self._line.send(self._works(self._desk.take_pending()))
        else:
            self._line.send([])
        if self._line.is_busy or self._desk.has_pending():
            return
        if self._line.was_ready or self._trouble is not None:
            stuck = [task for task in self._tasks() if not task.is_done]
            if stuck:
                # Nothing is under way and tasks still wait: they wait for each other.
                self._hub.ready.extend(stuck)
            else:
                self._finish()

    def task_done(self, task: Task) -> None:
        """Wake who waits for this task."""
        self._scope.tasks_done += task is not self._scope.script
        self._hub.ready.extend(task.waiters)
        task.waiters = []

    @property
    def is_connecting(self) -> bool:
        """True until our shell has answered for the first time, or the host was given up."""
        return not self._line.was_ready and self._trouble is None

    def progress(self, state: State) -> HostProgress:
        """Return where this host stands."""
        return HostProgress(
            name=self._job.connection.name,
            state=state,
            tasks_done=self._scope.tasks_done,
            tasks_spawned=len(self._scope.tasks),
        )

    def hang_up(self) -> None:
        """End this host without a report."""
        self.is_done = True
        self._line.hang_up(at_once=True)

    def cut(self) -> None:
        """End every process of this host without any ado."""
        self._line.cut()

    def report(self) -> HostReport:
        """Return everything that came of this host."""
        outcomes = {key: task.result() for key, task in self._scope.tasks.items()}
        return HostReport(
            name=self._job.connection.name,
            outcomes=outcomes,
            unreachable=None if self._trouble is None else self._sentence(self._trouble, outcomes),
            failure=None if self._trouble is None else self._trouble.failure,
            traffic=Traffic(
                commands_asked=self._desk.asked,
                commands_distinct=self._desk.distinct,
                commands_sent=self._line.items,
                execs=self._line.execs,
                waves=self._line.waves,
                bytes_out=self._line.bytes_out,
                bytes_in=self._line.bytes_in,
                connect_s=self._line.connect_s,
                wall_s=time.monotonic() - self._started_at,
            ),
            plan=self._desk.plan(self._singly),
            script=self._scope.script.result(),
            user=self._user,
        )

    # -- what the line calls

    def line_proven(self, facts: ShellFacts) -> None:
        """We know who we are over there."""
        self._user = facts.user

    def line_settled(self, questions: Iterable[Question]) -> None:
        """Wake who waits; what a fused read left open is asked singly."""
        self._hub.touch(self)
        for question in questions:
            if question.is_settled:
                self._wake(question)
            else:
                self._singly.add(question.command)
                self._desk.put_back([question])

    def line_left_open(self, questions: Iterable[Question]) -> None:
        """Ask again."""
        self._desk.put_back(questions)

    def line_lost(self, trouble: Trouble) -> None:
        """The host stays as far as it is: open tasks get TransportLost, finished ones keep what they saw."""
        self._hub.touch(self)
        self._trouble = trouble
        for question in self._desk.close(trouble.sentence):
            self._wake(question)

    def line_idle(self) -> None:
        """Look what is to be sent."""
        self._hub.touch(self)

    def line_ended(self) -> None:
        """Nothing of this host runs any more."""
        self._hub.left(self)

    # -- helpers

    def _works(self, questions: list[Question]) -> list[Work]:
        if not self._job.fuse:
            return [Single(question) for question in questions]
        free = [question for question in questions if question.command not in self._singly]
        held = [question for question in questions if question.command in self._singly]
        return [*fuse(free), *(Single(question) for question in held)]

    def _wake(self, question: Question) -> None:
        self._hub.ready.extend(question.waiters)
        question.waiters = []

    def _tasks(self) -> Iterable[Task]:
        return (self._scope.script, *self._scope.tasks.values())

    def _host_deadline(self) -> None:
        if not self.is_done and self._trouble is None:
            sentence = f"the host was not done within {self._limits.host_s:g} s"
            self._line.hang_up(at_once=True)
            self.line_lost(Trouble(failure=Failure.HOST_DEADLINE, sentence=sentence))

    def _finish(self) -> None:
        self.is_done = True
        self._deadline.cancel()
        self._hub.finished(self)
        self._line.hang_up(at_once=False)

    def _sentence(self, trouble: Trouble, outcomes: Mapping[str, Outcome]) -> str:
        if not self._line.was_ready:
            return trouble.sentence
        done = sum(not isinstance(outcome.error, TransportLost) for outcome in outcomes.values())
        return f"{trouble.sentence} (after {done} of {len(outcomes)})"
