"""Find on a host what a rule takes, and delete what was planned of it: GNU find over one session, no Python there.

`find -P` follows no symlink and walks by descriptors of directories, so nobody can lead it elsewhere while it walks;
`-xdev` stays on the file system. `-delete` deletes what the same find has just tested again: inode, path, size, age.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from shlex import quote
from typing import Any

from hardening.cleaning.rules import Rule, Sort

# With a clock further off, nobody can tell how old a file is.
CLOCK_S = 300
# One argument of a Linux program takes 128 KiB, all of them two MiB.
BATCH_FILES, BATCH_BYTES = 200, 60_000
OPEN = "open in a process"
# Regular files that any process holds open, or has mapped.
_OPEN = (
    "find -L /proc/[0-9]*/fd /proc/[0-9]*/map_files -maxdepth 1 -type f -printf '%D:%i\\n' 2>/dev/null | sort -u;"
    " echo end"
)


class Refused(Exception):
    """The host, or the directory of a rule, is not what it should be; the message says why."""


@dataclass(frozen=True, kw_only=True, order=True)
class Found:
    """One file that a rule takes: `identity` is device and inode, `modified` seconds since 1970, as find has them."""

    path: str
    bytes: int
    modified: str
    identity: str


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What a rule takes on one host, and what it leaves, by reason."""

    found: tuple[Found, ...]
    left: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Deleted:
    """What went, and why what stayed did, by path."""

    gone: tuple[str, ...]
    stayed: Mapping[str, str]


def look_for(host: Any, rule: Rule, *, now: datetime) -> Sighting:
    """Return what a rule takes on a host. Raises Refused where that cannot be told for sure."""
    place = quote(rule.directory)
    if host.run(f"test -e {place} -o -L {place}").rc != 0:
        return Sighting(found=(), left={})
    _make_sure(host, rule, now)
    done = host.run(f"{_find(rule)} -printf '%D:%i %n %s %T@ %p\\0'")
    if done.rc != 0:
        raise Refused(f"find answered {done.rc}: {done.stderr.strip()[:200]}")
    opened = open_files(host)
    found: list[Found] = []
    left: dict[str, int] = {}
    for record in done.stdout_bytes.split(b"\0")[:-1]:
        identity, links, size, modified, name = record.split(b" ", 4)
        reason = _why_left(identity.decode(), int(links), name, opened)
        if reason:
            left[reason] = left.get(reason, 0) + 1
        else:
            found.append(
                Found(path=name.decode(), bytes=int(size), modified=modified.decode(), identity=identity.decode())
            )
    if len(found) > rule.at_most_files:
        raise Refused(
            f"{len(found)} files fit, and the rule expects at most {rule.at_most_files}: see what they are, "
            "then raise at_most_files"
        )
    return Sighting(found=tuple(sorted(found)), left=left)


def _why_left(identity: str, links: int, name: bytes, opened: Collection[str]) -> str:
    if identity in opened:
        return OPEN
    if links != 1:
        return "has a second name (hard link)"
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return "its name is no text"
    return "" if text.isprintable() else "its name cannot be shown"


def _make_sure(host: Any, rule: Rule, now: datetime) -> None:
    place = quote(rule.directory)
    done = host.run(
        f"id -u && find --version 2>&1 | head -n 1 && date +%s && readlink -f -- {place} && "
        f"test -d {place} && ! test -L {place}"
    )
    lines = str(done.stdout).splitlines()
    if not lines or lines[0] != "0":
        raise Refused("only root sees which files are open; let the inventory become root")
    if len(lines) < 2 or "GNU findutils" not in lines[1]:
        raise Refused("its find is not GNU's, and may follow what it must not")
    if len(lines) < 3 or abs(int(lines[2]) - now.timestamp()) > CLOCK_S:
        raise Refused(f"its clock is more than {CLOCK_S} s off, so that the age of its files cannot be told")
    if len(lines) < 4 or lines[3] != rule.directory or done.rc != 0:
        raise Refused(f"{rule.directory} is no directory, or leads elsewhere by a symlink")


