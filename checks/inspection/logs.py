"""Logs: errors, whether they are still written, and how far back they go."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from checks import CannotLook, NotApplicable, read
from checks.inspection.marking import look
from checks.inspection.reading import days_between, lines, needs_journal, now_s, number, seconds_between

_ISO = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))")


@look
def errors_logged(host: Any, *, minutes: int) -> float:
    """Return how many records of the class error or worse the journal holds of the last minutes."""
    needs_journal(host)
    count = read(host, "journalctl -q -p err --since %s -o cat --no-pager | wc -l", f"-{minutes}min")
    return number(count, "the number of records")


@look
def failed_logins(host: Any, *, minutes: int) -> float:
    """Return how many logins over SSH were refused in the last minutes."""
    needs_journal(host)
    said = read(host, "journalctl -q -t sshd -t sshd-session --since %s -o cat --no-pager", f"-{minutes}min")
    refused = re.compile(r"^(Failed \w+ for|Invalid user|Connection (closed|reset) by invalid user)")
    return float(sum(bool(refused.match(line)) for line in lines(said)))


@look
def minutes_silent(host: Any, *, path: str) -> float:
    """Return for how many minutes nothing was written to a log."""
    if host.run("test -e %s", path).rc != 0:
        raise NotApplicable(f"{path} is not kept here")
    return round(seconds_between(number(read(host, "stat -c %%Y %s", path), "a time"), now_s(host)) / 60, 1)


@look
def retention_missing_days(host: Any, *, days: int, patterns: list[str]) -> float:
    """Return how many days of the logs that must be kept are missing.

    A host that is younger than `days` must have kept them since it was set up: the machine-id is written once, then.
    Source: the first record of the journal, and the first line of the oldest file of each pattern; a line without a
    year counts as written when its file was last changed, which can only make the log look shorter than it is.
    Of the patterns, the log that reaches back the least counts; the journal holds what all of them do.
    """
    now = now_s(host)
    age = days_between(number(read(host, "stat -c %Y /etc/machine-id"), "a time"), now)
    files = [start for pattern in patterns if (start := _oldest(host, pattern)) is not None]
    starts = [max(files)] if files else []
    first = host.run("journalctl -q -o short-unix --no-pager 2>/dev/null | head -n 1")
    if first.rc == 0 and first.stdout.strip():
        starts.append(number(first.stdout.split()[0], "the journal's first moment"))
    if not starts:
        raise CannotLook("no log could be read")
    kept = days_between(min(starts), now)
    # A day is what the first boot may take, and what rotation cuts off.
    return max(0.0, round(min(float(days), age) - kept - 1, 1))


def _oldest(host: Any, pattern: str) -> float | None:
    if not re.fullmatch(r"[A-Za-z0-9/._*?-]+", pattern):
        raise CannotLook(f"{pattern!r} is no pattern of file names")
    listed = lines(read(host, f"ls -1tr {pattern} 2>/dev/null; true"))
    if not listed:
        return None
    opened = "zcat" if listed[0].endswith(".gz") else "cat"
    begun = str(host.run(f"{opened} %s | head -n 1", listed[0]).stdout)
    said = _ISO.match(begun)
    if said:
        return datetime.fromisoformat(said[1]).timestamp()
    return number(read(host, "stat -c %%Y %s", listed[0]), "a time")


@look
def days_since_changed(host: Any, *, path: str, unit: str = "") -> float | None:
    """Return the days since a file was last written, None where it should be there and is not."""
    if unit and host.run("systemctl is-enabled %s", unit).rc != 0:
        raise NotApplicable(f"{unit} is not enabled")
    if host.run("test -e %s", path).rc != 0:
        return None
    return days_between(number(read(host, "stat -c %%Y %s", path), "a time"), now_s(host))
