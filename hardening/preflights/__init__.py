"""Preflights: what is likely to break on a host when its plan is carried out, predicted before anything is written.

A preflight is one function in a module of this package, and that is the only place where it is written:

    @preflight(
        consequence=Consequence.OUTAGE,
        predicts="...", predicts_zh="...",      # what it foresees in general: a row of docs/safety.md
        concerns=of_kind("linux.units"),        # it is asked only where such an item is planned
        needs={"used": "unit_users"},           # a look of checks/preflight, run in the session of the scan
    )
    def service_in_use(asked: Asked) -> Iterator[Breakage]:
        for item in asked.items:
            if ...asked["used"]...:
                yield asked.breaks("a sentence", "一句话", [item])

Its code is the function's name. `asked["used"]` is what the look saw; where it could not look, the preflight ends
there and counts as unknown, which needs an acknowledgement as a breakage does. A rule does no I/O.
A look returns what it saw or raises CannotLook; a look that no preflight asks for is refused by a test.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from hardening.model import Target
from hardening.prediction import Consequence, Fact, Need, Planned, Prediction, Us
from hardening.preflights.rule import Asked, Breakage, Preflight, Unknown


@lru_cache(maxsize=1)
def preflights() -> Mapping[str, Preflight]:
    """Return every preflight of this package by its code."""
    found: dict[str, Preflight] = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Preflight):
                found[value.code] = value
    return dict(sorted(found.items()))


def needs_of(planned: Sequence[Planned]) -> tuple[Need, ...]:
    """Return what has to be looked at on a host before this is written there, each look once."""
    found = {need.key: need for _, _, needs in _relevant(planned) for need in needs.values()}
    return tuple(found.values())


def predict(host: str, planned: Sequence[Planned], facts: Mapping[str, Fact], us: Us) -> tuple[Prediction, ...]:
    """Return what is expected to break on one host, worst first. `facts` are by the keys of `needs_of`.

    A preflight that could not look, or that failed itself, is an UNKNOWN for all its items: never a silent pass.
    So is one of our way in for an undo of which nobody knows what it brings back.
    """
    found = [*_obscure(host, planned)]
    for preflight, items, needs in _relevant(planned):
        known = {name: facts.get(need.key, Fact(reason="it was not looked at")) for name, need in needs.items()}
        asked = Asked(items, planned, known, us)
        try:
            for breakage in preflight.rule(asked):
                found.append(_prediction(preflight, host, breakage))
        except Unknown as problem:
            found.append(_unknown(preflight, host, items, str(problem)))
        except Exception as problem:
            said = f"the preflight itself failed: {type(problem).__name__}: {problem}"
            found.append(_unknown(preflight, host, items, said[:400]))
    return tuple(sorted(found, key=lambda each: (each.consequence.rank, each.code, each.controls)))


def unreached(host: str, planned: Sequence[Planned], reason: str) -> tuple[Prediction, ...]:
    """Return every preflight of a host as unknown, because nobody could look there."""
    told = (_unknown(preflight, host, items, reason) for preflight, items, _ in _relevant(planned))
    return (*told, *_obscure(host, planned))


def _relevant(planned: Sequence[Planned]) -> Iterator[tuple[Preflight, tuple[Planned, ...], dict[str, Need]]]:
    for preflight in preflights().values():
        # What it takes to write goes by no value.
        judged = [item for item in planned if item.has_value or preflight.consequence is Consequence.FAILURE]
        items = tuple(item for item in judged if preflight.concerns(item))
        if items:
            needs = preflight.needs(items)
            yield (
                preflight,
                items,
                {name: need if isinstance(need, Need) else Need(look=need) for name, need in needs.items()},
            )


# What a preflight may be about that goes by the value, where nobody knows the value.
ANY_VALUE = ("yes", "no", "present", "true")


def _obscure(host: str, planned: Sequence[Planned]) -> Iterator[Prediction]:
    """Yield, for every preflight of our way in, the undos that it may be about and whose outcome nobody knows."""
    for preflight in preflights().values():
        if preflight.consequence is Consequence.LOCKOUT:
            by_reason: dict[str, list[Planned]] = {}
            for item in planned:
                if item.obscure and any(preflight.concerns(replace(item, value=value)) for value in ANY_VALUE):
                    by_reason.setdefault(item.obscure, []).append(item)
            yield from (_unknown(preflight, host, items, reason) for reason, items in by_reason.items())


def _prediction(preflight: Preflight, host: str, breakage: Breakage) -> Prediction:
    return Prediction(
        code=preflight.code,
        host=host,
        controls=_keys(breakage.items),
        consequence=preflight.consequence,
        says=breakage.says,
        says_zh=breakage.says_zh,
    )


def _unknown(preflight: Preflight, host: str, items: Iterable[Planned], reason: str) -> Prediction:
    return Prediction(
        code=preflight.code,
        host=host,
        controls=_keys(items),
        consequence=Consequence.UNKNOWN,
        says=f"could not tell whether this happens: {preflight.predicts} ({reason})",
        says_zh=f"无法判断是否会发生：{preflight.predicts_zh}（{reason}）",
    )


def _keys(items: Iterable[Planned]) -> tuple[tuple[str, str], ...]:
    def key(target: Target, control_id: str) -> tuple[str, str]:
        return (target.name, control_id)

    return tuple(dict.fromkeys(key(item.target, item.control_id) for item in items))
