"""Resources of this machine compared through Ansible: one answer for each, and nothing written."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from pathlib import Path

from hardening.ansible import ControlOutcome, PresentItem, PresentRun, RunDone, run_present
from hardening.model import Json


def left(path: Path, content: bytes) -> dict[str, Json]:
    """Return the state of a file with this content."""
    status = path.stat()
    return {
        "type": "file",
        "mode": f"{status.st_mode & 0o7777:04o}",
        "uid": status.st_uid,
        "gid": status.st_gid,
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def test_every_resource_is_answered_and_none_is_written(tmp_path: Path) -> None:
    """As it was left; another mode, with its time and owner; one that nobody left; one whose name makes no sense."""
    for name in ("same", "other", "watched"):
        (tmp_path / name).write_text("x\n")
    here = f"here ansible_connection=local ansible_python_interpreter={sys.executable}"
    (tmp_path / "hosts").write_text(f"{here} ansible_become={os.geteuid() != 0}\n")
    same, other = (left(tmp_path / name, b"x\n") for name in ("same", "other"))
    (tmp_path / "other").chmod(0o4600)
    items = (
        PresentItem(kind="file", name=str(tmp_path / "same"), left=same),
        PresentItem(kind="file", name=str(tmp_path / "other"), left=other),
        PresentItem(kind="file", name=str(tmp_path / "watched"), left=None),
        PresentItem(kind="sysctl", name="../x", left={"value": "{{ 1 + 1 }}"}),
    )
    run = PresentRun(
        campaign="c",
        inventory_sources=(str(tmp_path / "hosts"),),
        hosts={"here": items},
        since_s={"here": time.time()},
        cwd=tmp_path,
    )

    *answers, done = run_present(run)

    assert isinstance(done, RunDone)
    assert done.not_reported == (), answers
    told = {answer.id: answer for answer in answers if isinstance(answer, ControlOutcome)}
    assert [told[item.id].changed for item in items] == [False, True, False, False]
    assert [told[item.id].failed for item in items] == [False, False, False, True]
    changed = told[items[1].id]
    assert (changed.touches[0].before, changed.touches[0].after) == (other, {**other, "mode": "4600"})
    assert "mode: " in changed.diff
    assert changed.reason is not None
    assert changed.reason.startswith("changed at ")
    assert (told[items[2].id].reason or "").startswith("changed at ")
    assert (tmp_path / "other").stat().st_mode & 0o7777 == 0o4600
