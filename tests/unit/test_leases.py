"""The lease of a host: taken whole by one campaign, never expiring, given back by its holder alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from hardening.lease_script import GIVE_BACK, TAKE, Lease, lease_said, lease_text
from tests.core_tree import STATE, apply, changed, control, failures, undo

TEXT = lease_text(actor="jia@bastion", controller="bastion", taken_at="2026-11-20T22:00:00+00:00")


def take(root: Path, campaign: str, name: str = "web01", over: str = "") -> Lease:
    """Ask a host's tree for its lease, as the controller does."""
    return lease_said(run(TAKE, root, campaign, name, TEXT, over))


def run(script: str, root: Path, *words: str) -> str:
    """Run a script as a host's shell does."""
    argv = ["sh", "-c", script, "sh", f"{root}{STATE}", *words]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def lease(root: Path) -> Path:
    """Return where the lease is."""
    return root / STATE.strip("/") / "lease"


def test_a_lease_is_taken_by_one_and_says_whose_it_is(tmp_path: Path) -> None:
    """The second campaign learns who holds the host and since when; the first may ask again, as a resume does."""
    assert take(tmp_path, "c1") == Lease(verdict="taken")
    assert take(tmp_path, "c2") == Lease(
        verdict="held", campaign="c1", name="web01", by="jia@bastion on bastion", since="2026-11-20T22:00:00+00:00"
    )
    assert take(tmp_path, "c1") == Lease(verdict="taken")
    assert lease(tmp_path).read_text() == f"c1\nweb01\n{TEXT}\n"
    assert lease(tmp_path).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in lease(tmp_path).parent.iterdir()) == ["lease"]


def test_one_campaign_does_not_get_a_machine_twice(tmp_path: Path) -> None:
    """Under its second name the machine says which name has it."""
    take(tmp_path, "c1", "web01")

    twice = take(tmp_path, "c1", "alias")

    assert (twice.verdict, twice.name) == ("twice", "web01")
    assert lease(tmp_path).read_text().splitlines()[1] == "web01"


def test_a_lease_is_taken_over_only_from_whom_was_named(tmp_path: Path) -> None:
    """Part of a name is not the name."""
    take(tmp_path, "c1")

    assert take(tmp_path, "c2", over="c11 c c0").verdict == "held"
    assert take(tmp_path, "c2", over="c0 c1").verdict == "taken_over"
    assert lease(tmp_path).read_text().splitlines()[0] == "c2"


def test_a_lease_is_given_back_by_its_holder_alone(tmp_path: Path) -> None:
    """Whoever lost it meanwhile takes nothing away."""
    take(tmp_path, "c1")

    assert run(GIVE_BACK, tmp_path, "c2", "web01") == "not_ours\n"
    assert run(GIVE_BACK, tmp_path, "c1", "alias") == "not_ours\n"
    assert lease(tmp_path).exists()
    assert run(GIVE_BACK, tmp_path, "c1", "web01") == "given_back\n"
    assert run(GIVE_BACK, tmp_path, "c1", "web01") == "none\n"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\x00", b"x" * 9000])
def test_a_broken_lease_holds_the_host(tmp_path: Path, content: bytes) -> None:
    """What cannot be read is not free: somebody may be writing there."""
    lease(tmp_path).parent.mkdir(parents=True)
    lease(tmp_path).write_bytes(content)

    argv = ["sh", "-c", TAKE, "sh", f"{tmp_path}{STATE}", "c1", "web01", TEXT, ""]
    answer = subprocess.run(argv, capture_output=True, check=True).stdout.decode("utf-8", "surrogateescape")

    assert lease_said(answer).verdict == "held"
    assert lease(tmp_path).read_bytes() == content


def test_what_a_lease_holds_is_shown_plain_and_bounded() -> None:
    """Anybody who is root there wrote it: no escape sequence reaches a terminal, no secret the record."""
    hostile = json.dumps({"actor": "\x1b[2J" + "a" * 5000, "controller": "c", "taken_at": "password=Hunter2hunter2"})

    said = lease_said(f"held\nc1\x1b[31m\nweb\n{hostile}\n")

    assert "\x1b" not in said.campaign + said.by
    assert len(said.by) <= 400
    assert "Hunter2hunter2" not in said.since


def test_a_state_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """No lease, no writing: the script fails instead of saying that it was taken."""
    (tmp_path / "var").write_text("a file")

    done = subprocess.run(
        ["sh", "-c", TAKE, "sh", f"{tmp_path}{STATE}", "c1", "web01", TEXT, ""], capture_output=True, check=False
    )

    assert done.returncode != 0
    assert done.stdout == b""


def test_modules_write_only_where_their_campaign_holds_the_host(tmp_path: Path) -> None:
    """Held by another: refused. Not held where it must be: another machine than was planned for. Ours: written."""
    wanted = control("a", file="/etc/app.conf", key="level")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/app.conf").write_text("level 0\n")

    unleased = failures(apply(tmp_path, wanted, lease=True))
    take(tmp_path, "other")
    held = failures(apply(tmp_path, wanted))
    text_then = (tmp_path / "etc/app.conf").read_text()
    run(GIVE_BACK, tmp_path, "other", "web01")
    take(tmp_path, "c1")
    written = apply(tmp_path, wanted, lease=True)

    assert "does not hold the lease of campaign c1" in unleased["linux_a"]
    assert held == {
        "linux_a": "this host is held by campaign other (jia@bastion on bastion since 2026-11-20T22:00:00+00:00)"
    }
    assert text_then == "level 0\n"
    assert changed(written) == ["linux_a"]
    refused = undo(tmp_path, *written)
    assert "this host is held by campaign c1" in failures(refused)["linux_a"]
    run(GIVE_BACK, tmp_path, "c1", "web01")
    assert "does not hold the lease of campaign undo" in failures(undo(tmp_path, *written, lease=True))["linux_a"]
    assert changed(undo(tmp_path, *written)) == ["linux_a"]
