"""The table of failures in docs/safety.md names tests that exist, and every torture test stands in it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAB_TESTS = "tests/lab_tests"


def test_every_named_test_exists() -> None:
    """A case whose test was renamed or removed is proven by nothing."""
    named = in_table()

    assert len(named) > 50
    assert [name for name in named if name.partition("::")[2] not in cases_in(ROOT / name.partition("::")[0])] == []
    assert len(named) == len(set(named)), "a test stands in the table twice"


def test_every_torture_test_is_in_the_table() -> None:
    """What is broken on purpose is told to the operator."""
    marked = {
        f"{LAB_TESTS}/{path.name}::{name}"
        for path in sorted((ROOT / LAB_TESTS).glob("test_*.py"))
        for name, is_torture in cases_in(path).items()
        if is_torture
    }

    assert marked
    assert sorted(marked - set(in_table())) == []


def in_table() -> list[str]:
    """Return the tests that the table names, by path and name."""
    section = (ROOT / "docs/safety.md").read_text().partition("\n## Proven by failure\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    found = []
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        assert len(cells) == 3, row
        assert all(cells), row
        name = re.fullmatch(r"`([\w/]+\.py::test_\w+)`", cells[2])
        assert name is not None, row
        found.append(name[1] if name[1].startswith("tests/") else f"{LAB_TESTS}/{name[1]}")
    return found


def cases_in(path: Path) -> dict[str, bool]:
    """Return the tests of a file, and of each whether it is marked torture by itself or by its file."""
    if not path.exists():
        return {}
    tree = ast.parse(path.read_text())
    whole = any(
        isinstance(node, ast.Assign) and ast.unparse(node) == "pytestmark = pytest.mark.torture" for node in tree.body
    )
    return {
        node.name: whole or any("pytest.mark.torture" in ast.unparse(each) for each in node.decorator_list)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
