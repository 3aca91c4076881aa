"""The guard of a campaign: a copy of what is about to change, and a timer of the host that puts it back by itself.

`/var/lib/hardening/guard/<campaign>/`: `revert.sh`, `library.sh`, `after.sh`; `confirm.sh` with `library.zip`, which a
new login runs to confirm; `steps/NNNN/` with `do.sh`, `kept/` and `record.json`, one step per run that wrote; and the
state, which is the name of one file: `armed`, then either
`confirming` (a confirmation took it) or `firing` (the host takes it back), then `outcome`. Only one campaign at a time
has a guard on a host.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
from typing import Any, Dict, List, Optional, Sequence, Tuple

from .commit import Committer
from .control import State
from .errors import CannotApply
from .guard_packed import packed
from .guard_place import GuardPlace, every_guard, process_began, uptime_line
from .guard_script import REVERT, WAIT, confirm_text, library
from .guard_steps import Item, StepWriter, action_lines, digests_on_disk, guarded, in_order, items_of
from .guard_timer import Triggers
from .host import Host
from .overlay import Address, Overlay, Present
from .store import flush_directory, make_private_directory

LONGEST_S = 24 * 3600
_ARMED_AT: Dict[str, float] = {}
"""When this process started the clock of a guard last, in seconds of the monotonic clock, by the guard's directory."""


