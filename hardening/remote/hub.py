"""The loop that looks at many hosts at once in one thread: tasks run until all wait, then bytes move."""

from __future__ import annotations

import heapq
import itertools
import resource
import selectors
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from greenlet import getcurrent

from hardening.remote.host_run import HostRun
from hardening.remote.line_owner import Timer
from hardening.remote.scope import Task
from hardening.remote.values import HostJob, HostProgress, HostReport, Limits, State

# A session that was told to end and does not is killed after this time.
_GOODBYE_S = 10.0
_DESCRIPTORS_PER_SESSION = 8


def look(
    jobs: Iterable[HostJob],
    *,
    limits: Limits,
    on_progress: Callable[[HostProgress], None] | None = None,
) -> Iterator[HostReport]:
    """Look at many hosts at once and yield each report as its host is done, in whatever order they finish.

    Jobs are taken one by one as sessions become free. Everything that was started is ended when the iterator is
    closed or raises.
    """
    _raise_descriptor_limit(limits.sessions * _DESCRIPTORS_PER_SESSION + 64)
    hub = _Hub(limits, on_progress)
    try:
        yield from hub.run(iter(jobs))
    finally:
        hub.close()


class _Hub:
    def __init__(self, limits: Limits, on_progress: Callable[[HostProgress], None] | None) -> None:
        self.ready: deque[Task] = deque()
        self.selector: selectors.BaseSelector = selectors.DefaultSelector()
        self.room = Path(tempfile.mkdtemp(prefix="hardening-"))
        self._limits = limits
        self._on_progress = on_progress
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._touched: dict[HostRun, None] = {}
        self._active: dict[HostRun, None] = {}
        self._leaving: dict[HostRun, None] = {}
        self._done: deque[HostRun] = deque()
        self._home = getcurrent()

    def run(self, jobs: Iterator[HostJob]) -> Iterator[HostReport]:
        """Yield reports until the last host is done."""
        waiting: HostJob | None = next(jobs, None)
        while waiting is not None or self._active:
            while waiting is not None and self._may_start():
                self._start(waiting)
                waiting = next(jobs, None)
            self._run_tasks()
            while self._done:
                host = self._done.popleft()
                del self._active[host]
                self._tell(host, "done")
                yield host.report()
            if waiting is not None and self._may_start():
                continue
            if self._active and not self.ready and not self._touched:
                self._move_bytes()

    def park(self) -> None:
        """Leave the running task."""
        self._home.switch()

    def at(self, moment: float, action: Callable[[], None]) -> Timer:
        """Call an action once the monotonic clock is past a moment, unless it is cancelled before."""
        timer = Timer(action)
        heapq.heappush(self._timers, (moment, next(self._order), timer))
        return timer

    def touch(self, host: HostRun) -> None:
        """Have a host advanced once no task can run."""
        self._touched[host] = None

    def finished(self, host: HostRun) -> None:
        """The host is done."""
        self._leaving[host] = None
        self._done.append(host)

    def left(self, host: HostRun) -> None:
        """The last process of a finished host has ended."""
        self._leaving.pop(host, None)

    def close(self) -> None:
        """End everything: what is finished may say goodbye, the rest is killed."""
        for host in list(self._active):
            self._leaving[host] = None
            host.hang_up()
        give_up_at = time.monotonic() + _GOODBYE_S
        while self._leaving and time.monotonic() < give_up_at:
            self._poll(0.1)
            self._ring()
        for host in list(self._leaving):
            host.cut()
        self.selector.close()
        shutil.rmtree(self.room, ignore_errors=True)

    def _may_start(self) -> bool:
        if len(self._active) + len(self._leaving) >= self._limits.sessions + 16:
            return False
        if len(self._active) >= self._limits.sessions:
            return False
        # A jump host or a directory behind the logins takes only so many at a time (sshd: MaxStartups).
        return sum(host.is_connecting for host in self._active) < self._limits.handshakes

    def _start(self, job: HostJob) -> None:
        host = HostRun(job, self._limits, self)
        self._active[host] = None
        self._tell(host, "connecting")
        host.begin()
        self.touch(host)

    def _run_tasks(self) -> None:
        """Run tasks until all wait, and let their hosts send what they asked, until nothing moves any more."""
        self._home = getcurrent()
        while self.ready or self._touched:
            while self.ready:
                task = self.ready.popleft()
                if task.is_done:
                    continue
                host = task.host
                task.greenlet.parent = self._home
                task.greenlet.switch()
                self._touched[host] = None
                if task.outcome is not None:
                    host.task_done(task)
                    self._tell(host, "looking")
            touched, self._touched = self._touched, {}
            for host in touched:
                host.advance()

    def _move_bytes(self) -> None:
        now = time.monotonic()
        until_timer = self._timers[0][0] - now if self._timers else 1.0
        self._poll(max(0.0, until_timer))
        self._ring()

    def _ring(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2].ring()

    def _poll(self, timeout_s: float) -> None:
        for key, events in self.selector.select(timeout_s):
            # An earlier event of this round may have closed this descriptor.
            if self.selector.get_map().get(key.fd) is key:
                key.data(key.fd, events)

    def _tell(self, host: HostRun, state: State) -> None:
        if self._on_progress is not None:
            self._on_progress(host.progress(state))


def _raise_descriptor_limit(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted and (hard == resource.RLIM_INFINITY or soft < hard):
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
