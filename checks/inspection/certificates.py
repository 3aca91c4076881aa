"""Certificates: when they end, and how strong their keys are."""

from __future__ import annotations

import calendar
import re
from typing import Any

from checks import CannotLook, NotApplicable, read
from checks.inspection.marking import look
from checks.inspection.reading import lines, needs_unit, now_s
from checks.postgresql import SETTINGS, ask
from checks.postgresql import targets as clusters

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_DATE = re.compile(r"notAfter=(\w{3})\s+(\d+) (\d\d):(\d\d):(\d\d) (\d{4}) GMT")


@look
def certificate_days(host: Any, *, patterns: list[str]) -> dict[str, float]:
    """Return for each certificate file that a shell pattern matches the days until it ends; less than 0 has ended."""
    return _days(host, _matching(host, patterns))


@look
def certificate_bits(host: Any, *, patterns: list[str]) -> dict[str, float]:
    """Return the size of each certificate's RSA key in bits; other kinds of keys are left out."""
    found = {}
    for path in _matching(host, patterns):
        text = read(host, "openssl x509 -noout -text -in %s", path)
        size = re.search(r"rsaEncryption.*?Public-Key: \((\d+) bit\)", text, re.S)
        if size:
            found[path] = float(size[1])
    if not found:
        raise NotApplicable("there is no certificate with an RSA key")
    return found


@look
def nginx_certificate_days(host: Any) -> dict[str, float]:
    """Return the days until each certificate ends that nginx's configuration names."""
    needs_unit(host, "nginx.service")
    named = re.findall(r"^\s*ssl_certificate\s+\"?([^;\"]+)\"?;", read(host, "nginx -T 2>/dev/null"), re.M)
    if not named:
        raise NotApplicable("nginx serves no TLS")
    return _days(host, sorted(set(named)))


@look
def postgresql_certificate_days(host: Any) -> dict[str, float]:
    """Return the days until the certificate of each cluster that speaks TLS ends."""
    found = {}
    for instance in clusters(host):
        settings = ask(host, instance, SETTINGS)
        if settings["ssl"][0] == "on":
            path = str(settings["ssl_cert_file"][0])
            found[instance] = _days(host, [path])[path]
    if not found:
        raise NotApplicable("no PostgreSQL cluster speaks TLS here")
    return found


@look
def served_certificate_days(host: Any, *, peers: list[str], unit: str = "") -> dict[str, float]:
    """Return the days until the certificate ends that each `address:port` really serves, whatever lies on the disk."""
    needs_unit(host, unit)
    if not peers:
        raise NotApplicable("no TLS interface is named for this host")
    found = {}
    for peer in peers:
        done = host.run("timeout 10 openssl s_client -connect %s </dev/null 2>/dev/null", peer)
        pem = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", str(done.stdout), re.S)
        if not pem:
            raise CannotLook(f"{peer} shows no certificate")
        shown = read(host, "printf '%%s\\n' %s | openssl x509 -noout -enddate", pem[0])
        found[peer] = _until(shown, now_s(host))
    return found


def _days(host: Any, paths: list[str]) -> dict[str, float]:
    now = now_s(host)
    return {path: _until(read(host, "openssl x509 -noout -enddate -in %s", path), now) for path in paths}


def _until(shown: str, now: float) -> float:
    said = _DATE.search(shown)
    if not said:
        raise CannotLook(f"openssl told no end: {shown.strip()[:80]}")
    month = _MONTHS.index(said[1]) + 1
    parts = (int(said[6]), month, *(int(said[n]) for n in (2, 3, 4, 5)), 0, 0, 0)
    return round((calendar.timegm(parts) - now) / 86400, 1)


def _matching(host: Any, patterns: list[str]) -> list[str]:
    found: list[str] = []
    for pattern in patterns:
        if not re.fullmatch(r"[A-Za-z0-9/._*?-]+", pattern):
            raise CannotLook(f"{pattern!r} is no pattern of file names")
        listed = read(host, f"for f in {pattern}; do test -f $f && echo $f; done; true")
        for path in lines(listed):
            if "BEGIN CERTIFICATE" in str(host.run("head -c 4000 %s", path).stdout):
                found.append(path)
    if not found:
        raise NotApplicable("no certificate lies there")
    return sorted(set(found))
