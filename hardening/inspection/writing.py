"""Write a document to a file, in the format that its name ends with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from hardening.errors import AskedWrongly, Incomplete
from hardening.inspection.document import Document
from hardening.inspection.document_docx import docx_of
from hardening.inspection.document_template import TOLD_IN, template_context
from hardening.inspection.document_text import html_of, markdown_of
from hardening.reports.docx_render import checked_template, rendered
from hardening.reports.output import write_bytes

WRITERS: Mapping[str, Callable[[Document], bytes]] = {
    ".docx": docx_of,
    ".html": lambda document: html_of(document).encode(),
    ".md": lambda document: markdown_of(document).encode(),
}


def check_format(path: Path, *more: str) -> None:
    """Refuse, before anything is done, a name that ends with no format that can be written."""
    known = (*WRITERS, *more)
    if path.suffix not in known:
        raise AskedWrongly(f"{path}: the name must end with one of {', '.join(known)}")
    if path.is_dir():
        raise AskedWrongly(f"{path}: is a directory; name a file")


def check_template(template: Path | None, paths: Iterable[Path]) -> None:
    """Refuse, before anything is done, a Word template that nothing would be written from."""
    if template is not None and not any(path.suffix == ".docx" for path in paths):
        raise AskedWrongly("--docx-template shapes a Word document: name one that ends with .docx")


def write_document(document: Document, path: Path, *, template: Path | None = None) -> None:
    """Write the document; the file is there whole or not at all. `template` is a customer's own, for Word.

    Raises Incomplete where it cannot be written, and AskedWrongly for a template that names what there is not.
    """
    check_format(path)
    if template is None or path.suffix != ".docx":
        write_file(path, WRITERS[path.suffix](document))
        return
    source = checked_template(template)
    made = rendered(
        source,
        template_context(document),
        named=str(template),
        told_in=TOLD_IN,
        made_at=document.made_at,
        subject=document.title,
    )
    write_file(path, made)


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole. Raises Incomplete where that is refused."""
    try:
        write_bytes(path, content)
    except OSError as problem:
        raise Incomplete(f"{path}: the report cannot be written: {problem.strerror}") from None
