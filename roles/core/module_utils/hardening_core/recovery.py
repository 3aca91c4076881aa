"""What a killed run of the same campaign had written already: its changes are reported by the run that follows."""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Set

from .commit import Result, bounded
from .errors import CannotApply
from .journal import Journal
from .overlay import Present

DIFF_LIMIT_BYTES = 4096


class Recovery:
    """The plans that unfinished runs of this campaign had for these controls, and what stood there when we came.

    `runs` are those that had plans for no others: they are at their end with the run that follows.
    """

    def __init__(self, journal: Journal, present: Present, controls: Collection[str]) -> None:
        self.present = present
        self.events: Dict[str, List[Dict[str, Any]]] = {}
        runs: Dict[str, None] = {}
        others: Set[str] = set()
        for event in journal.unfinished():
            key = event["target"] + "::" + event["id"]
            if key in controls:
                runs[event["run"]] = None
                self.events.setdefault(key, []).append(event)
            else:
                others.add(event["run"])
        self.runs = [run for run in runs if run not in others]
        for events in self.events.values():
            for event in events:
                for touch in event["touches"]:
                    # A file beside another that was never renamed.
                    present.resources[touch["kind"]].abandon(touch["name"])

    def completed(self, result: Result) -> Result:
        """Return the result with the touches of the killed run that are in force and that this run found in place."""
        ours = {(touch["kind"], touch["name"]) for touch in result["touches"]}
        recovered: Dict[Any, Dict[str, Any]] = {}
        after_actions: List[str] = []
        # A control can be planned several times in a run: the last plan is what was written.
        for event in self.events.get(result["target"] + "::" + result["id"], [])[-1:]:
            for touch in event["touches"]:
                address = (touch["kind"], touch["name"])
                if address not in ours and not result["failed"] and self._was_written(touch):
                    recovered[address] = touch
                    after_actions = event["after_actions"]
        if not recovered:
            return result
        shown = [result["diff"]] + [
            self.present.resources[touch["kind"]].difference(touch["name"], touch["before"], touch["after"])
            for touch in recovered.values()
        ]
        return dict(
            result,
            changed=True,
            touches=[*recovered.values(), *result["touches"]],
            after_actions=list(dict.fromkeys([*result["after_actions"], *after_actions])),
            diff=bounded("\n".join(part for part in shown if part), DIFF_LIMIT_BYTES),
            recovered=True,
        )

    def _was_written(self, touch: Dict[str, Any]) -> bool:
        """A planned write that never happened left what was before."""
        address = (touch["kind"], touch["name"])
        try:
            state = self.present.with_content(address) if "sha256" in touch["before"] else self.present.state(address)
        except CannotApply:
            return True
        return not self.present.resources[touch["kind"]].holds(state, touch["before"])
