#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.log_retention_days: logrotate keeps logs for so many days. with: {logs}; the value is a number of days."""

from __future__ import annotations

import fnmatch
import re
from typing import List, NamedTuple, Optional

from ansible.module_utils.hardening_core import CannotApply, Control, FileHandle, System, run_module

MAIN, DIRECTORY = "/etc/logrotate.conf", "/etc/logrotate.d"
OURS = DIRECTORY + "/zz-hardening"
DAYS = {"daily": 1, "weekly": 7, "monthly": 30, "yearly": 365, "annually": 365}
SCRIPTS = ("postrotate", "prerotate", "firstaction", "lastaction", "preremove")


class Stanza(NamedTuple):
    """Where a group of logs stands in a file: the lines between its braces."""

    file: FileHandle
    start: int
    end: int
    patterns: List[str]


def plan(control: Control, system: System) -> None:
    """Keep more generations where a stanza rotates the log; write a stanza of our own for logs that nobody rotates."""
    days = int(control.value)
    found = {str(log): stanza_of(str(log), system) for log in control.params["logs"]}
    for stanza in found.values():
        if stanza is not None and stanza.file.path != OURS:
            keep(stanza, days, system)
    new = [log for log, stanza in found.items() if stanza is None or stanza.file.path == OURS]
    if new:
        generations = max(1, -(-days // 7) if days >= 180 else days // 7)
        body = ["weekly", "rotate " + str(generations), "missingok", "notifempty", "compress", "delaycompress"]
        lines = [*new, "{", *("    " + line for line in body), "}"]
        system.dropin(OURS).set(control.id, "\n".join(lines))


def keep(stanza: Stanza, days: int, system: System) -> None:
    """Have as many generations in a stanza as make up the days."""
    inside = own_directives(stanza)
    if any(re.match(r"^\s*(size|maxsize)\b", text) for _, text in inside):
        raise CannotApply(stanza.file.path + " rotates " + stanza.patterns[0] + " by size, which promises no days")
    words = [line.strip() for line in [*system.file(MAIN).lines, *(text for _, text in inside)]]
    period = next((word for word in reversed(words) if word in DAYS), "weekly")
    generations = max(1, -(-days // DAYS[period]) if days >= 180 else days // DAYS[period])
    lines = stanza.file.text.split("\n")
    settings = [index for index, text in inside if re.match(r"^\s*rotate\s", text)]
    now = [re.sub(r"\D", "", lines[index]) for index in settings]
    aged = [index for index, text in inside if re.match(r"^\s*maxage\s", text)]
    if now != [str(generations)] and not (now and days >= 180 and int(now[-1] or 0) >= generations):
        blanks = re.match(r"\s*", lines[inside[0][0]] if inside else "    ")
        assert blanks is not None
        wanted = blanks.group() + "rotate " + str(generations)
        if settings:
            lines[settings[-1]] = wanted
        else:
            lines.insert(stanza.start, wanted)
    for index in aged:
        if days >= 180 and int(re.sub(r"\D", "", lines[index]) or 0) < days:
            lines[index] = re.sub(r"\d+", str(days), lines[index])
    stanza.file.set_text("\n".join(lines))


def own_directives(stanza: Stanza) -> "List[tuple[int, str]]":
    """Return the lines of a stanza that are directives, with their numbers: no comments, nothing of scripts."""
    found = []
    script = False
    for index in range(stanza.start, stanza.end):
        text = stanza.file.text.split("\n")[index]
        word = text.strip()
        if script or not word or word.startswith("#"):
            script = script and word != "endscript"
        elif word in SCRIPTS:
            script = True
        else:
            found.append((index, text))
    return found


def stanza_of(log: str, system: System) -> Optional[Stanza]:
    """Return the first stanza that names a log."""
    if not system.file(MAIN).exists:
        raise CannotApply(MAIN + " does not exist; install logrotate first")
    for path in [MAIN, *system.glob(DIRECTORY + "/*")]:
        file = system.file(path)
        if file.type != "file":
            continue
        for stanza in stanzas(file):
            deep = [pattern for pattern in stanza.patterns if pattern.count("/") == log.count("/")]
            if any(fnmatch.fnmatch(log, pattern) for pattern in deep):
                return stanza
    return None


def stanzas(file: FileHandle) -> List[Stanza]:
    """Return every stanza of a file."""
    found: List[Stanza] = []
    heads: List[str] = []
    start = None
    for index, line in enumerate(file.text.split("\n")):
        word = line.strip()
        if start is not None:
            if word.startswith("}"):
                found.append(Stanza(file, start, index, heads))
                heads, start = [], None
        elif word.startswith(("/", '"', "{")) or word.endswith("{"):
            heads = heads + [part.strip('"') for part in word.rstrip("{").split()]
            start = index + 1 if word.endswith("{") else None
    return found


if __name__ == "__main__":
    run_module(plan, validate=[["logrotate", "--debug", MAIN]])
