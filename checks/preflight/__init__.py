"""What preflights look at before a change: one function per look, in a module per topic.

As everywhere in `checks`, a look returns what it saw or raises CannotLook; what follows from it is judged elsewhere.
Values are plain: texts, numbers, lists and mappings. Keyword parameters come from the preflight that asks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from checks.preflight import accounts, databases, login, machine, network, packages, services, sudo, web

MODULES = (accounts, databases, login, machine, network, packages, services, sudo, web)


def looks() -> dict[str, Callable[..., Any]]:
    """Return every look by its name."""
    found: dict[str, Callable[..., Any]] = {}
    for module in MODULES:
        for name, value in vars(module).items():
            if callable(value) and getattr(value, "is_look", False):
                found[name] = value
    return found
