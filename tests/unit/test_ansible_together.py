"""Which kinds share a task, and in what order; that the joined module does its work is seen on the lab hosts."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from hardening.ansible.together import Joined, in_plays
from hardening.bundle import bundle_root
from tests.probe_roles import write_probe_roles

ROLES = bundle_root() / "roles"
KIND = """\
from ansible.module_utils.hardening_core import Control, System, run_module
from ansible.module_utils.hardening_core.people import bound


def plan(control: Control, system: System) -> None:
    bound("UID_MIN", 1000, system)


if __name__ == "__main__":
    run_module(plan)
"""
TASK = """\
- name: Done
  own_{topic}:
    controls: "{{{{ hardening_controls['own.{topic}'] }}}}"
    campaign: "{{{{ hardening_campaign }}}}"
"""


def all_kinds() -> list[str]:
    """Return every kind that a role of ours writes."""
    files = [path for path in ROLES.glob("*/tasks/*.yml") if path.parts[-3] != "core" and path.stem != "main"]
    return sorted(f"{path.parts[-3]}.{path.stem}" for path in files)


def test_every_kind_of_ours_shares_one_task() -> None:
    """In the order given; one that fell out would cost every host a task, and nobody would notice."""
    kinds = all_kinds()

    (joined,) = in_plays(kinds, ROLES)

    assert isinstance(joined, Joined)
    assert len(kinds) > 50
    assert joined.kinds == tuple(kinds)


def test_the_joined_module_names_all_that_its_kinds_import() -> None:
    """Ansible sends along only what a module imports by name."""
    (joined,) = in_plays(all_kinds(), ROLES)
    assert isinstance(joined, Joined)

    imported = {
        name.name for node in ast.walk(ast.parse(joined.text)) if isinstance(node, ast.Import) for name in node.names
    }

    assert {"ansible.module_utils.hardening_nginx", "ansible.module_utils.hardening_postgresql"} <= imported
    assert "ansible.module_utils.hardening_core.people" in imported


@pytest.fixture
def roles(tmp_path: Path) -> Path:
    """Roles of modules that are no kinds, and a role `own` of two kinds that are."""
    root = write_probe_roles(tmp_path)
    for directory in ("own/tasks", "own/library"):
        (root / directory).mkdir(parents=True)
    for topic in ("one", "two"):
        (root / f"own/tasks/{topic}.yml").write_text(TASK.format(topic=topic))
        (root / f"own/library/own_{topic}.py").write_text(KIND)
    return root


def test_a_kind_that_is_more_than_its_plan_stays_alone_and_in_its_turn(roles: Path) -> None:
    """What stands between two others is not overtaken."""
    plays = in_plays(["own.one", "probe.echo", "own.two"], roles)

    assert [each if isinstance(each, str) else each.kinds for each in plays] == [
        ("own.one",),
        "probe.echo",
        ("own.two",),
    ]
    assert len({each.name for each in plays if isinstance(each, Joined)}) == 2


@pytest.mark.parametrize(
    "more", ["  when: false\n", "    force: true\n", "- name: And then\n  ansible.builtin.meta: noop\n"]
)
def test_a_task_file_that_says_more_is_not_passed_over(roles: Path, more: str) -> None:
    """A condition, a further argument or a second task holds."""
    with (roles / "own/tasks/two.yml").open("a") as file:
        file.write(more)

    first, second = in_plays(["own.one", "own.two"], roles)

    assert isinstance(first, Joined)
    assert second == "own.two"
