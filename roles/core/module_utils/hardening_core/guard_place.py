"""Where the guard of a campaign lives on the host, what its files say, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from typing import Any, Dict, List, Optional

from .errors import CannotApply
from .guard_script import CRON, UNIT, UNIT_DIRECTORY, WANTS
from .guard_timer import Triggers
from .host import STATE_DIRECTORY, Host
from .journal import Journal
from .store import flush_directory

DIRECTORY = STATE_DIRECTORY + "/guard"


class GuardPlace:
    """The directory of one campaign's guard."""

    def __init__(self, host: Host, campaign: str) -> None:
        self.host, self.campaign = host, campaign
        # The journal refuses what is no name of a campaign, so nothing else becomes a path either.
        self.journal = Journal(host.path(STATE_DIRECTORY + "/journal"), campaign)
        self.path = host.path(DIRECTORY + "/" + campaign)

    def at(self, *names: str) -> str:
        """Where something of the guard is."""
        return os.path.join(self.path, *names)

    @property
    def state(self) -> str:
        """`none`, `armed`, `confirming`, `firing`, or the outcome: `reverted`, `revert_failed`."""
        outcome = self.outcome
        if outcome:
            return outcome[0]
        for state in ("confirming", "firing", "armed"):
            if os.path.exists(self.at(state)):
                return state
        return "none"

    @property
    def outcome(self) -> List[str]:
        """What the host wrote of its own revert: the outcome, when, and details; empty before."""
        try:
            with open(self.at("outcome"), encoding="utf-8", errors="replace") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def steps(self) -> List[str]:
        """Return the names of the whole steps, oldest first."""
        try:
            return sorted(name for name in os.listdir(self.at("steps")) if name.isdigit())
        except FileNotFoundError:
            return []

    def records(self) -> List[Dict[str, Any]]:
        """Return the steps' records, oldest first."""
        records = []
        for step in self.steps():
            with open(self.at("steps", step, "record.json"), encoding="ascii") as file:
                records.append(json.load(file))
        return records

    def write(self, name: str, text: str) -> None:
        """Have a file of the guard on disk, replaced in one step."""
        self.write_bytes(name, text.encode("utf-8", "surrogateescape"))

    def write_bytes(self, name: str, content: bytes) -> None:
        """Have a file of the guard on disk, replaced in one step."""
        part = self.at(name + ".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.rename(part, self.at(name))
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(part)
            raise
        flush_directory(os.path.dirname(self.at(name)))

    def note(self, outcome: str, detail: str = "") -> None:
        """Say in the host's journal what became of the guard, as `revert.sh` does."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.journal.write([{"event": "guard", "outcome": outcome, "detail": detail, "at": at}])

    def noted(self) -> Optional[Dict[str, Any]]:
        """Return the last that the host's journal says of the guard; None where a run wrote since without one."""
        events = [event for event in self.journal.read() if event.get("event") in ("guard", "begin")]
        return events[-1] if events and events[-1]["event"] == "guard" else None

    def end(self, outcome: str) -> bool:
        """End an armed guard without a revert; False when the host took it first."""
        if self.state == "armed":
            self.write("ending", outcome + "\n")
        with contextlib.suppress(FileNotFoundError):
            os.rename(self.at("armed"), self.at("confirming"))
        return self.end_what_began() is not None

    def end_what_began(self) -> Optional[str]:
        """Bring an end to its end, also one that a dying host broke off; return its outcome, None where none began."""
        if self.state != "confirming":
            return None
        flush_directory(self.path)
        outcome = self.ending
        if os.path.exists(self.at("ending")):
            self.note(outcome)
        self.clear()
        return outcome

    @property
    def ending(self) -> str:
        """How a guard ends that is `confirming`: `confirmed` or `dropped`; it was noted where it is half removed."""
        try:
            with open(self.at("ending"), encoding="ascii") as file:
                return file.read().strip()
        except FileNotFoundError:
            return str((self.noted() or {}).get("outcome"))

    def clear(self) -> None:
        """Remove the triggers, then everything but what somebody else wrote and we put aside."""
        Triggers(self.path, self.host).end_waiting()
        if os.path.exists(self.at("revert.sh")):
            self.host.must(["sh", self.at("revert.sh")])
        left = [CRON, UNIT_DIRECTORY + "/" + UNIT + ".service", WANTS + "/" + UNIT + ".timer"]
        for path in left:
            if self._is_ours(self.host.path(path)):
                raise CannotApply("the guard's {} cannot be removed; remove it by hand".format(path))
        self.empty()

    def empty(self) -> None:
        """Remove the directory, but for what somebody else wrote and we put aside."""
        # What says that it ended goes last: a host that dies here is not left with half a guard.
        for entry in sorted(os.listdir(self.path), key=lambda name: name in ("confirming", "outcome")):
            full = self.at(entry)
            if entry != "aside":
                shutil.rmtree(full) if os.path.isdir(full) and not os.path.islink(full) else os.unlink(full)
        for directory in (self.path, os.path.dirname(self.path)):
            # Somebody's kept file, or another campaign, keeps it.
            with contextlib.suppress(OSError):
                os.rmdir(directory)

    def _is_ours(self, path: str) -> bool:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return self.path + "/" in file.read()
        except OSError:
            return os.path.islink(path) and not os.path.exists(path)


def every_guard(host: Host) -> List[GuardPlace]:
    """Return the guards of all campaigns on this host."""
    directory = host.path(DIRECTORY)
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    return [GuardPlace(host, name) for name in names]


def process_began(pid: int) -> str:
    """Return when a process began, in clock ticks since the start of the machine."""
    with open("/proc/{}/stat".format(pid), "rb") as file:
        return file.read().rpartition(b") ")[2].split()[19].decode("ascii")


def uptime_line() -> str:
    """Return which start of the host this is, and the seconds since."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    with open("/proc/uptime", encoding="ascii") as file:
        return "{} {}\n".format(boot, file.read().split()[0])
