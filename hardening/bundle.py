"""Where the shipped content lives: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from hardening.errors import AskedWrongly

PACKAGE = Path(__file__).parent


def bundle_root() -> Path:
    """Return the directory that holds `baselines/`, `checks/`, `roles/` and `cli.py`."""
    bundled = PACKAGE / "bundled"
    return bundled if bundled.is_dir() else PACKAGE.parent


def bundled_package(name: str) -> ModuleType:
    """Import the shipped top-level package or module `name` (`checks`, `cli`), wherever the suite is installed.

    In a wheel it is loaded from inside our package, so that site-packages gets no package of so common a name.
    """
    root = bundle_root()
    already = sys.modules.get(name)
    if already is not None:
        return already
    package, module = root / name / "__init__.py", root / f"{name}.py"
    path = package if package.is_file() else module
    spec = importlib.util.spec_from_file_location(
        name, path, submodule_search_locations=[str(path.parent)] if path is package else None
    )
    if spec is None or spec.loader is None or not path.is_file():
        raise AskedWrongly(f"{path}: the shipped {name} is missing; install the suite again")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


def component_module(component: str) -> ModuleType | None:
    """Return `checks.<component>`, or None where the suite has no such component."""
    bundled_package("checks")
    if importlib.util.find_spec(f"checks.{component}") is None:
        return None
    return importlib.import_module(f"checks.{component}")
