"""Audit rules in one spelling, whatever their author or auditctl made of them. Text in, values out.

A rule becomes atoms, one per system call, so that a rule that watches more than is asked for still counts. An atom is
(list and action, system call or path, its filters); key names do not matter.
"""

from __future__ import annotations

import itertools
import shlex
from dataclasses import dataclass, field

# The ways to write "no login user" (auditctl(8)).
_UNSET = {"-1", "4294967295", "unset"}


@dataclass(frozen=True)
class Atom:
    """One system call or one path that is watched. `perms` holds for paths: what of r, w, x and a."""

    list_action: str
    subject: str
    filters: frozenset[str] = frozenset()
    perms: frozenset[str] = frozenset()

    def covers(self, wanted: Atom) -> bool:
        """Tell whether everything that `wanted` records is recorded by this one, too."""
        return (
            self.list_action == wanted.list_action
            and self.subject in (wanted.subject, _all_calls(wanted.subject))
            and self.filters <= wanted.filters
            and self.perms >= wanted.perms
        )


@dataclass
class _Words:
    """What the options of one rule said."""

    list_action: str = ""
    arch: str = ""
    calls: list[str] = field(default_factory=list)
    path: str = ""
    perms: str = ""
    filters: set[str] = field(default_factory=set)


def atoms(rule: str) -> frozenset[Atom]:
    """Return the atoms of a rule as `auditctl` takes or prints it; none for control lines such as `-D` or `-b 8192`."""
    found = _words(shlex.split(rule, comments=True))
    list_action = found.list_action or ("always,exit" if found.path else "")
    if not list_action:
        return frozenset()
    if found.path and found.calls in ([], ["all"]):
        # A watch; limited to one architecture it is another, narrower subject.
        subject = f"{found.arch} {found.path}".strip()
        return frozenset({Atom(list_action, subject, frozenset(found.filters), frozenset(found.perms or "rwxa"))})
    filters = frozenset(found.filters | ({f"path={found.path}"} if found.path else set()))
    return frozenset(Atom(list_action, f"{found.arch} {call}".strip(), filters) for call in found.calls or ["all"])


def every_atom(rules: str) -> frozenset[Atom]:
    """Return the atoms of all rules in a text, one rule per line."""
    return frozenset(atom for line in rules.splitlines() for atom in atoms(line))


def is_covered(rule: str, present: frozenset[Atom]) -> bool:
    """Tell whether every atom of a rule is covered by what is present."""
    wanted = atoms(rule)
    return bool(wanted) and all(any(have.covers(atom) for have in present) for atom in wanted)


def _words(words: list[str]) -> _Words:
    found = _Words()
    for option, value in itertools.pairwise(words):
        if option == "-w":
            found.path = _tidy(value)
        elif option == "-p":
            found.perms = value
        elif option in ("-a", "-A"):
            found.list_action = ",".join(sorted(value.split(","))) if "," in value else value
        elif option == "-S":
            found.calls += value.split(",")
        elif option == "-F":
            _take_filter(found, value)
        elif option == "-C":
            # Compared fields may stand either way round: auditctl prints uid!=euid for euid!=uid.
            name, sign, other = _split(value)
            found.filters.add(sign.join(sorted((name, other))))
    return found


def _take_filter(found: _Words, text: str) -> None:
    name, sign, value = _split(text)
    if name == "arch" and sign == "=":
        found.arch = value
    elif name in ("path", "dir") and sign == "=":
        found.path = _tidy(value)
    elif name == "perm" and sign == "=":
        found.perms = value
    elif name == "key":
        return
    else:
        found.filters.add(name + sign + ("unset" if name == "auid" and value in _UNSET else value))


def _split(text: str) -> tuple[str, str, str]:
    for sign in ("!=", ">=", "<=", "&=", "=", ">", "<", "&"):
        name, found, value = text.partition(sign)
        if found:
            return name, sign, value
    return text, "", ""


def _tidy(path: str) -> str:
    return path.rstrip("/") or "/"


def _all_calls(subject: str) -> str:
    return f"{subject.partition(' ')[0]} all"
