"""The page about resources: one file with inline charts, both languages, no script, and nothing loaded."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, TextIO

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hardening.reports.output import write_text
from hardening.reports.resource_charts import charts_of
from hardening.reports.resource_grids import (
    commit_grid,
    drift_grid,
    forecast_grid,
    is_due,
    unseen_grid,
    use_grid,
)
from hardening.reports.resource_registers import (
    allocations_grid,
    data_grid,
    lines_grid,
    servers_grid,
    services_grid,
)
from hardening.reports.resource_words import word
from hardening.reports.safe_text import bounded, visible
from hardening.reports.xlsx_sheet import Cell, Figure, Tone, Toned
from hardening.resources.forecasting import FEWEST_DAYS
from hardening.resources.overview import Overview
from hardening.resources.using import Use

LANGUAGES = (("en", "en"), ("zh", "zh-Hans"))
DUE_DAYS = 90
CELL_LIMIT = 600


def write_resource_page(view: Overview, destination: Path | TextIO, *, lang: str = "en") -> None:
    """Write the page; `lang` is the language it opens in. Equal knowledge gives equal bytes."""
    style = _asset("page.css") + _asset("resources.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    text = (
        _environment()
        .get_template("resources.html.j2")
        .render(
            lang=lang,
            languages=LANGUAGES,
            policy=policy,
            style=Markup(style),  # noqa: S704 - our own file
            charts=charts_of(view),
            counts=_counts(view),
            grids={each: _grids(view, each) for each, _ in LANGUAGES},
            now=view.now.astimezone(UTC),
            days=view.window_days,
            fewest=FEWEST_DAYS,
            word=word,
        )
    )
    write_text(destination, text)


def _grids(view: Overview, lang: str) -> list[Any]:
    return [
        make(view, lang)
        for make in (
            drift_grid, forecast_grid, use_grid, commit_grid, lines_grid, servers_grid, services_grid, data_grid,
            allocations_grid, unseen_grid,
        )
    ]  # fmt: skip


def _counts(view: Overview) -> list[tuple[str, int]]:
    looks = [view.newest.get(name) for name in view.hosts]
    reached = [look for look in looks if look is not None and look.unreachable is None]
    uses = [each.use for each in view.uses] + [each.use for each in view.lines]
    full = sum(not look.unseen for look in reached)
    return [
        ("fully_seen", full),
        ("partly_seen", len(reached) - full),
        ("unreached", len(looks) - len(reached)),
        ("filling", sum(is_due(each, DUE_DAYS) for each in view.forecasts)),
        ("over_used", sum(use is Use.OVER for use in uses)),
        ("differences", len(view.drifts)),
    ]


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("hardening.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # What is not markup of ours is made visible, then escaped.
        finalize=lambda held: visible(held) if isinstance(held, str) and not isinstance(held, Markup) else held,
    )
    environment.filters["cell"] = cell_words
    environment.filters["tone"] = lambda held: held.tone.value if isinstance(held, Toned) else Tone.PLAIN.value
    return environment


def cell_words(held: Cell) -> str:
    """Return a cell as text."""
    if held is None:
        return ""
    if isinstance(held, Toned):
        return bounded(held.text, CELL_LIMIT)
    if isinstance(held, Figure):
        return f"{held.value:,.2f}".rstrip("0").rstrip(".")
    if isinstance(held, datetime):
        return held.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    if isinstance(held, date):
        return held.isoformat()
    if isinstance(held, float):
        return f"{held:.1%}"
    return f"{held:,}" if isinstance(held, int) else bounded(held, CELL_LIMIT)


def _asset(name: str) -> str:
    return files("hardening.reports").joinpath("templates", name).read_text(encoding="utf-8")
