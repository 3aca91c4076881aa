"""Undoing single controls: byte for byte where nothing else changed, merged where it did, refused where both did."""

from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path

import pytest

from tests.core_tree import apply, changed, control, failures, snapshot, undo

DROPIN = "/etc/app.d/90-hardening.conf"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with a service's main file, in a bad mode."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/app.conf").write_bytes(b"# shipped\r\nlevel 1\r\n\xff\xfe raw\r\nlast line without newline")
    (tmp_path / "etc/app.conf").chmod(0o2664)
    return tmp_path


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("begins", [None, b"", b"theirs = 1\n", b"theirs = 1", b"\xff\r\n"])
def test_blocks_leave_in_any_order(root: Path, order: tuple[int, ...], begins: bytes | None) -> None:
    """Whatever the order, the file ends as it began, a missing newline and a missing file included."""
    (root / "etc/app.d").mkdir()
    if begins is not None:
        (root / DROPIN[1:]).write_bytes(begins)
    before = snapshot(root)
    changes = apply(root, *(control(f"c{n}", n, dropin=DROPIN) for n in range(3)))

    for number in order:
        (result,) = undo(root, changes[number])
        assert result["changed"]
        assert not result["failed"]

    assert snapshot(root) == before


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_directories_that_we_made_go_with_their_last_file(root: Path, order: tuple[int, ...]) -> None:
    """Also when the control that made them is not the last to be undone."""
    before = snapshot(root)
    changes = apply(root, *(control(f"c{n}", n, dropin=f"/etc/new/deep/{n % 2}.conf") for n in range(3)))

    for number in order:
        undo(root, changes[number])

    assert snapshot(root) == before


def test_a_directory_with_something_of_others_stays(root: Path) -> None:
    """Nothing that is not ours is ever removed."""
    changes = apply(root, control("a", dropin="/etc/new/x.conf"))
    (root / "etc/new/theirs").write_text("keep me")

    undo(root, *changes)

    assert [path.name for path in (root / "etc/new").iterdir()] == ["theirs"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_edits_of_one_shipped_file_are_undone_in_any_order(root: Path, order: tuple[int, ...]) -> None:
    """Bytes that are no text, CRLF, set-group-id and a missing last newline are as before."""
    before = snapshot(root)
    changes = apply(
        root,
        control("level", "5", file="/etc/app.conf", key="level"),
        control("mode", "0600", mode="/etc/app.conf"),
        control("other", "7", file="/etc/app.conf", key="shipped"),
        control("made", "x", content="/etc/made"),
    )
    assert len(changed(changes)) == 4
    assert (root / "etc/app.conf").stat().st_mode & 0o7777 == 0o600

    for number in order:
        assert failures(undo(root, changes[number])) == {}

    assert snapshot(root) == before


def test_undoing_everything_at_once_restores_the_tree(root: Path) -> None:
    """Newest first, in one run."""
    before = snapshot(root)
    changes = apply(
        root,
        control("a", dropin=DROPIN),
        control("b", "5", file="/etc/app.conf", key="level"),
        control("c", "0600", mode="/etc/app.conf"),
    )
    changes += apply(root, control("d", absent="/etc/app.conf"), campaign="c2")
    assert len(changed(changes)) == 4

    results = undo(root, *reversed(changes))

    assert failures(results) == {}
    assert snapshot(root) == before


def test_what_others_added_to_our_drop_in_survives(root: Path) -> None:
    """A foreign line below the blocks makes that block's undo a conflict, not the others'."""
    changes = apply(root, control("a", dropin=DROPIN), control("b", dropin=DROPIN))
    with (root / DROPIN[1:]).open("a") as file:
        file.write("theirs = 1\n")

    results = undo(root, *reversed(changes))

    assert failures(results) == {"linux_b": f"changed since: {DROPIN}: the lines of linux_b were edited"}
    assert changed(results) == ["linux_a"]
    assert "theirs = 1" in (root / DROPIN[1:]).read_text()


def test_an_edit_elsewhere_in_the_file_survives_the_undo(root: Path) -> None:
    """Three-way by line: our line goes back, theirs stays."""
    (root / "etc/x").write_text("a 1\nb 1\nc 1\nd 1\n")
    changes = apply(root, control("a", "2", file="/etc/x", key="a"))
    (root / "etc/x").write_text("a 2\nb 1\nc 1\nd theirs\n")

    results = undo(root, *changes)

    assert failures(results) == {}
    assert (root / "etc/x").read_text() == "a 1\nb 1\nc 1\nd theirs\n"


def test_an_edit_of_the_same_line_is_a_conflict(root: Path) -> None:
    """The control is refused with the reason, and the file stays as the other left it."""
    (root / "etc/x").write_text("a 1\nb 1\n")
    changes = apply(root, control("a", "2", file="/etc/x", key="a"))
    (root / "etc/x").write_text("a 3\nb 1\n")

    results = undo(root, *changes)

    assert failures(results)["linux_a"].startswith("changed since: /etc/x: line 1")
    assert (root / "etc/x").read_text() == "a 3\nb 1\n"


def test_force_restores_over_a_conflict(root: Path) -> None:
    """Asked for by name, what was there before comes back."""
    (root / "etc/x").write_text("a 1\nb 1\n")
    changes = apply(root, control("a", "2", file="/etc/x", key="a"))
    (root / "etc/x").write_text("a 3\nb 1\n")

    results = undo(root, *changes, force=True)

    assert changed(results) == ["linux_a"]
    assert (root / "etc/x").read_text() == "a 1\nb 1\n"


def test_a_mode_changed_since_is_a_conflict_of_the_mode_alone(root: Path) -> None:
    """A later edit of the content does not stand in the way of the mode, nor the other way round."""
    changes = apply(root, control("mode", "0600", mode="/etc/app.conf"))
    (root / "etc/app.conf").write_text("quite another text\n")
    (root / "etc/app.conf").chmod(0o600)

    assert failures(undo(root, *changes)) == {}
    assert (root / "etc/app.conf").stat().st_mode & 0o7777 == 0o2664

    changes = apply(root, control("mode", "0600", mode="/etc/app.conf"), campaign="c2")
    (root / "etc/app.conf").chmod(0o640)
    assert "mode is '0640'; we left '0600' and would put back '2664'" in failures(undo(root, *changes))["linux_mode"]


def test_undoing_twice_changes_nothing_more(root: Path) -> None:
    """What is as before already is left alone."""
    changes = apply(root, control("a", "5", file="/etc/app.conf", key="level"))
    undo(root, *changes)

    results = undo(root, *changes)

    assert changed(results) == []
    assert failures(results) == {}


def test_check_mode_foretells_an_undo(root: Path) -> None:
    """Nothing is written, and the conflict or the change is told."""
    changes = apply(root, control("a", "5", file="/etc/app.conf", key="level"))
    before = snapshot(root)

    results = undo(root, *changes, check=True)

    assert changed(results) == ["linux_a"]
    assert snapshot(root) == before


def test_a_damaged_object_is_not_put_back(root: Path) -> None:
    """Contents are checked against their digest before they are trusted."""
    changes = apply(root, control("a", "5", file="/etc/app.conf", key="level"))
    for stored in (root / "var/lib/hardening/objects").iterdir():
        stored.write_bytes(b"tampered")

    results = undo(root, *changes)

    assert "is not what was kept" in failures(results)["linux_a"]


def test_the_object_store_is_for_root_only(root: Path) -> None:
    """Directory 0700, files 0600."""
    apply(root, control("a", "5", file="/etc/app.conf", key="level"))

    store = root / "var/lib/hardening/objects"
    assert store.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in store.iterdir()} == {0o600}


