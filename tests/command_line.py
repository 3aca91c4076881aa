"""The command line as a user has it, run in this process, and a small baseline of files that a test owns."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hardening.__main__ import main

ROOT = Path(__file__).parents[1]

CONTROLS = """\
---
linux_own_mode:
  title: Others cannot write the file of the test
  title_zh: 测试文件不可被他人写入
  why: It is what the test changes.
  severity: medium
  kind: linux.file_mode
  with: {{path: {place}/file}}
  want: {{mode_at_most: "0644"}}
  broken: "0666"
linux_own_text:
  title: The text of the test names no system
  title_zh: 测试文本不泄露系统信息
  why: It is what the test reads.
  severity: low
  kind: linux.banner
  with: {{path: {place}/text}}
  want: {{present: true, not_matches: "Debian"}}
  set: "Welcome."
  broken: "Debian"
"""
PROFILE = """\
---
title: What the test owns
title_zh: 测试自有
controls:
  linux_own_mode: {}
  linux_own_text: {}
"""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    def document(self) -> Any:
        """Return standard output as the one JSON document that it must be."""
        return json.loads(self.out)


class CommandLine:
    """Runs `hardening` in a directory of the test's own, on this machine only."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """Write a baseline of two controls over files in `place`, both as wanted, and an inventory of this machine."""
        self.place = place
        self._started: list[subprocess.Popen[str]] = []
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.chdir(place)
        (place / "base" / "linux").mkdir(parents=True)
        (place / "base" / "profiles").mkdir()
        (place / "base" / "linux" / "own.yml").write_text(CONTROLS.format(place=place))
        (place / "base" / "profiles" / "own.yml").write_text(PROFILE)
        (place / "hosts").write_text(f"here ansible_connection=local ansible_become={os.geteuid() != 0}\n")
        (place / "file").write_text("x")
        (place / "file").chmod(0o644)
        (place / "text").write_text("Welcome.\n")

    def __call__(self, *arguments: str | Path) -> Said:
        """Run one command to its end."""
        self._monkeypatch.setattr(sys, "argv", ["hardening", "--baselines", "base", *map(str, arguments)])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        said = self._capsys.readouterr()
        return Said(code=int(end.value.code or 0), out=said.out, err=said.err)

    def scan(self, *arguments: str | Path) -> Said:
        """Scan this machine with the test's own profile."""
        return self("scan", "-i", "hosts", "-p", "own", *arguments)

    def start(self, *arguments: str | Path, **more: Any) -> subprocess.Popen[str]:
        """Start a command as a process of its own, to be signalled or cut off.

        Ctrl-C and the end of a terminal reach it even where the tests run in the background of a shell or under
        nohup, which have what they start ignore them.
        """
        more.setdefault("preexec_fn", _hear_signals)
        argv = [sys.executable, str(ROOT / "cli.py"), "--baselines", "base", *map(str, arguments)]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(argv, cwd=self.place, text=True, **{**pipes, **more})
        self._started.append(process)
        return process

    def end_started(self) -> None:
        """End what a failed test left running, so that it cannot write on hosts that the next test uses."""
        for process in self._started:
            if process.poll() is None:
                process.terminate()  # It ends its own children; `kill` would leave them.
                process.wait(timeout=60)
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()  # Else the next test is blamed for it.

    def statuses(self, said: Said) -> dict[str, str]:
        """Return the status of each control in a JSON answer."""
        return {finding["control"]: finding["status"] for finding in said.document()["findings"]}


def _hear_signals() -> None:
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_DFL)


def survivors(pids: list[int], *, within_s: float) -> list[int]:
    """Return which processes still live when the time is over; one that waits for its parent is dead."""

    def living() -> list[int]:
        return [pid for pid in pids if _state(pid) not in ("gone", "Z")]

    until = time.monotonic() + within_s
    while living() and time.monotonic() < until:
        time.sleep(0.05)  # They are not our children: there is nothing to wait on.
    return living()


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "gone"


@pytest.fixture
def hardening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[CommandLine]:
    """The command line in an empty directory."""
    command_line = CommandLine(tmp_path, monkeypatch, capsys)
    yield command_line
    command_line.end_started()
