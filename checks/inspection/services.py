"""Units of systemd: failed, stopped, restarting, or changed and not reloaded."""

from __future__ import annotations

from typing import Any

from checks import NotApplicable, read
from checks.inspection.marking import look
from checks.inspection.reading import lines, number, unit_states

_SHOWN = "-p Id -p NRestarts -p NeedDaemonReload -p Type -p ActiveState -p UnitFileState"
_SHOWN += " -p ConditionResult -p ConditionTimestampMonotonic"


@look
def unit_active(host: Any, *, unit: str) -> str:
    """Return the state of a unit: active, inactive, failed, activating. One that nobody enabled is not applicable."""
    states = unit_states(host, unit)
    state = states.get("ActiveState", "")
    if state == "inactive" and states.get("UnitFileState") not in ("enabled", "enabled-runtime"):
        raise NotApplicable(f"{unit} is installed and not in use")
    return state


@look
def unit_enabled(host: Any, *, unit: str) -> str:
    """Return whether a unit that runs would start again after a reboot."""
    states = unit_states(host, unit)
    if states.get("ActiveState") != "active":
        raise NotApplicable(f"{unit} does not run")
    return states.get("UnitFileState", "")


@look
def failed_units(host: Any) -> list[str]:
    """Return the units that failed."""
    listed = read(host, "systemctl list-units --failed --plain --no-legend --no-pager")
    return sorted(line.split()[0] for line in lines(listed))


@look
def restarting_units(host: Any, *, restarts: int) -> list[str]:
    """Return the services that systemd has restarted at least so often since they were last started by somebody."""
    return sorted(unit["Id"] for unit in _units(host) if number(unit.get("NRestarts") or "0", "NRestarts") >= restarts)


@look
def units_to_reload(host: Any) -> list[str]:
    """Return the services whose unit file was changed and not loaded again."""
    return sorted(unit["Id"] for unit in _units(host) if unit.get("NeedDaemonReload") == "yes")


@look
def enabled_not_running(host: Any) -> list[str]:
    """Return the services that start at boot, stay, and do not run now."""
    listed = read(host, "systemctl list-unit-files --type=service --state=enabled --no-legend --no-pager --plain")
    # Asked by name: a pattern would leave out what nothing has loaded. A template is no service by itself.
    names = [line.split()[0] for line in lines(listed) if "@." not in line.split()[0]]
    if not names:
        raise NotApplicable("no service is enabled")
    shown = read(host, f"systemctl show {_SHOWN} {' '.join('%s' for _ in names)}", *names)
    return sorted(
        unit["Id"]
        for unit in _parted(shown)
        if unit.get("ActiveState") == "inactive"
        and unit.get("Type") not in ("oneshot", "idle")
        and not is_not_meant(unit)
    )


def is_not_meant(unit: dict[str, str]) -> bool:
    """Tell whether a unit's conditions were asked and not met: it is not meant for this host.

    A condition that was never asked reads as not met, too, and has no moment.
    """
    return unit.get("ConditionResult") == "no" and unit.get("ConditionTimestampMonotonic", "0") != "0"


def _units(host: Any) -> list[dict[str, str]]:
    """Return the services that systemd has loaded and that run, start or failed."""
    return _parted(read(host, f"systemctl show --type=service {_SHOWN} '*'"))


def _parted(shown: str) -> list[dict[str, str]]:
    units = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in shown.split("\n\n")]
    return [unit for unit in units if unit.get("Id")]
