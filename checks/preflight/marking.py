"""What tells a look from its helpers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def look(function: Function) -> Function:
    """Mark a function as a look that preflights may ask for by its name."""
    function.__dict__["is_look"] = True
    return function
