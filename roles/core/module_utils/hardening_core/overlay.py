"""What the host would be after the plan so far: reads come from the host once, writes stay in memory."""

from __future__ import annotations

import contextlib
from typing import Any, Dict, Iterator, List, Tuple

from .control import State
from .host import Host
from .resources import resources_of
from .resources.file import FileResource

Address = Tuple[str, str]


class Present:
    """The real states, read once each and kept true by who writes; and what they were before the first write."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.resources = resources_of(host)
        self.states: Dict[Address, State] = {}
        self.original: Dict[Address, State] = {}

    def state(self, address: Address) -> State:
        """Return the real state of a resource."""
        if address not in self.states:
            self.states[address] = self.resources[address[0]].read(address[1])
        return self.states[address]

    def with_content(self, address: Address) -> State:
        """Return the real state of a file, digest of its content included."""
        self.states[address] = self._with_content(address, self.state(address))
        return self.states[address]

    def first(self, address: Address) -> State:
        """Return the state that the run found: plans are made on it, even after something was written."""
        return self.original[address] if address in self.original else self.state(address)

    def first_with_content(self, address: Address) -> State:
        """Return the state that the run found, digest of a file's content included."""
        if address not in self.original:
            return self.with_content(address)
        # Without a digest only mode or owner were written: the content is still the first one.
        self.original[address] = self._with_content(address, self.original[address])
        return self.original[address]

    def holds(self, address: Address, state: State) -> bool:
        """Tell whether the real state is this one."""
        return self.resources[address[0]].holds(self.state(address), state)

    def _with_content(self, address: Address, state: State) -> State:
        file = self.resources["file"]
        assert isinstance(file, FileResource)
        return file.with_content(address[1], state)


class Overlay:
    """Staged states over the present ones, with what each control did."""

    def __init__(self, present: Present) -> None:
        self.present = present
        self.staged: Dict[Address, State] = {}
        self.touches: Dict[str, List[Dict[str, Any]]] = {}
        self.actions: Dict[str, List[str]] = {}
        self._before: Dict[Address, State] = {}
        self._actions: List[str] = []

    def state(self, address: Address) -> State:
        """Return the state as planned so far."""
        if address in self.staged:
            return self.staged[address]
        return self.present.first(address)

    def with_content(self, address: Address) -> State:
        """Return the state of a file as planned so far, with its content at hand."""
        real = self.present.first_with_content(address)
        staged = self.staged.get(address)
        if staged is None:
            return real
        if staged["type"] == "file" and "sha256" not in staged and real["type"] == "file":
            staged = self.staged[address] = dict(staged, sha256=real["sha256"])
        return staged

    def stage(self, address: Address, state: State) -> None:
        """Plan a state for a resource."""
        self._before.setdefault(address, self.state(address))
        self.staged[address] = state
        for name in self.present.resources[address[0]].dragged_along(address[1]):
            self.staged.setdefault((address[0], name), self.state((address[0], name)))

    def wanted(self) -> Dict[Address, State]:
        """Return every state the host shall have: the planned ones, and the first one of what was written before."""
        return {**self.present.original, **self.staged}

    def act(self, action: str) -> None:
        """Plan something to be done once after all writes."""
        if action not in self._actions:
            self._actions.append(action)

    @property
    def has_work(self) -> bool:
        """True when the control being planned has changed anything so far."""
        return any(self.staged[address] != before for address, before in self._before.items())

    @property
    def pending_actions(self) -> List[str]:
        """What the control being planned wants done after the writes."""
        return list(self._actions)

    def fork(self) -> Overlay:
        """Return an overlay that starts from what is staged here and leaves this one alone."""
        forked = Overlay(self.present)
        forked.staged = dict(self.staged)
        return forked

    def replace_with(self, other: Overlay) -> None:
        """Be what the other is."""
        self.staged, self.touches, self.actions = other.staged, other.touches, other.actions

    @contextlib.contextmanager
    def transaction(self, key: str) -> Iterator[None]:
        """Attribute what is staged within to one control; an exception takes all of it back."""
        kept = dict(self.staged)
        self._before, self._actions = {}, []
        try:
            yield
        except BaseException:
            self.staged = kept
            raise
        touches = [self._touch(address, before) for address, before in self._before.items()]
        self.touches[key] = [touch for touch in touches if touch["before"] != touch["after"]]
        self.actions[key] = list(self._actions) if self.touches[key] else []

    def _touch(self, address: Address, before: State) -> Dict[str, Any]:
        after = self.staged[address]
        if before.get("type") == "file":
            # The content may have been read after the mode was staged: it is still what was there before.
            before = dict(before, sha256=before.get("sha256", self.present.first(address).get("sha256")))
            if before["sha256"] is None or (
                after["type"] == "file" and before["sha256"] == after.get("sha256", before["sha256"])
            ):
                # Content that was read but not changed is none of this control's business.
                before, after = (
                    {part: value for part, value in s.items() if part != "sha256"} for s in (before, after)
                )
        return {"kind": address[0], "name": address[1], "before": before, "after": after}
