"""Tasks that hang, die or raise cost their own result; the others come, and nothing waits for ever."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.prove.workers import Lost, in_processes

MOST_S = 2.0


def _work(task: str) -> str:
    if task == "raises":
        raise ValueError("no such thing")
    if task == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "is told to end":
        raise SystemExit(143)
    if task == "hangs":
        threading.Event().wait()
    if task == "leaves a thread":
        threading.Thread(target=threading.Event().wait).start()
    return f"{task}: done"


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("raises", "ValueError: no such thing"),
        ("is killed", "without a result"),
        ("is told to end", "without a result"),
        ("hangs", "it was ended after 2 s"),
    ],
)
def test_a_task_without_a_result_is_lost_and_the_others_are_not(bad: str, why: str) -> None:
    """The very cases in which a pool of the standard library waits for ever."""
    results = list(
        in_processes(_work, ["first", bad, "leaves a thread", "last"], at_once=2, most_s=lambda task: MOST_S)
    )
    lost = [result for result in results if isinstance(result, Lost)]
    assert [(each.task, why in each.why) for each in lost] == [(bad, True)]
    assert {result for result in results if isinstance(result, str)} == {
        "first: done",
        "leaves a thread: done",
        "last: done",
    }


def test_what_hangs_says_where(capfd: pytest.CaptureFixture[str]) -> None:
    """The stack of its threads stands on standard error."""
    list(in_processes(_work, ["hangs"], at_once=1, most_s=lambda task: 0.5))
    said = capfd.readouterr().err
    assert "Aborted" in said
    assert "WCHAN" in said
    assert "in _work" in said


def _tell_and_hang(place: Path) -> None:
    if place.name == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    place.write_text(str(os.getpid()))
    threading.Event().wait()


def test_closing_ends_the_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stops listening leaves nothing running, also of what does not heed a polite signal."""
    monkeypatch.setattr("tests.prove.workers.PATIENCE_S", 0.3)
    tasks = [tmp_path / "one", tmp_path / "deaf"]
    quick = tmp_path / "quick"
    with closing(in_processes(_quick_or_hang, [quick, *tasks], at_once=3, most_s=lambda task: 60)) as results:
        assert next(results) == "quick"
        while not all(task.exists() and task.read_text() for task in tasks):
            time.sleep(0.01)
    for task in tasks:
        pid = int(task.read_text())
        while Path(f"/proc/{pid}").exists() and pid in [child.pid for child in multiprocessing.active_children()]:
            time.sleep(0.01)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def _quick_or_hang(place: Path) -> str:
    if place.name != "quick":
        _tell_and_hang(place)
    return place.name
