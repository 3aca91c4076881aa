"""What starts the guard's script by itself: a timer of systemd, else a waiting process and cron's @reboot."""

from __future__ import annotations

import os
import re
import time
from typing import List

from .errors import CannotApply
from .guard_script import CRON, UNIT, UNIT_DIRECTORY, WANTS, service_text, timer_text
from .host import Host
from .store import flush_directory

# As systemd writes spans of time (systemd.time(7)).
SECONDS_OF = {
    "y": 31557600, "month": 2629800, "w": 604800, "d": 86400, "h": 3600, "min": 60, "s": 1, "ms": 1e-3, "us": 1e-6,
}  # fmt: skip
LATE_S = 3


class Triggers:
    """The triggers of one campaign's guard; `revert.sh` itself takes them away again."""

    def __init__(self, directory: str, host: Host) -> None:
        self.directory, self.host = directory, host

    def arm(self, campaign: str, seconds: int) -> List[str]:
        """Have the script started in so many seconds, also after a restart of the host; return by what, proven."""
        if not self.host.root and os.path.isdir("/run/systemd/system"):
            return self._systemd(campaign, seconds)
        return self._waiting(seconds)

    def _systemd(self, campaign: str, seconds: int) -> List[str]:
        timer = UNIT + ".timer"
        wants = self.host.path(WANTS)
        if not os.path.isdir(wants):
            with open(os.path.join(self.directory, "made-wants"), "w", encoding="ascii"):
                os.mkdir(wants, 0o755)
        units = self.host.path(UNIT_DIRECTORY) + "/" + UNIT
        changed = self._have(units + ".service", service_text(campaign, self.directory + "/revert.sh"))
        changed = self._have(units + ".timer", timer_text(seconds)) or changed
        link = wants + "/" + timer
        if not os.path.islink(link):
            os.symlink(UNIT_DIRECTORY + "/" + timer, link)
            changed = True
        for directory in (self.host.path(UNIT_DIRECTORY), wants) if changed else ():
            flush_directory(directory)
        if changed:
            self.host.must(["systemctl", "daemon-reload"])
        before = time.monotonic()
        self.host.must(["systemctl", "restart", timer])
        self._prove(timer, before + seconds)
        return ["systemd timer"]

    def _prove(self, timer: str, due: float) -> None:
        """Look that systemd has it running now, enabled for the next start, and due when it should be."""
        self.host.forget()
        asked = "ActiveState,SubState,UnitFileState,NextElapseUSecMonotonic,Unit"
        seen = dict(
            line.split("=", 1)
            for line in self.host.must(["systemctl", "show", "-p", asked, "--", timer]).splitlines()
            if "=" in line
        )
        loaded = self.host.must(["systemctl", "show", "-p", "LoadState", "--", UNIT + ".service"]).strip()
        next_at = span_s(seen.get("NextElapseUSecMonotonic", ""))
        running = (seen.get("ActiveState"), seen.get("SubState"), seen.get("UnitFileState"))
        if running != ("active", "waiting", "enabled") or loaded != "LoadState=loaded":
            raise CannotApply("the guard is not armed: its timer is {}, its service {}".format(running, loaded))
        if not due - LATE_S <= next_at <= due + LATE_S:
            raise CannotApply(
                "the guard is not armed: systemd would start it in {:.0f} s instead of {:.0f} s".format(
                    next_at - time.monotonic(), due - time.monotonic()
                )
            )

    def _waiting(self, seconds: int) -> List[str]:
        script = self.directory + "/wait.sh"
        self.end_waiting()
        # In the background of a shell it leads no group, so setsid becomes it and does not fork.
        detached = 'setsid sh "$1" "$2" </dev/null >/dev/null 2>&1 & echo "$!"'
        pid = int(self.host.must(["sh", "-c", detached, "sh", script, str(seconds)]))
        with open(self.directory + "/waiting", "w", encoding="ascii") as file:
            file.write("{}\n".format(pid))
        deadline = time.monotonic() + LATE_S
        while not waits(pid, script):
            if time.monotonic() > deadline:
                raise CannotApply("the guard is not armed: its waiting process ended at once")
            time.sleep(0.01)
        armed = ["waiting process"]
        cron = self.host.path(CRON)
        if os.path.isdir(os.path.dirname(cron)) and self.host.run(["sh", "-c", "command -v cron crond"]).out:
            self._have(cron, "@reboot root /bin/sh {} {}\n".format(script, seconds))
            flush_directory(os.path.dirname(cron))
            armed.append("cron @reboot")
        return armed

    def end_waiting(self) -> None:
        """The earlier wait is over; a process that is not ours any more is left alone."""
        try:
            with open(self.directory + "/waiting", encoding="ascii") as file:
                pid = int(file.read())
        except (OSError, ValueError):
            return
        if waits(pid, self.directory + "/wait.sh"):
            os.killpg(pid, 9)

    @staticmethod
    def _have(path: str, text: str) -> bool:
        """Have a file of ours with this text; tell whether it was written."""
        try:
            with open(path, encoding="utf-8") as file:
                if file.read() == text:
                    return False
        except FileNotFoundError:
            pass
        with open(path + ".part", "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), 0o644)
            file.flush()
            os.fsync(file.fileno())
        os.rename(path + ".part", path)
        return True


def waits(pid: int, script: str) -> bool:
    """Tell whether a process is the one that waits with this script."""
    try:
        with open("/proc/{}/cmdline".format(pid), "rb") as file:
            return file.read().startswith(b"sh\0" + os.fsencode(script) + b"\0")
    except OSError:
        return False


def span_s(text: str) -> float:
    """Return the seconds that systemd means by `4h 1min 14.2s`; 0 for what is none."""
    total = 0.0
    for number, unit in re.findall(r"([0-9.]+)(month|min|ms|us|[ywdhs])\b", text):
        total += float(number) * SECONDS_OF[unit]
    return total
