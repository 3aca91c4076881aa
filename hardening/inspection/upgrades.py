"""What a periodic report advises to build, free or buy: from the same forecasts and use that `resources` shows."""

from __future__ import annotations

from collections.abc import Iterator

from hardening.inspection.document import Block, Grid, Text
from hardening.reports.resource_grids import amount, is_due
from hardening.reports.resource_words import enum_word
from hardening.resources.forecasting import Forecast, Outlook
from hardening.resources.overview import Overview
from hardening.resources.using import GIB, MBIT, LineUse, Use, Used

FORECAST_DAYS = 90
ROWS_SHOWN = 200
KINDS = (
    ("fs:", "Extend the file system, or clear what is no longer needed", "扩容文件系统，或清理不再需要的数据"),
    ("inodes:", "Make room for more files, or clear small ones", "清理小文件，或重建文件系统以增加 inode"),
    ("db:", "Extend the database's storage, or archive old data", "扩充数据库存储，或归档历史数据"),
    ("line:", "Order more bandwidth, or move load off the line", "扩容线路带宽，或分流业务"),
)


def upgrade_advice(view: Overview | None, *, lang: str) -> list[Block]:
    """Return what will be full within `FORECAST_DAYS`, what is over-used, and what to do about each.

    `view` is None, or knows no number, where nobody looked at resources: then nothing is foretold, which is said.
    """
    zh = lang == "zh"
    if view is None or not view.forecasts:
        text = (
            "没有资源采集数据，无法预测；请定期执行 hardening resources collect。"
            if zh
            else "Nothing can be foretold: no resources are on record. Let `hardening resources collect` run regularly."
        )
        return [Text(text=text)]
    due = [each for each in view.forecasts if is_due(each, FORECAST_DAYS)]
    rows = [*(_filling(each, lang) for each in due), *_over_used(view, lang)]
    unknown = sum(each.outlook is Outlook.TOO_FEW for each in view.forecasts)
    headings = (
        ("对象", "依据", "当前", "上限", "可能耗尽日期", "建议")
        if zh
        else ("Object", "Why", "Now", "Limit", "Full between", "Advice")
    )
    empty = (
        f"{FORECAST_DAYS} 天内无资源耗尽，也无超负荷资源。"
        if zh
        else f"Nothing runs out within {FORECAST_DAYS} days, and nothing is over-used."
    )
    note = (
        "预测采用每日中位数的 Theil-Sen 斜率及其 95% 区间，样本不足五天的不作预测。"
        if zh
        else "By a Theil-Sen line through daily medians and its 95 % interval; fewer than five days give no forecast."
    )
    if unknown:
        note += f"本期有 {unknown} 项样本不足。" if zh else f" {unknown} have too few days on record."
    return [Grid(headings=headings, rows=rows[:ROWS_SHOWN], empty=empty), Text(text=note)]


def _filling(each: Forecast, lang: str) -> tuple[str, ...]:
    zh = lang == "zh"
    advice = next((said[zh] for begin, *said in KINDS if each.subject.startswith(begin)), "")
    growth = amount(each.subject, each.growth_per_day)
    why = enum_word(each.outlook, lang)
    if growth is not None:
        why += f"，日增 {growth}" if zh else f", {growth} a day"
    between = "-"
    if each.earliest_on is not None and each.outlook is not Outlook.FULL:
        between = f"{each.earliest_on} – {'…' if each.latest_on is None else each.latest_on}"
    now, limit = (amount(each.subject, value) or "-" for value in (each.value, each.limit))
    return f"{each.host} {each.subject}", why, now, limit, between, advice


def _over_used(view: Overview, lang: str) -> Iterator[tuple[str, ...]]:
    for used in view.uses:
        if used.use is Use.OVER:
            yield _used(used, lang)
    for line in view.lines:
        if line.use is Use.OVER or (line.days_left is not None and line.days_left <= FORECAST_DAYS):
            yield _line(line, lang)


def _used(used: Used, lang: str) -> tuple[str, ...]:
    zh = lang == "zh"
    share = used.share or 0.0
    why = f"95 分位利用率 {share:.0%}" if zh else f"95th percentile {share:.0%} of it"
    advice = ("减少负载，或扩容" if zh else "Take load off, or extend") + (
        "" if used.proposed is None else f"{'至 ' if zh else ' to '}{_size(used, used.proposed)}"
    )
    return f"{used.host} {used.subject}", why, _size(used, used.p95), _size(used, used.size), "-", advice


def _size(used: Used, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3g} CPU" if used.subject == "cpu" else f"{value / GIB:.1f} GiB"


def _line(line: LineUse, lang: str) -> tuple[str, ...]:
    zh = lang == "zh"
    said, advice = [], []
    if line.use is Use.OVER and line.share is not None:
        said.append(f"95 分位占用 {line.share:.0%}" if zh else f"95th percentile {line.share:.0%} of the contract")
        advice.append(KINDS[3][2] if zh else KINDS[3][1])
    if line.days_left is not None and line.days_left <= FORECAST_DAYS:
        said.append(f"合同剩余 {line.days_left} 天" if zh else f"the contract ends in {line.days_left} days")
        advice.append("续签线路合同" if zh else "Renew the line's contract")
    now = "-" if line.p95_bps is None else f"{line.p95_bps / MBIT:.1f} Mbit/s"
    mark = "；" if zh else "; "
    return f"line:{line.name}", mark.join(said), now, f"{line.contract_bps / MBIT:g} Mbit/s", "-", mark.join(advice)
