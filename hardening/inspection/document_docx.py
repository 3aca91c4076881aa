"""Documents for Word: A4, a header, numbered pages, repeated headings of tables. Equal facts give equal bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

from hardening.inspection.document import Block, Chart, Document, Facts, Grid, Heading, Signatures, Text
from hardening.reports.office_zip import settled
from hardening.reports.safe_text import bounded, visible

if TYPE_CHECKING:
    from docx.document import Document as Word

CELL_LIMIT = 2_000
BLUE, PALE = "1F3A5F", "EAEFF6"
# What a column of 9 points has room for.
CM_OF_LETTER = 0.2
PADDING_CM = 0.45
PAGE_CM = 18.0
FEWEST_LETTERS = 9
LONGEST_WORD = 14
LONGEST_TEXT = 60
BREAKS = re.compile(r"(?<=-)|(?<=[\u3000-\u9fff\uff00-\uffef])|(?=[\u3000-\u9fff\uff00-\uffef])")
BLOCKS = 34
INKS = {"good": "2E7D4F", "warn": "B7791F", "bad": "B3261E", "": BLUE}
SHADES = {"good": "DFF1E1", "warn": "FFF0C2", "bad": "F9D9DB"}


def docx_of(document: Document) -> bytes:
    """Return a document as the bytes of a .docx file."""
    # A tenth of a second that only who writes a document should wait for.
    import docx
    from docx.shared import Cm, Pt, RGBColor

    word = docx.Document()
    section = word.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin = section.right_margin = Cm(1.5)
    section.top_margin = section.bottom_margin = Cm(2.0)
    for name in ("Normal", "Heading 1", "Heading 2", "Title"):
        style: Any = word.styles[name]
        style.font.name = "Arial"
        style.element.get_or_add_rPr().get_or_add_rFonts().set(_w("eastAsia"), "Microsoft YaHei")
        if name != "Normal":
            style.font.color.rgb = RGBColor.from_string(BLUE)
    normal: Any = word.styles["Normal"]
    normal.font.size = Pt(10)
    section.header.paragraphs[0].text = visible(document.title)
    _page_numbers(section.footer.paragraphs[0])
    word.add_heading(visible(document.title), 0)
    word.add_paragraph(visible(document.subtitle))
    for block in document.blocks:
        _write(word, block)
    core = word.core_properties
    core.title, core.author, core.comments = visible(document.title), "", ""
    core.created = core.modified = document.made_at.astimezone(UTC).replace(tzinfo=None)
    made = io.BytesIO()
    word.save(made)
    return settled(made.getvalue())


def _write(word: Word, block: Block) -> None:
    match block:
        case Heading():
            word.add_heading(visible(block.text), block.order)
        case Text():
            word.add_paragraph().add_run(visible(block.text)).bold = block.is_strong
        case Facts():
            _table(word, (), block.rows, widths=(4.5, 13.5), first_is_name=True)
        case Grid():
            if block.rows:
                _table(word, block.headings, block.rows, tones=block.tones)
            else:
                word.add_paragraph(visible(block.empty))
        case Chart():
            word.add_paragraph().add_run(visible(block.title)).bold = True
            most = max((bar.figure for bar in block.bars), default=0) or 1
            # Full blocks are text, so that the chart needs no picture and can be copied.
            rows = [(bar.name, "\u2588" * round(BLOCKS * bar.figure / most), bar.label) for bar in block.bars]
            _table(word, (), rows, widths=(4.0, 11.0, 3.0), inks=[INKS[bar.tone] for bar in block.bars])
        case Signatures():
            signed = [(name, "\n\n", block.date, "") for name in block.names]
            _table(word, (), signed, widths=(3.0, 6.5, 2.0, 6.5), first_is_name=True)


def _table(
    word: Word,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    tones: Sequence[str] = (),
    widths: Sequence[float] = (),
    inks: Sequence[str] = (),
    first_is_name: bool = False,
) -> None:
    """Write a table. `widths` are centimetres, else they go by the words; `inks` colour a row's second column."""
    if not rows:
        return
    from docx.shared import Cm

    table = word.add_table(rows=0, cols=len(rows[0]))
    table.style = "Table Grid"
    table.autofit = False
    centimetres = [Cm(width) for width in widths or widths_of(headings, rows)]
    if headings:
        cells = table.add_row().cells
        for cell, heading in zip(cells, headings, strict=True):
            _fill(cell, heading, shade=BLUE, is_strong=True, colour="FFFFFF")
        properties = table.rows[0]._tr.get_or_add_trPr()
        repeated = properties.makeelement(_w("tblHeader"), {})
        properties.append(repeated)
    for index, row in enumerate(rows):
        for column, (cell, text) in enumerate(zip(table.add_row().cells, row, strict=True)):
            shade = SHADES.get(tones[index], "") if tones else ""
            is_name = first_is_name and column == 0
            colour = inks[index] if inks and column == 1 else ""
            _fill(cell, text, shade=PALE if is_name else shade, is_strong=is_name, colour=colour)
    for column, width in zip(table.columns, centimetres, strict=True):
        column.width = width
    for line in table._tbl.tr_lst:
        # A row that breaks over two pages leaves a blank one on the first.
        kept = line.get_or_add_trPr()
        kept.append(kept.makeelement(_w("cantSplit"), {}))
        for held, width in zip(line.tc_lst, centimetres, strict=True):
            held.width = width
    word.add_paragraph()


