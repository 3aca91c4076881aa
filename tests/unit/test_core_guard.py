"""The guard's shell program puts a tree back byte for byte, from a finished run and from one killed at any write."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hardening_core import Control, Host, System
from hardening_core.guard import Guard
from hardening_core.guard_end import confirm, revert, status
from hardening_core.guard_timer import span_s

from tests.core_tree import apply, changed, control, snapshot

GUARD_S = 300.0
NOBODY = 0xFFFFFFFF
NAMES = ("plain", "two words", 'it\'s "$HOME"', "-rf", "new\nline", "latin-\udce4", "back\\slash")
# Kills itself without a goodbye right before (or after) the file whose turn it is takes its place.
KILLED = """
import os, signal, sys
from hardening_core import Host
from hardening_core.guard import Guard
from hardening_core.resources.file import FileResource
from tests.core_tree import apply
from tests.unit.test_core_guard import CONTROLS, everything
from pathlib import Path

root, turn, moment = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
write, count = FileResource.write, [0]

def killed(self, name, present, wanted):
    count[0] += 1
    if count[0] == turn and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, name, present, wanted)
    if count[0] == turn and moment == "after":
        os.kill(os.getpid(), signal.SIGKILL)

FileResource.write = killed
apply(root, *CONTROLS, plan=everything, guard=Guard(Host(str(root)), "c1", 300))
"""
CONTROLS = tuple(control(subject) for subject in ("text", "mode", "link", "made", "removed", "unlinked"))


def everything(item: Control, system: System) -> None:
    """Change a file, a mode, a link, a directory; make some and remove some."""
    subject = item.id[len("linux_") :]
    if subject == "text":
        system.file("/etc/text").set_text("other\n")
    elif subject == "mode":
        system.file("/etc/mode").set_mode("0600")
        system.file("/etc/directory").set_mode("0700")
    elif subject == "link":
        system.file("/etc/link", follow=False).link_to("elsewhere")
    elif subject == "made":
        system.file("/etc/new/deep/file").set_text("new\n")
    elif subject == "removed":
        system.file("/etc/removed").remove()
    elif subject == "unlinked":
        system.file("/etc/unlinked", follow=False).remove()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with something of every type."""
    etc = tmp_path / "etc"
    (etc / "directory").mkdir(parents=True)
    for name in ("text", "mode", "removed"):
        (etc / name).write_text(f"{name} 1\n")
    (etc / "mode").chmod(0o4755)
    (etc / "removed").chmod(0o640)
    os.chown(etc / "removed", 3, 4)
    for name in ("link", "unlinked"):
        (etc / name).symlink_to("text")
    (etc / "directory").chmod(0o1777)
    return tmp_path


def guarded(root: Path, *controls: Control, plan: Any = everything, campaign: str = "c1") -> list[dict[str, Any]]:
    return apply(root, *controls, plan=plan, campaign=campaign, guard=Guard(Host(str(root)), campaign, GUARD_S))


def looked_at(root: Path) -> dict[str, Any]:
    """Return the tree with the targets of its links."""
    links = {str(path): str(path.readlink()) for path in (root / "etc").rglob("*") if path.is_symlink()}
    return {**snapshot(root), **links}


def test_everything_goes_back(root: Path) -> None:
    """Contents, modes with set-user-id, owners, links, directories; and nothing of the guard stays."""
    before = looked_at(root)
    done = guarded(root, *CONTROLS)

    said = revert(Host(str(root)), "c1")

    assert len(changed(done)) == len(CONTROLS)
    assert (said["outcome"], said["details"]) == ("reverted", [])
    assert looked_at(root) == before
    assert not (root / "var/lib/hardening/guard").exists()


def test_access_lists_and_attributes_go_back(root: Path) -> None:
    """With new content and with a new mode alone; no setfacl is needed for it."""
    # Version 2, then tag, permissions, id: owner, user 3, owning group, mask, others (acl(5)).
    entries = ((1, 6, NOBODY), (2, 6, 3), (4, 4, NOBODY), (16, 6, NOBODY), (32, 4, NOBODY))
    access = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    for name in ("text", "mode"):
        os.setxattr(root / "etc" / name, "system.posix_acl_access", access)
        os.setxattr(root / "etc" / name, "user.note", b"kept")
    before = looked_at(root)

    guarded(root, *CONTROLS)
    said = revert(Host(str(root)), "c1")

    assert (said["outcome"], said["details"]) == ("reverted", [])
    assert looked_at(root) == before
    for name in ("text", "mode"):
        assert os.getxattr(root / "etc" / name, "system.posix_acl_access") == access
        assert os.getxattr(root / "etc" / name, "user.note") == b"kept"


def test_any_name_goes_back(root: Path) -> None:
    """Blanks, quotes, dollars, dashes, newlines and bytes that are no UTF-8 are only a name."""
    for name in NAMES:
        (root / "etc" / name).write_text("as it was\n")
    before = looked_at(root)

    def plan(item: Control, system: System) -> None:
        for name in NAMES:
            system.file("/etc/" + name).set_text("other\n")
            system.file("/etc/made " + name).set_text("new\n")

    guarded(root, control("names"), plan=plan)
    said = revert(Host(str(root)), "c1")

    assert (said["outcome"], said["details"]) == ("reverted", [])
    assert looked_at(root) == before


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("turn", range(1, 10))
def test_a_run_killed_at_any_write_goes_back(root: Path, turn: int, moment: str) -> None:
    """Half of it is there, files prepared beside others too; afterwards nothing of it is."""
    before = looked_at(root)
    done = subprocess.run([sys.executable, "-c", KILLED, root, str(turn), moment], env=environment(), check=False)
    assert done.returncode == -signal.SIGKILL

    unsure = confirm(Host(str(root)), "c1")
    said = revert(Host(str(root)), "c1")

    assert unsure["outcome"] == "refused"
    assert (said["outcome"], said["details"]) == ("reverted", [])
    assert looked_at(root) == before


