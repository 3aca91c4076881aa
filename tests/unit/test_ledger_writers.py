"""Several writers at once, and writers that are killed, leave one unbroken chain."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hardening.errors import Incomplete
from hardening.ledger import Ledger, open_ledger
from tests.ledger_store.samples import campaign, clock, profile
from tests.ledger_store.tampering import hold_write_lock, raw_connection
from tests.ledger_store.writer import PROFILE

ROOT = Path(__file__).parents[2]
LIMIT_S = 120


def start_writer(address: str, name: str, *more: str) -> subprocess.Popen[str]:
    """Start a writer process."""
    command = [sys.executable, "-m", "tests.ledger_store.writer", address, name, *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def test_processes_that_write_at_once_share_one_chain(address: str) -> None:
    """Also when they all find no ledger yet and make it at the same moment; every record of each is there."""
    writers = {name: start_writer(address, name, "15") for name in ("c1", "c2", "c3", "c4")}
    for writer in writers.values():
        said, complained = writer.communicate(timeout=LIMIT_S)
        assert (writer.returncode, complained) == (0, "")
        assert len(said.splitlines()) == 31

    with open_ledger(address, clock=clock) as ledger:
        head = ledger.head()
        assert head is not None
        assert head.seq == 4 * 31
        assert ledger.verify() == []
        for name in writers:
            assert [step.payload for step in ledger.steps(name)] == [{"number": number} for number in range(15)]
            assert len(list(ledger.findings(name, "before"))) == 15 * len(PROFILE.requirements)


@pytest.mark.parametrize("round_number", range(6))
def test_a_killed_writer_loses_nothing_that_was_kept(address: str, round_number: int) -> None:
    """Killed at a random moment: what it was told is kept is there, whole, and the next writer goes on."""
    moment_s = random.Random(round_number).uniform(0, 0.5)  # noqa: S311 - no secret
    with start_writer(address, "killed") as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        said = [writer.stdout.readline().strip()]
        with pytest.raises(subprocess.TimeoutExpired):
            writer.wait(timeout=moment_s)
        writer.kill()
        said += [line.strip() for line in writer.stdout]
        assert writer.stderr.read() == ""

    with open_ledger(address, clock=clock) as ledger:
        assert ledger.verify() == []
        steps = [step.step for step in ledger.steps("killed")]
        hosts = {finding.observation.target.host for finding in ledger.findings("killed", "before")}
        assert {line for line in said if line.startswith("step")} <= set(steps)
        assert {line.split()[1] for line in said if line.startswith("findings")} <= hosts
        # A look is kept whole or not at all.
        assert len(list(ledger.findings("killed", "before"))) == len(hosts) * len(PROFILE.requirements)
        assert ledger.unfinished() == (campaign("killed"),)
        ledger.record_step("killed", "resumed")
        assert ledger.steps("killed")[-1].step == "resumed"
        assert ledger.verify() == []


FORK = """
import os, sys, traceback
from hardening.ledger import open_ledger
from tests.ledger_store.samples import campaign, clock, profile

with open_ledger(sys.argv[1], clock=clock, wait_s=60) as ledger:
    ledger.begin(campaign("c"), profile())
    children = []
    for number in range(3):
        child = os.fork()
        if not child:
            try:
                for step in range(10):
                    ledger.record_step("c", f"{number}.{step}")
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            # As multiprocessing ends its children.
            os._exit(0)
        children.append(child)
    for step in range(10):
        ledger.record_step("c", f"parent.{step}")
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert len(ledger.steps("c")) == 40
    assert ledger.verify() == []
"""


def test_forked_children_can_use_the_ledger_of_their_parent(address: str) -> None:
    """Each talks over connections of its own; the parent's survive the children's end."""
    command = [sys.executable, "-W", "error", "-c", FORK, address]

    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=LIMIT_S)

    assert (done.returncode, done.stderr) == (0, "")


def test_threads_of_one_process_share_a_ledger(ledger: Ledger) -> None:
    """Several hosts are looked at at once."""
    ledger.begin(campaign("c"), PROFILE)
    barrier = threading.Barrier(4)

    def write(number: int) -> None:
        barrier.wait()
        for step in range(10):
            ledger.record_step("c", f"{number}.{step}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))

    assert sorted(step.step for step in ledger.steps("c")) == sorted(f"{a}.{b}" for a in range(4) for b in range(10))
    assert ledger.verify() == []


def test_reading_goes_on_while_another_writes(ledger: Ledger, address: str) -> None:
    """A report of a finished campaign does not wait for the scan that runs."""
    ledger.begin(campaign("done"), profile())
    with raw_connection(address) as writing:
        hold_write_lock(writing)

        assert ledger.campaigns() == (campaign("done"),)


def test_a_ledger_that_stays_locked_is_said_to_be(address: str) -> None:
    """A bounded wait, then one sentence and exit code 3; nothing was written, and later all goes on."""
    with open_ledger(address, clock=clock, wait_s=0.2) as ledger:
        ledger.begin(campaign("c"), profile())
        with raw_connection(address) as other:
            hold_write_lock(other)
            with pytest.raises(Incomplete, match="another process is writing") as refused:
                ledger.record_step("c", "apply")
        assert refused.value.exit == 3
        assert ledger.steps("c") == ()
        ledger.record_step("c", "apply")
        assert len(ledger.steps("c")) == 1
