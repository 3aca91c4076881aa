"""Scheduled jobs: timers that do not run, files that cron leaves out, jobs that complained."""

from __future__ import annotations

import re
from typing import Any

from checks import NotApplicable, read
from checks.inspection.marking import look
from checks.inspection.reading import lines, needs_journal
from checks.inspection.services import is_not_meant

# run-parts(8) and cron(8): letters, digits, _ and - only.
_NAME = re.compile(r"[A-Za-z0-9_-]+")


@look
def idle_timers(host: Any) -> list[str]:
    """Return the timers that are enabled and do not run, but those whose conditions this host does not meet."""
    enabled = lines(read(host, "systemctl list-unit-files --type=timer --state=enabled --no-legend --no-pager --plain"))
    running = lines(read(host, "systemctl list-units --type=timer --state=active --no-legend --no-pager --plain"))
    idle = sorted({line.split()[0] for line in enabled} - {line.split()[0] for line in running})
    return [timer for timer in idle if not _has_no_place(host, timer)]


def _has_no_place(host: Any, timer: str) -> bool:
    shown = read(host, "systemctl show -p ConditionResult -p ConditionTimestampMonotonic %s", timer)
    return is_not_meant(dict(line.split("=", 1) for line in lines(shown) if "=" in line))


@look
def left_out_jobs(host: Any) -> list[str]:
    """Return the files of /etc/cron.d that cron leaves out in silence: by their name, their mode or their owner."""
    if host.run("test -d /etc/cron.d").rc != 0:
        raise NotApplicable("there is no /etc/cron.d")
    found = []
    for line in lines(read(host, "find /etc/cron.d -maxdepth 1 -type f -printf %s", "%m %U %f\\n")):
        mode, owner, name = line.split(maxsplit=2)
        is_hidden = name.startswith(".") or name.endswith((".dpkg-dist", ".dpkg-old"))
        if not is_hidden and (not _NAME.fullmatch(name) or int(mode, 8) & 0o022 or owner != "0"):
            found.append(name)
    return sorted(found)


@look
def jobs_complaining(host: Any, *, minutes: int) -> float:
    """Return how many complaints cron itself has logged in the last minutes."""
    needs_journal(host)
    said = read(host, "journalctl -q -t cron -t CRON --since %s -o cat --no-pager", f"-{minutes}min")
    return float(sum(bool(re.search(r"\b(error|fail|bad|cannot|can't)", line, re.I)) for line in lines(said)))


@look
def scripts_not_executable(host: Any) -> list[str]:
    """Return the scripts of the daily, weekly and monthly directories that are never run because nobody may."""
    found = lines(read(host, "find /etc/cron.hourly /etc/cron.daily /etc/cron.weekly /etc/cron.monthly -type f 2>&1"))
    scripts = [path for path in found if _NAME.fullmatch(path.rsplit("/", 1)[-1])]
    return sorted(path for path in scripts if host.run("test -x %s", path).rc == 1)
