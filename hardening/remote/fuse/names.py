"""Fused reads by name: kernel parameters, accounts and Debian packages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from hardening.remote.fuse.family import Answer, Family, Member, complaints_about, lines_of, subjects

_KEY = r"(?P<key>[a-z0-9_]+(?:\.[A-Za-z0-9_-]+)+)"
_NAME = r"(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)"
_PACKAGE = r"(?P<name>[a-z0-9][a-z0-9+.-]+)"


def _sysctl_shell(members: Sequence[Member]) -> str:
    # Named keys with their names in the output; never `sysctl -a`, which reads what nobody asked for.
    return f"{members[0].group[1]} {' '.join(subjects(members))}"


def _cut_sysctl(members: Sequence[Member], reply: Answer) -> Mapping[str, Answer]:
    lines = lines_of(reply.stdout)
    if lines is None:
        return {}
    keys = subjects(members)
    values: dict[str, list[bytes]] = {key: [] for key in keys}
    for line in lines:
        printed, found, value = line.partition(b" = ")
        name = printed.decode("utf-8", "replace")
        if not found or name not in values:
            return {}
        values[name].append(value)
    missing = [key for key in keys if not values[key]]
    complaints = lines_of(reply.stderr)
    answers = {key: Answer(0, values[key][0] + b"\n") for key in keys if len(values[key]) == 1}
    # Some versions add up the exit codes of all keys: only 1 is sure to be what a single key would have got.
    if complaints is not None and len(complaints) == len(missing) and reply.exit_code == 1:
        for key, complaint in zip(missing, complaints, strict=True):
            if key.replace(".", "/").encode() in complaint or key.encode() in complaint:
                answers[key] = Answer(1, b"", complaint + b"\n")
    return {member.command: answers[member.subject] for member in members if member.subject in answers}


SYSCTL = Family(
    pattern=re.compile(rf"(?P<program>(?:/[\w/.-]*/)?sysctl) -n {_KEY}", re.ASCII),
    read=lambda found: Member(found.string, ("sysctl", found["program"]), found["key"]),
    ask=_sysctl_shell,
    cut=_cut_sysctl,
)


def _getent_shell(members: Sequence[Member]) -> str:
    return f"getent {members[0].group[1]} {' '.join(subjects(members))}"


def _cut_getent(members: Sequence[Member], reply: Answer) -> Mapping[str, Answer]:
    lines = lines_of(reply.stdout)
    if lines is None or reply.stderr or reply.exit_code not in (0, 2):
        return {}
    by_name: dict[str, list[bytes]] = {}
    for line in lines:
        by_name.setdefault(line.partition(b":")[0].decode("utf-8", "surrogateescape"), []).append(line)
    if not set(by_name) <= set(subjects(members)):
        # A directory answered with another spelling than was asked: which line is whose is not certain.
        return {}
    answers = {}
    for member in members:
        entries = by_name.get(member.subject, [])
        field = int(member.wants) if member.wants else None
        if len(entries) == 1:
            parts = entries[0].split(b":")
            if field is None:
                answers[member.command] = Answer(0, entries[0] + b"\n")
            elif len(parts) >= field:
                answers[member.command] = Answer(0, parts[field - 1] + b"\n")
        elif not entries and reply.exit_code == 2:
            answers[member.command] = Answer(2, b"") if field is None else Answer(0, b"")
    return answers


GETENT = Family(
    pattern=re.compile(rf"getent (?P<base>passwd|shadow|group) {_NAME}(?: \| cut -d':' -f(?P<field>[34]))?", re.ASCII),
    read=lambda found: Member(found.string, ("getent", found["base"]), found["name"], wants=found["field"] or ""),
    ask=_getent_shell,
    cut=_cut_getent,
)


def _cut_id(members: Sequence[Member], reply: Answer) -> Mapping[str, Answer]:
    names = subjects(members)
    lines, complaints = lines_of(reply.stdout), complaints_about(names, reply.stderr)
    if lines is None or complaints is None:
        return {}
    known = [name for name in names if name not in complaints]
    if len(known) != len(lines) or reply.exit_code != (1 if complaints else 0):
        return {}
    answers = {name: Answer(0, line + b"\n") for name, line in zip(known, lines, strict=True)}
    answers.update((name, Answer(1, b"", complaint)) for name, complaint in complaints.items())
    return {member.command: answers[member.subject] for member in members}


ID = Family(
    pattern=re.compile(rf"id (?P<flag>(?:-(?:u|g|ng|G|nG) )?){_NAME}", re.ASCII),
    read=lambda found: Member(found.string, ("id", found["flag"]), found["name"]),
    ask=lambda members: f"id {members[0].group[1]}{' '.join(subjects(members))}",
    cut=_cut_id,
)

_STATUS, _VERSION = "${Status}", "${Status} ${Version}"


def _cut_dpkg(members: Sequence[Member], reply: Answer) -> Mapping[str, Answer]:
    names = subjects(members)
    lines, complaints = lines_of(reply.stdout), complaints_about(names, reply.stderr)
    if lines is None or complaints is None or reply.exit_code not in (0, 1):
        return {}
    rows: dict[str, list[tuple[bytes, bytes]]] = {}
    for line in lines:
        parts = line.split(b"\t")
        if len(parts) != 3:
            return {}
        rows.setdefault(parts[0].decode("utf-8", "replace"), []).append((parts[1], parts[2]))
    answers = {}
    for member in members:
        found = rows.get(member.subject, [])
        # A package of several architectures gives several rows, glued together by the single command.
        if len(found) == 1 and member.subject not in complaints:
            status, version = found[0]
            answers[member.command] = Answer(0, status if member.wants == _STATUS else status + b" " + version)
        elif not found and member.subject in complaints:
            answers[member.command] = Answer(1, b"", complaints[member.subject])
    return answers


DPKG = Family(
    pattern=re.compile(rf"dpkg-query -f '(?P<format>\$\{{Status\}}(?: \$\{{Version\}})?)' -W {_PACKAGE}", re.ASCII),
    read=lambda found: Member(found.string, ("dpkg",), found["name"], wants=found["format"]),
    ask=lambda members: "dpkg-query -f '${Package}\\t${Status}\\t${Version}\\n' -W " + " ".join(subjects(members)),
    cut=_cut_dpkg,
)
