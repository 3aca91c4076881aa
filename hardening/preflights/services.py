"""Whether somebody needs what would be switched off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hardening.prediction import Consequence, Need, Planned
from hardening.preflights.rule import Asked, Breakage, Needs, listed, preflight


def _switches_off(item: Planned) -> bool:
    return item.kind == "linux.units" and str(item.value) == "off"


def _users(items: Sequence[Planned]) -> Needs:
    return {item.control_id: Need(look="unit_users", params={"names": item.params["names"]}) for item in items}


@preflight(
    consequence=Consequence.OUTAGE,
    predicts="a service would be switched off that others need, or that somebody is connected to",
    predicts_zh="将被关闭的服务正被其他服务依赖，或有连接正在使用",
    concerns=_switches_off,
    needs=_users,
)
def service_in_use(asked: Asked) -> Iterator[Breakage]:
    """Judge each unit; one that needs another and goes with it in the same control is no reason."""
    leaving = {str(name) for item in asked.items for name in _names(item)}
    for item in asked.items:
        for unit in asked[item.control_id]:
            needing = [name for name in unit["needed_by"] if name not in leaving]
            said = [f"needed by {listed(needing)}"] if needing else []
            said += [f"connected: {listed(unit['connections'])}"] if unit["connections"] else []
            if said:
                yield asked.breaks(
                    f"{unit['unit']} would be switched off; {'; '.join(said)}",
                    f"{unit['unit']} 将被关闭；正在使用：{listed([*needing, *unit['connections']])}",
                    [item],
                )


def _names(item: Planned) -> list[object]:
    names = item.params.get("names")
    return list(names) if isinstance(names, list) else []
