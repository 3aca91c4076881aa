"""How the Word templates of the reports look: styles, tables, fields. Knows nothing of what stands in them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_ALIGN_VERTICAL, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from hardening.reports.office_zip import settled

LANGUAGES = ("en", "zh")
MADE = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
NAVY = RGBColor(0x1F, 0x3A, 0x5F)
GREY = RGBColor(0x55, 0x5B, 0x66)
BAND, LABEL, ALARM = "1F3A5F", "EAEFF6", "F9D9DB"
PAGE_CM = 17.0

Text = tuple[str, str]
# Heading and width in centimetres, what stands in the row, and the variable that colours the cell.
Field = tuple[Text, float, str, str]


class Page:
    """A document in one language, written from top to bottom."""

    def __init__(self, lang: str, title: str) -> None:
        self.at = LANGUAGES.index(lang)
        self.document: Any = Document()
        self._styles()
        section = self.document.sections[0]
        section.orientation = WD_ORIENT.PORTRAIT
        section.page_width, section.page_height = Cm(21.0), Cm(29.7)
        section.left_margin = section.right_margin = Cm(2.0)
        section.top_margin = section.bottom_margin = Cm(2.2)
        section.different_first_page_header_footer = True
        core = self.document.core_properties
        core.title, core.author, core.comments, core.created, core.modified = title, "", "", MADE, MADE
        core.last_modified_by, core.language = "", ("en-GB", "zh-CN")[self.at]

    def say(self, text: Text) -> str:
        """Return a text in the document's language."""
        return text[self.at]

    def heading(self, text: Text | str, level: int = 1) -> None:
        """Write a heading."""
        self.document.add_heading(text if isinstance(text, str) else self.say(text), level)

    def paragraph(self, text: Text | str, *, size: float | None = None, bold: bool = False, grey: bool = False) -> Any:
        """Write a paragraph."""
        paragraph = self.document.add_paragraph()
        run = paragraph.add_run(text if isinstance(text, str) else self.say(text))
        run.bold = bold
        if size:
            run.font.size = Pt(size)
        if grey:
            run.font.color.rgb = GREY
        return paragraph

    def loop(self, tag: str) -> None:
        """Write a template tag that is a paragraph of its own, which goes when the report is written."""
        self.document.add_paragraph("{%p " + tag + " %}")

    def centred(self, text: Text | str, size: float, *, bold: bool = False, after: float = 6, rgb: Any = None) -> None:
        """Write a centred line."""
        paragraph = self.paragraph(text, size=size, bold=bold)
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        paragraph.paragraph_format.space_after = Pt(after)
        if rgb is not None:
            paragraph.runs[0].font.color.rgb = rgb

    def page_break(self) -> None:
        """Go on on the next page."""
        self.document.add_paragraph().add_run().add_break(WD_BREAK.PAGE)

    def table(self, each: str, fields: Sequence[Field]) -> None:
        """Write a table with one row for each element; its heading comes again on every page."""
        table = self._table(4, [width for _, width, _, _ in fields])
        for cell, (heading, *_) in zip(table.rows[0].cells, fields, strict=True):
            self._write(cell, self.say(heading), bold=True, shade=BAND, rgb=RGBColor(0xFF, 0xFF, 0xFF))
        _flag(table.rows[0], "w:tblHeader")
        table.rows[1].cells[0].text = "{%tr for " + each + " %}"
        for cell, (_, _, value, colour) in zip(table.rows[2].cells, fields, strict=True):
            self._write(cell, ("{% cellbg " + colour + " %}" if colour else "") + value)
        _flag(table.rows[2], "w:cantSplit")
        table.rows[3].cells[0].text = "{%tr endfor %}"
        self.document.add_paragraph().paragraph_format.space_after = Pt(2)

    def pairs(
        self, rows: Sequence[tuple[Text, str]], *, widths: tuple[float, float] = (4.5, 12.5), high: float = 0
    ) -> None:
        """Write a table of labels and values; one with high rows is for a pen, or a cover."""
        size = 10.5 if high else 8.5
        table = self._table(len(rows), widths)
        for row, (label, value) in zip(table.rows, rows, strict=True):
            self._write(row.cells[0], self.say(label), bold=True, shade=LABEL, size=size)
            self._write(row.cells[1], value, size=size)
            if high:
                row.height = Cm(high)
                for cell in row.cells:
                    cell.vertical_alignment = WD_ALIGN_VERTICAL.CENTER
        self.document.add_paragraph().paragraph_format.space_after = Pt(2)

    def alarms(self) -> None:
        """Write what says that this is not the whole truth, where no reader can miss it."""
        self.loop("if alarms")
        table = self._table(3, [PAGE_CM])
        table.rows[0].cells[0].text = "{%tr for alarm in alarms %}"
        self._write(
            table.rows[1].cells[0],
            self.say(("Attention: {{ alarm }}", "注意：{{ alarm }}")),
            bold=True,
            shade=ALARM,
            size=10,
        )
        table.rows[2].cells[0].text = "{%tr endfor %}"
        self.document.add_paragraph().paragraph_format.space_after = Pt(2)
        self.loop("endif")

    def contents(self, sections: Sequence[Text]) -> None:
        """Write a table of contents that Word brings up to date on request, and that reads well before."""
        title = self.paragraph(("Contents", "目录"), size=16, bold=True)
        title.runs[0].font.color.rgb = NAVY
        paragraphs = [self.document.add_paragraph(self.say(section)) for section in sections]
        for paragraph in paragraphs:
            paragraph.paragraph_format.space_after = Pt(6)
        _field(paragraphs[0], 'TOC \\o "1-1" \\h \\z \\u', begin=True)
        _field(paragraphs[-1], "", begin=False)

    def running(self, title: Text) -> None:
        """Write the running head and the page number, from the second page on."""
        section = self.document.sections[0]
        head = section.header.paragraphs[0]
        head.text = f"{self.say(title)}\t\t{{{{ campaign.id }}}}"
        foot = section.footer.paragraphs[0]
        foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
        foot.add_run(self.say(("Page ", "第 ")))
        _simple_field(foot, "PAGE")
        foot.add_run(self.say((" of ", " 页 共 ")))
        _simple_field(foot, "NUMPAGES")
        foot.add_run(self.say(("", " 页")))
        for run in (*head.runs, *foot.runs):
            run.font.size, run.font.color.rgb = Pt(8.5), GREY

    def bytes(self) -> bytes:
        """Return the document, the same bytes each time."""
        made = io.BytesIO()
        self.document.save(made)
        return settled(made.getvalue())

    def _table(self, rows: int, widths: Sequence[float]) -> Any:
        table = self.document.add_table(rows=rows, cols=len(widths), style="Table Grid")
        table.alignment = WD_TABLE_ALIGNMENT.CENTER
        table.autofit = False
        for column, width in enumerate(widths):
            table.columns[column].width = Cm(width)
            for row in table.rows:
                row.cells[column].width = Cm(width)
        borders = OxmlElement("w:tblBorders")
        for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
            line = OxmlElement(f"w:{side}")
            for key, value in (("val", "single"), ("sz", "4"), ("space", "0"), ("color", "B8C0CC")):
                line.set(qn(f"w:{key}"), value)
            borders.append(line)
        table._tbl.tblPr.append(borders)
        return table

    def _write(
        self, cell: Any, text: str, *, bold: bool = False, shade: str = "", rgb: Any = None, size: float = 8.5
    ) -> None:
        paragraph = cell.paragraphs[0]
        paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(1.5)
        run = paragraph.add_run(text)
        run.bold, run.font.size = bold, Pt(size)
        if rgb is not None:
            run.font.color.rgb = rgb
        if shade:
            shading = OxmlElement("w:shd")
            for key, value in (("val", "clear"), ("color", "auto"), ("fill", shade)):
                shading.set(qn(f"w:{key}"), value)
            cell._tc.get_or_add_tcPr().append(shading)

    def _styles(self) -> None:
        # Without it a reader's program may draw Chinese punctuation as Japanese or Traditional Chinese.
        default = self.document.styles.element.find(qn("w:docDefaults")).find(".//" + qn("w:rPr"))
        language = default.find(qn("w:lang"))
        if language is None:
            language = OxmlElement("w:lang")
            default.append(language)
        language.set(qn("w:val"), "en-GB")
        language.set(qn("w:eastAsia"), "zh-CN")
        for name, size, east in (
            ("Normal", 10.5, "SimSun"),
            ("Heading 1", 16, "SimHei"),
            ("Heading 2", 12.5, "SimHei"),
        ):
            style = self.document.styles[name]
            fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
            for key in list(fonts.attrib):
                del fonts.attrib[key]
            for key in ("ascii", "hAnsi", "cs"):
                fonts.set(qn(f"w:{key}"), "Arial")
            fonts.set(qn("w:eastAsia"), east)
            style.font.size = Pt(size)
            if name != "Normal":
                style.font.color.rgb, style.font.bold = NAVY, True
                style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(14), Pt(6)
            else:
                style.paragraph_format.space_after = Pt(6)
                style.paragraph_format.line_spacing = 1.15


def _flag(row: Any, name: str) -> None:
    row._tr.get_or_add_trPr().append(OxmlElement(name))


def _char(kind: str) -> Any:
    run = OxmlElement("w:r")
    mark = OxmlElement("w:fldChar")
    mark.set(qn("w:fldCharType"), kind)
    run.append(mark)
    return run


def _instruction(text: str) -> Any:
    run = OxmlElement("w:r")
    instruction = OxmlElement("w:instrText")
    instruction.set(qn("xml:space"), "preserve")
    instruction.text = text
    run.append(instruction)
    return run


def _field(paragraph: Any, text: str, *, begin: bool) -> None:
    """Open a field before a paragraph's text, or close one after it."""
    if not begin:
        paragraph._p.append(_char("end"))
        return
    at = 1 if paragraph._p.pPr is not None else 0
    for number, part in enumerate((_char("begin"), _instruction(text), _char("separate"))):
        paragraph._p.insert(at + number, part)


def _simple_field(paragraph: Any, text: str) -> None:
    """Write a field whose value the reader's program fills in."""
    for part in (_char("begin"), _instruction(text), _char("separate")):
        paragraph._p.append(part)
    paragraph.add_run("1")
    paragraph._p.append(_char("end"))
