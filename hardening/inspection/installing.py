"""Timers that run a plan: unit files for systemd, or a file for /etc/cron.d."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from hardening.errors import AskedWrongly
from hardening.inspection.plans import InspectionPlan

SERVICE = """\
[Unit]
Description=Inspection {plan} ({title})
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User={user}
WorkingDirectory={directory}
ExecStart={command}
# 1: something is wrong, and is registered; the timer itself did its work.
SuccessExitStatus=1
"""
TIMER = """\
[Unit]
Description=Inspection {plan} is due ({title})

[Timer]
OnCalendar={calendar}
AccuracySec=1s
# What was due while this machine was off is made up for when it is back, and recorded as late.
Persistent=true

[Install]
WantedBy=timers.target
"""
CRON = """\
# Inspection {plan} ({title}). cron knows no zones: our own clock decides, in {zone}, whether one is due.
{fields} {user} cd {directory} && {command}
"""


def timer_files(
    plan: InspectionPlan, command: Sequence[str], *, directory: Path, user: str, cron: bool
) -> dict[str, str]:
    """Return the files by name: two units, or one file for /etc/cron.d (whose names may hold no dot)."""
    if any("\n" in word for word in (*command, str(directory), user)):
        raise AskedWrongly("a path with a line break cannot stand in a timer")
    words = {"plan": plan.name, "title": plan.title, "user": user}
    if cron:
        # A percent sign ends the command in a crontab: crontab(5).
        line = shlex.join(command).replace("%", "\\%")
        where = shlex.quote(str(directory)).replace("%", "\\%")
        fields, zone = plan.schedule.cron(), plan.schedule.zone.key
        name = f"hardening-inspect-{plan.name}".replace(".", "-")
        return {name: CRON.format(**words, directory=where, command=line, fields=fields, zone=zone)}
    line = " ".join(_for_systemd(word) for word in command)
    name = f"hardening-inspect-{plan.name}"
    where = str(directory).replace("%", "%%")
    return {
        f"{name}.service": SERVICE.format(**words, directory=where, command=line),
        f"{name}.timer": TIMER.format(**words, calendar=plan.schedule.on_calendar()),
    }


def _for_systemd(word: str) -> str:
    """Return a word as systemd.service(5) quotes it: % and $ have a meaning there."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped != word or any(c in word for c in " ';#") or not word else word
