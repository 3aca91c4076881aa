"""Units of systemd: failed, stopped, restarting, or changed and not reloaded."""

from __future__ import annotations

from typing import Any

from checks import NotApplicable, read
from checks.inspection.marking import look
from checks.inspection.reading import lines, number, unit_states

_SHOW = "systemctl show --type=service '*' -p Id -p NRestarts -p NeedDaemonReload -p Type -p ActiveState"
_SHOW += " -p UnitFileState -p ConditionResult -p SubState -p Result"


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
    return sorted(
        unit["Id"]
        for unit in _units(host)
        if unit.get("UnitFileState") == "enabled"
        and unit.get("ActiveState") == "inactive"
        and unit.get("Type") not in ("oneshot", "idle")
        and unit.get("ConditionResult") != "no"
    )


def _units(host: Any) -> list[dict[str, str]]:
    blocks = read(host, _SHOW).split("\n\n")
    units = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]
    return [unit for unit in units if unit.get("Id")]
