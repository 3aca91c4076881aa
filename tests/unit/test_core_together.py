"""Several runs on one host at a time: nothing of either is lost."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hardening_core import locks

from tests.core_tree import apply, control, failures, snapshot, undo

DROPIN = "/etc/app.d/90-hardening.conf"
ONE_RUN = """
import json, sys
from pathlib import Path
from tests.core_tree import apply, control
name = sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
controls = [control(f"{name}{n}", n, dropin="/etc/app.d/90-hardening.conf") for n in range(3)]
results = apply(Path(sys.argv[1]), *controls, campaign=name)
print(json.dumps(results))
"""


def test_runs_at_the_same_time_keep_one_anothers_blocks(tmp_path: Path) -> None:
    """Four processes write into one drop-in at once; every block is there, and every undo is exact."""
    (tmp_path / "etc").mkdir()
    before = snapshot(tmp_path)
    here = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{here}:{here}/roles/core/module_utils"}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", ONE_RUN, tmp_path, name],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "abcd"
    ]
    for run in runs:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"

    for run in runs:
        assert run.stdin is not None
        run.stdin.write("go\n")
        run.stdin.flush()
    said = [run.communicate()[0] for run in runs]

    changes = [result for text in said for result in json.loads(text)]
    assert failures(changes) == {}
    text = (tmp_path / DROPIN[1:]).read_text()
    assert sorted(line for line in text.splitlines() if " = " in line) == sorted(
        f"linux_{name}{n} = {n}" for name in "abcd" for n in range(3)
    )
    for change in changes:
        assert failures(undo(tmp_path, change)) == {}
    assert snapshot(tmp_path) == before


def test_a_host_that_another_run_keeps_busy_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After waiting in vain the controls fail with the reason, and nothing is written."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "var/lib/hardening").mkdir(parents=True)
    monkeypatch.setattr(locks, "LIMIT_S", 0.2)
    hold = "f=open(sys.argv[1],'w');fcntl.lockf(f,fcntl.LOCK_EX);print('held',flush=True);sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", "import fcntl,sys;" + hold, tmp_path / "var/lib/hardening/lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"

        results = apply(tmp_path, control("a", dropin=DROPIN))
    finally:
        holder.communicate()

    assert "another hardening run is writing on this host" in failures(results)["linux_a"]
    assert not (tmp_path / DROPIN[1:]).exists()


def test_the_lock_is_let_go_of(tmp_path: Path) -> None:
    """After a run another may take it at once."""
    (tmp_path / "etc").mkdir()
    apply(tmp_path, control("a", dropin=DROPIN))

    with (tmp_path / "var/lib/hardening/lock").open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
