"""What inspection items read: one function per kind, in a module per topic.

A look returns one value, or a mapping of subjects (a file system, a cluster) to values; a value is a number, a text, a
list of what is wrong, a counter (Counted), or None for what should be there and is not. It never judges, and raises
CannotLook rather than guess. Keyword parameters come from the item's `with`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from checks.inspection import (
    accounts,
    backups,
    capacity,
    certificates,
    clock,
    interfaces,
    jobs,
    logs,
    mariadb,
    network,
    nginx,
    postgresql,
    processes,
    rabbitmq,
    redis,
    services,
    tomcat,
    updates,
)

MODULES = (
    accounts,
    backups,
    capacity,
    certificates,
    clock,
    interfaces,
    jobs,
    logs,
    mariadb,
    network,
    nginx,
    postgresql,
    processes,
    rabbitmq,
    redis,
    services,
    tomcat,
    updates,
)


def looks() -> dict[str, Callable[..., Any]]:
    """Return every kind by its name."""
    return {
        name: function
        for module in MODULES
        for name, function in vars(module).items()
        if getattr(function, "is_inspection", False)
    }
