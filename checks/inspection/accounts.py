"""Accounts, and files that others could change."""

from __future__ import annotations

from collections import Counter
from typing import Any

from checks import read
from checks.inspection.marking import look
from checks.inspection.reading import lines, now_s, number

_NO_SHELL = ("nologin", "false", "sync", "shutdown", "halt")


@look
def superusers(host: Any) -> list[str]:
    """Return the accounts beside root that are root by their number."""
    return sorted(row[0] for row in _passwd(host) if row[2] == "0" and row[0] != "root")


@look
def shared_numbers(host: Any) -> list[str]:
    """Return the accounts that share their number with another, so that nobody can tell who acted."""
    often = Counter(row[2] for row in _passwd(host))
    return sorted(row[0] for row in _passwd(host) if often[row[2]] > 1)


@look
def without_password(host: Any) -> list[str]:
    """Return the accounts whose password is empty."""
    rows = [line.split(":") for line in lines(read(host, "cat /etc/shadow | sed 's/^\\([^:]*\\):[^:][^:]*:/\\1:x:/'"))]
    return sorted(row[0] for row in rows if len(row) > 1 and row[1] == "")


@look
def days_to_password_end(host: Any) -> dict[str, float]:
    """Return for each account whose password ends the days until then; none of them is an empty mapping's reason."""
    today = now_s(host) / 86400
    shadow = read(host, "sed 's/^\\([^:]*\\):\\([!*]\\{0,1\\}\\)[^:]*:/\\1:\\2:/' /etc/shadow")
    found = {}
    for row in (line.split(":") for line in lines(shadow)):
        name, locked, changed, most = row[0], row[1], row[2], row[4]
        if not locked and changed and most and number(most, "the longest age") < 99999:
            found[name] = round(number(changed, "the change") + number(most, "the longest age") - today, 1)
    return found or {"": 99999.0}


@look
def missing_homes(host: Any) -> list[str]:
    """Return the accounts with a shell whose home directory is not there."""
    found = []
    for row in _passwd(host):
        if row[6].rsplit("/", 1)[-1] not in _NO_SHELL and host.run("test -d %s", row[5]).rc != 0:
            found.append(row[0])
    return sorted(found)


@look
def writable_by_all(host: Any, *, directories: list[str]) -> list[str]:
    """Return files and directories that everybody may change; links and sticky directories are left out."""
    found = []
    for directory in directories:
        if host.run("test -d %s", directory).rc == 0:
            test = "find %s -xdev -perm -0002 ! -type l ! -type s ! -type p ! -type c ( -type f -o ! -perm -1000 )"
            found += lines(read(host, test.replace("(", "\\(").replace(")", "\\)"), directory))
    return sorted(found)


@look
def setuid_outside_system(host: Any, *, directories: list[str]) -> list[str]:
    """Return programs with setuid or setgid bits where packages put none."""
    found = []
    for directory in directories:
        if host.run("test -d %s", directory).rc == 0:
            found += lines(read(host, "find %s -xdev -type f -perm /6000", directory))
    return sorted(found)


@look
def login_keys_writable(host: Any) -> list[str]:
    """Return authorized_keys files that others than their owner may change."""
    found = []
    for row in _passwd(host):
        path = f"{row[5]}/.ssh/authorized_keys"
        if row[6].rsplit("/", 1)[-1] not in _NO_SHELL and host.run("test -e %s", path).rc == 0:
            mode = read(host, "stat -L -c %%a %s", path).strip()
            if int(mode, 8) & 0o022:
                found.append(path)
    return sorted(found)


@look
def unowned_files(host: Any, *, directories: list[str]) -> list[str]:
    """Return files whose owner or group no account has: what is left of somebody who is gone."""
    found = []
    for directory in directories:
        if host.run("test -d %s", directory).rc == 0:
            found += lines(read(host, "find %s -xdev \\( -nouser -o -nogroup \\)", directory))
    return sorted(found)


def _passwd(host: Any) -> list[list[str]]:
    return [row for row in (line.split(":") for line in lines(read(host, "cat /etc/passwd"))) if len(row) == 7]
