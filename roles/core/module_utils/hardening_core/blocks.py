"""A drop-in: what was there, then our heading, then one block per control under a comment line with the control's id.

The heading says how the file began, so the file is what it was when the last block has left, whatever the order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Dict, List

from .errors import CannotApply

MADE = "hardening: this file is ours, one block per control; it goes with the last one"
JOINED = "hardening: below, one block per control"
JOINED_NO_NEWLINE = "hardening: below, one block per control (no newline before)"
HEADINGS = (MADE, JOINED, JOINED_NO_NEWLINE)
HEADING_LINE = re.compile(
    r"^(?P<comment>\S{1,3}) (?P<heading>" + "|".join(re.escape(text) for text in HEADINGS) + r")\n", re.MULTILINE
)


@dataclass(frozen=True)
class Blocks:
    """The parts of a drop-in. `preamble` are lines that must stand once above the blocks (a section name)."""

    foreign: str = ""
    heading: str = ""
    comment: str = "#"
    preamble: str = ""
    blocks: Dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Blocks:
        """Take a file's text apart; without our heading, all of it is foreign."""
        found = HEADING_LINE.search(text)
        if found is None:
            return cls(foreign=text)
        comment, heading = found.group("comment"), found.group("heading")
        opening = re.compile(r"^" + re.escape(comment) + r" (?P<key>[a-z0-9]+(?:_[a-z0-9]+)+(?: @\S+)?)$")
        foreign = text[: found.start()]
        preamble: List[str] = []
        blocks: Dict[str, List[str]] = {}
        lines = preamble
        for line in text[found.end() :].splitlines(True):
            start = opening.match(line.rstrip("\n"))
            if start and start.group("key") not in blocks:
                lines = blocks.setdefault(start.group("key"), [])
            else:
                lines.append(line)
        return cls(
            foreign=foreign[:-1] if heading == JOINED_NO_NEWLINE else foreign,
            heading=heading,
            comment=comment,
            preamble="".join(preamble),
            blocks={key: "".join(block) for key, block in blocks.items()},
        )

    @property
    def is_managed(self) -> bool:
        """True when the text has our heading."""
        return bool(self.heading)

    @property
    def is_gone(self) -> bool:
        """True when we made the file and nothing is left in it."""
        return self.heading == MADE and not self.blocks and not self.foreign

    @property
    def text(self) -> str:
        """The whole file."""
        if not self.blocks:
            return self.foreign
        newline = "\n" if self.heading == JOINED_NO_NEWLINE else ""
        parts = [self.foreign, newline, self.comment, " ", self.heading, "\n", self.preamble]
        for key, block in self.blocks.items():
            parts += [self.comment, " ", key, "\n", block]
        return "".join(parts)

    def with_block(self, key: str, block: str) -> Blocks:
        """Return it with one control's block set; a new block comes last."""
        if not re.match(r"^[a-z0-9]+(?:_[a-z0-9]+)+(?: @\S+)?$", key):
            raise CannotApply("a drop-in's block needs a control id (and ` @instance`), not " + repr(key))
        if not block.endswith("\n"):
            block += "\n"
        return replace(self, blocks={**self.blocks, key: block})

    def without(self, key: str) -> Blocks:
        """Return it without one control's block."""
        return replace(self, blocks={name: block for name, block in self.blocks.items() if name != key})

    def headed(self, *, existed: bool, comment: str, preamble: str) -> Blocks:
        """Return it with a heading that remembers how the file began; one that has a heading keeps it."""
        if self.is_managed:
            return self
        ends_well = not self.foreign or self.foreign.endswith("\n")
        heading = (JOINED if ends_well else JOINED_NO_NEWLINE) if existed else MADE
        return replace(self, heading=heading, comment=comment, preamble=preamble)
