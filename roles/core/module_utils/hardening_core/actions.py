"""What is done once after all writes: `reload:UNIT`, `restart:UNIT`, `run:NAME` of the table below, and nothing else.

An undo reads such names from a record, so no record can make us run what is not written here.
"""

from __future__ import annotations

import time
from typing import Dict, List, Mapping, Sequence, Set

from .answers import Answers, wait_for
from .errors import CannotApply
from .host import Host

COMMANDS: Dict[str, List[str]] = {
    "audit-rules": ["augenrules", "--load"],
    "daemon-reload": ["systemctl", "daemon-reload"],
    "grub": ["update-grub"],
    "initramfs": ["update-initramfs", "-u"],
    "nftables": ["nft", "-f", "/etc/nftables.conf"],
    "tmpfiles": ["systemd-tmpfiles", "--create"],
}
# A service that cannot live with its new configuration dies at once; one that is well stays so for these looks.
LOOKS, PAUSE_S = 4, 0.15
STARTING_LIMIT_S = 90


class ServiceDied(CannotApply):
    """A service did not survive its new configuration, or a loading program refused it."""


def in_order(actions: Sequence[str]) -> List[str]:
    """Return each action once: programs first, then services; a restart makes a reload of the same unit needless."""
    once = list(dict.fromkeys(actions))
    restarts = {action.split(":", 1)[1] for action in once if action.startswith("restart:")}
    once = [action for action in once if not (action.startswith("reload:") and action.split(":", 1)[1] in restarts)]
    return sorted(once, key=lambda action: not action.startswith("run:"))


def refuse_unknown(actions: Sequence[str]) -> None:
    """Raise CannotApply for an action that is none."""
    for action in actions:
        verb, _, name = action.partition(":")
        if verb not in ("reload", "restart", "run") or not name or (verb == "run" and name not in COMMANDS):
            raise CannotApply(repr(action) + " is no action; see hardening_core/actions.py")


def running_units(host: Host, actions: Sequence[str]) -> Set[str]:
    """Return those units of the actions that run now: others need neither reload nor restart."""
    units = {action.split(":", 1)[1] for action in actions if not action.startswith("run:")}
    return {
        unit for unit in units if _properties(host, unit).get("ActiveState") in ("active", "reloading", "activating")
    }


def perform(host: Host, actions: Sequence[str], running: Set[str]) -> None:
    """Do the actions, and see that every service that ran still runs; raise ServiceDied where not."""
    for action in in_order(actions):
        verb, name = action.split(":", 1)
        if verb == "run":
            ran = host.run(COMMANDS[name])
            if ran.rc != 0:
                raise ServiceDied("`" + " ".join(COMMANDS[name]) + "` answered " + str(ran.rc) + ": " + ran.said)
        elif name in running:
            _renew(host, verb, name)


def refuse_deaf(host: Host, before: Mapping[str, Answers]) -> None:
    """Raise ServiceDied where a service runs, but does not answer as it did before."""
    troubles = deaf(host, before)
    if troubles:
        raise ServiceDied("; ".join(troubles))


def deaf(host: Host, before: Mapping[str, Answers]) -> List[str]:
    """Return which services do not answer as before, and how."""
    missing = {unit: wait_for(host, unit, answers) for unit, answers in sorted(before.items())}
    return [unit + " runs, but does not answer as before: " + ", ".join(said) for unit, said in missing.items() if said]


def revive(host: Host, actions: Sequence[str], running: Set[str]) -> List[str]:
    """Have services run again on what was put back; return what is still wrong."""
    troubles = []
    for action in in_order(actions):
        verb, name = action.split(":", 1)
        try:
            if verb == "run":
                host.must(COMMANDS[name])
            elif name in running:
                host.run(["systemctl", "reset-failed", "--", name])
                alive = _properties(host, name).get("ActiveState") == "active"
                _renew(host, verb if alive else "restart", name)
        except CannotApply as error:
            troubles.append(str(error))
    return troubles


def _renew(host: Host, verb: str, unit: str) -> None:
    if verb == "reload" and _properties(host, unit).get("CanReload") == "no":
        verb = "restart"
    ran = host.run(["systemctl", verb, "--", unit], timeout_s=300)
    if ran.rc != 0:
        raise ServiceDied("`systemctl " + verb + " " + unit + "` failed: " + ran.said)
    deadline = time.monotonic() + STARTING_LIMIT_S
    looks = 0
    while looks < LOOKS:
        state = _properties(host, unit)
        now = state.get("ActiveState")
        if (
            now in ("reloading", "activating")
            and state.get("SubState") != "auto-restart"
            and time.monotonic() < deadline
        ):
            looks = 0
        elif now != "active":
            raise ServiceDied(unit + " is " + str(now) + " (" + str(state.get("SubState")) + ") after the " + verb)
        else:
            looks += 1
        time.sleep(PAUSE_S)


def _properties(host: Host, unit: str) -> Dict[str, str]:
    said = host.run(["systemctl", "show", "-p", "ActiveState,SubState,CanReload,MainPID", "--", unit])
    return dict(line.split("=", 1) for line in said.out.splitlines() if "=" in line)
