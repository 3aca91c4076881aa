"""Text that came from a host, made safe to stand in Markdown: as code, where no tag, link or mention works. Pure."""

from __future__ import annotations

import re

from hardening.reports.safe_text import bounded_line

# Between backticks all is text but the backtick; a table's border works even there.
PLAIN = re.compile(r"[^`|\\]*")
WORKS_IN_MARKDOWN = re.compile(r"[!-/:-@\[-`{-~]")


def code(text: str, limit: int) -> str:
    """Return text as code on one line, a dash where there is none.

    Entities work in a tag but not between backticks, so only plain text gets those.
    """
    shown = bounded_line(text, limit).strip()
    if not shown:
        return "–"
    if PLAIN.fullmatch(shown):
        return f"`{shown}`"
    return f"<code>{WORKS_IN_MARKDOWN.sub(lambda found: f'&#{ord(found.group())};', shown)}</code>"
