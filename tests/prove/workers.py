"""Work of minutes in processes of its own: one that hangs or dies costs its own result, never the whole run.

A pool of the standard library waits for ever for the result of a worker that was killed, or that hangs; and for the
end of an idle worker whose SIGTERM came while it let go of its last task (seen: a whole CI run was lost to it).
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
PATIENCE_S = 10


@dataclass(frozen=True)
class Lost(Generic[T]):
    """A task without a result: its process died, or was ended when its time was over."""

    task: T
    why: str


def in_processes(
    work: Callable[[T], R], tasks: Sequence[T], *, at_once: int, most_s: Callable[[T], float]
) -> Generator[R | Lost[T], None, None]:
    """Work the tasks off in order, so many at once, and yield each result as it comes; Lost for one that has none.

    Of a task that takes longer than `most_s` of it, the processes and where its threads are go to standard error, and
    it is ended. What a task raises makes it Lost too. Ends all processes when the iterator is closed.
    """
    waiting = deque(tasks)
    running: dict[Connection, _Running[T]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                task = waiting.popleft()
                pipe, process = _started(work, task)
                running[pipe] = _Running(task, process, time.monotonic() + most_s(task))
            first = min(each.ends_at for each in running.values())
            ready = wait(list(running), timeout=max(0.0, first - time.monotonic()))
            late = [pipe for pipe, each in running.items() if each.ends_at <= time.monotonic() and pipe not in ready]
            for pipe in [pipe for pipe in running if pipe in ready]:
                yield _result(pipe, running.pop(pipe))
            for pipe in late:
                each = running.pop(pipe)
                _end(each.process)
                pipe.close()
                yield Lost(each.task, f"it was ended after {most_s(each.task):.0f} s")
    finally:
        for each in running.values():
            each.process.terminate()
        for each in running.values():
            _see_out(each.process)


@dataclass(frozen=True)
class _Running(Generic[T]):
    task: T
    process: ForkProcess
    ends_at: float


def _started(work: Callable[[T], R], task: T) -> tuple[Connection, ForkProcess]:
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(work, task, sending))
    process.start()
    # The other end is the process's alone: where it closes, the process is gone.
    sending.close()
    return receiving, process


def _work(work: Callable[[T], R], task: T, pipe: Connection) -> None:
    # SIGABRT tells where all threads are, without the interpreter's help.
    faulthandler.enable(file=sys.__stderr__ or sys.stderr)
    try:
        pipe.send((work(task), ""))
    except Exception as problem:
        pipe.send((None, f"{type(problem).__name__}: {problem}"))
    sys.stdout.flush()
    sys.stderr.flush()
    # Nothing that was inherited or left behind may hold up the end.
    os._exit(0)


def _result(pipe: Connection, ended: _Running[T]) -> R | Lost[T]:
    with pipe:
        try:
            result, problem = pipe.recv()
        except EOFError:
            problem = "its process ended without a result"
    _see_out(ended.process)
    return Lost(ended.task, problem) if problem else result


def _end(process: ForkProcess) -> None:
    """End a process that hangs, and show what it and its children wait for."""
    tree = subprocess.run(
        ["ps", "--forest", "-eo", "pid,ppid,stat,wchan:24,etimes,args"], capture_output=True, text=True, check=False
    )
    print(tree.stdout, file=sys.stderr, flush=True)
    if process.pid is not None:
        os.kill(process.pid, signal.SIGABRT)
    _see_out(process)


def _see_out(process: ForkProcess) -> None:
    # An exception that a signal's handler raises is swallowed where it comes amid the end of some object.
    process.join(PATIENCE_S)
    if process.is_alive():
        process.kill()
