"""One run of a kind's module: plan every control, validate, write, reload; each control fails alone."""

from __future__ import annotations

import functools
import os
import traceback
from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Union

from . import actions
from .answers import Answers, answers_of
from .commit import CommitFailed, Committer, Result, Stale, bounded
from .control import Control
from .errors import CannotApply
from .guard import Guard
from .host import STATE_DIRECTORY, Host
from .journal import Journal
from .lease import why_not_ours
from .overlay import Address, Overlay, Present
from .recovery import Recovery
from .system import System
from .validate import NoNamespace, file_changes, refusal

Plan = Callable[[Control, System], None]
Checker = Union[Sequence[str], Callable[[System], Optional[Sequence[str]]]]
DIFF_LIMIT_BYTES = 4096
FAILURES_LIMIT = 1000


class Run:
    """The state of one run; `carry_out` is the whole of it."""

    def __init__(
        self,
        plan: Plan,
        controls: Sequence[Control],
        host: Host,
        *,
        campaign: str = "",
        check: bool = False,
        validate: Sequence[Checker] = (),
        reload: Sequence[str] = (),
        settles: bool = True,
        guard: Optional[Guard] = None,
        closes: Sequence[str] = (),
        lease: bool = False,
    ) -> None:
        self.plan, self.controls, self.host, self.check = plan, list(controls), host, check
        self.validate, self.reload, self.settles = validate, list(reload), settles
        self.closes = set(closes)
        self.present = Present(host)
        self.committer = Committer(self.present)
        self.must_hold_lease = lease
        self.guard = None if check else guard
        if self.guard:
            self.committer.before_writing = functools.partial(self.guard.protect, self.present)
        self.failed: Dict[str, str] = {}
        self.validated = "nothing to validate"
        self.journal = Journal(host.path(STATE_DIRECTORY + "/journal"), campaign) if campaign else None
        self.name = "{}-{}".format(os.getpid(), os.urandom(4).hex())
        self.journaled: Set[str] = set()

    def carry_out(self) -> List[Result]:
        """Do it all; return one result per control, in the order asked."""
        refused = self._why_not_ours()
        if refused is not None:
            self.failed = {control.key: refused for control in self.controls}
            return [self._result(control, Overlay(self.present)) for control in self.controls]
        if self.guard:
            self.guard.enter()
        recovery = None
        if self.journal and self.settles and not self.check:
            recovery = Recovery(self.journal, self.present, {control.key for control in self.controls})
        for _ in range(FAILURES_LIMIT):
            overlay = self._plan_all([control for control in self.controls if control.key not in self.failed])
            if self._culprits(overlay):
                continue
            if self.check or self._written(overlay):
                break
        else:
            self._fail_all(overlay, "the host kept changing while we worked; nothing more was tried")
        results = [self._result(control, overlay) for control in self.controls]
        if recovery:
            results = [recovery.completed(result) for result in results]
            self._renew([action for result in results if result.get("recovered") for action in result["after_actions"]])
        if self.guard:
            self.guard.settle(self.committer, took_over=bool(recovery and recovery.runs))
        if not self.check:
            self._end(recovery.runs if recovery else [])
        return results

    def _why_not_ours(self) -> Optional[str]:
        """Say why nothing may be written here, where another campaign holds this host, or ours does not."""
        if self.check or self.journal is None:
            return None
        return why_not_ours(self.host, self.journal.campaign, must_hold=self.must_hold_lease)

    def _end(self, others: Sequence[str]) -> None:
        """Say in the journal that this run reached its end, and with it those it took over from."""
        ended = [*others, *([self.name] if self.journaled else [])]
        if self.journal is None or not ended:
            return
        try:
            self.journal.write([{"event": "end", "run": run, "failed": self.failed} for run in ended])
        except OSError:
            # The disk is full: the run counts as unfinished, so the next one reports its changes again; none is lost.
            return

    def _plan_all(self, controls: Sequence[Control]) -> Overlay:
        """Plan one control after the other in memory; whoever cannot is left out."""
        overlay = Overlay(self.present)
        system = System(overlay)
        for control in controls:
            try:
                with overlay.transaction(control.key):
                    self.plan(control, system)
                    if overlay.has_work:
                        for action in self.reload:
                            system.after(action)
                    actions.refuse_unknown(overlay.pending_actions)
            except CannotApply as error:
                self.failed[control.key] = str(error)
            except Exception as error:
                # A defect of ours in one kind's plan must not take the other controls along.
                where = traceback.extract_tb(error.__traceback__)[-1]
                self.failed[control.key] = "our own defect: {}: {} ({}:{})".format(
                    type(error).__name__, error, os.path.basename(where.filename), where.lineno
                )
        if self.settles:
            self._refuse_contradictions(controls, overlay, system)
        return overlay

    def _refuse_contradictions(self, controls: Sequence[Control], overlay: Overlay, system: System) -> None:
        """A control that still wants something after all plans would undo another's work, at every run again."""
        losers = []
        for control in controls:
            if control.key in self.failed or not overlay.touches[control.key]:
                continue
            again = overlay.fork()
            try:
                with again.transaction(control.key):
                    self.plan(control, System(again))
            except CannotApply as error:
                losers.append((control.key, str(error)))
                continue
            if again.touches[control.key]:
                touch = again.touches[control.key][0]
                where = touch["kind"] + ":" + touch["name"]
                reason = (
                    "another control of this run wants something else of " + where + "; see which of the two is meant"
                )
                losers.append((control.key, reason))
        self.failed.update(losers)
        if losers:
            fresh = self._plan_all([control for control in controls if control.key not in self.failed])
            overlay.replace_with(fresh)

    def _culprits(self, overlay: Overlay) -> bool:
        """Validate the planned files; find who spoils them, and fail only those. True when anybody failed."""
        if not self.validate or not file_changes(overlay):
            return False
        said = self._refusal(overlay)
        if said is None:
            return False
        suspects = [
            control
            for control in self.controls
            if control.key not in self.failed and any(touch["kind"] == "file" for touch in overlay.touches[control.key])
        ]
        already = self._refusal(Overlay(self.present))
        accepted: List[Control] = []
        self._accept(
            suspects, accepted, "" if already is None else " (it was refused before our change, too: " + already + ")"
        )
        return True

    def _accept(self, group: List[Control], accepted: List[Control], remark: str) -> None:
        """Take in the group as a whole where the checker agrees, else by halves down to the culprits."""
        said = self._refusal(self._plan_all([*accepted, *group]))
        if said is None:
            accepted += group
        elif len(group) == 1:
            self.failed[group[0].key] = said + remark
        else:
            middle = len(group) // 2
            self._accept(group[:middle], accepted, remark)
            self._accept(group[middle:], accepted, remark)

    def _refusal(self, overlay: Overlay) -> Optional[str]:
        system = System(overlay)
        asked = [checker(system) if callable(checker) else checker for checker in self.validate]
        checkers = [argv for argv in asked if argv]
        if not checkers:
            return None
        try:
            self.validated = "before anything was replaced"
            return refusal(overlay, checkers)
        except NoNamespace as error:
            if self.check:
                self.validated = "not at all: no private mounts here (" + str(error) + "), and this is a check"
                return None
            self.validated = "in place, and put back where refused: no private mounts here (" + str(error) + ")"
            return self._refusal_in_place(overlay, checkers)

    def _refusal_in_place(self, overlay: Overlay, checkers: Sequence[Sequence[str]]) -> Optional[str]:
        """Write the files, ask, and put them back."""
        try:
            self.committer.commit(overlay, lambda: self._journal(overlay), only="file")
        except CommitFailed as error:
            self._put_back(only="file")
            return error.reason
        answers = [(argv, self.host.run(argv)) for argv in checkers]
        self._put_back(only="file")
        refused = [(argv, ran) for argv, ran in answers if ran.rc != 0]
        return "`" + " ".join(refused[0][0]) + "` refuses it: " + refused[0][1].said if refused else None

    def _written(self, overlay: Overlay) -> bool:
        """Write and reload. False when somebody failed on the way, so that the rest has to be planned anew."""
        wanted_actions = [action for key in overlay.touches for action in overlay.actions[key]]
        running = actions.running_units(self.host, wanted_actions)
        before = {unit: answers_of(self.host, unit) for unit in running - self.closes}
        try:
            self.committer.commit(overlay, lambda: self._journal(overlay))
        except Stale:
            return False
        except CommitFailed as error:
            return not self._blame(overlay, error)
        try:
            actions.perform(self.host, wanted_actions, running)
            actions.refuse_deaf(self.host, before)
        except CannotApply as error:
            self._fail_all(overlay, str(error) + self._retreat(wanted_actions, running, before))
        return True

    def _renew(self, wanted_actions: Sequence[str]) -> None:
        """Do what a killed run may not have come to; raise CannotApply, and leave its runs open, where that fails."""
        running = actions.running_units(self.host, wanted_actions)
        before = {unit: answers_of(self.host, unit) for unit in running - self.closes}
        actions.perform(self.host, wanted_actions, running)
        actions.refuse_deaf(self.host, before)

    def _retreat(self, wanted_actions: Sequence[str], running: Set[str], before: Dict[str, Answers]) -> str:
        """Put everything of this run back and have the services live on it; return how that went, for a sentence."""
        try:
            self._put_back()
        except CannotApply as error:
            return "; and " + str(error)
        troubles = [
            *actions.revive(self.host, wanted_actions, running),
            *actions.deaf(self.host, before),
        ]
        return "; everything of this run was put back" + "".join(", but " + trouble for trouble in troubles)

    def _fail_all(self, overlay: Overlay, reason: str) -> None:
        """Fail every control that has to do with a change."""
        for key, touches in overlay.touches.items():
            if touches:
                self.failed[key] = reason

    def _blame(self, overlay: Overlay, error: CommitFailed) -> bool:
        """Fail every control that touches what could not be written. True when there was one to blame."""
        touching = {
            key: [touch for touch in touches if (touch["kind"], touch["name"]) in error.where]
            for key, touches in overlay.touches.items()
            if addresses(touches) & set(error.where) and key not in self.failed
        }
        # Whoever only wants another mode may yet succeed where new content cannot be written.
        writing = [key for key, touches in touching.items() if any("sha256" in touch["after"] for touch in touches)]
        culprits = writing or list(touching)
        for key in culprits:
            self.failed[key] = error.reason
        if not culprits:
            # What we cannot put back is nobody's single fault: everybody has to know.
            self._fail_all(overlay, not_put_back(error))
        return bool(culprits)

    def _put_back(self, only: Optional[str] = None) -> None:
        try:
            self.committer.commit(Overlay(self.present), lambda: None, only=only)
        except CommitFailed as error:
            raise CannotApply(not_put_back(error)) from None

    def _journal(self, overlay: Overlay) -> None:
        """Have the plan of every control on disk before the first write."""
        if self.journal is None:
            return
        events: List[Dict[str, Any]] = [] if self.journaled else [{"event": "begin", "run": self.name}]
        for control in self.controls:
            touches = overlay.touches.get(control.key)
            if touches and control.key not in self.failed:
                event = {
                    "event": "plan",
                    "run": self.name,
                    "id": control.id,
                    "target": control.target,
                    "touches": touches,
                }
                events.append(dict(event, after_actions=overlay.actions[control.key]))
                self.journaled.add(control.key)
        try:
            self.journal.write(events)
        except OSError as error:
            every = [address for touches in overlay.touches.values() for address in sorted(addresses(touches))]
            raise CommitFailed(every, "the journal cannot be written: " + str(error.strerror)) from None

    def _result(self, control: Control, overlay: Overlay) -> Result:
        reason = self.failed.get(control.key)
        touches = [dict(touch) for touch in overlay.touches.get(control.key, [])]
        if reason is not None:
            # What could not be put back either is reported as the change it is, so that an undo can find it.
            touches = [touch for touch in touches if self.committer.is_changed((touch["kind"], touch["name"]))]
        if not self.check:
            self._settle(control, overlay, touches)
        shown = [self.present.resources[t["kind"]].difference(t["name"], t["before"], t["after"]) for t in touches]
        beyond = [self.present.resources[t["kind"]].beyond_undo(t["name"], t["before"], t["after"]) for t in touches]
        return {
            "id": control.id,
            "target": control.target,
            "changed": bool(touches),
            "failed": reason is not None,
            "reason": None if reason is None else bounded(reason, 1000),
            "touches": touches,
            "after_actions": overlay.actions.get(control.key, []) if touches else [],
            "beyond_undo": [said for said in beyond if said],
            "diff": bounded("\n".join(part for part in shown if part), DIFF_LIMIT_BYTES),
        }

    def _settle(self, control: Control, overlay: Overlay, touches: List[Dict[str, Any]]) -> None:
        """Give the last control that touched a resource the state that it really has now."""
        keys = list(overlay.touches)
        later = keys[keys.index(control.key) + 1 :] if control.key in keys else []
        after_us: Set[Address] = set()
        for key in later:
            after_us |= addresses(overlay.touches[key])
        for touch in touches:
            address = (touch["kind"], touch["name"])
            if address not in after_us:
                real = self.present.state(address)
                touch["after"] = {
                    part: value for part, value in real.items() if part != "sha256" or "sha256" in touch["after"]
                }


def addresses(touches: Sequence[Dict[str, Any]]) -> Set[Address]:
    """Return which resources the touches are about."""
    return {(touch["kind"], touch["name"]) for touch in touches}


def not_put_back(error: CommitFailed) -> str:
    """Say what nobody wants to hear."""
    return "{} could not be put back: {}".format(
        ", ".join(kind + ":" + name for kind, name in error.where), error.reason
    )


def carry_out(plan: Plan, controls: Sequence[Control], host: Host, **options: Any) -> List[Result]:
    """Run a plan over controls on a host; see `Run` for the options."""
    return Run(plan, controls, host, **options).carry_out()
