"""The controller dies, is interrupted or runs out of everything: a resume finishes the campaign, once and whole."""

from __future__ import annotations

import functools
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line import ROOT, CommandLine, survivors
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.lab.snapshot import Entry
from tests.loopback_sshd import descendants
from tests.tiny_fleet import ACCEPT, GAPS, begun, different, planned, states, tiny_fleet

# How often the controller is killed at a random moment; the moments are the same in every run, as shares of a campaign.
# Each costs up to half a minute, so that several workers share them.
MOMENTS = int(os.environ.get("HARDENING_TORTURE_MOMENTS", "100"))
PARTS = 5
DONE = {"changed", "unchanged"}
# Which entry of a campaign over one host is the first answer: before it are the begin, the hold, the pin, the look with
# its host, what is to be written, the lease and the wave.
FIRST_ANSWER = 9


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    """A host for the tests of this file; each leaves it as it was."""
    made = lab.host("torture-ctl", image="debian13")
    made.boot()
    yield made
    lab.remove(made.name)


@pytest.fixture
def fleet(hardening: CommandLine, host: LabHost) -> Iterator[CommandLine]:
    """The command line beside the host, with a plan made."""
    with tiny_fleet(hardening, [host]) as made:
        assert planned(made).code == 1
        yield made


def everything(state: str) -> dict[tuple[str, str], str]:
    """Return that state for every gap."""
    return {("torture-ctl", control): state for control in GAPS}


def settled(fleet: CommandLine, host: LabHost, untouched: dict[str, Entry]) -> str:
    """Resume the newest apply, undo it, and return what is not right with it; an empty text is well.

    Whether something was written twice shows in the undo: it would bring back the first writing, not what was before.
    """
    resumed = fleet("resume", "latest-apply", "--json")
    had_ended = resumed.code == 2 and "nothing to resume" in resumed.err
    if resumed.code == 3 and "before it changed anything" in resumed.err:
        return "" if different(untouched, host.snapshot_tree(("/etc",))) == {} else "changed before it said so"
    made = states(resumed if not had_ended else fleet("report", "latest-apply", "--json"))
    if (
        resumed.code != (2 if had_ended else 0)
        or made.keys() != everything("").keys()
        or not set(made.values()) <= DONE
    ):
        return f"resume answered {resumed.code}: {made}: {resumed.err}"
    # A guard of its own would not show more: what the apply's guard left behind is looked for below.
    undone = fleet("undo", "latest-apply", "--guard", "0", "--json")
    if undone.code != 0:
        return f"undo answered {undone.code}: {undone.err}"
    left = different(untouched, host.snapshot_tree(("/etc",)))
    guards = host.exec_inside("ls -d /var/lib/hardening/guard/*/ 2>/dev/null").stdout
    return (f"left behind: {sorted(left)}" if left else "") + (f"guards left: {guards}" if guards else "")


def killed_at(fleet: CommandLine, moment: str, number: int) -> bool:
    """Apply the plan with a fault point; tell whether the campaign lived to that entry."""
    argv = [sys.executable, "-m", "tests.fault_points", moment, str(number), "--workspace", str(fleet.place)]
    argv += ["--baselines", str(fleet.place / "base"), "apply", str(fleet.place / "plan.yml"), *ACCEPT]
    argv += ["-i", str(fleet.place / "lab.yml")]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


@pytest.mark.torture
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_at_every_step_of_the_journal_is_resumed(fleet: CommandLine, host: LabHost, moment: str) -> None:
    """Nothing is lost, nothing written twice, and an undo brings all back byte for byte, whichever step it was."""
    untouched = host.snapshot_tree(("/etc",))
    wrong: dict[int, str] = {}
    number = 0

    while killed_at(fleet, moment, number := number + 1):
        if moment == "before" and number == 1:
            continue  # The campaign never came to be: there is nothing to resume.
        said = settled(fleet, host, untouched)
        if said:
            wrong[number] = said
    assert fleet("undo", "latest-apply", "--guard", "0").code == 0  # The one that lived to its end.

    assert wrong == {}
    assert number > 10, "a campaign has more steps than that"
    assert fleet("status", "--verify").code == 0


