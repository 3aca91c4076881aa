"""Editing shipped files by line: pure functions from text to text that leave every other byte alone.

Each is idempotent. Line ends (CRLF too) and a missing last newline stay as they are, but for the lines that change.
"""

from __future__ import annotations

import re
from typing import List, Optional, Pattern, Union

from .errors import CannotApply

Pattern_ = Union[str, Pattern[str]]


def set_key(text: str, key: str, value: str, *, separator: str = "=", section: Optional[str] = None) -> str:
    """Return the text with `key<separator>value` set once, where it is set or else shown as a comment, or at the end.

    `separator` is what a new line gets; what is there may use blanks, `=` or `:`. With `section`, only that `[section]`
    counts. Further lines that set the key are removed. With an empty value and separator the key is a bare word.
    """
    lines = split(text)
    start, end = _bounds(lines, section)
    name = re.escape(key)
    sets = re.compile(
        r"^\s*" + name + r"(?:[ \t]*[=:][ \t]*|[ \t]+|(?=\s*$))(?P<value>.*?)\s*$", re.I if separator == " " else 0
    )
    shows = re.compile(
        r"^\s*[#;]+[ \t]?" + name + r"(?:[ \t]*[=:][ \t]*|[ \t]+|(?=\s*$))(?P<value>\S*)[ \t]*(?:[#;].*)?\s*$", re.I
    )
    wanted = key + separator + value
    setting = [index for index in range(start, end) if sets.match(lines[index])]
    if setting:
        found = sets.match(lines[setting[-1]])
        assert found is not None
        if found.group("value") != value:
            lines[setting[-1]] = wanted + line_end(lines, setting[-1])
        for index in reversed(setting[:-1]):
            del lines[index]
        return "".join(lines)
    showing = [index for index in range(start, end) if shows.match(lines[index])]
    if showing:
        _put(lines, showing[-1] + 1, wanted)
    elif section is not None and start == end == len(lines) and not _has_section(lines, section):
        _put(lines, len(lines), "[" + section + "]")
        _put(lines, len(lines), wanted)
    else:
        last = end
        while last > start and not lines[last - 1].strip():
            last -= 1
        _put(lines, last, wanted)
    return "".join(lines)


def comment_out(text: str, pattern: Pattern_, *, note: str = "", comment: str = "#") -> str:
    """Return the text with every line that matches (and is no comment yet) behind a comment sign and the note."""
    lines = split(text)
    prefix = comment + (" " + note + ": " if note else " ")
    for index, line in enumerate(lines):
        if re.search(pattern, line.rstrip("\r\n")) and not line.lstrip().startswith(comment):
            lines[index] = prefix + line
    return "".join(lines)


def replace_lines(text: str, pattern: Pattern_, line: Optional[str]) -> str:
    """Return the text with `line` in the place of the first line that matches, and without the others that match."""
    lines = split(text)
    matching = [index for index, present in enumerate(lines) if re.search(pattern, present.rstrip("\r\n"))]
    for index in reversed(matching[1:] if line is not None else matching):
        del lines[index]
    if line is not None and matching:
        lines[matching[0]] = line + line_end(lines, matching[0])
    elif line is not None:
        _put(lines, len(lines), line)
    return "".join(lines)


def insert(text: str, pattern: Pattern_, line: str, *, after: bool) -> str:
    """Return the text with `line` beside the first (`after`: last) line that matches, at the end where none does."""
    lines = split(text)
    if any(present.rstrip("\r\n") == line for present in lines):
        return text
    matching = [index for index, present in enumerate(lines) if re.search(pattern, present.rstrip("\r\n"))]
    place = len(lines) if not matching else matching[-1] + 1 if after else matching[0]
    _put(lines, place, line)
    return "".join(lines)


def set_field(text: str, name: str, number: int, value: str) -> str:
    """Return the colon-separated database with one field of one entry set."""
    if ":" in value or "\n" in value:
        raise CannotApply("a field of a colon-separated database cannot hold a colon or a newline")
    lines = split(text)
    for index, line in enumerate(lines):
        fields = line.rstrip("\n").split(":")
        if fields[0] == name:
            if number >= len(fields):
                raise CannotApply("the entry of {} has only {} fields".format(name, len(fields)))
            fields[number] = value
            lines[index] = ":".join(fields) + line_end(lines, index)
            return "".join(lines)
    raise CannotApply("there is no entry of " + name)


def split(text: str) -> List[str]:
    """Return the lines with their ends; only newlines end a line (form feeds and their like do not)."""
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def line_end(lines: List[str], index: int) -> str:
    """Return how the line ends: CRLF, newline, or nothing."""
    line = lines[index]
    return "\r\n" if line.endswith("\r\n") else "\n" if line.endswith("\n") else ""


def _put(lines: List[str], place: int, line: str) -> None:
    """Insert a line in the file's own fashion of line ends; a missing last newline is added where a line follows."""
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    if place and lines[place - 1] and not lines[place - 1].endswith("\n"):
        lines[place - 1] += end
    lines.insert(place, line + end)


def _has_section(lines: List[str], section: str) -> bool:
    return any(line.strip() == "[" + section + "]" for line in lines)


def _bounds(lines: List[str], section: Optional[str]) -> "tuple[int, int]":
    if section is None:
        return 0, len(lines)
    start = next((index + 1 for index, line in enumerate(lines) if line.strip() == "[" + section + "]"), len(lines))
    end = next((index for index in range(start, len(lines)) if re.match(r"^\s*\[", lines[index])), len(lines))
    return start, end
