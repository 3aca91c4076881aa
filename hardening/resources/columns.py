"""The columns of the register's tables, as sheets and CSV files have them, and what a cell says. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from hardening.resources.entries import ENTRIES, DataKind, Entry, Form, Level, LineType, State

NAME = "name"

# What a field is called, English and Chinese.
HEADINGS: Mapping[str, tuple[str, str]] = {
    NAME: ("Name", "名称"),
    "system": ("System", "所属系统"),
    "purpose": ("Purpose", "用途"),
    "level": ("Business level", "业务等级"),
    "mlps": ("MLPS level", "等保级别"),
    "location": ("Location", "位置"),
    "rack": ("Rack", "机柜"),
    "zone": ("Zone", "网络区域"),
    "platform": ("Cloud platform", "云平台"),
    "form": ("Form", "虚拟或物理"),
    "external_address": ("External address", "外网IP"),
    "cpus": ("CPUs", "CPU（核）"),
    "memory_gib": ("Memory (GiB)", "内存（GiB）"),
    "disk_gib": ("Disk (GiB)", "磁盘（GiB）"),
    "in_service_on": ("In service on", "上线日期"),
    "warranty_ends": ("Warranty ends", "维保到期"),
    "state": ("State", "状态"),
    "department": ("Department", "责任部门"),
    "owner": ("Owner", "责任人"),
    "note": ("Note", "备注"),
    "provider": ("Provider", "运营商"),
    "type": ("Type", "类型"),
    "bandwidth_mbps": ("Bandwidth (Mbit/s)", "带宽（Mbit/s）"),
    "end_a": ("End A", "本端"),
    "end_b": ("End B", "对端"),
    "host": ("Host", "主机"),
    "interface": ("Interface", "网卡"),
    "backup_line": ("Backup line", "冗余线路"),
    "contact": ("Contact", "联系人"),
    "expires_on": ("Expires on", "到期"),
    "hosts": ("Hosts", "主机列表"),
    "ports": ("Ports", "端口"),
    "kind": ("Kind", "类别形式"),
    "category": ("Category", "数据类别"),
    "classification": ("Classification", "数据级别"),
    "database": ("Database", "数据库"),
    "directory": ("Directory", "目录"),
    "capacity_gib": ("Capacity (GiB)", "容量（GiB）"),
    "growth_gib_per_month": ("Growth (GiB per month)", "月增量（GiB）"),
    "backup_to": ("Backup to", "备份位置"),
    "backup_every": ("Backup every", "备份周期"),
    "shared_with": ("Shared with", "共享去向"),
}
TABLES: Mapping[str, tuple[str, str]] = {
    "hosts": ("Servers", "服务器资源台账"),
    "lines": ("Network lines", "网络线路台账"),
    "services": ("Services", "服务台账"),
    "data": ("Data", "数据分布表"),
}
CHINESE: Mapping[StrEnum, str] = {
    Level.CORE: "核心",
    Level.IMPORTANT: "重要",
    Level.GENERAL: "一般",
    State.PLANNED: "规划",
    State.IN_USE: "在用",
    State.SPARE: "备用",
    State.RETIRED: "退役",
    LineType.INTERNET: "互联网",
    LineType.GOVERNMENT_EXTRANET: "政务外网",
    LineType.LEASED: "专线",
    Form.PHYSICAL: "物理",
    Form.VIRTUAL: "虚拟",
    Form.CONTAINER: "容器",
    DataKind.DATABASE: "数据库",
    DataKind.FILES: "文件",
}
_OF_CHINESE = {(type(word), text): word.value for word, text in CHINESE.items()}
_ENUMS: Mapping[tuple[str, str], type[StrEnum]] = {
    **{(kind, "level"): Level for kind in ENTRIES},
    **{(kind, "state"): State for kind in ENTRIES},
    ("hosts", "form"): Form,
    ("lines", "type"): LineType,
    ("data", "kind"): DataKind,
}
_LISTS = {"hosts", "ports"}
_DATES = {"in_service_on", "warranty_ends", "expires_on"}
# A cell that begins so is a formula to a spreadsheet; the apostrophe in front makes it a text again.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, kw_only=True)
class TableText:
    """A table as a file has it: its kind, the headings as written, and rows of raw cells with their row numbers."""

    kind: str
    headings: tuple[str, ...]
    rows: tuple[tuple[int, tuple[Any, ...]], ...]


def fields_of(kind: str) -> tuple[str, ...]:
    """Return the fields of a table in the order of its columns, the name first."""
    own = [field for field in ENTRIES[kind].model_fields if field not in ("department", "owner", "note")]
    return (NAME, *own, "department", "owner", "note")


def heading(field: str, lang: str) -> str:
    """Return what a column is called."""
    return HEADINGS[field][lang == "zh"]


def field_named(kind: str, text: str) -> str | None:
    """Return the field of a heading in either language, or of the field's own name; None for an unknown one."""
    asked = _folded(text)
    for field in fields_of(kind):
        if asked in {_folded(field), *map(_folded, HEADINGS[field])}:
            return field
    return None