@pytest.mark.torture
@pytest.mark.parametrize("part", range(PARTS))
def test_a_kill_at_random_moments_is_resumed(fleet: CommandLine, host: LabHost, part: int) -> None:
    """The same from outside, at moments that no step of ours marks."""
    untouched = host.snapshot_tree(("/etc",))
    began = time.monotonic()
    _, err = fleet.start("apply", "plan.yml", *ACCEPT).communicate(timeout=300)
    whole_s = time.monotonic() - began
    assert fleet("undo", "latest-apply", "--guard", "0").code == 0, err
    chance = random.Random(20260829)  # noqa: S311 - moments, not secrets
    wrong: dict[str, str] = {}

    for share in [chance.random() for _ in range(MOMENTS)][part::PARTS]:
        campaigns = len(applies(fleet.place))
        process = fleet.start("apply", "plan.yml", *ACCEPT)
        time.sleep(0.2 + share * whole_s)  # The moment is the point.
        process.kill()
        process.communicate(timeout=60)
        if len(applies(fleet.place)) > campaigns:
            said = settled(fleet, host, untouched)
            if said:
                wrong[f"{share:.4f} of {whole_s:.1f} s"] = said

    assert wrong == {}
    assert fleet("status", "--verify").code == 0


def applies(workspace: Path) -> list[str]:
    """Return the apply campaigns of a workspace's ledger."""
    with sqlite3.connect(workspace / ".hardening" / "ledger.sqlite3") as connection:
        rows = connection.execute("SELECT campaign_id FROM campaigns WHERE verb = 'apply'").fetchall()
    connection.close()
    return [row[0] for row in rows]


@pytest.mark.torture
def test_what_a_host_writes_after_its_journal_was_read_is_known(fleet: CommandLine, host: LabHost) -> None:
    """What a killed controller started there outlives it: the resume finds all in place, and still an undo knows it."""
    untouched = host.snapshot_tree(("/etc",))
    # The last moment before the first answer is recorded, by which the host has written all.
    assert killed_at(fleet, "before", FIRST_ANSWER)
    # Kept back until the resume has read the journal, and has ended the guard, which makes a new one.
    kept_back = (
        "cd /var/lib/hardening/journal; name=$(ls -t *-apply-*.jsonl | head -n 1); mv $name kept;"
        ' systemd-run -q --unit=late -p RuntimeMaxSec=300 sh -c "cd $PWD; until test -s $name; do sleep 0.05; done;'
        ' cat $name >> kept; mv kept $name"; cat kept'
    )
    journal = host.run(kept_back)

    resumed = fleet("resume", "latest-apply", "--json")
    undone = fleet("undo", "latest-apply", "--guard", "0", "--json")

    assert journal.count('"event": "plan"') == len(GAPS), journal
    assert resumed.code == 0, resumed.err
    assert states(resumed) == everything("changed"), resumed.err
    assert undone.code == 0, undone.err
    assert different(untouched, host.snapshot_tree(("/etc",))) == {}


@pytest.mark.torture
def test_ctrl_c_twice_leaves_nothing_running(fleet: CommandLine, host: LabHost) -> None:
    """An impatient person: it ends as for one, nothing is left running, and the resume finishes."""
    untouched = host.snapshot_tree(("/etc",))
    process = fleet.start("apply", "plan.yml", *ACCEPT)
    begun(process, host)
    started = descendants(process.pid)

    process.send_signal(signal.SIGINT)
    time.sleep(0.2)  # As fast as a person can.
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert process.returncode in (130, -signal.SIGINT)
    assert survivors(started, within_s=60) == []
    assert settled(fleet, host, untouched) == ""


