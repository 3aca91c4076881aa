"""What kinds exist, and what each takes: read from the look functions themselves."""

from __future__ import annotations

import inspect
import pkgutil
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from hardening.bundle import bundle_root, bundled_package, component_module

# The pytest door lives beside the components and is none of them.
NOT_COMPONENTS = {"conftest", "test_controls"}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind: `name` is `<component>.<kind>`, `look` its function, `params` the model of a control's `with`.

    `takes_instance` is true where the look wants the name of the component's instance.
    """

    name: str
    look: Callable[..., Any]
    params: type[BaseModel]
    takes_instance: bool

    @property
    def role_tasks(self) -> Path:
        """The task file that applies this kind."""
        component, kind = self.name.split(".")
        return bundle_root() / "roles" / component / "tasks" / f"{kind}.yml"


def components() -> tuple[str, ...]:
    """Return every component that the suite knows how to look at."""
    modules = (found.name for found in pkgutil.iter_modules(bundled_package("checks").__path__))
    return tuple(sorted(name for name in modules if name not in NOT_COMPONENTS and _is_component(name)))


def targets_of(component: str) -> Callable[..., list[str]]:
    """Return the function that tells the instances of a component on a host."""
    module = component_module(component)
    if module is None:
        raise KeyError(component)
    found: Callable[..., list[str]] = module.targets
    return found


@lru_cache(maxsize=1)
def preflight_looks() -> Mapping[str, Callable[..., Any]]:
    """Return what preflights can ask of a host, by name."""
    module = component_module("preflight")
    if module is None:
        raise KeyError("preflight")
    found: Mapping[str, Callable[..., Any]] = module.looks()
    return found


@lru_cache(maxsize=1)
def kinds() -> Mapping[str, Kind]:
    """Return all kinds by name."""
    found = {}
    for component in components():
        module = component_module(component)
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__dict__.get("is_kind"):
                kind = _kind(f"{component}.{name}", function)
                found[kind.name] = kind
    return found


def _is_component(name: str) -> bool:
    module = component_module(name)
    return module is not None and hasattr(module, "targets")


def _kind(name: str, function: Callable[..., Any]) -> Kind:
    hints = typing.get_type_hints(function)
    fields: dict[str, Any] = {}
    takes_instance = False
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        if parameter.name == "instance":
            takes_instance = True
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints.get(parameter.name, Any), default)
    params = create_model(name.replace(".", "_"), __config__=ConfigDict(extra="forbid", strict=True), **fields)
    return Kind(name=name, look=function, params=params, takes_instance=takes_instance)
