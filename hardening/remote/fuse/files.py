"""Fused reads of files: stat, cat and checksums of many paths in one call."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from hardening.remote.fuse.family import PATH, Answer, Family, Member, complaints_about, lines_of, subjects

_BETWEEN = "\x1f"


def _path(found: re.Match[str]) -> str:
    return found["path"].strip("'")


def _read_stat(found: re.Match[str]) -> Member | None:
    words = shlex.split(found["format"])
    if len(words) != 1 or _BETWEEN in words[0]:
        return None
    follow = "L" if "L" in found["follow"] else ""
    return Member(found.string, ("stat", follow), _path(found), wants=words[0])


def _formats(members: Sequence[Member]) -> list[str]:
    return list(dict.fromkeys(member.wants for member in members))


def _stat_shell(members: Sequence[Member]) -> str:
    # Each line ends with its path, so that a line belongs to a file whatever happened to the others.
    wanted = _BETWEEN.join([*_formats(members), "%n"])
    follow = "-L " if members[0].group[1] else ""
    return f"stat {follow}-c {shlex.quote(wanted)} {' '.join(subjects(members))}"


def _cut_stat(members: Sequence[Member], reply: Answer) -> Mapping[str, Answer]:
    paths, formats = subjects(members), _formats(members)
    lines = lines_of(reply.stdout)
    complaints = complaints_about(paths, reply.stderr)
    if lines is None or complaints is None or reply.exit_code not in (0, 1):
        return {}
    seen = {}
    for line in lines:
        *parts, name = line.split(_BETWEEN.encode())
        if len(parts) == len(formats):
            seen[name.decode("utf-8", "surrogateescape")] = dict(zip(formats, parts, strict=True))
    answers = {}
    for member in members:
        if member.subject in seen and member.subject not in complaints:
            answers[member.command] = Answer(0, seen[member.subject][member.wants] + b"\n")
        elif member.subject in complaints and member.subject not in seen:
            answers[member.command] = Answer(1, b"", complaints[member.subject])
    return answers


STAT = Family(
    pattern=re.compile(rf"stat (?P<follow>-L -|-L|-)c (?P<format>[\w%:,.@-]+|'[^'\0\n\\]*') {PATH}", re.ASCII),
    read=_read_stat,
    ask=_stat_shell,
    cut=_cut_stat,
)


def _read_cat(found: re.Match[str]) -> Member | None:
    path = _path(found)
    # What the kernel makes up while it is read has no length to cut by.
    if path.startswith(("/proc/", "/sys/", "/dev/")):
        return None
    return Member(found.string, ("cat",), path)


def _cat_shell(members: Sequence[Member]) -> str:
    paths = " ".join(subjects(members))
    return f"wc -c -- {paths} 2>/dev/null; printf '\\000\\n'; cat -- {paths}"


def _cut_cat(members: Sequence[Member], reply: Answer) -> Mapping[str, Answer]:
    sizes_text, found, content = reply.stdout.partition(b"\0\n")
    paths = subjects(members)
    complaints = complaints_about(paths, reply.stderr)
    if not found or complaints is None:
        return {}
    sizes = {}
    for line in sizes_text.splitlines():
        size, _, name = line.strip().partition(b" ")
        sizes[name.decode("utf-8", "surrogateescape")] = int(size) if size.isdigit() else -1
    good = [path for path in paths if path not in complaints]
    if any(sizes.get(path, -1) < 0 for path in good) or sum(sizes[path] for path in good) != len(content):
        return {}
    answers: dict[str, Answer] = {}
    at = 0
    for path in paths:
        if path in complaints:
            answer = Answer(1, b"", complaints[path])
        else:
            answer = Answer(0, content[at : at + sizes[path]])
            at += sizes[path]
        answers.update((member.command, answer) for member in members if member.subject == path)
    return answers


CAT = Family(pattern=re.compile(rf"cat (?:-- )?{PATH}", re.ASCII), read=_read_cat, ask=_cat_shell, cut=_cut_cat)


def _sum_shell(members: Sequence[Member]) -> str:
    return f"{members[0].group[0]} {' '.join(subjects(members))}"


def _cut_sums(members: Sequence[Member], reply: Answer) -> Mapping[str, Answer]:
    lines = lines_of(reply.stdout)
    complaints = complaints_about(subjects(members), reply.stderr)
    if lines is None or complaints is None:
        return {}
    digests = {}
    for line in lines:
        digest, _, path = line.partition(b"  ")
        digests[path.decode("utf-8", "surrogateescape")] = digest
    answers = {}
    for member in members:
        if member.subject in digests and member.subject not in complaints:
            answers[member.command] = Answer(0, digests[member.subject] + b"\n")
        elif member.subject in complaints:
            # The exit code of a pipeline is that of cut, which had nothing to do.
            answers[member.command] = Answer(0, b"", complaints[member.subject])
    return answers


SUMS = Family(
    pattern=re.compile(rf"(?P<program>md5sum|sha256sum) {PATH} \| cut -d ?' ' -f ?1", re.ASCII),
    read=lambda found: Member(found.string, (found["program"],), _path(found)),
    ask=_sum_shell,
    cut=_cut_sums,
)
