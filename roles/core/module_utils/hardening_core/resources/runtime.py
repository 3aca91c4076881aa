"""Running state that one command shows and another sets. State: `{"sha256"}` of the text.

The commands stand in the table below and nowhere else: an undo reads only the name from a record.
"""

from __future__ import annotations

import difflib
from typing import Dict, List, NamedTuple

from ..control import State
from ..errors import CannotApply
from ..merge import merge_text
from ..redact import redact
from .base import Resource


class Pair(NamedTuple):
    """`reader` prints the text; `writers` run in order; one that ends in `stdin` is fed `head` and the text."""

    reader: List[str]
    writers: List[List[str]]
    head: str = ""
    empty: str = ""  # what the reader prints instead of nothing
    stdin: str = "-"


def own_table(family: str, name: str) -> Pair:
    """Return the pair of one table of the packet filter; where it is not there, its text is empty."""
    table = family + " " + name
    listed = (
        'all=$(nft list tables "$1") || exit; case $all in *"table $1 $2"*) exec nft -s list table "$1" "$2";; esac'
    )
    return Pair(
        reader=["sh", "-c", listed, "sh", family, name],
        writers=[["nft", "-f", "-"]],
        # Naming it first makes the deletion good whether it was there or not; all of it is one transaction.
        head="table " + table + "\ndelete table " + table + "\n",
    )


PAIRS: Dict[str, Pair] = {
    "audit-rules": Pair(
        reader=["auditctl", "-l"],
        writers=[["auditctl", "-D"], ["auditctl", "-R", "/dev/stdin"]],
        empty="No rules\n",
        stdin="/dev/stdin",
    ),
    "nftables": Pair(reader=["nft", "-s", "list", "ruleset"], writers=[["nft", "-f", "-"]], head="flush ruleset\n"),
    **{
        "nft-" + family + "-" + purpose: own_table(family, "hardening_" + purpose)
        for family in ("ip", "ip6")
        for purpose in ("input", "forward", "loopback")
    },
}


class RuntimeResource(Resource):
    """One pair, by its name."""

    kind = "runtime"
    rank = 75

    def read(self, name: str) -> State:
        """Ask the reader."""
        pair = self._pair(name)
        text = self.host.must(pair.reader)
        if pair.empty and text == pair.empty:
            text = ""
        return {"sha256": self.host.store.add(text.encode("utf-8", "surrogateescape"))}

    def write(self, name: str, present: State, wanted: State) -> None:
        """Run the writers."""
        pair = self._pair(name)
        text = self.host.store.get(wanted["sha256"]).decode("utf-8", "surrogateescape")
        for writer in pair.writers:
            if writer[-1] == pair.stdin:
                if text or pair.head:
                    self.host.must(writer, stdin=pair.head + text)
            else:
                self.host.must(writer)

    def holds(self, present: State, wanted: State) -> bool:
        """Compare the texts; what a writer rewrites in its own fashion is read back as `settled`."""
        return bool(present["sha256"] == wanted["sha256"])

    def merge(self, name: str, base: State, ours: State, theirs: State) -> State:
        """Merge by line."""
        contents = [self.host.store.get(state["sha256"]) for state in (base, ours, theirs)]
        merged = merge_text("runtime:" + name, *contents)
        return {"sha256": self.host.store.add(merged or b"")}

    def forced(self, name: str, base: State, ours: State, theirs: State) -> State:
        """Go over the lines that were edited."""
        contents = [self.host.store.get(state["sha256"]) for state in (base, ours, theirs)]
        return {"sha256": self.host.store.add(merge_text("runtime:" + name, *contents, force=True) or b"")}

    def difference(self, name: str, before: State, after: State) -> str:
        """Show a unified diff."""
        texts = [
            self.host.store.get(state["sha256"]).decode("utf-8", "replace").splitlines() for state in (before, after)
        ]
        return redact(
            "\n".join(difflib.unified_diff(texts[0], texts[1], "before " + name, "after " + name, lineterm="", n=1))
        )

    @staticmethod
    def _pair(name: str) -> Pair:
        if name not in PAIRS:
            raise CannotApply(repr(name) + " is no runtime; see resources/runtime.py")
        return PAIRS[name]
