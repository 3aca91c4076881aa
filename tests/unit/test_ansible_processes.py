"""Nothing of a run outlives it: no process, no file, no secret, however it ends (facts 8, 9 and 11)."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from hardening.ansible import AnsibleRun, ControlItem, ControlOutcome, HostFailed, RunDone, run_changes
from hardening.ansible.reap import MARK, processes_of
from hardening.inventory import VaultSecrets
from hardening.remote.values import Secret
from tests.probe_roles import write_probe_roles

LOCAL = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
REPOSITORY = Path(__file__).parents[2]
PATIENCE_S = 60.0


class Seen(NamedTuple):
    """What is known of a run while its module is at work: the module's process, the run's mark and room."""

    pid: int
    mark: str
    room: Path


class Slow:
    """A run whose second kind never ends; `wait_until_at_work` returns when it is at work."""

    def __init__(self, directory: Path) -> None:
        self.pipe_path = directory / "started"
        os.mkfifo(self.pipe_path)
        self._pipe = os.open(self.pipe_path, os.O_RDONLY | os.O_NONBLOCK)
        (directory / "hosts").write_text(f"a {LOCAL}\n")
        slow = ControlItem(id="slow", target="a/probe", params={"started": str(self.pipe_path)})
        self.run = AnsibleRun(
            campaign="c",
            inventory_sources=(str(directory / "hosts"),),
            hosts={"a": {"probe.echo": (ControlItem(id="echo", target="a/probe"),), "probe.slow": (slow,)}},
            roles_path=write_probe_roles(directory / "roles"),
            deadline_s=PATIENCE_S,
        )

    def wait_until_at_work(self) -> Seen:
        readable, _, _ = select.select([self._pipe], [], [], PATIENCE_S)
        assert readable, "the module was never started"
        pid = int(os.read(self._pipe, 100))
        os.close(self._pipe)
        environment = dict(
            entry.split("=", 1) for entry in Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in entry
        )
        return Seen(pid, environment[MARK], Path(environment["ANSIBLE_LOCAL_TEMP"]).parent)


@pytest.fixture
def slow(tmp_path: Path) -> Slow:
    return Slow(tmp_path)


@contextmanager
def ends(pid: int) -> Iterator[None]:
    """Wait, after the block, until a process that is no child of ours has ended."""
    watch = os.pidfd_open(pid)
    yield
    ended, _, _ = select.select([watch], [], [], PATIENCE_S)
    os.close(watch)
    assert ended, f"process {pid} still runs"


def assert_nothing_left(seen: Seen) -> None:
    assert processes_of(seen.mark) == set()
    assert not seen.room.exists()


def test_closing_the_iterator_stops_everything(slow: Slow) -> None:
    """As an exception in the caller's loop does: the module, Ansible and the room are gone when close returns."""
    events = run_changes(slow.run)
    first = next(events)
    seen = slow.wait_until_at_work()

    events.close()

    assert isinstance(first, ControlOutcome)
    assert_nothing_left(seen)


def test_the_deadline_stops_everything_and_is_said(slow: Slow) -> None:
    """What was not reported is listed, with the deadline as the reason."""
    *events, done = run_changes(replace(slow.run, deadline_s=8))
    seen_before_the_end = slow.pipe_path.exists()

    assert seen_before_the_end
    assert isinstance(done, RunDone)
    assert {event.sentence for event in events if isinstance(event, HostFailed)} == {
        "the run was stopped at its deadline of 8 s"
    }
    assert "slow" in [left.id for left in done.not_reported]
    assert done.cut_short == "the run was stopped at its deadline of 8 s"
    assert done.duration_s < 30


def test_a_killed_worker_is_noticed_and_cleared_away(slow: Slow) -> None:
    """kill -9 of the process that holds Ansible: no outcome is made up, and its children are found all the same."""
    events = run_changes(slow.run)
    next(events)
    seen = slow.wait_until_at_work()
    worker = Path(f"/proc/{seen.pid}")
    while b"hardening.ansible.worker" not in (worker / "cmdline").read_bytes():
        worker = Path("/proc") / (worker / "stat").read_text().rpartition(")")[2].split()[1]

    os.kill(int(worker.name), signal.SIGKILL)
    *failures, done = list(events)

    assert isinstance(done, RunDone)
    assert [event.sentence for event in failures if isinstance(event, HostFailed)] == [
        "the process that ran Ansible was killed; what was changed after its last answer is unknown"
    ]
    assert [left.id for left in done.not_reported] == ["slow"]
    assert_nothing_left(seen)


CALLER = """
import sys
from pathlib import Path
from hardening.ansible import run_changes
from tests.unit.test_ansible_processes import Slow
for event in run_changes(Slow(Path(sys.argv[1])).run):
    pass
"""


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_caller_leaves_nothing(tmp_path: Path, signal_number: signal.Signals) -> None:
    """However our own process ends, the worker sees it, stops Ansible and removes the room."""
    (tmp_path / "caller").mkdir()
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER, str(tmp_path / "caller")], cwd=REPOSITORY, stderr=subprocess.DEVNULL
    )
    started = tmp_path / "caller/started"
    with caller:
        while not started.exists():
            assert caller.poll() is None
        spy = Slow.__new__(Slow)
        spy._pipe = os.open(started, os.O_RDONLY | os.O_NONBLOCK)
        seen = spy.wait_until_at_work()
        workers = sorted(processes_of(seen.mark))

        with ends(seen.pid), ends(workers[0]):
            caller.send_signal(signal_number)

    assert_nothing_left(seen)


def test_no_secret_is_seen_in_any_process_or_left_on_a_disk(slow: Slow) -> None:
    """Passwords are in files of mode 0600 in memory, never in an argument list or an environment."""
    secrets = {name: f"hunter2-{name}" for name in ("vault", "become", "login")}
    run = replace(
        slow.run,
        vault=VaultSecrets(password=Secret(secrets["vault"])),
        become_password=Secret(secrets["become"]),
        connection_password=Secret(secrets["login"]),
    )
    events = run_changes(run)
    next(events)
    seen = slow.wait_until_at_work()
    shown = b""
    for pid in processes_of(seen.mark):
        shown += Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
    holding = [path for path in seen.room.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
    kept_events = list(seen.room.glob("runner/artifacts/*/job_events/*.json"))
    events.close()

    assert b"ansible-playbook" in shown
    assert b"hunter2" not in shown
    assert len(holding) == 3
    assert str(seen.room).startswith("/dev/shm/")
    assert kept_events == []
    assert_nothing_left(seen)


def test_two_runs_at_once_do_not_mix(tmp_path: Path) -> None:
    """Runs that shared a directory ran on the wrong host; ours share nothing."""
    roles = write_probe_roles(tmp_path / "roles")
    heard: dict[str, list[tuple[str, str, str]]] = {}

    def carry_out(name: str) -> None:
        (tmp_path / name).write_text(f"{name} {LOCAL}\n")
        items = tuple(ControlItem(id=f"{name}_{n}", target=name, value=name) for n in range(5))
        run = AnsibleRun(
            campaign=name,
            inventory_sources=(str(tmp_path / name),),
            hosts={name: {"probe.echo": items, "probe.half": items[:1]}},
            roles_path=roles,
            deadline_s=PATIENCE_S,
        )
        outcomes = [event for event in run_changes(run) if isinstance(event, ControlOutcome)]
        heard[name] = [(o.host, str(o.touches[0].after), o.diff) for o in outcomes if o.kind == "probe.echo"]

    threads = [threading.Thread(target=carry_out, args=(name,)) for name in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert heard == {name: [(name, name, name)] * 5 for name in ("one", "two", "three")}
