"""The inspection record as a workbook: one row for every item and object, with room for handling and signatures."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from types import MappingProxyType

from hardening.inspected import Incident, ItemSeen, Reading, Run, Verdict
from hardening.inspection import chinese
from hardening.inspection.words import follows_from, host_name, level, local, measured, threshold, verdict
from hardening.reports.office_zip import settled
from hardening.reports.xlsx_sheet import Book, Cell, Column, Table, Tone, Toned

TONES = {
    Verdict.OK: Tone.GOOD,
    Verdict.WARN: Tone.WARN,
    Verdict.CRITICAL: Tone.BAD,
    Verdict.UNKNOWN: Tone.OPEN,
    Verdict.NOT_APPLICABLE: Tone.MUTED,
}
NOBODY: Mapping[str, str] = MappingProxyType({})
COLUMNS = (
    ("日期", "Date", 16),
    ("系统", "System", 16),
    ("主机", "Host", 16),
    ("主机 IP", "Address", 14),
    ("业务等级", "Level", 9),
    ("巡检项", "Item", 28),
    ("对象", "Object", 18),
    ("方法", "Method", 20),
    ("阈值", "Threshold", 26),
    ("实测值", "Measured", 26),
    ("结果", "Result", 10),
    ("异常描述", "What is wrong", 28),
    ("异常编号", "Incident", 14),
    ("处理", "Handling", 20),
    ("处理人", "Handled by", 11),
    ("复核", "Checked by", 11),
    ("巡检人签字", "Signature", 13),
)


def record_workbook(
    run: Run,
    readings: Iterable[Reading],
    incidents: Sequence[Incident],
    *,
    zone: tzinfo,
    lang: str,
    owners: Mapping[str, str] = NOBODY,
    systems: Mapping[str, str] = NOBODY,
) -> bytes:
    """Return the workbook of one run. `owners` are other names of owners, for the language of the paper.

    `systems` says which system each host is part of, as the register has it.

    Nothing in it is a formula; equal facts give equal bytes.
    """
    from xlsxwriter import Workbook

    zh = lang == "zh"
    title = "巡检记录表" if zh else "Inspection record"
    made = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with Workbook(made, options) as workbook:
        created = run.started_at.astimezone(UTC).replace(tzinfo=None)
        workbook.set_properties({"title": title, "subject": run.id, "created": created})
        book = Book(workbook, header=title, footer=run.id, pages="&P / &N", lang=lang)
        book.table(
            Table(
                name=title,
                columns=[Column(heading=names[0] if zh else names[1], width=names[2]) for names in COLUMNS],
                rows=_rows(run, readings, _by_key(incidents), owners, systems, zone, lang),
                empty="无" if zh else "nothing",
                frozen_columns=6,
            )
        )
    return settled(made.getvalue())


def _by_key(incidents: Sequence[Incident]) -> Mapping[str, Incident]:
    """Return the newest incident of each key."""
    return {incident.first.key: incident for incident in incidents}


def _rows(
    run: Run,
    readings: Iterable[Reading],
    incidents: Mapping[str, Incident],
    owners: Mapping[str, str],
    systems: Mapping[str, str],
    zone: tzinfo,
    lang: str,
) -> Iterator[Sequence[Cell]]:
    items: Mapping[str, ItemSeen] = {item.id: item for item in run.items}
    zh = lang == "zh"
    for reading in readings:
        item = items[reading.item]
        incident = incidents.get(reading.key) if reading.verdict.is_bad else None
        yield (
            local(reading.taken_at, zone),
            systems.get(reading.host, ""),
            host_name(reading.host, lang),
            run.addresses.get(reading.host, ""),
            level(reading.level, lang),
            item.title_zh if zh else item.title,
            reading.subject,
            chinese.METHODS.get(item.method, item.method) if zh else item.method,
            threshold(reading.threshold, lang),
            measured(reading, item.unit, lang),
            Toned(text=verdict(reading.verdict, lang), tone=TONES[reading.verdict]),
            _wrong(reading, item, lang) if reading.verdict.is_bad else "",
            incident.number if incident else "",
            (incident.handling or follows_from(incident, lang)) if incident else "",
            owners.get(incident.owner, incident.owner) if incident else "",
            "",
            "",
        )


def _wrong(reading: Reading, item: ItemSeen, lang: str) -> str:
    """Return what is wrong in a sentence of its own, for whoever reads this column alone."""
    zh = lang == "zh"
    shown = measured(reading, item.unit, lang)
    return f"未达到“{item.title_zh}”：{shown}" if zh else f"Not so: {item.title}. {shown}"