def widths_of(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[float]:
    """Return the centimetres of each column: room for its longest word first, and the rest by how much it says."""
    # A heading is bold, and wider for it.
    wider = [f"{heading}x" for heading in headings]
    columns = list(zip(*((wider, *rows) if headings else rows), strict=True))
    words = [
        max(min(FEWEST_LETTERS, max(map(_wide, column))), *(_wide(word) for text in column for word in _words(text)))
        for column in columns
    ]
    least = [min(LONGEST_WORD, word) * CM_OF_LETTER + PADDING_CM for word in words]
    wishes = [min(LONGEST_TEXT, max(map(_wide, column))) * CM_OF_LETTER + PADDING_CM for column in columns]
    if sum(least) >= PAGE_CM:
        return [PAGE_CM * width / sum(least) for width in least]
    missing = [max(wish - width, 0.0) for wish, width in zip(wishes, least, strict=True)]
    spare = PAGE_CM - sum(least)
    if not sum(missing):
        return [width + spare / len(least) for width in least]
    return [width + spare * more / sum(missing) for width, more in zip(least, missing, strict=True)]


def _words(text: str) -> list[str]:
    """Return what Word does not break: it breaks at spaces and hyphens, and between ideographs."""
    return BREAKS.sub(" ", text).split() or [""]


def _wide(text: str) -> int:
    """Return the width of a text in Latin letters."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _fill(cell: Any, text: str, *, shade: str = "", is_strong: bool = False, colour: str = "") -> None:
    from docx.shared import Pt, RGBColor

    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(2)
    run = paragraph.add_run(bounded(text, CELL_LIMIT))
    run.bold = is_strong
    run.font.size = Pt(9)
    if colour:
        run.font.color.rgb = RGBColor.from_string(colour)
    if shade:
        properties = cell._tc.get_or_add_tcPr()
        properties.append(properties.makeelement(_w("shd"), {_w("val"): "clear", _w("fill"): shade}))


def _page_numbers(paragraph: Any) -> None:
    for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
        run = paragraph.add_run()._r
        if kind:
            run.append(run.makeelement(_w("fldChar"), {_w("fldCharType"): kind}))
        else:
            said = run.makeelement(_w("instrText"), {})
            said.text = text
            run.append(said)


def _w(name: str) -> str:
    from docx.oxml.ns import qn

    return str(qn(f"w:{name}"))