def test_a_second_kind_killed_at_a_write_is_not_confirmed(root: Path) -> None:
    """That an earlier kind of the campaign came to its end says nothing of the one that did not."""
    guarded(root, control("linked"), plan=lambda item, system: system.file("/etc/first").set_text("first\n"))
    done = subprocess.run([sys.executable, "-c", KILLED, root, "1", "after"], env=environment(), check=False)
    assert done.returncode == -signal.SIGKILL

    said = confirm(Host(str(root)), "c1")

    assert said["outcome"] == "refused"
    assert "was ended while it wrote" in said["details"][0]
    assert revert(Host(str(root)), "c1")["outcome"] == "reverted"


def test_a_guard_that_fires_on_a_full_disk_tries_again(root: Path) -> None:
    """Nothing could be put back or even written down: it never says it was, and the next trigger finds the work."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", root], check=True)
    try:
        (root / "etc").mkdir()
        (root / "etc/text").write_text("before\n")
        guarded(root, control("text"))
        fire = ["sh", str(root / "var/lib/hardening/guard/c1/revert.sh")]
        filled = subprocess.run(["dd", "if=/dev/zero", f"of={root / 'filler'}"], capture_output=True, check=False)
        assert b"No space left" in filled.stderr
        full = subprocess.run(fire, capture_output=True, check=False)
        still = status(Host(str(root)), "c1")["outcome"], (root / "etc/text").read_text()
        (root / "filler").unlink()
        room = subprocess.run(fire, capture_output=True, check=False)

        assert full.returncode != 0
        assert still == ("reverting", "other\n")
        assert room.returncode == 0
        assert confirm(Host(str(root)), "c1")["outcome"] == "reverted"
        assert (root / "etc/text").read_text() == "before\n"
    finally:
        subprocess.run(["umount", "--lazy", root], check=True)


def test_a_guard_that_broke_off_while_it_ended_holds_up_no_other_campaign(root: Path) -> None:
    """Power went right after the decision; the next campaign finishes it and has a guard of its own."""
    guarded(root, control("text"))
    place = root / "var/lib/hardening/guard/c1"
    (place / "ending").write_text("confirmed\n")
    (place / "armed").rename(place / "confirming")

    other = guarded(root, control("made"), campaign="c2")

    assert changed(other) == ["linux_made"]
    assert not place.exists()
    assert confirm(Host(str(root)), "c1")["outcome"] == "confirmed"
    assert revert(Host(str(root)), "c2")["outcome"] == "reverted"
    assert (root / "etc/text").read_text() == "other\n"


def test_the_copies_of_a_revert_that_nobody_asked_for_go_with_the_next_campaign(root: Path) -> None:
    """They hold what was there before, passwords' hashes too; how it went stays in the journal."""
    guarded(root, control("text"))
    place = root / "var/lib/hardening/guard/c1"
    subprocess.run(["sh", str(place / "revert.sh")], check=True)
    kept = place.exists(), status(Host(str(root)), "c1")["outcome"], place.exists()

    guarded(root, control("made"), campaign="c2")

    assert kept == (True, "reverted", True)
    assert not place.exists()
    assert status(Host(str(root)), "c1")["outcome"] == "reverted"
    assert revert(Host(str(root)), "c2")["outcome"] == "reverted"


def test_an_earlier_revert_is_not_the_answer_for_a_later_run(root: Path) -> None:
    """The second run of the campaign wrote without a guard: there is none to confirm."""
    guarded(root, control("text"))
    assert revert(Host(str(root)), "c1")["outcome"] == "reverted"

    apply(root, control("text"), plan=everything, campaign="c1")

    assert confirm(Host(str(root)), "c1")["outcome"] == "none"


def environment() -> dict[str, str]:
    """Return the environment of a process that imports the core and the tests."""
    repository = Path(__file__).parents[2]
    return {**os.environ, "PYTHONPATH": f"{repository}:{repository / 'roles/core/module_utils'}"}


def test_a_run_that_put_everything_back_itself_needs_no_guard(root: Path) -> None:
    """Its only control fails after the first write; guard, trigger and state are gone with it."""

    def plan(item: Control, system: System) -> None:
        system.file("/etc/text").set_text("other\n")
        system.sysctl("net.no.such").set("1")

    results = guarded(root, control("fails"), plan=plan)

    assert [result["failed"] for result in results] == [True]
    assert not (root / "var/lib/hardening/guard").exists()
    assert status(Host(str(root)), "c1")["outcome"] == "none"


def test_an_edit_between_is_kept(root: Path) -> None:
    """Of a file we changed and of one that we removed and somebody made again."""
    guarded(root, *CONTROLS)
    (root / "etc/text").write_text("theirs\n")
    (root / "etc/removed").write_text("theirs, too\n")

    said = revert(Host(str(root)), "c1")

    assert said["outcome"] == "reverted"
    assert len(said["details"]) == 2
    assert (root / "etc/text").read_text() == "text 1\n"
    aside = [path.read_text() for path in (root / "var/lib/hardening/guard/c1/aside").iterdir()]
    assert sorted(aside) == ["theirs\n", "theirs, too\n"]


def test_systemds_spans_are_seconds() -> None:
    """As `systemctl show` prints them."""
    assert span_s("4h 1min 14.5s") == 14474.5
    assert span_s("2d 3h 250ms") == 183600.25
    assert span_s("infinity") == span_s("") == 0
