"""nginx at work: its configuration, its backends, and what its log says of failures."""

from __future__ import annotations

import re
from typing import Any

from checks import CannotLook, NotApplicable, read
from checks.inspection.marking import look
from checks.inspection.reading import lines, needs_unit, number, percent

ACCESS = "/var/log/nginx/access.log"
ERRORS = "/var/log/nginx/error.log"


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
def nginx_failures(host: Any, *, last: int = 1000) -> float:
    """Return the share of answers with a status of 500 or more among the last requests, in percent."""
    needs_unit(host, "nginx.service")
    asked = lines(read(host, "tail -n %s %s", str(last), ACCESS))
    codes = [int(code[1]) for line in asked if (code := re.search(r'" (\d{3}) \d+', line))]
    if not asked:
        raise NotApplicable("nobody has asked anything yet")
    if 2 * len(codes) < len(asked):
        raise CannotLook(f"{ACCESS} has a form in which no status is found")
    return percent(sum(code >= 500 for code in codes), len(codes))


@look
def nginx_workers(host: Any) -> float:
    """Return how many worker processes answer requests."""
    needs_unit(host, "nginx.service")
    done = host.run("pgrep -c -f %s", "^nginx: worker process")
    if done.rc not in (0, 1):
        raise CannotLook(f"pgrep answered {done.rc}")
    return number(done.stdout, "pgrep's count")


@look
def nginx_errors(host: Any, *, last: int = 1000) -> float:
    """Return how many of the last lines of the error log are of the classes crit, alert and emerg."""
    needs_unit(host, "nginx.service")
    said = lines(read(host, "tail -n %s %s", str(last), ERRORS))
    return float(sum(bool(re.search(r"\[(crit|alert|emerg)\]", line)) for line in said))
