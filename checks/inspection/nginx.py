"""nginx at work: its configuration, its backends, and what its log says of failures."""

from __future__ import annotations

import re
from typing import Any

from checks import CannotLook, NotApplicable, read
from checks.inspection.marking import look
from checks.inspection.reading import lines, needs_unit, number
from checks.inspection.web_logs import failed_share, hours_ago, log_files

ACCESS = "/var/log/nginx/access.log"
ERRORS = "/var/log/nginx/error.log"
# Lines begin with `2026/08/01 12:00:00 [crit]`.
COUNT_GRAVE = r"""
/^[0-9\/]+ [0-9:]+ \[(crit|alert|emerg)\]/ {if ($1 " " $2 >= since) n++}
END {print n + 0}
"""


@look
def nginx_configuration(host: Any) -> str:
    """Return `ok` where nginx would start with what is on the disk, else its first complaint."""
    needs_unit(host, "nginx.service")
    done = host.run("nginx -t")
    if done.rc == 0:
        return "ok"
    said = [line for line in lines(done.stderr) if "[emerg]" in line]
    if not said:
        raise CannotLook(f"`nginx -t` answered {done.rc}: {done.stderr.strip()[-200:]}")
    return said[0]


@look
def nginx_backends(host: Any) -> dict[str, str]:
    """Return for each backend of an upstream whether it takes a connection: a switch-over needs the other one alive."""
    needs_unit(host, "nginx.service")
    text = read(host, "nginx -T 2>/dev/null")
    found = {}
    for block in re.findall(r"^\s*upstream\s+\S+\s*\{(.*?)\}", text, re.S | re.M):
        for backend, options in re.findall(r"(?:^|[;{])\s*server\s+([^\s;#]+)([^;#]*)(?=;)", block, re.M):
            if "down" not in options.split():
                found[backend] = "open" if _takes_connections(host, backend) else "closed"
    if not found:
        raise NotApplicable("nginx balances over no backends")
    return found


def _takes_connections(host: Any, backend: str) -> bool:
    if backend.startswith("unix:"):
        sockets = [line.split() for line in lines(read(host, "ss -H -lx"))]
        return any(backend.removeprefix("unix:") in words for words in sockets)
    address, colon, port = backend.rpartition(":")
    if not colon or backend.endswith("]"):
        address, port = backend, "80"
    if not re.fullmatch(r"[\w.:\[\]-]+", address) or not port.isdigit():
        raise CannotLook(f"{backend} is no address of a backend that can be asked")
    return bool(host.run("timeout 5 bash -c %s", f"exec 3<>/dev/tcp/{address.strip('[]')}/{port}").rc == 0)


@look
def nginx_failures(host: Any, *, minutes: int, last: int = 1000, least: int = 20) -> float:
    """Return the share of answers with a status of 500 or more in the last minutes, in percent.

    Of the last requests alone, by the log's own time; fewer requests than `least` say nothing of a share.
    """
    needs_unit(host, "nginx.service")
    paths = _logs(host, ACCESS)
    return failed_share(host, paths, minutes=minutes, last=last, least=least, what=ACCESS)


@look
def nginx_workers(host: Any) -> float:
    """Return how many worker processes answer requests."""
    needs_unit(host, "nginx.service")
    done = host.run("pgrep -c -f %s", "^nginx: worker process")
    if done.rc not in (0, 1):
        raise CannotLook(f"pgrep answered {done.rc}")
    return number(done.stdout, "pgrep's count")


@look
def nginx_errors(host: Any, *, hours: int) -> float:
    """Return how many lines of the classes crit, alert and emerg nginx wrote in the last hours, by their own time."""
    needs_unit(host, "nginx.service")
    since = hours_ago(host, hours, "%Y/%m/%d %H:%M:%S")
    paths = _logs(host, ERRORS)
    return sum(number(read(host, "awk -v since=%s %s %s", since, COUNT_GRAVE, path), "a count") for path in paths)


def _logs(host: Any, path: str) -> list[str]:
    """Return a log's file with those that were rotated, the oldest first. Raises CannotLook where it is not there."""
    directory, _, name = path.rpartition("/")
    found = log_files(host, directory, [f"{name}*"])
    if path not in found:
        raise CannotLook(f"{path}, to which the server logs, is not there")
    return found
