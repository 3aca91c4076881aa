"""The timer that `inspect install` writes: systemd takes it, enables it, fires it, and the run answers its moment."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import ROOT
from tests.lab.host import LabHost
from tests.lab.lab import Lab

PLAN = """\
---
title: Whether the clock of this machine lets anything run
title_zh: 定时器验证
items: [job_timers, service_failed_units]
schedule: {every: day, at: "00:00", zone: UTC}
grace_minutes: 1440
"""
UNIT = "hardening-inspect-nightly"
ENDED_ONCE = """
for _ in $(seq 600); do
    [ "$(systemctl show -p ExecMainExitTimestampMonotonic --value {})" = 0 ] || exit 0
    sleep 0.1
done
exit 1
"""


@pytest.fixture
def controller(lab: Lab) -> Iterator[LabHost]:
    """A host that has this checkout and the interpreter it runs by, and inspects itself."""
    host = lab.host("controller")
    host.share(ROOT, Path(sys.base_prefix))
    host.boot()
    yield host
    lab.remove(host.name)


def hardening(host: LabHost, *arguments: str) -> Any:
    """Run a command in the workspace of the host; return its JSON answer."""
    done = host.exec_inside(f"cd /srv/work && {sys.executable} -m hardening {' '.join(arguments)} --json")
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_the_timer_of_a_plan_fires_and_its_run_is_in_the_ledger(controller: LabHost) -> None:
    """Enabled for every boot; what was due while the machine was off is made up for at once, and only once."""
    controller.run("mkdir -p /srv/work/baselines/inspection/plans")
    (controller.root / "srv/work/baselines/inspection/plans/nightly.yml").write_text(PLAN)
    (controller.root / "srv/work/hosts").write_text("here ansible_connection=local\n")
    # As on a machine that was off at midnight: the timer ran two days ago for the last time.
    controller.run(
        f"mkdir -p /var/lib/systemd/timers && touch -d '2 days ago' /var/lib/systemd/timers/stamp-{UNIT}.timer"
    )

    installed = hardening(controller, "inspect", "install", "nightly", "-i", "hosts")
    controller.run(f"systemd-analyze verify /etc/systemd/system/{UNIT}.timer")
    controller.run(f"systemctl daemon-reload && systemctl enable --now {UNIT}.timer")
    # Nobody but the timer starts it; the start by hand after that finds nothing due any more.
    controller.run(ENDED_ONCE.format(f"{UNIT}.service"))
    controller.run(f"systemctl start {UNIT}.service")
    due = hardening(controller, "inspect", "due")

    assert [Path(path).name for path in installed["files"]] == [f"{UNIT}.service", f"{UNIT}.timer"]
    assert controller.run(f"systemctl is-enabled {UNIT}.timer").strip() == "enabled"
    shown = controller.run(f"systemctl show {UNIT}.service -p Result -p ExecMainStatus")
    journal = controller.run(f"journalctl -o cat -u {UNIT}.service")
    assert "Result=success" in shown, journal
    (nightly,) = (plan for plan in due["plans"] if plan["plan"] == "nightly")
    assert nightly["missed"] == []
    assert nightly["last_run"] is not None, journal
    assert journal.count("inspection 2") == 1, journal
    assert "nothing is due" in journal
    assert "Trigger" in controller.run(f"systemctl status {UNIT}.timer")
