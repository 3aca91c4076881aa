"""Writing what was planned: contents and journal first, then everything prepared, then each resource in one step."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from .control import State
from .errors import CannotApply, SomeNotWritten
from .locks import Busy, held
from .overlay import Address, Overlay, Present

UNIT_DIRECTORIES = ("/etc/systemd/", "/lib/systemd/", "/usr/lib/systemd/", "/run/systemd/")


class CommitFailed(Exception):
    """Resources could not be written; the others may have been, and `Present` knows which."""

    def __init__(self, where: Sequence[Address], reason: str) -> None:
        super().__init__(reason)
        self.where = list(where)
        self.reason = reason


class Stale(Exception):
    """What we planned on has changed meanwhile; plan again."""


class Committer:
    """Writes overlays one after the other."""

    def __init__(self, present: Present) -> None:
        self.present = present
        self.host = present.host
        # Called with the overlay and what is about to be written, before the first write; it may refuse.
        self.before_writing: Optional[Callable[[Overlay, List[Tuple[Address, State]]], None]] = None

    def commit(self, overlay: Overlay, journal: Callable[[], None], only: Optional[str] = None) -> None:
        """Have the host as the overlay says, and everything written before but not in it as it was at first.

        `only` limits it to one kind of resource. Raises CommitFailed for the first resource that cannot be written.
        """
        wanted = overlay.wanted()
        todo = [
            (address, state)
            for address, state in wanted.items()
            if (only is None or address[0] == only) and not self.present.holds(address, state)
        ]
        todo.sort(key=lambda item: self.order(*item))
        if not todo:
            return
        self._keep(overlay, todo)
        journal()
        try:
            with held(self.host, [address for address, _ in todo]):
                self._refuse_stale(todo)
                self._prepare(todo)
                self._guard(overlay, todo)
                self._write_all(list(todo))
                self._write_again(wanted, only)
        except Busy as error:
            raise CommitFailed([address for address, _ in todo], str(error)) from None

    def _write_again(self, wanted: Dict[Address, State], only: Optional[str]) -> None:
        """Writing one kernel parameter can change others (ip_forward resets accept_redirects): set those right."""
        for address, state in wanted.items():
            if self.present.resources[address[0]].drifts and (only is None or address[0] == only):
                del self.present.states[address]
                if not self.present.holds(address, state):
                    self._write([(address, state)])

    def _write_all(self, todo: List[Tuple[Address, State]]) -> None:
        needs_daemon_reload = False
        while todo:
            address, state = todo.pop(0)
            group = [(address, state)]
            while self.present.resources[address[0]].together and todo and todo[0][0][0] == address[0]:
                group.append(todo.pop(0))
            if needs_daemon_reload and address[0] == "unit":
                self.host.run(["systemctl", "daemon-reload"])
                needs_daemon_reload = False
            self._write(group)
            needs_daemon_reload = needs_daemon_reload or (
                address[0] == "file" and address[1].startswith(UNIT_DIRECTORIES)
            )
        if needs_daemon_reload:
            self.host.run(["systemctl", "daemon-reload"])

    def _refuse_stale(self, todo: List[Tuple[Address, State]]) -> None:
        """Raise Stale where somebody else wrote since we read; our plan was made on what is no longer so."""
        self.host.forget()
        stale = False
        for address, _ in todo:
            known = self.present.states.pop(address)
            fresh = (
                self.present.with_content(address)
                if "sha256" in known and address[0] == "file"
                else self.present.state(address)
            )
            stale = stale or fresh != known
        if stale:
            raise Stale()

    def is_changed(self, address: Address) -> bool:
        """Tell whether a resource is not what it was before this run wrote."""
        original = self.present.original
        return address in original and not self.present.holds(address, original[address])

    def order(self, address: Address, state: State) -> Tuple[int, bool, int, str]:
        """Packages, files, running state; makings from the top down, removals after them from the bottom up."""
        removes = state.get("type") == "absent"
        depth = address[1].count("/")
        return (self.present.resources[address[0]].rank, removes, -depth if removes else depth, address[1])

    def _keep(self, overlay: Overlay, todo: List[Tuple[Address, State]]) -> None:
        """Have every content before and after each control on disk, or refuse to begin."""
        states = [*todo, *((address, self.present.state(address)) for address, _ in todo)]
        for touches in overlay.touches.values():
            for touch in touches:
                states += [((touch["kind"], touch["name"]), touch[side]) for side in ("before", "after")]
        digests = [digest for address, state in states for digest in self.present.resources[address[0]].contents(state)]
        try:
            self.host.store.keep(digests)
        except OSError as error:
            reason = "the contents before cannot be kept in " + self.host.store.directory + ": " + str(error.strerror)
            raise CommitFailed([address for address, _ in todo], reason + "; nothing was written") from None

    def _prepare(self, todo: List[Tuple[Address, State]]) -> None:
        prepared: List[Address] = []
        for address, state in todo:
            resource = self.present.resources[address[0]]
            try:
                prepared.append(address)
                resource.prepare(address[1], self.present.state(address), state)
            except CannotApply as error:
                for kind, name in prepared:
                    self.present.resources[kind].abandon(name)
                raise CommitFailed([address], str(error)) from None

    def _guard(self, overlay: Overlay, todo: List[Tuple[Address, State]]) -> None:
        if self.before_writing is None:
            return
        try:
            self.before_writing(overlay, list(todo))
        except (CannotApply, OSError) as error:
            for (kind, name), _ in todo:
                self.present.resources[kind].abandon(name)
            raise CommitFailed([address for address, _ in todo], "{}; nothing was written".format(error)) from None

    def _write(self, group: List[Tuple[Address, State]]) -> None:
        resource = self.present.resources[group[0][0][0]]
        for address, _ in group:
            self.present.original.setdefault(address, self.present.state(address))
        try:
            if resource.together:
                resource.write_together([(address[1], self.present.state(address), state) for address, state in group])
            else:
                address, state = group[0]
                resource.write(address[1], self.present.state(address), state)
        except SomeNotWritten as error:
            reason, failed = str(error), [address for address, _ in group if address[1] in error.names]
        except CannotApply as error:
            reason, failed = str(error), [address for address, _ in group]
        else:
            reason, failed = "", []
        for address, state in group:
            before = self.present.states.pop(address)
            self.present.states[address] = resource.read(address[1]) if reason else resource.settled(address[1], state)
            if "sha256" in before and address[0] == "file":
                self.present.with_content(address)
        if failed:
            raise CommitFailed(failed, reason)
        for address, state in group:
            if not self.present.holds(address, state):
                wrong = self.present.resources[address[0]].difference(address[1], state, self.present.state(address))
                raise CommitFailed([address], "{}:{} was written, and is not as wanted: {}".format(*address, wrong))


def bounded(text: str, limit_bytes: int) -> str:
    """Cut a text to so many bytes, and say so."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit_bytes:
        return raw.decode("utf-8", "replace")
    note = "\n[cut]"
    return raw[: limit_bytes - len(note)].decode("utf-8", "ignore") + note


Result = Dict[str, Any]
