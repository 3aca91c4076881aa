"""What a family of fusable commands is: how to recognise one, how to ask many at once, how to cut the reply up.

The rule of all families: a reply is given only where it is certain to be, byte for byte and with its exit code,
what the single command would have answered. Where there is any doubt the command is left out, and asked singly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Answer(NamedTuple):
    """Exit code, standard output and standard error of one command."""

    exit_code: int
    stdout: bytes
    stderr: bytes = b""


@dataclass(frozen=True, slots=True)
class Member:
    """One recognised command. Members of one `group` can be asked together; `subject` is what it asks about."""

    command: str
    group: tuple[str, ...]
    subject: str
    wants: str = ""


@dataclass(frozen=True, kw_only=True)
class Family:
    """One kind of fused read. `cut` returns the answers it is certain of, by command."""

    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], Member | None]
    ask: Callable[[Sequence[Member]], str]
    cut: Callable[[Sequence[Member], Answer], Mapping[str, Answer]]

    def member(self, command: str) -> Member | None:
        """Return the command as a member of this family, or None."""
        found = self.pattern.fullmatch(command)
        return None if found is None else self.read(found)


# Paths and names that every program prints as they are: no blank, nothing a shell or a message would quote.
PLAIN = r"[\w./:@%+,-]+"
PATH = rf"(?P<path>/{PLAIN}|'/[\w./:@%+,-]+')"


def subjects(members: Sequence[Member]) -> list[str]:
    """Return what is asked about, each once, in order."""
    return list(dict.fromkeys(member.subject for member in members))


def lines_of(output: bytes) -> list[bytes] | None:
    """Return the lines of an output without their ends; None when the last one has no end."""
    if output and not output.endswith(b"\n"):
        return None
    return output.split(b"\n")[:-1]


def complaints_about(names: Sequence[str], stderr: bytes) -> dict[str, bytes] | None:
    """Return the one line of complaint about each name, in any quotes; None if a line is about none or several."""
    lines = lines_of(stderr)
    if lines is None:
        return None
    found: dict[str, bytes] = {}
    for line in lines:
        words = {word.strip("'\"‘’`:,;()") for word in line.decode("utf-8", "replace").split()}
        about = [name for name in names if name in words]
        if len(about) != 1 or about[0] in found:
            return None
        found[about[0]] = line + b"\n"
    return found
