"""Undoing: each touch taken back, exactly where nothing else changed, merged where it did, refused where both did."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from .checkers import checkers_of
from .commit import Result, bounded
from .control import Control, State
from .errors import CannotApply, ChangedSince
from .file_handle import FileHandle
from .guard import Guard
from .host import STATE_DIRECTORY, Host
from .journal import Journal
from .leftovers import remember, remembered, sweep
from .overlay import Address
from .resources.file import ABSENT
from .run import Plan, Run
from .system import System


def journal_of(host: Host, campaign: str) -> Journal:
    """Return the journal that a campaign left on this host; raise CannotApply where there is none."""
    journal = Journal(host.path(STATE_DIRECTORY + "/journal"), campaign)
    if not os.path.exists(journal.path):
        raise CannotApply("this host has no journal of campaign " + campaign)
    return journal


# What somebody changed since, by control and resource, where force goes over it: (as we left it, as it is).
Overruled = Dict[str, Dict[Address, Tuple[State, State]]]
SINCE_LIMIT_BYTES = 4096


class Undo:
    """One run of undoing; `results` are as those of any run, `validated` says how the files were checked.

    Each result also has `since`: what somebody changed after us and force goes over, as a person reads it, else empty.
    """

    def __init__(
        self,
        changes: Sequence[Mapping[str, Any]],
        host: Host,
        *,
        campaign: str,
        check: bool = False,
        force: bool = False,
        guard: Optional[Guard] = None,
        lease: bool = False,
    ) -> None:
        emptied: Set[str] = set()
        overruled: Overruled = {}
        plan = undo_plan(changes, force=force, emptied=emptied, overruled=overruled)
        run = Run(
            plan,
            as_controls(changes),
            host,
            campaign=campaign,
            check=check,
            validate=checkers_of(changes) if not host.root else (),
            settles=False,
            guard=guard,
            lease=lease,
        )
        if not check:
            for change in changes:
                for touch in change["touches"]:
                    if touch["kind"] in run.present.resources:
                        # A run that was killed may have left a file beside another.
                        run.present.resources[touch["kind"]].abandon(str(touch["name"]))
        self.results: List[Result] = run.carry_out()
        self.validated = run.validated
        self.run = run
        for control, result in zip(as_controls(changes), self.results):  # noqa: B905 - Python 3.8
            result["since"] = self._since(overruled.get(control.key, {}))
        if guard and guard.steps:
            # Should the host put itself back, it needs its directories: they go with the confirmation.
            remember(host, remembered(host) | emptied)
        elif not check:
            sweep(host, emptied)

    def _since(self, overruled: Dict[Address, Tuple[State, State]]) -> str:
        """Show a person what somebody changed after us."""
        resources = self.run.present.resources
        shown = [resources[kind].difference(name, *states) for (kind, name), states in sorted(overruled.items())]
        return bounded("\n".join(part for part in shown if part), SINCE_LIMIT_BYTES)


def undo_plan(changes: Sequence[Mapping[str, Any]], *, force: bool, emptied: Set[str], overruled: Overruled) -> Plan:
    """Return the planning function that takes changes back.

    Directories to remove once empty go into `emptied`, and what `force` goes over into `overruled`.
    """
    by_key = {control.key: change for control, change in zip(as_controls(changes), changes)}  # noqa: B905 - Python 3.8

    def plan(control: Control, system: System) -> None:
        change = by_key[control.key]
        for touch in reversed(list(change["touches"])):
            if touch["kind"] == "file" and touch["before"] == ABSENT and touch["after"].get("type") == "directory":
                emptied.add(str(touch["name"]))
            changed_since = undo_touch(system, touch, force=force)
            if changed_since is not None:
                overruled.setdefault(control.key, {})[str(touch["kind"]), str(touch["name"])] = changed_since
        for action in change.get("after_actions") or []:
            system.after(str(action))

    return plan


def as_controls(changes: Sequence[Mapping[str, Any]]) -> List[Control]:
    """Return one control per change; a control that was changed twice in the list gets a number."""
    seen: Dict[str, int] = {}
    controls = []
    for change in changes:
        control = Control.from_item(change)
        count = seen[control.key] = seen.get(control.key, 0) + 1
        if count > 1:
            control = Control.from_item(dict(change, id=control.id + "#" + str(count)))
        controls.append(control)
    return controls


def undo_touch(system: System, touch: Mapping[str, Any], *, force: bool) -> Optional[Tuple[State, State]]:
    """Plan one resource back to what it was before the touch.

    Returns what we left and what is there now where somebody changed it since and `force` goes over that, else None.
    """
    address: Address = (str(touch["kind"]), str(touch["name"]))
    if address[0] not in system.overlay.present.resources:
        raise CannotApply("no resource is called " + address[0])
    before, after = dict(touch["before"]), dict(touch["after"])
    current = system.overlay.state(address)
    if address[0] == "file" and current["type"] == "file" and ("sha256" in before or "sha256" in after):
        current = system.overlay.with_content(address)
    resource = system.overlay.present.resources[address[0]]
    overruled = None
    try:
        target = _target(system, address, before, after, current)
    except ChangedSince:
        if not force:
            raise
        # Shown is what somebody made of this very step; where others changed the same file, that stays.
        target = resource.forced(address[1], after, current, before)
        overruled = (resource.forced(address[1], before, current, after), dict(current))
    if current.get("type") == target.get("type") == "file" and "sha256" in current and "sha256" not in target:
        # A step of the mode or owner leaves the content as planned so far.
        target = dict(target, sha256=current["sha256"])
    if not resource.holds(current, target):
        if address[0] == "file" and target["type"] == "directory" and current["type"] == "absent":
            FileHandle(system.overlay, os.path.dirname(address[1])).make_directory()
        system.overlay.stage(address, target)
    return overruled


def _target(system: System, address: Address, before: State, after: State, current: State) -> State:
    resource = system.overlay.present.resources[address[0]]
    if address[0] == "file" and after.get("type") == "directory" and before == ABSENT:
        return _without_directory(system, address[1], current)
    if address[0] == "file" and "sha256" not in before and "sha256" not in after:
        current = {part: value for part, value in current.items() if part != "sha256"}
    if resource.holds(current, before):
        return before
    if address[0] == "file" and "sha256" not in after and current["type"] == "absent" and after["type"] == "file":
        return current  # Whoever removed the file took the mode or owner along; nothing is left to put back.
    if resource.holds(current, after):
        return before
    return resource.merge(address[1], after, current, before)


def _without_directory(system: System, path: str, current: State) -> State:
    """A directory we made goes when it is empty; what others put into it keeps it."""
    if current["type"] != "directory":
        return current
    inside = system.glob(path.rstrip("/") + "/*") + system.glob(path.rstrip("/") + "/.*")
    return current if inside else dict(ABSENT)
