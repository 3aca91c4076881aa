"""Work of minutes in processes of its own: one that hangs or dies costs its own result, never the whole run.

A pool of the standard library waits for ever for the result of a worker that was killed, or that hangs.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Lost(Generic[T]):
    """A task without a result: its process died, or was ended when its time was over."""

    def __init__(self, task: T, why: str) -> None:
        self.task = task
        self.why = why


def in_processes(
    work: Callable[[T], R], tasks: Sequence[T], *, at_once: int, most_s: Callable[[T], float]
) -> Generator[R | Lost[T], None, None]:
    """Work the tasks off in order, so many at once, and yield each result as it comes; Lost for one that has none.

    A task that takes more than `most_s` of it has where its threads are written to standard error, and is ended;
    what it raises is Lost too. Ends all processes when the iterator is closed.
    """
    context = multiprocessing.get_context("fork")
    waiting = deque(tasks)
    running: dict[Connection, tuple[T, ForkProcess]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                task = waiting.popleft()
                receiving, sending = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(work, task, sending, most_s(task)))
                process.start()
                sending.close()
                running[receiving] = (task, process)
            for ready in wait(list(running)):
                if not isinstance(ready, Connection):
                    raise TypeError(f"waited for pipes, and got {ready!r}")
                task, process = running.pop(ready)
                yield _result(ready, task, process, most_s(task))
    finally:
        for _, process in running.values():
            process.terminate()
        for _, process in running.values():
            process.join()


def _work(work: Callable[[T], R], task: T, pipe: Connection, most_s: float) -> None:
    # A thread of C: it needs neither the interpreter's lock nor a main thread that still listens.
    faulthandler.dump_traceback_later(most_s, exit=True, file=sys.__stderr__ or sys.stderr)
    try:
        pipe.send((work(task), ""))
    except Exception as problem:
        pipe.send((None, f"{type(problem).__name__}: {problem}"))
    sys.stdout.flush()
    sys.stderr.flush()
    # Nothing that was inherited or left behind may hold up the end.
    os._exit(0)


def _result(pipe: Connection, task: T, process: ForkProcess, most_s: float) -> R | Lost[T]:
    with pipe:
        try:
            result, problem = pipe.recv()
        except EOFError:
            problem = f"its process ended without a result, or was ended after {most_s:.0f} s"
    process.join()
    return Lost(task, problem) if problem else result
