"""Fused reads: one program call that answers many questions exactly as each would have been answered alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from hardening.remote.backend import Reply
from hardening.remote.desk import Question
from hardening.remote.fuse.family import Answer, Family, Member
from hardening.remote.fuse.files import CAT, STAT, SUMS
from hardening.remote.fuse.names import DPKG, GETENT, ID, SYSCTL
from hardening.remote.fuse.units import ACTIVE, SHOW, UNIT_FILES
from hardening.remote.work import Single, Work

FAMILIES: Mapping[str, Family] = {
    "stat": STAT,
    "cat": CAT,
    "md5sum": SUMS,
    "sha256sum": SUMS,
    "sysctl": SYSCTL,
    "getent": GETENT,
    "id": ID,
    "dpkg-query": DPKG,
    "systemctl is-enabled": UNIT_FILES,
    "systemctl list-unit-files": UNIT_FILES,
    "systemctl is-active": ACTIVE,
    "systemctl show": SHOW,
}
_MOST_MEMBERS = 200


class Fused:
    """Several questions of one family as one read."""

    __slots__ = ("_family", "_members", "_questions", "_shell")

    def __init__(self, family: Family, members: Sequence[Member], questions: Sequence[Question]) -> None:
        self._family = family
        self._members = members
        self._questions = questions
        self._shell = family.ask(members)

    @property
    def shell(self) -> str:
        """The one command."""
        return self._shell

    @property
    def questions(self) -> Sequence[Question]:
        """What it answers."""
        return self._questions

    @property
    def is_quick(self) -> bool:
        """Every family is a quick read."""
        return True

    def settle(self, exit_code: int, stdout: bytes, stderr: bytes) -> None:
        """Settle what is certain."""
        answers = self._family.cut(self._members, Answer(exit_code, stdout, stderr))
        for question in self._questions:
            answer = answers.get(question.command)
            if answer is not None:
                question.reply = Reply(question.command, answer.exit_code, answer.stdout, answer.stderr)


def fuse(questions: Sequence[Question]) -> list[Work]:
    """Return what to send: fused reads where two or more questions are of one family, the rest as they are."""
    works: list[Work] = []
    groups: dict[tuple[str, ...], tuple[Family, list[Member], list[Question]]] = {}
    for question in questions:
        recognised = _recognise(question.command)
        if recognised is None:
            works.append(Single(question))
            continue
        family, member = recognised
        _, members, asked = groups.setdefault(member.group, (family, [], []))
        members.append(member)
        asked.append(question)
    for family, members, asked in groups.values():
        for start in range(0, len(members), _MOST_MEMBERS):
            part, those = members[start : start + _MOST_MEMBERS], asked[start : start + _MOST_MEMBERS]
            works.append(Fused(family, part, those) if len(part) > 1 else Single(those[0]))
    return works


@lru_cache(maxsize=16384)
def _recognise(command: str) -> tuple[Family, Member] | None:
    """Return the family and the command as its member. Cached: the same commands are asked of every host."""
    first, _, rest = command.partition(" ")
    if first == "systemctl":
        first = f"systemctl {rest.partition(' ')[0]}"
    family = FAMILIES.get(first.rpartition("/")[2])
    member = family.member(command) if family is not None else None
    return (family, member) if family is not None and member is not None else None
