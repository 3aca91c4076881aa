"""Access logs in the common form: which statuses were answered in the last minutes, by the log's own time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from checks import CannotLook, NotApplicable, read
from checks.inspection.reading import NOT_PACKED, lines, now_s, number, percent

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# `[30/Nov/2026:08:30:00 +0800] "GET / HTTP/1.1" 502 150`, in English wherever the server is.
_ANSWER = re.compile(
    r"\[(?P<day>\d\d)/(?P<month>\w{3})/(?P<year>\d{4}):(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
    r' (?P<sign>[+-])(?P<off_hours>\d\d)(?P<off_minutes>\d\d)\].*?" (?P<status>\d{3}) (?:\d+|-)'
)
# The one that is written, and the one before it: logs are rotated at midnight, and inspected at any time.
_FILES = 2


def failed_share(host: Any, paths: Sequence[str], *, minutes: int, last: int, least: int, what: str) -> float:
    """Return the share of statuses of 500 or more among the last requests, as far as they are so recent, in percent.

    `paths` are the log's files, the oldest first. Raises NotApplicable where fewer than `least` requests are so recent.
    """
    asked = [line for path in paths[-_FILES:] for line in lines(read(host, "tail -n %s %s", str(last), path))][-last:]
    if not asked:
        raise NotApplicable("nobody has asked anything yet")
    answers = [found for line in asked if (found := _answer(line)) is not None]
    if 2 * len(answers) < len(asked):
        raise CannotLook(f"{what} has a form in which no status is found with its time")
    since = now_s(host) - 60 * minutes
    recent = [status for at, status in answers if at >= since]
    if len(recent) < least:
        raise NotApplicable(
            f"{len(recent)} requests were answered in the last {minutes} minutes, and {least} are worth a share"
        )
    return percent(sum(status >= 500 for status in recent), len(recent))


def _answer(line: str) -> tuple[float, int] | None:
    """Return when a request was answered and with which status; None for a line of another form."""
    found = _ANSWER.search(line)
    if found is None or found["month"] not in _MONTHS:
        return None
    year, day, hour, minute, second = (int(found[name]) for name in ("year", "day", "hour", "minute", "second"))
    try:
        # A leap second is a second, too.
        said = datetime(year, _MONTHS.index(found["month"]) + 1, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None
    ahead = timedelta(hours=int(found["off_hours"]), minutes=int(found["off_minutes"]))
    at = said - ahead if found["sign"] == "+" else said + ahead
    return at.timestamp(), int(found["status"])


def log_files(host: Any, directory: str, names: Sequence[str], *, newer: str = "") -> list[str]:
    """Return the paths of a log's files that are not compressed, the oldest first; `newer` narrows as find does."""
    named = " -o ".join(f"-name '{name}'" for name in names)
    listed = read(
        host,
        f"find %s/ -maxdepth 1 -type f \\( {named} \\) {NOT_PACKED} {newer} -printf %s",
        directory,
        "%T@ %p\\n",
    )
    rows = [line.split(maxsplit=1) for line in lines(listed)]
    return [path for _, path in sorted((number(at, "a time"), path) for at, path in rows)]


def hours_ago(host: Any, hours: int, form: str) -> str:
    """Return the host's local time so many hours ago, as its logs write it: `form` is that of date."""
    return read(host, "date -d %s %s", f"-{hours} hours", f"+{form}").strip()
