"""Where a report goes: a stream, or a file that appears whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from hardening.errors import AskedWrongly


def write_text(destination: Path | TextIO, text: str | Iterable[str]) -> None:
    """Write a whole report, or its parts one after another, as UTF-8; a file is replaced in one step."""
    parts = (text,) if isinstance(text, str) else text
    if isinstance(destination, Path):
        _replace(destination, (part.encode("utf-8") for part in parts))
        return
    for part in parts:
        destination.write(part)


def write_bytes(destination: Path | TextIO, content: bytes) -> None:
    """Write a whole report that is not text; a stream must have bytes beneath it, and be no person's terminal."""
    if isinstance(destination, Path):
        _replace(destination, (content,))
        return
    beneath = getattr(destination, "buffer", None)
    if beneath is None or destination.isatty():
        raise AskedWrongly("this format is not text: name a file to write it to")
    beneath.write(content)


def _replace(destination: Path, content: Iterable[bytes]) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    # The name carries our process id: two runs that write the same report must not share the unfinished file.
    part = destination.with_name(f".{destination.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.writelines(content)
        part.replace(destination)
    finally:
        part.unlink(missing_ok=True)