@pytest.mark.torture
def test_the_ledger_alone_is_enough_to_resume(fleet: CommandLine, host: LabHost) -> None:
    """Every process of the campaign is killed, and only the ledger's file is carried to another place."""
    untouched = host.snapshot_tree(("/etc",))
    process = fleet.start("apply", "plan.yml", *ACCEPT)
    begun(process, host)
    for pid in [process.pid, *descendants(process.pid)]:
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=60)
    elsewhere = fleet.place / "elsewhere" / ".hardening"
    elsewhere.mkdir(parents=True)
    for path in (fleet.place / ".hardening").glob("ledger.sqlite3*"):
        shutil.move(path, elsewhere / path.name)
    (fleet.place / "plan.yml").unlink()

    resumed = fleet("--workspace", "elsewhere", "resume", "--json")
    undone = fleet("--workspace", "elsewhere", "undo", "latest-apply")

    assert resumed.code == 0, resumed.err
    assert set(states(resumed).values()) <= DONE
    assert undone.code == 0
    assert different(untouched, host.snapshot_tree(("/etc",))) == {}


@pytest.mark.torture
def test_a_full_disk_of_the_controller_is_said_and_resumed(fleet: CommandLine, host: LabHost) -> None:
    """Nothing can be recorded any more: one sentence and 3; with room again the resume finishes."""
    untouched = host.snapshot_tree(("/etc",))
    small = fleet.place / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", small], check=True)
    try:
        assert fleet("--workspace", "small", "plan", "-i", "lab.yml", "-p", "tiny", "--no-preview").code == 1
        process = fleet.start("--workspace", "small", "apply", "plan.yml", *ACCEPT)
        begun(process, host)
        with (small / "filler").open("wb", buffering=0) as filler:
            try:
                while filler.write(b"x" * 4096):
                    pass
            except OSError:
                pass  # Full, which is what was wanted.
        _, err = process.communicate(timeout=300)
        (small / "filler").unlink()
        resumed = fleet("--workspace", "small", "resume", "latest-apply", "--json")
        undone = fleet("--workspace", "small", "undo", "latest-apply")
    finally:
        subprocess.run(["umount", "--lazy", small], check=True)

    assert process.returncode == 3, err
    assert "disk" in err
    assert "Traceback" not in err
    assert resumed.code == 0, resumed.err
    assert undone.code == 0
    assert different(untouched, host.snapshot_tree(("/etc",))) == {}


@pytest.mark.torture
def test_too_few_file_descriptors_are_no_bug(fleet: CommandLine, host: LabHost) -> None:
    """With next to none a scan says in a sentence that it could not look; it is never green and never a traceback."""
    few = fleet.start(
        *("scan", "-i", "lab.yml", "-p", "tiny"),
        preexec_fn=functools.partial(limited_to, 12),
    )
    out, err = few.communicate(timeout=120)

    assert few.returncode == 3, err
    assert "Traceback" not in err
    assert "Too many open files" in " ".join((out + err).split())  # A table may wrap it.


@pytest.mark.torture
def test_an_apply_with_too_few_file_descriptors_is_resumed(fleet: CommandLine, host: LabHost) -> None:
    """However far it comes, it says so in a sentence, and a resume with enough of them finishes what it began."""
    untouched = host.snapshot_tree(("/etc",))
    wrong: dict[int, str] = {}

    for limit in (10, 16, 24, 40):
        campaigns = len(applies(fleet.place))
        process = fleet.start("apply", "plan.yml", *ACCEPT, preexec_fn=functools.partial(limited_to, limit))
        _, err = process.communicate(timeout=300)
        if process.returncode not in (0, 3) or "Traceback" in err:
            wrong[limit] = f"{process.returncode}: {err}"
        elif len(applies(fleet.place)) > campaigns:
            # A host that could not even be looked at was left as it was, with the reason; that is an end, too.
            left = states(fleet("report", "latest-apply", "--json")) == everything("skipped")
            same = different(untouched, host.snapshot_tree(("/etc",))) == {}
            said = "" if left and same else settled(fleet, host, untouched)
            wrong |= {limit: said} if said else {}

    assert wrong == {}


def limited_to(files: int) -> None:
    """Have this process open no more than so many files."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
