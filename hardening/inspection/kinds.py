"""What kinds of items exist, and what each takes: read from the look functions themselves."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from hardening.bundle import bundled_package, component_module


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of item: `look` reads it on a host, `params` is the model of an item's `with`.

    `is_counted` tells that it reads counters, of which two looks are compared.
    """

    name: str
    look: Callable[..., Any]
    params: type[BaseModel]
    is_counted: bool = False


@lru_cache(maxsize=1)
def kinds() -> Mapping[str, Kind]:
    """Return all kinds by name."""
    module = component_module("inspection")
    if module is None:
        raise KeyError("inspection")
    looks: Mapping[str, Callable[..., Any]] = module.looks()
    return {name: _kind(name, function) for name, function in looks.items()}


def _kind(name: str, function: Callable[..., Any]) -> Kind:
    hints = typing.get_type_hints(function)
    fields: dict[str, Any] = {}
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints.get(parameter.name, Any), default)
    params = create_model(name, __config__=ConfigDict(extra="forbid", strict=True), **fields)
    counted = bundled_package("checks").Counted
    is_counted = counted in (hints.get("return"), *typing.get_args(hints.get("return")))
    return Kind(name=name, look=function, params=params, is_counted=is_counted)