def test_an_acl_survives_a_change_of_mode_and_its_undo(root: Path) -> None:
    """chmod rewrites the ACL's mask; the undo brings mask and mode back."""
    path = root / "etc/app.conf"
    entries = [(1, 6, -1), (2, 6, 1234), (4, 4, -1), (16, 6, -1), (32, 4, -1)]
    raw = (2).to_bytes(4, "little") + b"".join(
        tag.to_bytes(2, "little") + permission.to_bytes(2, "little") + (name & 0xFFFFFFFF).to_bytes(4, "little")
        for tag, permission, name in entries
    )
    os.setxattr(path, "system.posix_acl_access", raw)
    before = (path.stat().st_mode, os.getxattr(path, "system.posix_acl_access"))

    changes = apply(root, control("mode", "0600", mode="/etc/app.conf"))
    assert failures(changes) == {}
    assert path.stat().st_mode & 0o777 == 0o600
    assert apply(root, control("mode", "0600", mode="/etc/app.conf"), campaign="c2")[0]["touches"] == []
    undo(root, *changes)

    assert (path.stat().st_mode, os.getxattr(path, "system.posix_acl_access")) == before


def test_attributes_and_owner_survive_a_rewrite(root: Path) -> None:
    """The new file has the old one's owner, mode and extended attributes."""
    path = root / "etc/app.conf"
    os.setxattr(path, "user.note", b"\x00\xff")
    os.chown(path, 1234, 4321)
    path.chmod(0o4755)

    apply(root, control("a", "5", file="/etc/app.conf", key="level"))

    status = path.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (1234, 4321, 0o4755)
    assert os.getxattr(path, "user.note") == b"\x00\xff"


def test_a_file_with_hard_links_is_not_parted_from_them(root: Path) -> None:
    """Replacing would silently leave the other name with the old content."""
    os.link(root / "etc/app.conf", root / "etc/other-name")

    results = apply(
        root, control("a", "5", file="/etc/app.conf", key="level"), control("m", "0600", mode="/etc/app.conf")
    )

    assert "several hard links" in failures(results)["linux_a"]
    assert changed(results) == ["linux_m"]


def test_a_symbolic_link_is_followed_and_stays_one(root: Path) -> None:
    """The file it points to is edited, within the tree."""
    (root / "etc/link.conf").symlink_to("/etc/app.conf")

    results = apply(root, control("a", "5", file="/etc/link.conf", key="level"))

    assert results[0]["touches"][0]["name"] == "/etc/app.conf"
    assert (root / "etc/link.conf").is_symlink()


def test_a_removed_file_comes_back_whole(root: Path) -> None:
    """Content, mode and owner."""
    os.chown(root / "etc/app.conf", 1234, 4321)
    (root / "etc/app.conf").chmod(0o4710)
    before = snapshot(root)
    changes = apply(root, control("a", absent="/etc/app.conf"))
    assert not (root / "etc/app.conf").exists()

    undo(root, *changes)

    assert snapshot(root) == before


def test_no_file_of_ours_lies_about_afterwards(root: Path) -> None:
    """The files beside, which wait to take another's place, are gone after success and failure."""
    subprocess.run(["chattr", "+i", root / "etc/app.conf"], check=True)
    try:
        apply(root, control("b", dropin="/etc/z.conf"), control("a", "5", file="/etc/app.conf", key="level"))
    finally:
        subprocess.run(["chattr", "-i", root / "etc/app.conf"], check=True)

    assert list(root.rglob("*hardening~")) == []
