"""Documents as Markdown and as one HTML page that needs nothing beside it."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from hardening.inspection.document import Bar, Block, Chart, Document, Facts, Grid, Heading, Signatures, Text
from hardening.reports.safe_text import visible

COLOURS = {"good": "#2e7d4f", "warn": "#b7791f", "bad": "#b3261e", "": "#1f3a5f"}
STYLE = """
body { font: 15px/1.6 "Noto Sans CJK SC", "Microsoft YaHei", Arial, sans-serif; color: #1b1f24;
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { color: #1f3a5f; margin-bottom: 0 }
h2 { color: #1f3a5f; border-bottom: 2px solid #1f3a5f; padding-bottom: .2rem; margin-top: 2rem }
.subtitle { color: #5b6470; margin-top: .2rem }
table { border-collapse: collapse; width: 100%; margin: .8rem 0 }
th, td { border: 1px solid #c4c9d1; padding: .3rem .5rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere }
th { background: #1f3a5f; color: #fff }
table.facts th { background: #eaeff6; color: #1b1f24; width: 28% }
td.good { background: #dff1e1 }
td.warn { background: #fff0c2 }
td.bad { background: #f9d9db }
svg { max-width: 100% }
svg text { font: 13px sans-serif; fill: #1b1f24 }
.signatures td { height: 3.5rem }
@media (prefers-color-scheme: dark) {
  body { background: #14171b; color: #e6e8eb }
  h1, h2 { color: #9dbce6 }
  table.facts th { background: #263241; color: #e6e8eb }
  td.good { background: #1d3d2a }
  td.warn { background: #4a3c10 }
  td.bad { background: #4f2024 }
  svg text { fill: #e6e8eb }
}
@media print {
  body { margin: 0; max-width: none }
  h2 { break-after: avoid }
  tr { break-inside: avoid }
}
"""


def markdown_of(document: Document) -> str:
    """Return a document as Markdown; whatever a host said is text in it."""
    lines = [f"# {_plain(document.title)}", "", _plain(document.subtitle), ""]
    for block in document.blocks:
        lines += [*_markdown(block), ""]
    return "\n".join(lines).rstrip() + "\n"


def _markdown(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            yield f"{'#' * (block.order + 1)} {_plain(block.text)}"
        case Text():
            yield f"**{_plain(block.text)}**" if block.is_strong else _plain(block.text)
        case Facts():
            yield from _pipes(("", ""), block.rows)
        case Grid():
            if block.rows:
                yield from _pipes(block.headings, block.rows)
            else:
                yield _plain(block.empty)
        case Chart():
            yield f"**{_plain(block.title)}**"
            yield ""
            yield from _pipes(("", ""), [(bar.name, bar.label) for bar in block.bars])
        case Signatures():
            yield from _pipes(("", "", block.date), [(name, "", "") for name in block.names])


def _pipes(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(map(_plain, headings)) + " |"
    yield "|" + "---|" * len(headings)
    for row in rows:
        yield "| " + " | ".join(map(_plain, row)) + " |"


def _plain(text: str) -> str:
    shown = visible(text).replace("\n", " ")
    for mark in ("\\", "`", "*", "_", "|", "<", ">", "[", "]", "#"):
        shown = shown.replace(mark, f"\\{mark}")
    return shown


def html_of(document: Document) -> str:
    """Return a document as one HTML page without scripts and without anything from elsewhere."""
    body = "".join(part for block in document.blocks for part in _html(block))
    return (
        f'<!doctype html><html lang="{"zh-CN" if document.lang == "zh" else "en"}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_safe(document.title)}</title><style>{STYLE}</style></head><body>"
        f'<h1>{_safe(document.title)}</h1><p class="subtitle">{_safe(document.subtitle)}</p>{body}</body></html>\n'
    )


def _html(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            yield f"<h{block.order + 1}>{_safe(block.text)}</h{block.order + 1}>"
        case Text():
            yield f"<p><strong>{_safe(block.text)}</strong></p>" if block.is_strong else f"<p>{_safe(block.text)}</p>"
        case Facts():
            rows = "".join(
                f'<tr><th scope="row">{_safe(name)}</th><td>{_safe(held)}</td></tr>' for name, held in block.rows
            )
            yield f'<table class="facts">{rows}</table>'
        case Grid():
            if not block.rows:
                yield f"<p>{_safe(block.empty)}</p>"
                return
            head = "".join(f'<th scope="col">{_safe(heading)}</th>' for heading in block.headings)
            yield f"<table><thead><tr>{head}</tr></thead><tbody>"
            for index, row in enumerate(block.rows):
                tone = f' class="{block.tones[index]}"' if block.tones and block.tones[index] else ""
                yield "<tr>" + "".join(f"<td{tone}>{_safe(cell)}</td>" for cell in row) + "</tr>"
            yield "</tbody></table>"
        case Chart():
            yield from _svg(block.title, block.bars)
        case Signatures():
            rows = "".join(
                f"<tr><th>{_safe(name)}</th><td></td><th>{_safe(block.date)}</th><td></td></tr>" for name in block.names
            )
            yield f'<table class="facts signatures">{rows}</table>'


def _svg(title: str, bars: Sequence[Bar]) -> Iterator[str]:
    most = max((bar.figure for bar in bars), default=0) or 1
    height = 26 * len(bars) + 8
    yield f'<h3>{_safe(title)}</h3><svg role="img" aria-label="{_safe(title)}" viewBox="0 0 760 {height}" width="760">'
    for index, bar in enumerate(bars):
        y, width = 26 * index + 4, round(380 * bar.figure / most, 1)
        yield f'<text x="0" y="{y + 14}">{_safe(bar.name[:28])}</text>'
        yield f'<rect x="230" y="{y}" width="{max(width, 1)}" height="18" rx="2" fill="{COLOURS[bar.tone]}"/>'
        yield f'<text x="{238 + width}" y="{y + 14}">{_safe(bar.label)}</text>'
    yield "</svg>"


def _safe(text: str) -> str:
    return html.escape(visible(text)).replace("\n", "<br>")
