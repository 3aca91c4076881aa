"""A forced undo goes over what somebody made of the control's own lines, and over nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core_tree import apply, changed, control, failures, snapshot, undo

SHARED = "/etc/app.conf.d/00-hardening.conf"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with nothing in it but the directory of drop-ins."""
    (tmp_path / "etc/app.conf.d").mkdir(parents=True)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    """Edit a file by hand."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_blocks_of_controls_that_were_undone_stay_undone(root: Path) -> None:
    """The drop-in stood with three blocks when the last one was written; two of them have left since."""
    begins = snapshot(root)
    first, second, third = apply(root, *(control(name, "1", dropin=SHARED) for name in ("a", "b", "c")))
    undo(root, second, first)
    edit(root / SHARED[1:], "linux_c = 1", "linux_c = 9")

    (refused,) = undo(root, third)
    (forced,) = undo(root, third, force=True)

    assert refused["reason"].startswith("changed since: ")
    assert (forced["changed"], forced["reason"]) == (True, None)
    assert [line for line in forced["since"].splitlines() if line[0] in "+-" and line[:3] not in ("+++", "---")] == [
        "-linux_c = 1",
        "+linux_c = 9",
    ]
    assert snapshot(root) == begins


def test_blocks_of_controls_that_came_later_stay(root: Path) -> None:
    """The first one is taken back: its file had no block at all before it."""
    (first,) = apply(root, control("a", "1", dropin=SHARED))
    apply(root, control("b", "1", dropin=SHARED), campaign="c2")
    with_second = (root / SHARED[1:]).read_text().replace("# linux_a\nlinux_a = 1\n", "")
    edit(root / SHARED[1:], "linux_a = 1", "linux_a = 9")

    (forced,) = undo(root, first, force=True)

    assert forced["changed"]
    assert (root / SHARED[1:]).read_text() == with_second
    assert "linux_b" not in "".join(line for line in forced["since"].splitlines(True) if line[0] in "+-")


@pytest.mark.parametrize("gone", [False, True])
def test_lines_of_others_in_the_same_file_stay(root: Path, gone: bool) -> None:
    """What another control and somebody else made of other lines is as it is now; a file that is gone comes back."""
    (root / "etc/x").write_text("a 1\nx 1\nb 1\ny 1\nc 1\n")
    (first,) = apply(root, control("a", "2", file="/etc/x", key="a"))
    apply(root, control("b", "2", file="/etc/x", key="b"), campaign="c2")
    (root / "etc/x").unlink() if gone else (root / "etc/x").write_text("a 3\nx 1\nb 2\ny 1\nc theirs\n")

    results = undo(root, first, force=True)

    assert (changed(results), failures(results)) == (["linux_a"], {})
    assert (root / "etc/x").read_text() == ("a 1\nx 1\nb 1\ny 1\nc 1\n" if gone else "a 1\nx 1\nb 2\ny 1\nc theirs\n")


def test_the_mode_that_another_control_gave_the_file_stays(root: Path) -> None:
    """Content is gone over, and the mode is not the step's."""
    (root / "etc/x").write_text("a 1\n")
    (first,) = apply(root, control("a", "2", file="/etc/x", key="a"))
    apply(root, control("mode", "0600", mode="/etc/x"), campaign="c2")
    (root / "etc/x").write_text("a 3\n")

    undo(root, first, force=True)

    assert (root / "etc/x").read_text() == "a 1\n"
    assert (root / "etc/x").stat().st_mode & 0o7777 == 0o600
