"""What a piece of work costs: wall clock, CPU of this machine's side and of the target, memory at its peak."""

from __future__ import annotations

import multiprocessing
import os
import resource
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Peak:
    """Memory (proportional set size) of a process and everything below it, over what it had before the work."""

    before_bytes: int
    peak_bytes: int

    @property
    def grown_bytes(self) -> int:
        """What the work itself took."""
        return self.peak_bytes - self.before_bytes


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one run of the work cost, and what it returned. CPU counts the worker and all children it reaped."""

    wall_s: float
    controller_cpu_s: float
    target_cpu_s: float
    result: Mapping[str, Any]
    peak: Peak | None = None


def measured(
    work: Callable[[], Mapping[str, Any]],
    *,
    target_cpu_s: Callable[[], float] | None = None,
    peak: bool = False,
) -> Cost:
    """Run the work in a forked process of its own, so that its CPU and memory are its own too."""
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    before_s = target_cpu_s() if target_cpu_s is not None else 0.0
    worker = context.Process(target=_work, args=(sending, work, peak))
    worker.start()
    sending.close()
    try:
        wall_s, cpu_s, result, memory = receiving.recv()
    except EOFError:
        raise RuntimeError("the measured work died; its traceback is above") from None
    finally:
        worker.join()
        receiving.close()
    after_s = target_cpu_s() if target_cpu_s is not None else 0.0
    return Cost(wall_s=wall_s, controller_cpu_s=cpu_s, target_cpu_s=after_s - before_s, result=result, peak=memory)


def _work(pipe: Any, work: Callable[[], Mapping[str, Any]], peak: bool) -> None:
    sampler = _Sampler() if peak else None
    began_s, cpu_before_s = time.monotonic(), _cpu_s()
    result = work()
    wall_s, cpu_s = time.monotonic() - began_s, _cpu_s() - cpu_before_s
    pipe.send((wall_s, cpu_s, dict(result), sampler.stop() if sampler is not None else None))
    pipe.close()


def _cpu_s() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


class _Sampler:
    """Watches the memory of this process and its children from a process of its own, so that it costs us no CPU."""

    def __init__(self) -> None:
        self._before = memory_bytes(os.getpid())
        context = multiprocessing.get_context("fork")
        self._mine, theirs = context.Pipe()
        self._process = context.Process(target=_sample, args=(theirs, os.getpid()), daemon=True)
        self._process.start()

    def stop(self) -> Peak:
        self._mine.send(None)
        peak = self._mine.recv()
        self._process.join()
        return Peak(before_bytes=self._before, peak_bytes=peak)


def _sample(pipe: Any, pid: int) -> None:
    stopped = threading.Event()
    most = 0
    while not stopped.is_set():
        most = max(most, memory_bytes(pid, without=os.getpid()))
        if pipe.poll(0.05):
            break
    pipe.send(most)


def memory_bytes(pid: int, without: int = 0) -> int:
    """Return the memory of a process and its descendants, pages that they share counted once."""
    return sum(_pss_bytes(each) for each in [pid, *_below(pid)] if each != without)


def _below(pid: int) -> list[int]:
    try:
        children = (Path("/proc") / str(pid) / "task" / str(pid) / "children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [each for child in children for each in (int(child), *_below(int(child)))]


def _pss_bytes(pid: int) -> int:
    try:
        lines = (Path("/proc") / str(pid) / "smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
