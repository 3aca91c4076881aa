"""Fused reads of systemd: states and properties of many units in one call."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from hardening.remote.fuse.family import Answer, Family, Member, lines_of, subjects

_UNIT = r"(?P<unit>[\w@:.-]+)"
# What `is-enabled` answers for a state, where that is the same on every version; other states are asked singly.
_ENABLED_CODES = {b"enabled": 0, b"static": 0, b"disabled": 1, b"masked": 1}
_SUFFIXES = (
    "service socket device mount automount swap target path timer slice scope".split()  # noqa: SIM905 - one list of words
)


def _full_name(unit: str) -> str:
    return unit if unit.rpartition(".")[2] in _SUFFIXES else f"{unit}.service"


def _cut_list(members: Sequence[Member], reply: Answer) -> Mapping[str, Answer]:
    lines = lines_of(reply.stdout)
    if lines is None or reply.exit_code != 0 or reply.stderr:
        return {}
    states: dict[bytes, list[bytes]] = {}
    for line in lines:
        words = line.split()
        if len(words) >= 2:
            states.setdefault(words[0], []).append(words[1])
    answers = {}
    for member in members:
        if member.wants == "exists":
            # A dot in the name is any character for grep, which this takes the place of; the rest is literal.
            begin = re.compile(re.escape(member.subject).replace(r"\.", ".").encode())
            answers[member.command] = Answer(0 if any(begin.match(line) for line in lines) else 1, b"")
        else:
            state = states.get(_full_name(member.subject).encode(), [])
            if len(state) == 1 and state[0] in _ENABLED_CODES:
                answers[member.command] = Answer(_ENABLED_CODES[state[0]], state[0] + b"\n")
    return answers


def _list_shell(members: Sequence[Member]) -> str:
    if any(member.wants == "exists" for member in members):
        return "systemctl list-unit-files"
    return "systemctl list-unit-files --full " + " ".join(_full_name(unit) for unit in subjects(members))


def _read_list(found: re.Match[str]) -> Member | None:
    unit = found["unit"] or found["begin"]
    return Member(found.string, ("list-unit-files",), unit, wants="enabled" if found["unit"] else "exists")


UNIT_FILES = Family(
    pattern=re.compile(
        rf'systemctl is-enabled {_UNIT}|systemctl list-unit-files \| grep -q "\^(?P<begin>[\w@.:-]+)"', re.ASCII
    ),
    read=_read_list,
    ask=_list_shell,
    cut=_cut_list,
)


def _cut_active(members: Sequence[Member], reply: Answer) -> Mapping[str, Answer]:
    lines, units = lines_of(reply.stdout), subjects(members)
    if lines is None or reply.stderr or len(lines) != len(units):
        return {}
    # The exit code of a unit that is not active depends on whether it exists (3 or 4): asked singly.
    active = {unit for unit, state in zip(units, lines, strict=True) if state == b"active"}
    return {member.command: Answer(0, b"active\n") for member in members if member.subject in active}


ACTIVE = Family(
    pattern=re.compile(rf"systemctl is-active {_UNIT}", re.ASCII),
    read=lambda found: Member(found.string, ("is-active",), found["unit"]),
    ask=lambda members: "systemctl is-active " + " ".join(subjects(members)),
    cut=_cut_active,
)


def _cut_show(members: Sequence[Member], reply: Answer) -> Mapping[str, Answer]:
    units = subjects(members)
    blocks = reply.stdout.removesuffix(b"\n").split(b"\n\n")
    if reply.exit_code != 0 or reply.stderr or len(blocks) != len(units):
        return {}
    if any(not block or b"=" not in block for block in blocks):
        return {}
    by_unit = dict(zip(units, blocks, strict=True))
    return {member.command: Answer(0, by_unit[member.subject] + b"\n") for member in members}


SHOW = Family(
    pattern=re.compile(rf"systemctl show (?P<flags>(?:--property=[\w,]+ )*){_UNIT}", re.ASCII),
    read=lambda found: Member(found.string, ("show", found["flags"]), found["unit"]),
    ask=lambda members: f"systemctl show {members[0].group[1]}{' '.join(subjects(members))}",
    cut=_cut_show,
)
