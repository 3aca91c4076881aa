"""What every kind of resource can do: be read, be written, be merged when it was changed since, be shown."""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

from ..control import State
from ..errors import ChangedSince
from ..host import Host


class Resource:
    """One kind of thing that can be read into a JSON state and written from one.

    Rank orders writing: packages come first, running state last.
    """

    kind = ""
    rank = 50
    drifts = False  # Writing one can change another of the kind.
    together = False  # All of the kind are written by one call of `write_together`.

    def __init__(self, host: Host) -> None:
        self.host = host

    def read(self, name: str) -> State:
        """Return the present state; raise CannotApply where it cannot be seen."""
        raise NotImplementedError

    def dragged_along(self, name: str) -> Sequence[str]:
        """Return those that the system changes when this one is written, and that are to stay as they are."""
        return ()

    def prepare(self, name: str, present: State, wanted: State) -> None:
        """Find out, before anything is written, that `write` will work; clean up with `abandon`."""

    def abandon(self, name: str) -> None:
        """Remove what `prepare` left."""

    def write(self, name: str, present: State, wanted: State) -> None:
        """Make it so; raise CannotApply with the reason where that fails."""
        raise NotImplementedError

    def write_together(self, items: Sequence[Tuple[str, State, State]]) -> None:
        """Write several (name, present, wanted); raise SomeNotWritten where only some of them failed."""
        for name, present, wanted in items:
            self.write(name, present, wanted)

    def settled(self, name: str, wanted: State) -> State:
        """Return what really became of a written state; read again by default."""
        return self.read(name)

    def holds(self, present: State, wanted: State) -> bool:
        """Tell whether the present state is the wanted one."""
        return all(present.get(part) == value for part, value in wanted.items()) and set(present) <= set(wanted)

    def merge(self, name: str, base: State, ours: State, theirs: State) -> State:
        """Take the step from `base` to `theirs` on `ours`, by part; raise ChangedSince where both changed one."""
        merged = dict(ours)
        for part in sorted(set(base) | set(ours) | set(theirs)):
            was, now, back = base.get(part), ours.get(part), theirs.get(part)
            if back in (was, now):
                continue
            if now != was:
                raise ChangedSince(
                    "{}:{} {} is {!r}; we left {!r} and would put back {!r}".format(
                        self.kind, name, part, now, was, back
                    )
                )
            if part in theirs:
                merged[part] = back
            else:
                del merged[part]
        return merged

    def forced(self, name: str, base: State, ours: State, theirs: State) -> State:
        """Take the step from `base` to `theirs` over `ours`, whatever somebody made of it; what others did stays."""
        return theirs

    def difference(self, name: str, before: State, after: State) -> str:
        """Show a person what changed."""
        lines: List[str] = []
        for part in sorted(set(before) | set(after)):
            if before.get(part) != after.get(part):
                lines.append("{}:{} {}: {!r} -> {!r}".format(self.kind, name, part, before.get(part), after.get(part)))
        return "\n".join(lines)

    def beyond_undo(self, name: str, before: State, after: State) -> str:
        """Say what no undo of this step brings back, or nothing where all of it comes back."""
        return ""

    def contents(self, state: State) -> Tuple[str, ...]:
        """Return the digests of contents that must be kept for this state to be put back."""
        digest: Optional[str] = state.get("sha256")
        return (digest,) if digest else ()