def words_of(kind: str, field: str) -> tuple[str, ...]:
    """Return the Chinese words that a cell may say, where it must be one of a few."""
    known = _ENUMS.get((kind, field))
    return () if known is None else tuple(CHINESE[word] for word in known)


def _folded(text: str) -> str:
    return re.sub(r"[\s_（）()]+", "", text).casefold()


def row_of(kind: str, name: str, entry: Entry, lang: str) -> list[str | int | float | date | None]:
    """Return the cells of an entry, words in the language of the headings."""
    return [name if field == NAME else _cell(getattr(entry, field), lang) for field in fields_of(kind)]


def _cell(value: Any, lang: str) -> str | int | float | date | None:
    if isinstance(value, StrEnum):
        return CHINESE[value] if lang == "zh" else value.value
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if value == "" or value is None:
        return None
    held: str | int | float | date = value
    return held


def raw_entry(kind: str, cells: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return the fields that a row of cells sets, as the model reads them; empty cells are left out."""
    made: dict[str, Any] = {}
    for field, held in cells:
        said = _said(held)
        if said is None:
            continue
        known = _ENUMS.get((kind, field))
        if known is not None and isinstance(said, str):
            said = _OF_CHINESE.get((known, said), said)
        elif field in _LISTS and kind == "services":
            said = [part for part in re.split(r"[,，;；、\s]+", str(said)) if part]
        elif field in _DATES and isinstance(said, str):
            said = re.sub(r"^(\d{4})[/.年](\d{1,2})[/.月](\d{1,2})日?$", _iso, said)
        elif isinstance(said, int | float) and not isinstance(said, bool) and field in _texts(kind):
            # A sheet turns a text that looks like a number into one: `3`, not `3.0`.
            said = f"{said:.15g}"
        made[field] = said
    return made


def _texts(kind: str) -> set[str]:
    numbers = {"cpus", "memory_gib", "disk_gib", "bandwidth_mbps", "capacity_gib", "growth_gib_per_month", "mlps"}
    return set(fields_of(kind)) - numbers


def _iso(found: re.Match[str]) -> str:
    return f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}"


def _said(held: Any) -> Any:
    if isinstance(held, datetime):
        return held.date()
    if isinstance(held, str):
        text = held.strip()
        if text[:1] == "'" and text[1:2] in _FORMULA:
            text = text[1:]
        return text or None
    return held


def csv_cell(held: str | int | float | date | None) -> str:
    """Return a cell of a CSV file, which no spreadsheet takes for a formula."""
    if held is None:
        return ""
    text = f"{held:.15g}" if isinstance(held, float) else str(held)
    return f"'{text}" if isinstance(held, str) and text.startswith(_FORMULA) else text