class Guard:
    """What one module run does with the guard of its campaign."""

    def __init__(self, host: Host, campaign: str, seconds: float) -> None:
        if not 1 <= seconds <= LONGEST_S:
            raise CannotApply("a guard of {} s makes no sense; take 1 to {}".format(seconds, LONGEST_S))
        self.host, self.seconds = host, int(-(-seconds // 1))
        self.place = GuardPlace(host, campaign)
        self.triggers = Triggers(self.place.path, host)
        self.items: Dict[Address, Item] = {}
        self.steps: List[str] = []
        self.actions: List[str] = []
        self.unguarded: List[str] = []
        self.armed_with: List[str] = []

    def enter(self) -> None:
        """Begin a run: the guard has nine tenths of its time at least; refuse where one has work left here."""
        for place in every_guard(self.host):
            # A host that died while a guard ended: what that said holds, and what is written now has its own.
            place.end_what_began()
            if place.campaign != self.place.campaign and place.state == "reverted":
                place.clear()  # Nobody asked for it since; its journal tells how it ended.
            if place.campaign != self.place.campaign and place.state != "none":
                raise CannotApply(
                    "the guard of campaign {} is {} on this host; confirm or revert that one first".format(
                        place.campaign, place.state.replace("_", " ")
                    )
                )
        state = self.place.state
        # Many kinds find all as wanted: a tenth of the time is not worth three questions to systemd for each of them.
        is_fresh = time.monotonic() - _ARMED_AT.get(self.place.path, -LONGEST_S) < self.seconds / 10
        if state != "none" and not (state == "armed" and is_fresh):
            self._arm()

    def protect(self, present: Present, overlay: Overlay, todo: Sequence[Tuple[Address, State]]) -> None:
        """Have everything that is about to be written kept and the timer proven armed, before the first write."""
        new: Dict[Address, Item] = {}
        # First what pam-auth-update writes: it covers whole files of which another control may only want the mode.
        for address, wanted in sorted(todo, key=lambda item: not item[0][0].startswith("pam_")):
            if not guarded(address):
                self.unguarded.append(":".join(address))
                continue
            for item in items_of(present, address, wanted):
                if item[0] not in self.items:
                    new.setdefault(item[0], item)
        wanted_actions = [action for key in overlay.touches for action in overlay.actions[key]]
        lines = [line for line in action_lines(self.host, wanted_actions) if line not in self.actions]
        if new or self.steps:
            # What was before, too: a second attempt of a revert meets it where the first one has been.
            states = [*(state for _, state in todo), *(before for _, before, _ in new.values())]
            self._know([str(state["sha256"]) for state in states if state.get("sha256")])
        if new or (lines and self.steps):
            self.actions += lines
            order = Committer(present).order
            try:
                self._write_step(sorted(new.values(), key=lambda item: order(item[0], item[1])), todo)
            except BaseException:
                if self.place.state == "none":  # It was never armed.
                    with contextlib.suppress(OSError):
                        self.place.empty()
                raise
            self.items.update(new)
            self._arm()

    def settle(self, committer: Committer, *, took_over: bool = False) -> None:
        """End a run: what was written is known now; a run that left nothing changed needs no guard.

        `took_over` where an earlier run was ended while it wrote, and this one has come to its end in its place.
        """
        if not self.steps:
            if took_over and os.path.exists(self.place.at("writer")):
                self._written()
            return
        present = committer.present
        if not any(committer.is_changed(address) for address in present.original):
            self._drop()
            return
        states = {address: present.state(address) for address in present.original if guarded(address)}
        digests = [str(state["sha256"]) for state in states.values() if state.get("sha256")]
        files = [name for (kind, name), _, after in self.items.values() if kind == "file" and after is None]
        self._know(digests + digests_on_disk(self.host, files))
        self._record(self.steps[-1], states)
        self._written()

    @property
    def report(self) -> Optional[Dict[str, Any]]:
        """What the module answers of the guard."""
        if not self.steps and not self.unguarded:
            return None
        return {
            "armed": bool(self.steps),
            "seconds": self.seconds,
            "triggers": list(self.armed_with),
            "unguarded": sorted(set(self.unguarded)),
        }

    def _write_step(self, items: Sequence[Item], todo: Sequence[Tuple[Address, State]]) -> None:
        """Write a step as a whole or not at all; then what all steps share."""
        is_first = self.place.state == "none"
        number = max([int(step) for step in self.place.steps()], default=0) + 1
        step = "{:04d}".format(number)
        part, final = self.place.at("steps", "." + step), self.place.at("steps", step)
        if os.path.isdir(part):
            shutil.rmtree(part)
        make_private_directory(os.path.join(part, "kept"))
        # Known before the step is: the timer of an earlier run may be about to strike.
        self.place.write("writer", "{} {}\n".format(os.getpid(), process_began(os.getpid())))
        self.place.write("steps/." + step + "/do.sh", StepWriter(self.host, part, final).script(items))
        flush_directory(os.path.join(part, "kept"))
        self._record("." + step, {address: state for address, state in todo if guarded(address)})
        self.place.write("library.sh", library(self.place.path, self.host.root, self.place.journal.path))
        self.place.write("revert.sh", REVERT)
        self.place.write("wait.sh", WAIT)
        if not os.path.exists(self.place.at("confirm.sh")):
            self._keep_confirmation()
        os.rename(part, final)
        flush_directory(self.place.at("steps"))
        self.steps.append(step)
        self._share_actions()
        for name in ("library.sh", "revert.sh", "after.sh", "steps/" + step + "/do.sh"):
            self.host.must(["sh", "-n", self.place.at(name)])
        if is_first:
            flush_directory(os.path.dirname(self.place.path))
            self.place.note("armed")

    def _keep_confirmation(self) -> None:
        """Have the program that confirms beside the copies; where it cannot be kept, Ansible's module confirms."""
        try:
            self.place.write_bytes("library.zip", packed())
            self.place.write("confirm.sh", confirm_text(sys.executable, self.place.campaign))
            self.host.must(["sh", "-n", self.place.at("confirm.sh")])
        except (CannotApply, OSError, ImportError, RuntimeError, TypeError, ValueError):
            for name in ("library.zip", "confirm.sh"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.place.at(name))

    def _record(self, step: str, after: Dict[Address, State]) -> None:
        record = {
            "after": [[kind, name, state] for (kind, name), state in sorted(after.items())],
            "actions": self.actions,
            "unguarded": sorted(set(self.unguarded)),
        }
        self.place.write("steps/" + step + "/record.json", json.dumps(record, sort_keys=True))

    def _share_actions(self) -> None:
        lines = [line for record in self.place.records() for line in record["actions"]]
        self.place.write("after.sh", "".join(in_order(lines)) or ":\n")

    def _know(self, digests: Sequence[str]) -> None:
        """Have it written down that these contents are ours; what else a revert meets, it keeps."""
        make_private_directory(self.place.path)
        with open(self.place.at("known"), "a", encoding="ascii") as file:
            file.write("".join(digest + "\n" for digest in digests))
            file.flush()
            os.fsync(file.fileno())

    def _arm(self) -> None:
        """Start the clock anew, and look that it really runs and that it has not struck meanwhile."""
        state = self.place.state
        if state == "none":
            self.place.write("armed", "{}\n".format(self.seconds))
        elif state != "armed":
            self._refuse(state)
        try:
            self.armed_with = self.triggers.arm(self.place.campaign, self.seconds)
        except OSError as error:
            raise CannotApply("the guard cannot be armed: {}".format(error)) from None
        if self.place.state != "armed":
            self._refuse(self.place.state)
        _ARMED_AT[self.place.path] = time.monotonic()

    @staticmethod
    def _refuse(state: str) -> None:
        raise CannotApply(
            "the guard of this campaign is {}: this host was put back, or is being put back; "
            "ask for its outcome before anything else is written".format(state.replace("_", " "))
        )

    def _written(self) -> None:
        """From now on a login is a new one."""
        self.place.write("written", uptime_line())
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.place.at("writer"))

    def _drop(self) -> None:
        """Nothing of this run is in force, so nothing of it is to be taken back."""
        for step in self.steps:
            os.rename(self.place.at("steps", step), self.place.at("steps", ".dropped-" + step))
            shutil.rmtree(self.place.at("steps", ".dropped-" + step))
        self.steps = []
        if self.place.steps():
            self._share_actions()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.place.at("writer"))
            return
        if self.place.state == "none":
            self.place.clear()  # It was never armed.
        else:
            self.place.end("dropped")
