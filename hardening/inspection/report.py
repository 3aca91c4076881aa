"""The report on one inspection, and the periodic report on operations with its comparison to the period before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from types import MappingProxyType

from hardening.inspected import Incident, ItemSeen, Reading, Run, Verdict
from hardening.inspection.document import Bar, Block, Chart, Document, Facts, Grid, Heading, Signatures, Text
from hardening.inspection.figures import Figures, IncidentFigures
from hardening.inspection.grouping import in_groups
from hardening.inspection.periods import NAMES, Period
from hardening.inspection.upgrades import upgrade_advice
from hardening.inspection.words import category, follows_from, host_name, local, measured, threshold, verdict
from hardening.resources.overview import Overview

TONES = {Verdict.OK: "good", Verdict.WARN: "warn", Verdict.UNKNOWN: "warn", Verdict.CRITICAL: "bad"}
NOBODY: Mapping[str, str] = MappingProxyType({})
ROWS_SHOWN = 400
TOP = 15
FULLEST_SHOWN = 60
# Figures that have a hundred as their end, and from where on they are worth a line.
PERCENT = "%"
LEAST_PERCENT = 5.0


def run_report(
    run: Run,
    readings: Sequence[Reading],
    incidents: Sequence[Incident],
    *,
    zone: tzinfo,
    lang: str,
    owners: Mapping[str, str] = NOBODY,
) -> Document:
    """Return the report on one inspection: what was looked at, what is wrong, and what to do."""
    zh = lang == "zh"
    items = {item.id: item for item in run.items}
    bad = sorted((each for each in readings if each.verdict.is_bad), key=lambda each: (-each.verdict.rank, each.host))
    blocks: list[Block] = [
        Facts(
            rows=_named(
                zh,
                ("巡检编号", "Inspection", run.id),
                ("计划", "Plan", _plan(run, zh)),
                ("时间", "Time", f"{local(run.started_at, zone)} - {local(run.finished_at, zone)}"),
                ("执行", "By", run.actor),
                (
                    "主机",
                    "Hosts",
                    f"{len(run.hosts)}: {', '.join(run.hosts[:20])}{' ...' if len(run.hosts) > 20 else ''}",
                ),
                ("巡检项", "Items", str(len(run.items))),
            )
        ),
        Heading(text="结论" if zh else "Summary"),
        Text(text=_conclusion(readings, zh), is_strong=True),
        _verdict_chart(readings, lang),
        Heading(text="异常项" if zh else "What is wrong"),
        _bad_grid(bad, items, lang),
    ]
    for name in dict.fromkeys(item.category for item in run.items):
        own = [each for each in readings if items[each.item].category == name]
        if own:
            blocks += [Heading(text=category(name, lang), order=2), _reading_grid(own, items, lang)]
    blocks += [
        Heading(text="异常登记与处理" if zh else "Incidents"),
        _incident_grid(incidents, items, owners, zone, lang),
        Heading(text="建议" if zh else "Advice"),
        _advice_grid(bad, items, lang),
        Heading(text="签字" if zh else "Signatures"),
        Signatures(names=_signers(zh), date="日期" if zh else "Date"),
    ]
    title = "巡检报告" if zh else "Inspection report"
    subtitle = f"{_plan(run, zh)} · {local(run.started_at, zone)}"
    return Document(title=title, subtitle=subtitle, lang=lang, made_at=run.started_at, blocks=tuple(blocks))


def period_report(
    period: Period,
    now: Figures,
    before: Figures,
    incidents: IncidentFigures,
    earlier: IncidentFigures,
    *,
    lang: str,
    resources: Overview | None = None,
    owners: Mapping[str, str] = NOBODY,
) -> Document:
    """Return the report on operations of a period, compared with the one before.

    `resources` are those known at its end, for what will run out; `owners` are other names of owners in this language.
    """
    zh = lang == "zh"
    name = NAMES[period.kind][zh]
    title = (
        f"{name}度运维报告"
        if zh and period.kind in ("month", "year")
        else f"{name}运维报告"
        if zh
        else f"{name} operations report"
    )
    blocks: list[Block] = [
        Heading(text="概况" if zh else "Overview"),
        _comparison(now, before, incidents, earlier, zh),
        Heading(text="巡检情况" if zh else "Inspections"),
        _category_chart(now, lang),
        _category_grid(now, before, lang),
        Heading(text="异常最多的巡检项" if zh else "What was wrong most often"),
        _often_grid(now, lang),
        Heading(text="故障与事件" if zh else "Incidents"),
        _incident_grid(
            (*incidents.opened, *(each for each in incidents.standing if each not in incidents.opened)),
            {**before.items, **now.items},
            owners,
            period.zone,
            lang,
        ),
        Heading(text="容量变化" if zh else "Capacity"),
        _growth_grid(now, before, lang),
        Heading(text="升级改造建议" if zh else "Advice on upgrades"),
        *upgrade_advice(resources, lang=lang),
        Heading(text="未按计划执行的巡检" if zh else "Inspections that were missed"),
        Grid(
            headings=("计划与时间",) if zh else ("Plan and moment",),
            rows=[(each,) for each in sorted(now.missed)[:ROWS_SHOWN]],
            empty="无" if zh else "none",
        ),
        Heading(text="需甲方协调的问题" if zh else "What the customer must coordinate"),
        Text(text="（待填写）" if zh else "(to be written)"),
        Heading(text="下期计划" if zh else "Next period"),
        Text(text="（待填写）" if zh else "(to be written)"),
        Heading(text="签字" if zh else "Signatures"),
        Signatures(names=_signers(zh), date="日期" if zh else "Date"),
    ]
    return Document(
        title=title, subtitle=f"{period} ({period.zone.key})", lang=lang, made_at=period.until, blocks=tuple(blocks)
    )


def _named(zh: bool, *rows: tuple[str, str, str]) -> list[tuple[str, str]]:
    return [(chinese if zh else english, value) for chinese, english, value in rows]


def _plan(run: Run, zh: bool) -> str:
    """Return what the inspection was made for."""
    return (run.plan_title_zh if zh else run.plan_title) or run.plan or ("手动" if zh else "by hand")


def _signers(zh: bool) -> tuple[str, ...]:
    return ("巡检人", "复核", "甲方确认") if zh else ("Inspected by", "Checked by", "Customer")


def _conclusion(readings: Sequence[Reading], zh: bool) -> str:
    critical, warn, unknown = (
        sum(each.verdict is held for each in readings) for held in (Verdict.CRITICAL, Verdict.WARN, Verdict.UNKNOWN)
    )
    if not critical and not warn and not unknown:
        return "全部巡检项正常。" if zh else "Everything that was looked at is normal."
    if zh:
        return f"异常 {critical} 项，告警 {warn} 项，未能检查 {unknown} 项（未能检查不视为正常）。"
    return f"{critical} anomalies, {warn} warnings, {unknown} could not be looked at (which is not normal)."


def _verdict_chart(readings: Sequence[Reading], lang: str) -> Chart:
    bars = []
    for held in Verdict:
        count = sum(each.verdict is held for each in readings)
        bars.append(Bar(name=verdict(held, lang), figure=count, label=str(count), tone=TONES.get(held, "")))
    return Chart(title="结果分布" if lang == "zh" else "Results", bars=tuple(bars))


def _bad_grid(bad: Sequence[Reading], items: dict[str, ItemSeen], lang: str) -> Grid:
    zh = lang == "zh"
    headings = (
        ("主机", "对象", "巡检项", "实测", "阈值", "结果")
        if zh
        else ("Host", "Object", "Item", "Measured", "Threshold", "Result")
    )
    rows = [
        (
            host_name(each.host, lang),
            each.subject,
            _title(items[each.item], zh),
            measured(each, items[each.item].unit, lang),
            threshold(each.threshold, lang),
            verdict(each.verdict, lang),
        )
        for each in bad[:ROWS_SHOWN]
    ]
    tones = tuple(TONES[each.verdict] for each in bad[:ROWS_SHOWN])
    return Grid(headings=headings, rows=rows, empty="无异常。" if zh else "Nothing.", tones=tones)


def _reading_grid(readings: Sequence[Reading], items: dict[str, ItemSeen], lang: str) -> Grid:
    zh = lang == "zh"
    shown = [each for each in readings if each.verdict is not Verdict.NOT_APPLICABLE][:ROWS_SHOWN]
    rows = [
        (
            host_name(each.host, lang),
            _title(items[each.item], zh) + (f" · {each.subject}" if each.subject else ""),
            measured(each, items[each.item].unit, lang),
            verdict(each.verdict, lang),
        )
        for each in shown
    ]
    headings = ("主机", "巡检项", "实测", "结果") if zh else ("Host", "Item", "Measured", "Result")
    tones = tuple(TONES[each.verdict] for each in shown)
    return Grid(headings=headings, rows=rows, empty="不适用。" if zh else "Not applicable.", tones=tones)


def _incident_grid(
    incidents: Sequence[Incident], items: Mapping[str, ItemSeen], owners: Mapping[str, str], zone: tzinfo, lang: str
) -> Grid:
    zh = lang == "zh"
    headings = (
        ("编号", "级别", "对象", "异常项", "发现", "关闭", "责任人", "原因与处理")
        if zh
        else ("Number", "Level", "Object", "Item", "Found", "Closed", "Owner", "Cause and handling")
    )
    rows = [
        (
            each.number,
            str(each.level),
            " ".join(part for part in (host_name(each.first.host, lang), each.first.subject) if part),
            _title(items[each.first.item], zh) if each.first.item in items else each.first.item,
            local(each.opened_at, zone),
            local(each.closed_at, zone),
            owners.get(each.owner, each.owner),
            "; ".join(part for part in (follows_from(each, lang), each.cause, each.handling) if part),
        )
        for each in in_groups(incidents)[:ROWS_SHOWN]
    ]
    return Grid(headings=headings, rows=rows, empty="无。" if zh else "None.")


def _advice_grid(bad: Sequence[Reading], items: dict[str, ItemSeen], lang: str) -> Grid:
    zh = lang == "zh"
    rows = []
    for name in dict.fromkeys(each.item for each in bad):
        item = items[name]
        hosts = ", ".join(dict.fromkeys(host_name(each.host, lang) for each in bad if each.item == name))
        rows.append((_title(item, zh), hosts[:200], item.advice_zh if zh else item.advice))
    headings = ("巡检项", "主机", "建议") if zh else ("Item", "Hosts", "Advice")
    return Grid(headings=headings, rows=rows, empty="无。" if zh else "None.")


def _comparison(now: Figures, before: Figures, incidents: IncidentFigures, earlier: IncidentFigures, zh: bool) -> Grid:
    def shown(value: float | None, unit: str = "") -> str:
        return "-" if value is None else f"{value:g}{unit}"

    pairs = (
        ("巡检次数", "Inspections", len(now.runs), len(before.runs), ""),
        ("主机数", "Hosts", len(now.hosts), len(before.hosts), ""),
        ("检查数", "Readings", now.looked, before.looked, ""),
        ("正常率", "Normal", now.good_share, before.good_share, " %"),
        ("异常", "Anomalies", now.verdicts[Verdict.CRITICAL], before.verdicts[Verdict.CRITICAL], ""),
        ("告警", "Warnings", now.verdicts[Verdict.WARN], before.verdicts[Verdict.WARN], ""),
        ("未能检查", "Could not look", now.verdicts[Verdict.UNKNOWN], before.verdicts[Verdict.UNKNOWN], ""),
        ("新增事件", "Incidents opened", len(incidents.opened), len(earlier.opened), ""),
        ("其中连带事件", "Of them consequences", incidents.followed, earlier.followed, ""),
        ("关闭事件", "Incidents closed", len(incidents.closed), len(earlier.closed), ""),
        ("期末未关闭", "Open at the end", len(incidents.standing), len(earlier.standing), ""),
        ("超时事件", "Late", incidents.late, earlier.late, ""),
        ("平均处理时长", "Mean time to close", incidents.mean_minutes, earlier.mean_minutes, " 分钟" if zh else " min"),
        ("漏检", "Missed inspections", len(now.missed), len(before.missed), ""),
    )
    rows = []
    for chinese, english, held, was, unit in pairs:
        change = "-" if held is None or was is None else f"{held - was:+g}"
        rows.append((chinese if zh else english, shown(held, unit), shown(was, unit), change))
    headings = ("指标", "本期", "上期", "变化") if zh else ("Figure", "This period", "Before", "Change")
    return Grid(headings=headings, rows=rows, empty="")


def _category_chart(now: Figures, lang: str) -> Chart:
    bars = []
    for name, counts in sorted(now.by_category.items(), key=lambda pair: -_wrong(pair[1])):
        wrong = _wrong(counts)
        bars.append(Bar(name=category(name, lang), figure=wrong, label=str(wrong), tone="bad" if wrong else "good"))
    return Chart(title="各类异常与告警次数" if lang == "zh" else "Wrong readings by category", bars=tuple(bars))


def _wrong(counts: Counter[Verdict]) -> int:
    return sum(counts[held] for held in (Verdict.CRITICAL, Verdict.WARN, Verdict.UNKNOWN))


def _category_grid(now: Figures, before: Figures, lang: str) -> Grid:
    zh = lang == "zh"
    shown = (Verdict.OK, Verdict.WARN, Verdict.CRITICAL, Verdict.UNKNOWN)
    rows = []
    for name in sorted({*now.by_category, *before.by_category}):
        counts, was = now.by_category.get(name, Counter()), before.by_category.get(name, Counter())
        cells = (f"{counts[held]} ({counts[held] - was[held]:+d})" for held in shown)
        rows.append((category(name, lang), *cells))
    headings = (("类别" if zh else "Category"), *(verdict(held, lang) for held in shown))
    return Grid(headings=headings, rows=rows, empty="本期无巡检。" if zh else "There was no inspection.")


def _often_grid(now: Figures, lang: str) -> Grid:
    zh = lang == "zh"
    rows = [
        (_title(now.items[item], zh), host, str(count), now.items[item].advice_zh if zh else now.items[item].advice)
        for (item, host), count in sorted(now.bad.items(), key=lambda pair: (-pair[1], pair[0]))[:TOP]
    ]
    headings = ("巡检项", "主机", "次数", "建议") if zh else ("Item", "Host", "Times", "Advice")
    return Grid(headings=headings, rows=rows, empty="无。" if zh else "Nothing.")


def _growth_grid(now: Figures, before: Figures, lang: str) -> Grid:
    """Return the fullest objects; the many that are nearly empty say nothing of a period."""
    zh = lang == "zh"
    rows = []
    for key, series in sorted(now.series.items(), key=lambda pair: (-pair[1].high, pair[0])):
        item = now.items[key[0]]
        if item.category != "capacity" or item.unit != PERCENT or series.high < LEAST_PERCENT:
            continue
        was = before.series.get(key)
        change = "-" if was is None else f"{series.mean - was.mean:+.1f}"
        where = " ".join(part for part in key[1:] if part)
        rows.append((_title(item, zh), where, f"{series.mean:.1f}", f"{series.high:.1f}", f"{series.last:.1f}", change))
    headings = (
        ("指标", "对象", "均值 %", "峰值 %", "期末 %", "较上期")
        if zh
        else ("Figure", "Object", "Mean %", "Peak %", "At the end %", "Against before")
    )
    empty = f"均低于 {LEAST_PERCENT:g} %。" if zh else f"Everything stayed below {LEAST_PERCENT:g} %."
    return Grid(headings=headings, rows=rows[:FULLEST_SHOWN], empty=empty)


def _title(item: ItemSeen, zh: bool) -> str:
    return item.title_zh if zh else item.title
