"""Names and addresses of labs cannot collide."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.errors import LabError
from tests.lab.network import Network, device_name
from tests.lab.processes import recall, remember, stop


def test_every_address_has_a_device_name_of_its_own_that_fits() -> None:
    """Link names may have 15 characters, and the longest address fits."""
    names = {device_name(f"10.{second}.{third}.255") for second in range(256) for third in range(256)}

    assert len(names) == 256 * 256
    assert max(map(len, names)) <= 15


@pytest.mark.parametrize("wrong", ["10.97.0.0/16", "8.8.8.0/24", "10.97.0.7/24", "somewhere"])
def test_a_network_that_is_no_private_24_is_refused(wrong: str) -> None:
    """A lab never claims addresses that are somebody's."""
    with pytest.raises(LabError, match=r"10\.97\.0\.0/24"):
        Network(base=wrong)


def test_a_process_is_recalled_only_while_it_is_that_very_process(tmp_path: Path) -> None:
    """A pid file whose process ended, or whose pid belongs to another process now, names nobody."""
    pid_file = tmp_path / "child.pid"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        remember(pid_file, child.pid)
        assert recall(pid_file) == child.pid

        # The pid lives, but its start time is another one: the number was reused.
        pid, identity = pid_file.read_text().split()
        (tmp_path / "reused.pid").write_text(f"{os.getpid()} {identity}")
        assert recall(tmp_path / "reused.pid") is None

        assert stop(int(pid))
    assert recall(pid_file) is None
    assert recall(tmp_path / "never-written.pid") is None


def test_a_process_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    """stop() says that it had to use force, and the process is gone."""
    stubborn = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", stubborn], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()

        assert not stop(child.pid, patience_s=0.2)
