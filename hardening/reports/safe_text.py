"""Text that came from a host, made safe to show: nothing in it can move a cursor, hide, or fill the page. Pure."""

from __future__ import annotations

import re

# C0 (not newline and tab), C1, format and bidirectional controls, line separators, surrogates, non-characters, tags.
UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
    + "]"
)


def visible(text: str) -> str:
    """Return text with every character that shows nothing, or works on a terminal or a reader, written as `\\x1b`."""
    # Nearly all text is plain, and Python tells that much faster than the pattern finds nothing.
    return text if text.isprintable() else UNSHOWABLE.sub(_escape, text)


def one_line(text: str) -> str:
    """Return visible text on a single line; a newline shows as `\\n`."""
    return visible(text).replace("\n", "\\n").replace("\t", " ")


def bounded(text: str, limit: int) -> str:
    """Return visible text of at most `limit` characters of the original, and say how much was left out."""
    if len(text) <= limit:
        return visible(text)
    return f"{visible(text[:limit])} … ({len(text) - limit:,} more characters)"


def bounded_line(text: str, limit: int) -> str:
    """Return visible text on one line, bounded."""
    return bounded(text, limit).replace("\n", "\\n").replace("\t", " ")


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
