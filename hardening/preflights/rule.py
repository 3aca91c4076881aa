"""What a preflight is, and how one is written. See `hardening.preflights` for the list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hardening.prediction import Consequence, Fact, Need, Planned, Us

Needs = Mapping[str, str | Need]


class Unknown(Exception):
    """A fact could not be seen, or does not say enough. The message is the reason."""


@dataclass(frozen=True, kw_only=True)
class Breakage:
    """What a rule expects, in both languages; `items` are those that bring it about."""

    items: tuple[Planned, ...]
    says: str
    says_zh: str


class Asked:
    """What a rule judges on: the planned items that it concerns, what was seen on the host, and how we come there."""

    def __init__(self, items: Sequence[Planned], everything: Sequence[Planned], facts: Mapping[str, Fact], us: Us):
        """Take the facts by the preflight's own names for them; `everything` is all that is planned on the host."""
        self.items = tuple(items)
        self.everything = tuple(everything)
        self.us = us
        self._facts = facts

    def __getitem__(self, name: str) -> Any:
        """Return what was seen. Raises Unknown where it could not be."""
        fact = self._facts.get(name, Fact(reason=f"{name} was not looked at"))
        if fact.reason is not None:
            raise Unknown(fact.reason)
        return fact.value

    def breaks(self, says: str, says_zh: str, items: Iterable[Planned] | None = None) -> Breakage:
        """Return a breakage by these items, by all that the preflight concerns where none are named."""
        return Breakage(items=self.items if items is None else tuple(items), says=says, says_zh=says_zh)


Rule = Callable[[Asked], Iterator[Breakage]]


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """One preflight: which planned items it concerns, what it looks at, and the rule that predicts.

    `predicts` and `predicts_zh` say in general what it foresees; the documentation shows them.
    """

    code: str
    consequence: Consequence
    predicts: str
    predicts_zh: str
    concerns: Callable[[Planned], bool]
    needs: Callable[[Sequence[Planned]], Needs]
    rule: Rule


def preflight(
    *,
    consequence: Consequence,
    predicts: str,
    predicts_zh: str,
    concerns: Callable[[Planned], bool],
    needs: Needs | Callable[[Sequence[Planned]], Needs],
) -> Callable[[Rule], Preflight]:
    """Turn a rule into a preflight whose code is the rule's name.

    `needs` maps the rule's own name of a fact to a look of `checks/preflight`, or to a look with parameters.
    """

    def make(rule: Rule) -> Preflight:
        return Preflight(
            code=rule.__name__,
            consequence=consequence,
            predicts=predicts,
            predicts_zh=predicts_zh,
            concerns=concerns,
            needs=needs if callable(needs) else lambda _: needs,
            rule=rule,
        )

    return make


def of_kind(*kinds: str, **params: object) -> Callable[[Planned], bool]:
    """Return whether an item is of one of these kinds, with these parameters; a tuple offers several values."""

    def concerns(item: Planned) -> bool:
        return item.kind in kinds and all(
            item.params.get(name) in (value if isinstance(value, tuple) else (value,)) for name, value in params.items()
        )

    return concerns


def sshd(*options: str) -> Callable[[Planned], bool]:
    """Return whether an item sets one of these options of the SSH server, in any case of letters."""
    wanted = {option.lower() for option in options}
    return lambda item: item.kind == "sshd.option" and str(item.params.get("option", "")).lower() in wanted


def seen_names(item: Planned) -> list[str]:
    """Return the names that a look listed."""
    value = item.seen.get("value")
    return [str(name) for name in value] if isinstance(value, list) else []


def number(value: object) -> int | None:
    """Return a whole number, or None where the value is none."""
    try:
        return int(str(value))
    except ValueError:
        return None


def listed(names: Iterable[object], most: int = 5) -> str:
    """Return the first names in one line, and how many more there are."""
    every = [str(name) for name in names]
    rest = f" (+{len(every) - most})" if len(every) > most else ""
    return ", ".join(every[:most]) + rest
