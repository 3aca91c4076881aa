"""rsyslog's rules and how long rotated logs are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from checks import CannotLook, NotApplicable, ahead, kind, read
from checks.linux.reading import tool

# Distributions include the directory from the main file, before its rules.
_RSYSLOG = (
    "cat /etc/rsyslog.conf || exit 1;"
    ' for f in /etc/rsyslog.d/*.conf; do if [ -e "$f" ]; then cat "$f" || exit 1; echo; fi; done'
)
_LOGROTATE = (
    "cat /etc/logrotate.conf || exit 1; for f in /etc/logrotate.d/*; do"
    ' if [ -f "$f" ]; then printf \'\\n#: %s\\n\' "$f"; cat "$f" || exit 1; fi; done'
)
_INCLUDE = r"""^(?:\$IncludeConfig\s+|include\(.*\bfile=")([^"\s]+)"""
_DAYS = {"hourly": 1 / 24, "daily": 1, "weekly": 7, "monthly": 30, "yearly": 365, "annually": 365}
_NETWORK_INPUTS = r"\b(imtcp|imudp|imrelp|imptcp|imgssapi)\b|^\s*\$(InputTCPServerRun|UDPServerRun|InputRELPServerRun)"


@dataclass(kw_only=True)
class Stanza:
    """One group of logs in logrotate's configuration, with what it sets."""

    patterns: tuple[str, ...]
    directives: dict[str, str] = field(default_factory=dict)


@kind
def rsyslog_directive(host: Any, *, name: str) -> str | None:
    """Return a global directive such as FileCreateMode, in the old or the new spelling; None where it is not set."""
    value = None
    for line in _rsyslog_lines(host):
        old = re.match(rf"\${name}\s+(\S+)", line, re.IGNORECASE)
        new = re.search(rf'\bmodule\(.*builtin:omfile.*\b{name}="([^"]*)"', line, re.IGNORECASE)
        if old or new:
            value = (old or new)[1]  # type: ignore[index]  # one of the two matched
    return value


@kind
def rsyslog_files(host: Any, *, facility: str) -> list[str]:
    """Return the files that messages of a facility are written to; a `none` for it in the selector takes it out."""
    found = []
    for line in _rsyslog_lines(host):
        rule = re.match(r"([\w.,;*!=]+)\s+-?(/\S+)", line)
        if rule and takes(rule[1], facility):
            found.append(rule[2])
    return found


@kind
def rsyslog_remotes(host: Any) -> list[str]:
    """Return the hosts that messages are sent on to."""
    found = []
    for line in _rsyslog_lines(host):
        found += re.findall(r"^[\w.,;*!=]+\s+@{1,2}(\S+)", line)
        found += re.findall(r'\btype="(?:omfwd|omrelp)".*?\btarget="([^"]+)"', line) if "target=" in line else []
    return found


@kind
def rsyslog_inputs(host: Any) -> list[str]:
    """Return the lines that have rsyslog take messages from the network."""
    return [line for line in _rsyslog_lines(host) if re.search(_NETWORK_INPUTS, line, re.IGNORECASE)]


@kind
def log_retention_days(host: Any, *, logs: list[str]) -> dict[str, int | None]:
    """Return for how many days logrotate keeps each log: generations times period, cut by maxage; None if not rotated.

    A size limit rotates earlier than the period says, so with `size` or `maxsize` nothing is sure: 0 days.
    """
    stanzas = logrotate_stanzas(tool(host, "logrotate", _LOGROTATE))
    return {log: days_kept(log, stanzas) for log in logs}


def takes(selector: str, facility: str) -> bool:
    """Tell whether a selector of rsyslog takes messages of a facility."""
    taken = False
    for part in selector.split(";"):
        facilities, _, priority = part.rpartition(".")
        if facility in facilities.split(",") or "*" in facilities.split(","):
            taken = priority != "none"
    return taken


def logrotate_stanzas(text: str) -> list[Stanza]:
    """Return the stanzas of logrotate's files; directives outside of stanzas hold for those that follow."""
    stanzas: list[Stanza] = []
    common: dict[str, str] = {}
    heads: list[str] = []
    current: Stanza | None = None
    script = False
    for raw in text.splitlines():
        line = raw.strip()
        if script or not line or line.startswith("#"):
            script = script and line != "endscript"
        elif line in ("postrotate", "prerotate", "firstaction", "lastaction", "preremove"):
            script = True
        elif line.startswith("}"):
            current = None
        elif current is not None:
            _note(current.directives, line)
        elif line.startswith(("/", '"', "{")) or line.endswith("{"):
            heads += [part.strip('"') for part in line.rstrip("{").split()]
            if line.endswith("{"):
                current, heads = Stanza(patterns=tuple(heads), directives=dict(common)), []
                stanzas.append(current)
        else:
            _note(common, line)
    return stanzas


def days_kept(log: str, stanzas: list[Stanza]) -> int | None:
    """Return the days a log is kept, or None where no stanza names it."""
    for stanza in stanzas:
        if any(_covers(pattern, log) for pattern in stanza.patterns):
            rules = stanza.directives
            oldest = int(rules["maxage"]) if rules.get("maxage", "").isdigit() else None
            if "size" in rules or "maxsize" in rules:
                return (oldest or 10**6) if rules.get("rotate") == "-1" else 0
            generations = int(rules.get("rotate") or 0)
            kept = 10**6 if generations < 0 else int(generations * _DAYS[rules.get("period", "weekly")])
            return kept if oldest is None else min(kept, oldest)
    return None


def _note(directives: dict[str, str], line: str) -> None:
    name, _, value = line.replace("=", " ").partition(" ")
    if name in _DAYS:
        directives["period"] = name
    else:
        directives[name] = value.strip()


def _covers(pattern: str, log: str) -> bool:
    """As a shell's glob: a star does not cross a slash."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", "[^/]*").replace(r"\?", "[^/]"), log) is not None


def _rsyslog_lines(host: Any) -> list[str]:
    ahead(host, _RSYSLOG)
    if host.run("test -e /etc/rsyslog.conf").rc != 0:
        raise NotApplicable("rsyslog is not installed")
    lines: list[str] = []
    for raw in read(host, _RSYSLOG).splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        # An object such as module(...) may go over several lines.
        if lines and lines[-1].count("(") > lines[-1].count(")"):
            lines[-1] += " " + line
        else:
            lines.append(line)
    for line in lines:
        included = re.match(_INCLUDE, line, re.IGNORECASE)
        if included and included[1].rstrip("/") not in ("/etc/rsyslog.d", "/etc/rsyslog.d/*", "/etc/rsyslog.d/*.conf"):
            raise CannotLook(f"rsyslog reads {included[1]} as well, which is not looked at")
    return lines
