"""Ports and HTTP(S) interfaces, asked from the inspected host itself."""

from __future__ import annotations

import re
from typing import Any

from checks import CannotLook, NotApplicable, read
from checks.inspection.marking import look
from checks.inspection.reading import lines, needs_unit, number

CURL = "curl -sS -o /dev/null -k --max-time %s -w %s %s"
_CURL_IS_MISSING = 127


@look
def listening(host: Any, *, port: int, unit: str = "") -> str:
    """Return `open` where something listens on a TCP port, else `closed`."""
    needs_unit(host, unit)
    sockets = lines(read(host, "ss -H -ltn"))
    return "open" if any(line.split()[3].rpartition(":")[2] == str(port) for line in sockets) else "closed"


@look
def tcp_connect(host: Any, *, peers: list[str]) -> dict[str, str]:
    """Return for each `address:port` whether it takes a connection: open or closed."""
    if not peers:
        raise NotApplicable("no peer is named for this host")
    found = {}
    for peer in peers:
        address, _, port = peer.rpartition(":")
        command = f"exec 3<>/dev/tcp/{address.strip('[]')}/{port}"
        done = host.run("timeout 5 bash -c %s", command)
        if done.rc not in (0, 1, 124):
            raise CannotLook(f"{peer}: bash answered {done.rc}: {done.stderr.strip()[-100:]}")
        found[peer] = "open" if done.rc == 0 else "closed"
    return found


@look
def http_status(host: Any, *, urls: list[str], unit: str = "") -> dict[str, float]:
    """Return the status that each URL answers, 0 where nothing answers. Certificates are another item's matter."""
    return {url: number(_curl(host, url, "%{http_code}"), "the status") for url in _urls(host, urls, unit)}


@look
def http_seconds(host: Any, *, urls: list[str], unit: str = "", patience_s: int = 15) -> dict[str, float]:
    """Return how many seconds each URL takes to answer whole; one that takes longer than the patience took that."""
    found = {}
    for url in _urls(host, urls, unit):
        taken = number(_curl(host, url, "%{time_total}", patience_s), "the time")
        found[url] = round(taken, 3)
    return found


@look
def http_text(host: Any, *, urls: list[str], text: str, unit: str = "") -> dict[str, str]:
    """Return `found` where the page of a URL holds a text, else `missing`: a page can answer 200 and be an error."""
    found = {}
    for url in _urls(host, urls, unit):
        done = host.run("curl -sS -k --max-time 10 %s", url)
        if done.rc == _CURL_IS_MISSING:
            raise CannotLook("curl is not installed")
        found[url] = "found" if done.rc == 0 and re.search(text, str(done.stdout)) else "missing"
    return found


def _urls(host: Any, urls: list[str], unit: str) -> list[str]:
    needs_unit(host, unit)
    if not urls:
        raise NotApplicable("no interface is named for this host")
    return urls


def _curl(host: Any, url: str, shown: str, patience_s: int = 10) -> str:
    done = host.run(CURL, str(patience_s), shown, url)
    if done.rc == _CURL_IS_MISSING:
        raise CannotLook("curl is not installed")
    # curl prints what it knows also where the connection failed: 000, and how long it took.
    return str(done.stdout)


@look
def name_resolves(host: Any, *, names: list[str]) -> dict[str, str]:
    """Return the first address of each name, or `nothing`; with no name, of the host's own."""
    found = {}
    for name in names or [read(host, "hostname").strip()]:
        done = host.run("getent ahosts %s", name)
        if done.rc not in (0, 2):
            raise CannotLook(f"getent answered {done.rc}")
        answered = lines(str(done.stdout))
        found[name] = answered[0].split()[0] if done.rc == 0 and answered else "nothing"
    return found
