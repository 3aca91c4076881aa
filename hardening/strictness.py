"""Whether one wanted value is at least as strict as another: no profile weakens a control unnoticed. Pure."""

from __future__ import annotations

from hardening.judge import MATCHERS, CannotJudge, satisfies
from hardening.model import Json

TIGHTER_WHEN_SMALLER = {"at_most", "subset_of", "mode_at_most", "one_of"}
TIGHTER_WHEN_LARGER = {"at_least", "superset_of", "disjoint_from"}


def at_least_as_strict(new: Json, old: Json) -> bool:
    """Tell whether everything that satisfies `new` surely satisfies `old`; when that cannot be told, False."""
    if new == old:
        return True
    if not isinstance(new, dict):
        return _holds(old, new)
    if set(new) == {"one_of"} and isinstance(new["one_of"], list):
        return all(_holds(old, item) for item in new["one_of"])
    if set(new) == {"equals"}:
        return _holds(old, new["equals"])
    if not isinstance(old, dict):
        return False
    return all(name in new and _tighter(name, new[name], bound) for name, bound in old.items())


def _tighter(name: str, new: Json, old: Json) -> bool:
    if new == old:
        return True
    if name == "each":
        return at_least_as_strict(new, old)
    if name in TIGHTER_WHEN_SMALLER:
        return (
            all(_holds({name: old}, item) for item in new)
            if name == "one_of" and isinstance(new, list)
            else _holds({name: old}, new)
        )
    if name in TIGHTER_WHEN_LARGER:
        if name == "disjoint_from":
            return _holds({"superset_of": old}, new)
        return _holds({name: old}, new)
    return False


def _holds(want: Json, value: Json) -> bool:
    try:
        return satisfies(want, value)
    except CannotJudge:
        return False


def default_set(want: Json) -> tuple[bool, Json]:
    """Return (found, value): what applying writes when a control does not say, taken from the bound of its `want`."""
    if not isinstance(want, dict):
        return True, want
    for name in MATCHERS:
        if name not in want:
            continue
        bound = want[name]
        if name in ("equals", "at_most", "at_least", "superset_of", "subset_of", "mode_at_most"):
            return True, bound
        if name == "one_of" and isinstance(bound, list) and bound:
            return True, bound[0]
        if name == "absent" and bound is True:
            return True, None
        if name == "each":
            return default_set(bound)
    return False, None
