"""Kinds that share a task: a task costs a host a third of a second whatever it does, so a host gets one for all kinds.

A kind joins where its task file only hands its controls to its module and its module only plans (`run_module`): then
a module made for the run does the same as all of theirs, one after the other. Every other kind has a play of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import yaml

_CORE = "ansible.module_utils.hardening_core"
_MODULE = """\
#!/usr/bin/python
\"\"\"Made for one run: {names}.\"\"\"

from __future__ import annotations

{imports}
from {core} import run_kinds

SOURCES = {sources!r}

if __name__ == "__main__":
    run_kinds(SOURCES)
"""


@dataclass(frozen=True, kw_only=True)
class Joined:
    """Kinds that one task carries out, in this order, by the module of this name and text."""

    name: str
    kinds: tuple[str, ...]
    text: str


def in_plays(kinds: Sequence[str], roles: Path) -> list[str | Joined]:
    """Return the plays of a run in their order: a kind by itself, or several in a row that are joined."""
    plays: list[str | Joined] = []
    for joins, group in groupby(kinds, key=lambda kind: _joins(kind, roles)):
        if joins:
            row = tuple(group)
            name = f"hardening_kinds_{len(plays) + 1}"
            plays.append(Joined(name=name, kinds=row, text=_text(row, roles)))
        else:
            plays += group
    return plays


def _joins(kind: str, roles: Path) -> bool:
    """Tell whether a kind is nothing but its module, and its module nothing but a plan."""
    component, _, topic = kind.partition(".")
    file = _file(kind, roles)
    if not file.is_file() or "run_module(" not in file.read_text(encoding="utf-8"):
        return False
    tasks = yaml.safe_load((roles / component / "tasks" / f"{topic}.yml").read_text(encoding="utf-8"))
    if not isinstance(tasks, list) or len(tasks) != 1:
        return False
    handed = {"controls": f"{{{{ hardening_controls['{kind}'] }}}}", "campaign": "{{ hardening_campaign }}"}
    return {key: said for key, said in tasks[0].items() if key not in ("name", "register")} == {file.stem: handed}


def _text(kinds: Sequence[str], roles: Path) -> str:
    sources = {kind: _file(kind, roles).read_text(encoding="utf-8") for kind in kinds}
    # Ansible sends along what a module imports by name; what is imported inside our texts it does not see.
    used = {name for source in sources.values() for name in _utilities(source)} - {_CORE}
    imports = "\n".join(f"import {name}  # noqa: F401" for name in sorted(used))
    return _MODULE.format(names=", ".join(kinds), imports=imports, core=_CORE, sources=sources)


def _utilities(source: str) -> list[str]:
    return [
        str(node.module)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("ansible.module_utils.")
    ]


def _file(kind: str, roles: Path) -> Path:
    component, _, topic = kind.partition(".")
    return roles / component / "library" / f"{component}_{topic}.py"
