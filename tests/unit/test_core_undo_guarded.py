"""A guarded undo is taken back by the host itself, and a forced one tells what it goes over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hardening_core import Host
from hardening_core.guard import Guard
from hardening_core.guard_end import confirm, revert
from hardening_core.leftovers import remembered

from tests.core_tree import apply, changed, control, failures, snapshot, undo

GUARD_S = 300.0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with one file."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/app.conf").write_text("level 1\n")
    return tmp_path


def guarded_undo(root: Path, *changes: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    """Undo under a guard, as an undo campaign does."""
    return undo(root, *changes, guard=Guard(Host(str(root)), "undo", GUARD_S), **options)


def test_an_undo_that_nobody_confirms_is_taken_back(root: Path) -> None:
    """The host is then as the apply left it, directories that we made included, and can be undone once more."""
    begins = snapshot(root)
    changes = apply(
        root,
        control("a", "2", key="level", file="/etc/app.conf"),
        control("b", dropin="/etc/new/b.conf"),
        control("c", dropin="/etc/new/c.conf"),
    )
    applied = snapshot(root)

    done = guarded_undo(root, *reversed(changes))
    undone = snapshot(root)
    said = revert(Host(str(root)), "undo")

    assert len(changed(done)) == 3
    assert undone == begins
    assert (said["outcome"], said["details"]) == ("reverted", [])
    assert snapshot(root) == applied
    assert failures(undo(root, *reversed(changes))) == {}
    assert snapshot(root) == begins


def test_a_directory_that_waits_for_being_empty_goes_with_the_confirmation(root: Path) -> None:
    """Until then the host may need it to put its file back."""
    begins = snapshot(root)
    first, second = apply(root, control("a", dropin="/etc/new/a.conf"), control("b", dropin="/etc/new/b.conf"))
    undo(root, first)

    guarded_undo(root, second)
    while_guarded = (root / "etc/new").is_dir()
    said = confirm(Host(str(root)), "undo")

    assert (while_guarded, said["outcome"]) == (True, "confirmed")
    assert snapshot(root) == begins
    assert remembered(Host(str(root))) == set()


def test_a_forced_undo_tells_what_somebody_changed_since(root: Path) -> None:
    """In a dry run before, with the lines that somebody wrote and those that would be lost; and it restores."""
    begins = snapshot(root)
    (change,) = apply(root, control("a", "2", key="level", file="/etc/app.conf"))
    (root / "etc/app.conf").write_text("level 7  # by hand\n")

    (refused,) = undo(root, change)
    (told,) = undo(root, change, force=True, check=True)
    still = (root / "etc/app.conf").read_text()
    (forced,) = undo(root, change, force=True)

    assert refused["reason"].startswith("changed since: ")
    assert refused["since"] == ""
    assert still == "level 7  # by hand\n"
    assert "+level 7  # by hand" in told["since"]
    assert "-level 7  # by hand" in told["diff"]
    assert forced["since"] == told["since"]
    assert snapshot(root) == begins


def test_a_forced_undo_of_what_nobody_changed_tells_of_nothing(root: Path) -> None:
    """Also where somebody's own lines beside ours are merged and kept."""
    changes = apply(root, control("a", "2", key="level", file="/etc/app.conf"), control("b", dropin="/etc/new/b.conf"))
    with (root / "etc/app.conf").open("a") as file:
        file.write("theirs 1\n" * 5)

    done = undo(root, *reversed(changes), force=True)

    assert [result["since"] for result in done] == ["", ""]
    assert (root / "etc/app.conf").read_text() == "level 1\n" + "theirs 1\n" * 5
