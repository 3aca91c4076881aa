"""What became of resources that a campaign left in a known state: as they were left, or changed, and by whom."""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Mapping, Sequence

from .commit import Result, bounded
from .control import State
from .errors import CannotApply
from .host import Host
from .origin import Origins
from .overlay import Present

DIFF_LIMIT_BYTES = 4096


def compare(items: Sequence[Mapping[str, Any]], host: Host, *, since_s: float, known: Collection[str]) -> List[Result]:
    """Return one result per item `{id, target, kind, name, left}`: `changed` where it is not as it was left.

    `left` of None asks only where the resource came from. Nothing is written. `since_s` is when it was left, in seconds
    of the epoch, `known` the campaigns that left it.
    """
    present, origins = Present(host), Origins(host, since_s=since_s, known=known)
    return [_result(item, present, origins) for item in items]


def _result(item: Mapping[str, Any], present: Present, origins: Origins) -> Result:
    kind, name, left = str(item["kind"]), str(item["name"]), item["left"]
    result: Dict[str, Any] = {
        "id": item["id"],
        "target": item["target"],
        "changed": False,
        "failed": False,
        "reason": None,
        "touches": [],
        "after_actions": [],
        "diff": "",
    }
    try:
        if kind not in present.resources:
            raise CannotApply("no resource is called " + kind)
        if left is None:
            result["reason"] = bounded("; ".join(origins.of(kind, name)), 2000)
            return result
        now = _now(present, kind, name, left)
        if present.resources[kind].holds(now, left):
            return result
        result["touches"] = [{"kind": kind, "name": name, "before": left, "after": now}]
        result["changed"] = True
        result["diff"] = bounded(_difference(present, kind, name, left, now), DIFF_LIMIT_BYTES)
        result["reason"] = bounded("; ".join(origins.of(kind, name)), 2000)
    except CannotApply as error:
        result.update(failed=True, reason=str(error))
    return result


def _now(present: Present, kind: str, name: str, left: State) -> State:
    state = present.state((kind, name))
    if kind == "file" and state["type"] == "file":
        if "sha256" in left:
            return present.with_content((kind, name))
        return {part: value for part, value in state.items() if part != "sha256"}
    return state


def _difference(present: Present, kind: str, name: str, left: State, now: State) -> str:
    try:
        return present.resources[kind].difference(name, left, now)
    except CannotApply as error:
        return "{}:{} is another, and what it was cannot be shown: {}".format(kind, name, error)
