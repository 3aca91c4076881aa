"""The tables about resources, once for terminal, workbook and page: what stands in which column. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hardening.reports.resource_chinese import field as field_word
from hardening.reports.resource_chinese import kind as kind_word
from hardening.reports.resource_chinese import sentence
from hardening.reports.resource_words import enum_word, word
from hardening.reports.xlsx_sheet import Cell, Figure, Tone, Toned
from hardening.resource_model import Series
from hardening.resources.drifting import Kind
from hardening.resources.forecasting import Forecast, Outlook
from hardening.resources.overview import Overview
from hardening.resources.placement import HEADROOM, Placement
from hardening.resources.using import GIB, MBIT, Use, Used

TONES: Mapping[object, Tone] = {
    Kind.DIFFERS: Tone.BAD,
    Kind.UNREGISTERED: Tone.WARN,
    Kind.DUE: Tone.WARN,
    Kind.UNSEEN: Tone.OPEN,
    Outlook.FULL: Tone.BAD,
    Outlook.FILLING: Tone.WARN,
    Outlook.MAY_FILL: Tone.WARN,
    Outlook.STEADY: Tone.GOOD,
    Outlook.TOO_FEW: Tone.MUTED,
    Outlook.NO_LIMIT: Tone.MUTED,
    Use.OVER: Tone.BAD,
    Use.RIGHT: Tone.GOOD,
    Use.UNDER: Tone.WARN,
    Use.UNKNOWN: Tone.MUTED,
}


@dataclass(frozen=True, kw_only=True)
class Grid:
    """One table: its name, the columns as heading and width in Latin characters, and the rows."""

    key: str
    title: str
    columns: tuple[tuple[str, float], ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str


def grid(key: str, columns: Iterable[tuple[str, float]], rows: Iterable[Iterable[Cell]], lang: str) -> Grid:
    """Return a table whose columns are named by their words."""
    return Grid(
        key=key,
        title=word(key, lang),
        columns=tuple((word(name, lang), width) for name, width in columns),
        rows=tuple(tuple(row) for row in rows),
        empty=word("empty", lang),
    )


def drift_grid(view: Overview, lang: str) -> Grid:
    """Where register and hosts differ."""
    columns = [("kind", 14), ("subject", 18), ("field", 18), ("declared", 26), ("observed", 50)]
    rows: list[list[Cell]] = [
        [
            Toned(text=enum_word(each.kind, lang), tone=TONES[each.kind]),
            each.subject,
            field_word(each.field, lang),
            sentence(each.declared, lang),
            sentence(each.observed, lang),
        ]
        for each in view.drifts
    ]
    return grid("drift", columns, rows, lang)


def forecast_grid(view: Overview, lang: str, *, within_days: int | None = None) -> Grid:
    """When what will be full; `within_days` leaves out what surely is not by then."""
    columns = [
        ("host", 16), ("subject", 28), ("verdict", 14), ("now", 14), ("limit", 14), ("growth_day", 14), ("days", 10),
        ("between", 26), ("days_seen", 8),
    ]  # fmt: skip
    rows = [_forecast(each, lang) for each in view.forecasts if within_days is None or is_due(each, within_days)]
    return grid("forecast", columns, rows, lang)


def is_due(each: Forecast, within_days: int) -> bool:
    """Tell whether something may be full within some days."""
    return each.earliest_days is not None and each.earliest_days <= within_days


def _forecast(each: Forecast, lang: str) -> list[Cell]:
    between = ""
    if each.earliest_on is not None and each.outlook is not Outlook.FULL:
        latest = "…" if each.latest_on is None else each.latest_on.isoformat()
        between = f"{each.earliest_on.isoformat()} – {latest}"
    return [
        each.host,
        each.subject,
        Toned(text=enum_word(each.outlook, lang), tone=TONES[each.outlook]),
        amount(each.subject, each.value),
        amount(each.subject, each.limit),
        amount(each.subject, each.growth_per_day),
        None if each.days is None else round(each.days),
        between,
        each.days_seen,
    ]


def use_grid(view: Overview, lang: str) -> Grid:
    """How CPU, memory and file systems are used, the worst first, with a proposal for the right size."""
    columns = [
        ("host", 16), ("subject", 22), ("verdict", 16), ("there", 14), ("p95", 11), ("mean", 11), ("peak", 11),
        ("readings", 9), ("proposed", 16),
    ]  # fmt: skip
    order = [Use.OVER, Use.UNDER, Use.RIGHT, Use.UNKNOWN]
    uses = sorted(view.uses, key=lambda each: (order.index(each.use), -(each.share or 0), each.host, each.subject))
    rows: list[list[Cell]] = [
        [
            each.host,
            each.subject,
            Toned(text=enum_word(each.use, lang), tone=TONES[each.use]),
            _sized(each, each.size),
            *(percent(value / each.size) if value is not None and each.size else None for value in _spans(each)),
            each.readings,
            _sized(each, each.proposed),
        ]
        for each in uses
    ]
    return grid("use", columns, rows, lang)


def _spans(each: Used) -> tuple[float | None, ...]:
    return each.p95, each.mean, each.peak


def _sized(each: Used, value: float | None) -> str | None:
    if value is None:
        return None
    return f"{value:g} CPU" if each.subject == "cpu" else f"{value / GIB:.1f} GiB"


def commit_grid(view: Overview, lang: str) -> Grid:
    """What of each host is allocated or used, against what its level allows; over-commitment first."""
    columns = [
        ("host", 16),
        ("level", 10),
        ("kind", 12),
        ("there", 12),
        ("limit", 12),
        ("allocated", 14),
        ("share", 10),
    ]
    rows: list[tuple[float, list[Cell]]] = []
    for host in view.candidates():
        if host.refused or host.level is None:
            continue
        rule = HEADROOM[host.level]
        for kind, there, limit, taken, unit in (
            ("vCPU", host.cpus, host.cpus * rule.vcpus_per_cpu, host.taken_vcpus, ""),
            ("memory", host.memory_gib, host.memory_gib * rule.memory, host.taken_memory_gib, " GiB"),
            ("disk", host.disk_gib, host.disk_gib * rule.disk, host.taken_disk_gib, " GiB"),
        ):
            share = taken / limit if limit else 0.0
            shown = Toned(text=f"{share:.0%}", tone=Tone.BAD if share > 1 else Tone.GOOD)
            sizes = [f"{value:.1f}{unit}" for value in (there, limit, taken)]
            rows.append((share, [host.name, enum_word(host.level, lang), kind_word(kind, lang), *sizes, shown]))
    return grid("commit", columns, [row for _, row in sorted(rows, key=lambda each: -each[0])], lang)


def unseen_grid(view: Overview, lang: str) -> Grid:
    """What could not be seen at the newest look, and why."""
    columns = [("host", 18), ("part", 22), ("reason", 80)]
    rows: list[list[Cell]] = []
    for name in view.hosts:
        look = view.newest.get(name)
        if look is None:
            rows.append([name, None, word("never", lang)])
        elif look.unreachable is not None:
            rows.append([name, None, f"{word('not_reached', lang)}: {look.unreachable}"])
        else:
            rows += [[name, part, why] for part, why in sorted(look.unseen.items())]
    return grid("unseen", columns, rows, lang)


def plan_grid(placement: Placement, lang: str) -> Grid:
    """Why each host was chosen, or was not; the chosen ones first."""
    columns = [("service", 18), ("host", 18), ("chosen", 10), ("why", 90)]
    rows: list[list[Cell]] = [
        [
            each.service,
            each.host,
            Toned(text=str(each.chosen), tone=Tone.GOOD if each.chosen else Tone.MUTED),
            sentence(each.why, lang),
        ]
        for each in sorted(placement.verdicts, key=lambda each: (each.service, -each.chosen, each.host))
    ]
    return grid("plan", columns, rows, lang)


def trend_grid(series: Iterable[Series], lang: str) -> Grid:
    """Every reading of some series."""
    columns = [("host", 16), ("subject", 24), ("kind", 14), ("at", 20), ("value", 16), ("minimum", 16), ("maximum", 16)]
    rows: list[list[Cell]] = [
        [
            each.host,
            each.subject,
            each.metric,
            reading.at,
            measure(each.metric, reading.value),
            measure(each.metric, reading.minimum),
            measure(each.metric, reading.maximum),
        ]
        for each in series
        for reading in each.readings
    ]
    return grid("trend", columns, rows, lang)


def measure(metric: str, value: float) -> str:
    """Return a value in the unit that its metric has."""
    if metric.endswith("_bytes"):
        return f"{value / GIB:.2f} GiB"
    if metric.endswith("_bps"):
        return f"{value / MBIT:.2f} Mbit/s"
    return f"{value:.1%}" if metric.endswith("_ratio") else f"{value:g}"


def amount(subject: str, value: float | None) -> str | None:
    """Return a value in the unit of its subject."""
    if value is None:
        return None
    if subject.startswith("inodes:"):
        return f"{value:,.0f}"
    return measure("_bps" if subject.startswith("line:") else "_bytes", value)


def percent(share: float) -> str:
    """Return a share as people read it."""
    return f"{share:.1%}"


def gib(size_bytes: float) -> Figure:
    return Figure(value=round(size_bytes / GIB, 2))
