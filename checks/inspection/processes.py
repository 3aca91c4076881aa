"""Processes that are not as they should be."""

from __future__ import annotations

from typing import Any

from checks import CannotLook, read
from checks.inspection.marking import look
from checks.inspection.reading import lines, number

# One line for each process: its number, how many files it holds open, how many it may. A process that ends meanwhile
# has no line.
_DESCRIPTORS = (
    "for p in /proc/[0-9]*; do n=$(ls $p/fd 2>/dev/null | wc -l);"
    " m=$(sed -n 's/^Max open files  *\\([0-9]*\\) .*/\\1/p' $p/limits 2>/dev/null);"
    ' [ -n "$m" ] && [ "$n" -gt 0 ] && echo "${p#/proc/} $n $m $(cat $p/comm)"; done; true'
)


@look
def process_descriptor_use(host: Any) -> float:
    """Return the highest share of its open files that any process has used, in percent."""
    shares = [
        100 * number(used, "open files") / number(most, "the limit")
        for _, used, most, *_ in (line.split() for line in lines(read(host, _DESCRIPTORS)))
        if number(most, "the limit") > 0
    ]
    if not shares:
        raise CannotLook("no process shows its open files; that takes root")
    return round(max(shares), 1)


@look
def zombies(host: Any) -> float:
    """Return how many processes have ended and nobody has asked how."""
    states = lines(read(host, "ps -e -o stat="))
    if not states:
        raise CannotLook("ps named no process")
    return float(sum(state.startswith("Z") for state in states))


@look
def uninterruptible(host: Any) -> float:
    """Return how many processes wait for a device or a file server and cannot be interrupted."""
    states = lines(read(host, "ps -e -o stat="))
    if not states:
        raise CannotLook("ps named no process")
    return float(sum(state.startswith("D") for state in states))


@look
def deleted_programs(host: Any) -> list[str]:
    """Return the programs that run although their file was deleted or replaced: an update that is not in force."""
    listed = read(host, "ls -l /proc/[0-9]*/exe 2>/dev/null | sed -n 's/.* -> \\(.*\\) (deleted)$/\\1/p'; true")
    return sorted(set(lines(listed)))
