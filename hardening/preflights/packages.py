"""Whether packages can come and go now, and what would go with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hardening.prediction import Consequence, Need, Planned
from hardening.preflights.rule import Asked, Breakage, Needs, listed, of_kind, preflight


def _removes(item: Planned) -> bool:
    return item.kind == "linux.packages" and str(item.value) in ("absent", "None")


@preflight(
    consequence=Consequence.FAILURE,
    predicts="apt or dpkg is at work, and holds the lock that the change needs",
    predicts_zh="apt 或 dpkg 正在运行，占用变更所需的锁",
    concerns=of_kind("linux.packages"),
    needs={"locks": "package_locks"},
)
def packages_busy(asked: Asked) -> Iterator[Breakage]:
    """Judge by the locks that the kernel knows; apt itself waits two minutes for them."""
    if asked["locks"]:
        who = listed(f"{lock['program'] or 'a process'} ({lock['pid']})" for lock in asked["locks"][:1])
        yield asked.breaks(
            f"{who} holds {asked['locks'][0]['path']}; a run of unattended-upgrades may take longer than apt waits",
            f"{who} 占用 {asked['locks'][0]['path']}；其耗时可能超过 apt 的等待时间",
        )


@preflight(
    consequence=Consequence.FAILURE,
    predicts="dpkg was interrupted before, and refuses to work until that is mended",
    predicts_zh="dpkg 此前被中断，修复之前无法工作",
    concerns=of_kind("linux.packages"),
    needs={"half": "packages_half_done"},
)
def packages_half_done(asked: Asked) -> Iterator[Breakage]:
    """Judge by `dpkg --audit`."""
    if asked["half"]:
        yield asked.breaks(
            f"not configured or broken: {listed(asked['half'])}; `dpkg --configure -a` first",
            f"未完成配置或损坏：{listed(asked['half'])}；请先执行 `dpkg --configure -a`",
        )


def _removals(items: Sequence[Planned]) -> Needs:
    return {item.control_id: Need(look="removal", params={"names": item.params["names"]}) for item in items}


@preflight(
    consequence=Consequence.OUTAGE,
    predicts="removing a package would take others along (the change itself refuses that too)",
    predicts_zh="卸载软件包会连带卸载其他软件包（变更本身也会拒绝）",
    concerns=_removes,
    needs=_removals,
)
def removal_takes_others(asked: Asked) -> Iterator[Breakage]:
    """Judge by apt's own simulation; an undo removes at once all that its campaign installed."""
    leaving = {str(name) for item in asked.items if item.is_undo for name in _names(item)}
    for item in asked.items:
        told = asked[item.control_id]
        others = [name for name in told["others"] if name.partition(":")[0] not in leaving]
        if others:
            yield asked.breaks(
                f"removing {listed(told['present'])} would take along: {listed(others)}",
                f"卸载 {listed(told['present'])} 会连带：{listed(others)}",
                [item],
            )


def _names(item: Planned) -> list[object]:
    names = item.params.get("names")
    return list(names) if isinstance(names, list) else []
