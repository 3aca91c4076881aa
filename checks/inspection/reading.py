"""What the looks share: figures, ages, lists of lines, and whether a unit is there at all."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from checks import CannotLook, NotApplicable, read

NOT_PACKED = r"! -regex '.*\.\(gz\|xz\|bz2\|zst\)'"
"""What find is told to pass over of a rotated log: what logrotate may have compressed."""

_A_DAY_S = 86400
# What a file server's clock may be ahead of the host's.
_CLOCKS_DIFFER_S = 3600


def number(text: str, what: str) -> float:
    """Return a figure that a program printed. Raises CannotLook for what is none."""
    try:
        return float(text.strip())
    except ValueError:
        raise CannotLook(f"{what} is no number: {text.strip()[:60]!r}") from None


def percent(part: float, whole: float) -> float:
    """Return a share in percent, to a tenth. Raises CannotLook for a share of nothing."""
    if whole <= 0:
        raise CannotLook("the whole is nothing, so there is no share of it")
    return round(100 * part / whole, 1)


def lines(text: str) -> list[str]:
    """Return the lines that say something."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def now_s(host: Any) -> float:
    """Return the host's own time, in seconds since 1970."""
    return number(read(host, "date +%s"), "the host's time")


def days_between(earlier_s: float, later_s: float) -> float:
    """Return days, to a tenth."""
    return round(seconds_between(earlier_s, later_s) / 86400, 1)


def seconds_between(earlier_s: float, later_s: float) -> float:
    """Return the seconds since a moment. CannotLook for one that is yet to come: it would stay young."""
    if earlier_s - later_s > _CLOCKS_DIFFER_S:
        raise CannotLook(
            f"it is dated {(earlier_s - later_s) / 3600:.1f} h in the future: how old it is cannot be told"
        )
    return later_s - earlier_s


def needs_journal(host: Any) -> None:
    """Raise CannotLook where the journal is empty or no longer written: no complaint in it says nothing then."""
    newest = read(host, "journalctl -q -n 1 -o short-unix --no-pager").split()
    if not newest:
        raise CannotLook("the journal holds no record at all")
    silent_s = now_s(host) - number(newest[0], "the journal's last moment")
    if silent_s > _A_DAY_S:
        raise CannotLook(f"nothing was written to the journal for {silent_s / 3600:.0f} hours")


def wall_s() -> float:
    """Return the controller's time."""
    return time.time()


def unit_states(host: Any, unit: str) -> dict[str, str]:
    """Return what systemd knows of a unit. Raises NotApplicable where there is none of the name."""
    shown = read(host, "systemctl show -p LoadState -p ActiveState -p SubState -p UnitFileState %s", unit)
    states = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    # One that was masked while it ran goes on until it is stopped.
    if states.get("LoadState") in ("not-found", "masked") and states.get("ActiveState") in ("inactive", None):
        raise NotApplicable(f"{unit} is not installed")
    return states


def needs_unit(host: Any, unit: str) -> None:
    """Raise NotApplicable where a unit neither runs nor would start at boot: its interface is not expected."""
    if not unit:
        return
    states = unit_states(host, unit)
    if states.get("ActiveState") == "inactive" and states.get("UnitFileState") not in ("enabled", "enabled-runtime"):
        raise NotApplicable(f"{unit} is not in use")


def open_file_use(host: Any, pid: str) -> float:
    """Return how many of the file descriptors that a process may have it has open, in percent."""
    limit = re.search(r"^Max open files\s+(\d+|unlimited)", read(host, "cat /proc/%s/limits", pid), re.M)
    if not limit:
        raise CannotLook(f"process {pid} shows no limit of open files")
    if limit[1] == "unlimited":
        return 0.0
    opened = number(read(host, "ls /proc/%s/fd | wc -l", pid), "the number of open files")
    if opened == 0:
        raise CannotLook(f"the open files of process {pid} cannot be seen")
    return percent(opened, float(limit[1]))


def used_units(host: Any, listing: str) -> Iterator[str]:
    """Yield the units that a command lists, one at the beginning of each line, but those that are not in use."""
    for line in lines(read(host, listing)):
        unit = line.split()[0]
        try:
            needs_unit(host, unit)
        except NotApplicable:
            continue
        yield unit