def open_files(host: Any) -> frozenset[str]:
    """Return device and inode of every regular file that a process holds now. Raises Refused where /proc is mute."""
    *opened, end = str(host.run(_OPEN, memo=False).stdout).splitlines() or [""]
    if end != "end" or not opened:
        raise Refused("/proc does not show which files are open")
    return frozenset(opened)


def _find(rule: Rule) -> str:
    words = ["find", "-P", rule.directory, "-xdev", "-mindepth", "1", "-maxdepth", str(rule.depth), "-type", "f"]
    older = f"+{rule.older_than_days * 1440}"
    words += ["-mmin", older, "(", *_any("-name", rule.names), ")"]
    if rule.sort is Sort.TEMPORARY:
        # What was unpacked or moved here today keeps its old date. A log that was rotated is younger by this, too.
        words += ["-cmin", older]
    for name in (*rule.without, *rule.never):
        words += ["!", "-name", name]
    for name in rule.without:
        words += ["!", "-path", f"*/{name}/*"]
    return " ".join(map(quote, words))


def _any(test: str, values: Iterable[str]) -> Iterator[str]:
    for number, value in enumerate(values):
        yield from (("-o",) if number else ())
        yield from (test, value)


def delete(host: Any, rule: Rule, planned: Sequence[Found], *, now: datetime) -> Deleted:
    """Delete what was planned and is still as it was.

    Raises Refused, before anything is gone, where the host is not what it should be.
    """
    _make_sure(host, rule, now)
    gone: list[str] = []
    stayed: dict[str, str] = {}
    for batch in batches(planned):
        try:
            opened = open_files(host)
        except Refused as refusal:
            if not gone:
                raise
            stayed |= {each.path: str(refusal) for each in batch}
            continue
        still = [each for each in batch if each.identity not in opened]
        stayed |= {each.path: OPEN for each in batch if each.identity in opened}
        if still:
            went, why = _delete(host, rule, still)
            gone += [each.path for each in still if each.path in went]
            stayed |= {each.path: why for each in still if each.path not in went}
    return Deleted(gone=tuple(gone), stayed=stayed)


def _delete(host: Any, rule: Rule, files: Sequence[Found]) -> tuple[set[str], str]:
    """Return the paths that went, and why the others did not.

    Where a session is lost, what it was asked last is asked again, and then there is nothing left to delete and to
    name. So what was there right before and is there no more has gone, whatever the answer names.
    """
    these = f"{_find(rule)} -links 1 {_one_of(files)}"
    before, _ = _named(host, f"{these} -printf '%p\\0'")
    went, failed = _named(host, f"{these} -delete -printf '%p\\0'")
    if before - went:
        left, lost = _named(host, f"{these} -printf '%p\\0'")
        failed = failed or lost
        went |= set() if lost else before - left
    return went, failed or "it changed since the plan, or is gone"


def _named(host: Any, command: str) -> tuple[set[str], str]:
    """Return the paths that a find names, and what it complains of."""
    done = host.run(command, memo=False)
    complaint = (done.stderr.strip()[:200] or f"find answered {done.rc}") if done.rc != 0 else ""
    return {path.decode() for path in done.stdout_bytes.split(b"\0")[:-1]}, complaint


def _one_of(files: Sequence[Found]) -> str:
    """Return find's test for the very files that were planned: inode, size, and path."""
    words = ["("]
    for number, each in enumerate(files):
        inode = each.identity.partition(":")[2]
        words += [*(("-o",) if number else ()), "(", "-inum", inode, "-size", f"{each.bytes}c"]
        words += ["-path", re.sub(r"([*?\[\]\\])", r"\\\1", each.path), ")"]
    return " ".join(map(quote, [*words, ")"]))


def batches(planned: Sequence[Found]) -> Iterator[list[Found]]:
    """Yield what one command line has room for."""
    batch: list[Found] = []
    for each in planned:
        if batch and (len(batch) == BATCH_FILES or sum(len(other.path) + 80 for other in batch) > BATCH_BYTES):
            yield batch
            batch = []
        batch.append(each)
    if batch:
        yield batch
