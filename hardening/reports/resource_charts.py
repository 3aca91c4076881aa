"""Line charts as inline SVG: presentation attributes and classes alone, so that the strictest policy shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from markupsafe import Markup, escape

from hardening.reports.resource_grids import amount
from hardening.reports.safe_text import visible
from hardening.resource_model import Series
from hardening.resources.forecasting import Forecast, Outlook
from hardening.resources.overview import Overview

WIDTH, HEIGHT, LEFT, BOTTOM = 320, 120, 4, 14
# A page that a person reads shows what fills first; the workbook and `trend` have everything.
CHARTS = 24
# How much of the future a chart shows, as a share of the past that it shows.
AHEAD = 0.35


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One drawing with what it is of; the numbers stand beside it for who cannot see it."""

    host: str
    subject: str
    now: str
    limit: str
    drawing: Markup


def charts_of(view: Overview) -> list[Chart]:
    """Return charts of what fills first, and of every line that was measured, up to `CHARTS`."""
    forecasts = [each for each in view.forecasts if not each.subject.startswith("line:")][:CHARTS]
    lines = [each for each in view.forecasts if each.subject.startswith("line:")][:CHARTS]
    made = []
    for each in [*lines, *forecasts]:
        series = _series(view, each)
        if series is None or len(series.readings) < 2:
            continue
        limit = amount(each.subject, each.limit) or ""
        now = amount(each.subject, each.value) or ""
        made.append(Chart(host=each.host, subject=each.subject, now=now, limit=limit, drawing=draw(series, each)))
    return made[:CHARTS]


def _series(view: Overview, each: Forecast) -> Series | None:
    if not each.subject.startswith("line:"):
        return view.series.get((each.host, each.subject, "used_bytes"))
    line = view.register.lines[each.subject.removeprefix("line:")]
    found = [view.series.get((each.host, f"nic:{line.interface}", metric)) for metric in ("rx_bps", "tx_bps")]
    known = [series for series in found if series is not None]
    return max(known, key=lambda series: max(reading.maximum for reading in series.readings), default=None)


def draw(series: Series, each: Forecast) -> Markup:
    """Return a chart of a series with its limit and the lines of the forecast."""
    first, last = series.readings[0].at, series.readings[-1].at
    past = max((last - first).total_seconds(), 1.0)
    span = past * (1 + AHEAD)
    top = max(max(reading.maximum for reading in series.readings), each.limit or 0.0, 1.0) * 1.05

    def point(seconds: float, value: float) -> str:
        x = LEFT + (WIDTH - 2 * LEFT) * seconds / span
        y = (HEIGHT - BOTTOM) * (1 - min(max(value, 0.0), top) / top) + 2
        return f"{x:.1f},{y:.1f}"

    def line(points: Iterable[str], kind: str) -> Markup:
        return Markup('<polyline class="{}" points="{}"/>').format(kind, " ".join(points))

    parts = []
    if each.limit is not None:
        parts.append(line((point(0, each.limit), point(span, each.limit)), "c-limit"))
    parts.append(line((point((r.at - first).total_seconds(), r.value) for r in series.readings), "c-line"))
    if each.growth_per_day is not None and each.outlook is not Outlook.FULL:
        days = timedelta(seconds=past * AHEAD) / timedelta(days=1)
        for growth, kind in (
            (each.growth_low, "c-bound"),
            (each.growth_high, "c-bound"),
            (each.growth_per_day, "c-ahead"),
        ):
            end = each.value + (growth or 0.0) * days
            parts.append(line((point(past, each.value), point(span, end)), kind))
    dates = Markup('<text class="c-date" x="{}" y="{}">{:%Y-%m-%d}</text>').format(LEFT, HEIGHT - 2, first)
    dates += Markup('<text class="c-date" x="{:.1f}" y="{}" text-anchor="middle">{:%Y-%m-%d}</text>').format(
        LEFT + (WIDTH - 2 * LEFT) / (1 + AHEAD), HEIGHT - 2, last
    )
    title = escape(visible(f"{series.host} {each.subject}"))
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img"><title>{}</title>{}{}</svg>').format(
        WIDTH, HEIGHT, title, Markup("").join(parts), dates
    )
