"""Change hosts through ansible-runner, trusting nothing but results that name a host and a control.

One run is one fresh private directory in memory, one process group of its own, one deadline; what was asked is
reconciled with what was reported, and everything that was started is gone when the run is over.
"""

from __future__ import annotations

from hardening.ansible.guard import guard_outcome, run_guard
from hardening.ansible.room import refuse_names
from hardening.ansible.run import run_changes, run_present, run_restore
from hardening.ansible.values import (
    AnsibleRun,
    ControlItem,
    ControlOutcome,
    GuardOutcome,
    GuardRun,
    HostFailed,
    HostGuarded,
    NotReported,
    PresentItem,
    PresentRun,
    RestoreItem,
    RestoreRun,
    RunDone,
    RunEvent,
)

__all__ = [
    "AnsibleRun",
    "ControlItem",
    "ControlOutcome",
    "GuardOutcome",
    "GuardRun",
    "HostFailed",
    "HostGuarded",
    "NotReported",
    "PresentItem",
    "PresentRun",
    "RestoreItem",
    "RestoreRun",
    "RunDone",
    "RunEvent",
    "guard_outcome",
    "refuse_names",
    "run_changes",
    "run_guard",
    "run_present",
    "run_restore",
]
