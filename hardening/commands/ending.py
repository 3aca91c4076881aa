"""How a command ends: what is said last, and with which exit code."""

from __future__ import annotations

import errno
import functools
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from hardening import __version__
from hardening.errors import Exit, HardeningError

# Open files, disk, quota, processes, memory: no fault of ours, and none of what was asked.
RUN_OUT = (errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT, errno.EAGAIN, errno.ENOMEM)
# A reader that left, and a terminal that was closed.
NOBODY_THERE = (errno.EPIPE, errno.EIO)


def answering(command: Callable[..., Exit]) -> Callable[..., None]:
    """Leave with the code that the command returns."""

    @functools.wraps(command)
    def leave(*args: Any, **kwargs: Any) -> None:
        click.get_current_context().exit(int(command(*args, **kwargs)))

    return leave


def close(cli: click.Group) -> NoReturn:
    """Run the command line; turn every end into one sentence and the right exit code."""
    _have_standard_files()
    try:
        with _kills_interrupt():
            code = cli.main(standalone_mode=False, complete_var="_HARDENING_COMPLETE")
    except (click.exceptions.Abort, KeyboardInterrupt):
        say("interrupted; `hardening status` shows what is unfinished, `hardening resume` goes on")
        code = Exit.INTERRUPTED
    except click.ClickException as problem:
        problem.show()
        code = Exit.ASKED_WRONGLY
    except HardeningError as problem:
        say(str(problem))
        code = problem.exit
    except Exception as problem:
        code = _unforeseen(problem)
    sys.exit(int(code or 0))


def _unforeseen(problem: Exception) -> Exit:
    """Say what nobody caught: a machine that ran out of something has refused, and everything else is our bug."""
    if isinstance(problem, OSError) and problem.errno in RUN_OUT:
        say(f"this machine ran out of something: {problem.strerror}; `hardening status` shows what is unfinished")
        return Exit.INCOMPLETE
    with telling():
        traceback.print_exc()
    say(f"this is a bug in hardening {__version__}: {type(problem).__name__}: {problem}")
    return Exit.BUG


@contextmanager
def _kills_interrupt() -> Iterator[None]:
    """Let a polite kill, or a terminal that is closed, end us as Ctrl-C does: sessions and Ansible are ended first."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def printing() -> Iterator[None]:
    """Print; a reader that leaves early (`| head`) and a closed terminal change nothing about the answer."""
    try:
        yield
        sys.stdout.flush()
    except (OSError, SystemExit) as problem:  # rich ends the process itself, with 1, which would mean gaps
        if isinstance(problem, OSError) and problem.errno not in NOBODY_THERE:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def telling() -> Iterator[None]:
    """Tell something on standard error; nobody to hear it (`2>&1 | head -1`, a closed terminal) stops no campaign."""
    try:
        yield
    except (OSError, SystemExit) as problem:  # rich ends the process itself, with 1, which would mean gaps
        # A log on a full disk may have room again; a reader or a terminal that is gone does not come back.
        if isinstance(problem, SystemExit) or problem.errno in NOBODY_THERE:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def say(sentence: str) -> None:
    with telling():
        click.echo(sentence, err=True)


def _have_standard_files() -> None:
    """Open what the caller closed (`>&-`), in this order: a file that is opened gets the lowest number that is free."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - as long as the process
