"""What the scan bench asks of a host: the controls of the catalogue, or the stand-in where there are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from hardening.bundle import bundle_root
from hardening.catalogue import load_catalogue
from hardening.kinds import kinds
from hardening.remote import HostScope
from tools import stand_in_checks

Check = Callable[[Any], object]
COMPONENTS = ("linux", "sshd")


def control_checks(components: tuple[str, ...] = COMPONENTS, count: int = 200) -> Mapping[str, Check]:
    """Return how to look at controls of some components, by id, as a scan would: so many, evenly over the catalogue."""
    catalogue = load_catalogue([bundle_root() / "baselines"], kinds())
    controls = [
        control
        for control in catalogue.controls.values()
        if control.component in components and control.manual is None and not kinds()[control.kind].takes_instance
    ]
    count = min(count, len(controls))
    spread = [controls[number * len(controls) // count] for number in range(count)]
    return {control.id: partial(kinds()[control.kind].look, **control.params) for control in spread}


def stand_in() -> Mapping[str, Check]:
    """Return the stand-in: testinfra's modules only."""
    return stand_in_checks.checks()


WORKLOADS: Mapping[str, Callable[[], Mapping[str, Check]]] = {"controls": control_checks, "modules": stand_in}


class Script:
    """A job's script that runs every check of a workload; keeps what was seen for a later look at it."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self.checks = checks
        self.scopes: list[HostScope] = []

    def __call__(self, scope: HostScope) -> None:
        """Spawn one task for each check."""
        self.scopes.append(scope)
        for key, check in self.checks.items():
            scope.spawn(key, check, scope.host)
