"""The docs are true: generated pages are fresh, commands exist, links lead somewhere, files stay small."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import click
import pytest

from cli import cli
from hardening.catalogue import load_catalogue
from hardening.errors import Exit
from hardening.kinds import kinds
from tests.prove.record import Record
from tools.docs import ROOT, pages

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LONGEST_FILE = 400


def test_generated_pages_are_fresh() -> None:
    """docs/cli.md and docs/controls.md are what `make docs` would write now."""
    stale = [
        line
        for path, text in pages().items()
        for line in difflib.unified_diff(
            path.read_text("utf-8").splitlines() if path.exists() else [], text.splitlines(), path.name, "now", n=0
        )
    ]

    assert stale == [], "run `make docs`:\n" + "\n".join(stale)


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "controls.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file that exists."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_docs_exist(page: Path) -> None:
    """Every `hardening ...` line in a code block names a command of the program."""
    blocks = re.findall(r"^```\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    named = [line.split()[1:3] for line in lines if line.startswith("hardening ")]
    unknown = [words for words in named if not words[0].startswith("-") and not _exists(words)]

    assert unknown == []


def _exists(words: list[str]) -> bool:
    command = cli.commands.get(words[0])
    if isinstance(command, click.Group) and len(words) > 1 and not words[1].startswith("-"):
        return words[1] in command.commands
    return command is not None


def test_make_targets_in_the_docs_exist() -> None:
    """Every `make ...` that the docs name is a target."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {
        name for page in PAGES for name in re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text("utf-8"), re.MULTILINE)
    }

    assert {"demo", "test", "prove"} <= named
    assert named - targets == set()


def test_every_exit_code_is_documented() -> None:
    """docs/cli.md names each exit code."""
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")

    assert all(f"| {int(code)} |" in page for code in Exit)


def test_no_python_file_is_long() -> None:
    """A file that holds more than one idea has to be parted."""
    files = [
        path
        for path in ROOT.rglob("*.py")
        if not {".venv", "out", "build", ".ansible"} & set(path.relative_to(ROOT).parts)
    ]

    assert [
        f"{path.relative_to(ROOT)}" for path in files if len(path.read_text("utf-8").splitlines()) > LONGEST_FILE
    ] == []


@pytest.mark.parametrize("name", ["mlps-l2", "mlps-l3", "server-strict"])
def test_every_control_of_a_profile_is_proven(name: str) -> None:
    """A control in a profile was put to the proof on Debian 12 and 13, and was proven wherever it applies.

    One that can be applied applied to one of them at least; one that cannot says why.
    """
    catalogue = load_catalogue([ROOT / "baselines"], kinds())
    # With the control's own value: a profile may ask for a stricter one.
    controls = [catalogue.controls[each.control.id] for each in catalogue.profile(name).requirements]
    record = Record.read(ROOT / "docs" / "proof.json")
    unproven = [
        f"{control.id} on {system}"
        for control in controls
        for system in ("debian12", "debian13")
        if control.manual is None and not record.current(control, system)
    ]
    nowhere = [
        control.id
        for control in controls
        if control.manual is None
        and control.look_only is None
        and not any(record.proven(control, system) for system in ("debian12", "debian13"))
    ]

    assert unproven == []
    assert nowhere == []
