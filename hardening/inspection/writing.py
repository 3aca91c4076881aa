"""Write a document to a file, in the format that its name ends with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from hardening.errors import AskedWrongly, Incomplete
from hardening.inspection.document import Document
from hardening.inspection.document_docx import docx_of
from hardening.inspection.document_text import html_of, markdown_of
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


def write_document(document: Document, path: Path) -> None:
    """Write the document; the file is there whole or not at all. Raises Incomplete where it cannot be written."""
    check_format(path)
    write_file(path, WRITERS[path.suffix](document))


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole. Raises Incomplete where that is refused."""
    try:
        write_bytes(path, content)
    except OSError as problem:
        raise Incomplete(f"{path}: the report cannot be written: {problem.strerror}") from None
