"""What runs on targets runs on Python 3.8 with nothing but the standard library and Ansible's module base."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "roles").glob("*/library/*.py"), *(ROOT / "roles/core/module_utils").rglob("*.py")])
LATER_METHODS = {"removeprefix", "removesuffix", "is_relative_to", "with_stem", "bit_count"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_source_is_within_the_floor(source: Path) -> None:
    """Its syntax, its imports and the calls that are known to be newer; annotations stay unevaluated."""
    tree = ast.parse(source.read_text(), feature_version=(3, 8))

    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            imported.add(str(node.module))
        elif isinstance(node, ast.Attribute):
            assert node.attr not in LATER_METHODS, f"{source}:{node.lineno}: str.{node.attr} is not in Python 3.8"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip":
            assert not node.keywords, f"{source}:{node.lineno}: zip(strict=) is not in Python 3.8"
    foreign = {
        name
        for name in imported
        if name.split(".")[0] not in sys.stdlib_module_names
        and name != "ansible.module_utils.basic"
        and not name.startswith("ansible.module_utils.hardening_")
    }
    assert not foreign
    assert "__future__" in imported or not [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]


def test_the_package_imports_on_the_oldest_python_at_hand() -> None:
    """Whatever is evaluated at import time is in the oldest interpreter from 3.8 on that this machine has."""
    pyenv = sorted(Path.home().glob(".pyenv/versions/3.8.*/bin/python"))
    named = [str(path) for path in pyenv] + [
        path for minor in range(8, 12) if (path := shutil.which(f"python3.{minor}")) is not None
    ]
    # A name on the PATH may be a stand-in that only tells where the interpreter would be.
    found = [
        path for path in named if subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0
    ]
    program = "import hardening_core, hardening_core.restore, sys; print(sys.version_info[:2])"
    environment = {"PYTHONPATH": str(ROOT / "roles/core/module_utils"), "PYTHONDONTWRITEBYTECODE": "1"}

    done = subprocess.run(
        [(found or [sys.executable])[0], "-W", "error", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
