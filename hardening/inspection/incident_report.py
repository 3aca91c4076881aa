"""The papers about one incident: the whole report on a fault, and the one-page brief."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from hardening.inspected import Incident, IncidentEvent, ItemSeen
from hardening.inspection.document import Block, Document, Facts, Grid, Heading, Signatures, Text
from hardening.inspection.response import ResponseTable, owner_names, titles
from hardening.inspection.words import ACTS, host_name, level, local, measured, threshold, verdict


def incident_document(
    incident: Incident,
    item: ItemSeen | None,
    table: ResponseTable,
    *,
    now: datetime,
    lang: str,
    is_brief: bool,
    consequences: Sequence[Incident] = (),
    items: Mapping[str, ItemSeen] = MappingProxyType({}),
) -> Document:
    """Return the report on an incident, or its brief; what nobody has told yet is left open to be written in.

    `consequences` are the incidents that follow from it, `items` those that they are of.
    """
    zh = lang == "zh"
    paper = _Paper(incident, item, table, lang, tuple(consequences))
    head = (
        "故障处理简报"
        if is_brief and zh
        else "故障处理报告"
        if zh
        else "Incident brief"
        if is_brief
        else "Incident report"
    )
    state = ("处理中" if zh else "open") if incident.is_open else ("已关闭" if zh else "closed")
    blocks: list[Block] = [Facts(rows=paper.facts(now))]
    if is_brief:
        blocks += [Facts(rows=paper.words()), Signatures(names=paper.signers(), date="日期" if zh else "Date")]
    else:
        blocks += paper.chapters(items)
    return Document(
        title=f"{head} {incident.number}",
        subtitle=f"{paper.title} · {state}",
        lang=lang,
        made_at=incident.events[-1].at,
        blocks=tuple(blocks),
    )


class _Paper:
    def __init__(
        self,
        incident: Incident,
        item: ItemSeen | None,
        table: ResponseTable,
        lang: str,
        consequences: tuple[Incident, ...],
    ) -> None:
        self.incident = incident
        self.consequences = consequences
        self.table = table
        self.owners = owner_names(table, lang)
        self.zh = lang == "zh"
        self.lang = lang
        self.unit = item.unit if item is not None else ""
        self.title = (item.title_zh if self.zh else item.title) if item is not None else incident.first.item
        self.advice = (item.advice_zh if self.zh else item.advice) if item is not None else ""

    def facts(self, now: datetime) -> list[tuple[str, str]]:
        """Return what is known by itself: who, what, when, and whether in time."""
        held, zone = self.incident, self.table.zone
        late = ("超时" if self.zh else "late") if held.is_late(now) else ("按时" if self.zh else "in time")
        spent = "-" if held.closed_at is None else _span(held.opened_at, held.closed_at, self.zh)
        where = " ".join(part for part in (host_name(held.first.host, self.lang), held.first.subject) if part)
        names = (
            ("编号", "Number", held.number),
            ("级别", "Level", f"{held.level}  {titles(self.table, self.lang).get(held.level, '')}"),
            ("对象", "Object", f"{where} ({level(held.first.level, self.lang)})"),
            ("异常项", "Item", f"{self.title} [{held.first.item}]"),
            ("现象", "Seen", f"{verdict(held.worst.verdict, self.lang)}: {measured(held.worst, self.unit, self.lang)}"),
            ("阈值", "Threshold", threshold(held.worst.threshold, self.lang)),
            ("责任人", "Owner", self.owners.get(held.owner, held.owner)),
            ("发现时间", "Found", local(held.opened_at, zone)),
            ("响应时限", "Respond by", local(held.respond_by, zone)),
            ("响应时间", "Taken on", local(held.responded_at, zone)),
            ("解决时限", "Resolve by", f"{local(held.resolve_by, zone)} ({late})"),
            ("恢复时间", "Closed", local(held.closed_at, zone)),
            ("历时", "Took", spent),
            ("报告时限", "Report by", local(held.report_by, zone)),
        )
        grouped = (
            ("根因事件", "Follows from", held.consequence_of),
            ("连带事件", "Consequences", ", ".join(each.number for each in self.consequences)),
        )
        told = (*names, *(row for row in grouped if row[2]))
        return [(chinese if self.zh else english, value) for chinese, english, value in told]

    def words(self) -> list[tuple[str, str]]:
        """Return what a person told; what is not told stays blank, to be written in."""
        held = self.incident
        by_itself = not held.is_open and not held.cause
        recovered = "下一次巡检正常，自动关闭" if self.zh else "closed by the next good reading"
        return [
            ("原因" if self.zh else "Cause", held.cause),
            ("处理过程" if self.zh else "Handling", held.handling or (recovered if by_itself else "")),
            ("预防措施" if self.zh else "Prevention", held.prevention),
        ]

    def chapters(self, items: Mapping[str, ItemSeen]) -> list[Block]:
        """Return the body of the whole report."""
        zh, held = self.zh, self.incident
        blocks: list[Block] = [Heading(text="影响" if zh else "Effect")]
        effect = f"业务等级：{level(held.first.level, 'zh')}。影响范围：" if zh else ""
        blocks.append(Text(text=effect or f"Business level: {level(held.first.level, 'en')}. Effect on the business: "))
        if self.consequences:
            blocks += [Heading(text="连带事件" if zh else "Consequences"), self._taken_along(items)]
        for name, text in self.words():
            blocks += [Heading(text=name), Text(text=text or ("（待填写）" if zh else "(to be written)"))]
        if self.advice:
            blocks += [Heading(text="处置建议" if zh else "Advice"), Text(text=self.advice)]
        rows = [self._row(event) for event in held.events]
        headings = ("时间", "事项", "操作人", "内容") if zh else ("When", "What", "By", "Told")
        blocks += [Heading(text="处理经过" if zh else "Course"), Grid(headings=headings, rows=rows, empty="-")]
        return [
            *blocks,
            Heading(text="签字" if zh else "Signatures"),
            Signatures(names=self.signers(), date="日期" if zh else "Date"),
        ]

    def _taken_along(self, items: Mapping[str, ItemSeen]) -> Grid:
        zh, zone = self.zh, self.table.zone
        rows = []
        for each in self.consequences:
            item = items.get(each.first.item)
            title = each.first.item if item is None else item.title_zh if zh else item.title
            seen = measured(each.worst, "" if item is None else item.unit, self.lang)
            where = (each.number, str(each.level), title, each.first.subject)
            rows.append((*where, seen, local(each.opened_at, zone), local(each.closed_at, zone)))
        headings = (
            ("编号", "级别", "异常项", "对象", "现象", "发现时间", "恢复时间")
            if zh
            else ("Number", "Level", "Item", "Object", "Seen", "Found", "Closed")
        )
        return Grid(headings=headings, rows=rows, empty="-")

    def signers(self) -> tuple[str, ...]:
        """Return who signs."""
        return ("处理人", "复核", "甲方确认") if self.zh else ("Handled by", "Checked by", "Customer")

    def _row(self, event: IncidentEvent) -> tuple[str, str, str, str]:
        hidden = ("level", "respond_by", "resolve_by", "report_by", "quiet_minutes")
        told = "; ".join(self.owners.get(value, value) for name, value in event.told.items() if name not in hidden)
        seen = "" if event.reading is None else measured(event.reading, self.unit, self.lang)
        by = ("巡检程序" if self.zh else "inspection") if event.by == "inspection" else event.by
        moment = local(event.at, self.table.zone)
        return moment, ACTS[event.act][self.zh], by, "; ".join(part for part in (seen, told) if part)


def _span(begin: datetime, end: datetime, zh: bool) -> str:
    minutes = int((end - begin).total_seconds() // 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} 小时 {minutes} 分" if zh else f"{hours} h {minutes} min"
