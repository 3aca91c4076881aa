"""Word documents and PDF from the command line, on this machine and without a lab."""

from __future__ import annotations

import pytest
from docx import Document

from tests.command_line import CommandLine


def test_a_customers_word_template_shapes_the_report(hardening: CommandLine) -> None:
    """`report --docx-template` writes the customer's own form; a wrong name in it is told, and answers 2."""
    for name, text in (("ours", "Ours: {{ campaign.id }}"), ("wrong", "{{ campain.id }}")):
        template = Document()
        template.add_paragraph(text)
        template.save(str(hardening.place / f"{name}.docx"))
    campaign = hardening.scan("--json").document()["campaign"]["id"]

    said = hardening("report", "--format", "docx=out.docx", "--docx-template", "ours.docx")
    wrong = hardening("report", "--format", "docx=wrong-out.docx", "--docx-template", "wrong.docx")

    assert said.code == 0
    assert [each.text for each in Document(str(hardening.place / "out.docx")).paragraphs] == [f"Ours: {campaign}"]
    assert wrong.code == 2
    assert "wrong.docx: 'campain' is undefined" in wrong.err
    assert not (hardening.place / "wrong-out.docx").exists()


def test_a_template_for_no_document_is_refused(hardening: CommandLine) -> None:
    """A template that nothing would be written from is a mistake, not a wish."""
    hardening.scan()

    said = hardening("report", "--docx-template", "ours.docx")

    assert said.code == 2
    assert "--format docx=PATH" in said.err


def test_a_pdf_that_cannot_be_made_leaves_the_other_reports_and_answers_three(
    hardening: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without LibreOffice the package is named, and what can be written is."""
    hardening.scan()
    monkeypatch.setenv("PATH", str(hardening.place))

    said = hardening("report", "--format=pdf=out.pdf", "--format=csv=out.csv")

    assert said.code == 3
    assert "out.pdf: no PDF was written: LibreOffice is missing" in said.err
    assert "libreoffice-writer" in said.err
    assert (hardening.place / "out.csv").is_file()
    assert not (hardening.place / "out.pdf").exists()
