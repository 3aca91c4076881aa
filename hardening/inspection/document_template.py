"""What a customer's own Word template may print of a document of inspections. Pure."""

from __future__ import annotations

from typing import Any

from hardening.inspection.document import Chart, Document, Facts, Grid, Heading, Signatures, Text
from hardening.inspection.document_docx import CELL_LIMIT, SHADES
from hardening.reports.safe_text import bounded, visible

TOLD_IN = "docs/inspection.md tells what may stand in it"


def template_context(document: Document) -> dict[str, Any]:
    """Return the values: the whole document from top to bottom, and each part and fact by its name.

    What stands before the first heading is a part without one.
    """
    parts: list[dict[str, Any]] = [_part("", 1)]
    signers: list[str] = []
    for block in document.blocks:
        part = parts[-1]
        match block:
            case Heading():
                parts.append(_part(visible(block.text), block.order))
            case Text():
                part["texts"].append(_said(block.text))
            case Facts():
                part["facts"] += [{"name": _said(name), "value": _said(value)} for name, value in block.rows]
            case Grid():
                part["tables"].append(_table(block))
            case Chart():
                bars = [{"name": _said(bar.name), "label": _said(bar.label)} for bar in block.bars]
                part["charts"].append({"title": _said(block.title), "bars": bars})
            case Signatures():
                signers += [_said(name) for name in block.names]
    return {
        "title": visible(document.title),
        "subtitle": visible(document.subtitle),
        "lang": document.lang,
        "made_at": f"{document.made_at:%Y-%m-%d %H:%M} UTC",
        "parts": parts,
        "part": {part["heading"]: part for part in parts},
        "fact": {fact["name"]: fact["value"] for part in parts for fact in part["facts"]},
        "signers": signers,
    }


def _part(heading: str, order: int) -> dict[str, Any]:
    return {"heading": heading, "order": order, "texts": [], "facts": [], "tables": [], "charts": []}


def _table(grid: Grid) -> dict[str, Any]:
    tones = grid.tones or [""] * len(grid.rows)
    return {
        "headings": [_said(heading) for heading in grid.headings],
        "rows": [
            {"cells": [_said(cell) for cell in row], "colour": SHADES.get(tone, "FFFFFF")}
            for row, tone in zip(grid.rows, tones, strict=True)
        ],
        "empty": "" if grid.rows else _said(grid.empty),
    }


def _said(text: str) -> str:
    return bounded(text, CELL_LIMIT)
