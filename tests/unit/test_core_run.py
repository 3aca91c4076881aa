"""Planning, validating and writing of a kind's controls, on a tree of our own."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hardening_core import Control, System, actions, host
from hardening_core.resources import file as file_resource

from tests.core_tree import apply, changed, control, failures, snapshot

DROPIN = "/etc/app.d/90-hardening.conf"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with a service's main file."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/app.conf").write_text("# shipped\nlevel 1\n")
    return tmp_path


def test_two_controls_share_a_drop_in(root: Path) -> None:
    """Each control has its own block, under its id, in a file made with its directory."""
    results = apply(root, control("a", "1", dropin=DROPIN), control("b", "2", dropin=DROPIN))

    assert changed(results) == ["linux_a", "linux_b"]
    text = (root / DROPIN[1:]).read_text()
    assert text.splitlines()[1:] == ["# linux_a", "linux_a = 1", "# linux_b", "linux_b = 2"]


def test_a_second_run_changes_nothing(root: Path) -> None:
    """What is as wanted reports changed=false, no touches, no after actions and no diff."""
    controls = [control("a", dropin=DROPIN), control("b", "5", file="/etc/app.conf", key="level")]
    apply(root, *controls)
    before = snapshot(root)

    results = apply(root, *controls, campaign="c2", reload=["run:daemon-reload"])

    assert all(not (r["changed"] or r["failed"] or r["touches"] or r["after_actions"] or r["diff"]) for r in results)
    assert snapshot(root) == before


def test_check_mode_writes_nothing_and_foretells_the_change(root: Path) -> None:
    """A check gives the same results as the run after it, and leaves not even a directory of ours."""
    controls = [control("a", dropin=DROPIN), control("b", "5", file="/etc/app.conf", key="level")]
    before = sorted(root.rglob("*"))

    foretold = apply(root, *controls, check=True)

    assert sorted(root.rglob("*")) == before
    assert foretold == apply(root, *controls)


def test_a_control_that_cannot_be_applied_fails_alone(root: Path) -> None:
    """What it had staged is taken back; the others are applied."""
    bad = control("bad", "9", dropin=DROPIN, cannot="no such thing here")

    results = apply(root, control("a", dropin=DROPIN), bad, control("b", dropin=DROPIN))

    assert failures(results) == {"linux_bad": "no such thing here"}
    assert changed(results) == ["linux_a", "linux_b"]
    assert "linux_bad" not in (root / DROPIN[1:]).read_text()


def test_a_defect_in_a_plan_fails_its_control_alone(root: Path) -> None:
    """An exception nobody thought of is called our own defect, with its place."""

    def plan(item: Control, system: System) -> None:
        system.dropin(DROPIN).set(item.id, str({"linux_a": 1}[item.id]))

    results = apply(root, control("a"), control("b"), plan=plan)

    assert changed(results) == ["linux_a"]
    assert failures(results)["linux_b"].startswith("our own defect: KeyError: 'linux_b' (test_core_run.py:")


def test_the_culprit_of_a_refused_file_fails_alone(root: Path) -> None:
    """The checker sees the planned files before anything is replaced; only who spoils them fails."""
    seen = root / "seen"
    script = f"cat {root}/etc/app.conf > {seen}; ! grep -q nonsense {root}{DROPIN}"
    controls = [control(f"c{n}", "nonsense" if n in (3, 7) else n, dropin=DROPIN) for n in range(9)]

    results = apply(root, *controls, validate=[["sh", "-c", script]])

    assert sorted(failures(results)) == ["linux_c3", "linux_c7"]
    assert "refuses it" in failures(results)["linux_c3"]
    assert len(changed(results)) == 7
    assert seen.read_text() == "# shipped\nlevel 1\n"


def test_the_checker_runs_before_anything_is_replaced(root: Path) -> None:
    """Outside the checker's own view the old file still stands while it runs."""
    witness = f"/proc/{os.getpid()}/root{root}/etc/app.conf"
    script = f"grep -q 'level 5' {root}/etc/app.conf && grep -q 'level 1' {witness}"

    results = apply(root, control("a", "5", file="/etc/app.conf", key="level"), validate=[["sh", "-c", script]])

    assert changed(results) == ["linux_a"]


def test_a_checker_that_was_unhappy_before_says_so(root: Path) -> None:
    """Nobody is blamed in silence for a configuration that was broken already."""
    results = apply(root, control("a", dropin=DROPIN), validate=[["sh", "-c", "echo line 3 is wrong; false"]])

    assert "it was refused before our change, too" in failures(results)["linux_a"]
    assert not (root / DROPIN[1:]).exists()


def test_without_private_mounts_the_files_are_checked_in_place_and_put_back(root: Path, monkeypatch: Any) -> None:
    """Where unshare is refused, the culprit is still found, and nothing of it stays."""
    bin_directory = root / "bin"
    bin_directory.mkdir()
    (bin_directory / "unshare").write_text(
        "#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n"
    )
    (bin_directory / "unshare").chmod(0o755)
    monkeypatch.setitem(host.ENVIRONMENT, "PATH", f"{bin_directory}:/usr/bin:/bin")
    check = [["sh", "-c", f"! grep -q nonsense {root}{DROPIN}"]]

    results = apply(root, control("a", dropin=DROPIN), control("bad", "nonsense", dropin=DROPIN), validate=check)

    assert changed(results) == ["linux_a"]
    assert sorted(failures(results)) == ["linux_bad"]
    assert "nonsense" not in (root / DROPIN[1:]).read_text()


def test_controls_that_contradict_one_another_are_told(root: Path) -> None:
    """Of two that want different values the earlier fails, so that no run after this one changes anything."""
    one = control("one", "1", file="/etc/app.conf", key="max")
    two = control("two", "2", file="/etc/app.conf", key="max")

    results = apply(root, one, two)

    assert "wants something else of file:/etc/app.conf" in failures(results)["linux_one"]
    assert changed(results) == ["linux_two"]
    assert changed(apply(root, one, two, campaign="c2")) == []


def test_an_immutable_file_fails_its_control_alone(root: Path) -> None:
    """The reason names the file and the way out; what the control had planned elsewhere is not written either."""
    frozen = root / "etc/app.conf"
    subprocess.run(["chattr", "+i", frozen], check=True)
    try:
        results = apply(
            root,
            control("a", "5", file="/etc/app.conf", key="level", dropin="/etc/other.d/x.conf"),
            control("b", dropin=DROPIN),
        )
    finally:
        subprocess.run(["chattr", "-i", frozen], check=True)

    assert "is immutable; `chattr -i` it" in failures(results)["linux_a"]
    assert changed(results) == ["linux_b"]
    assert not (root / "etc/other.d").exists()


def test_a_full_disk_fails_the_control_and_replaces_nothing(root: Path) -> None:
    """The file that did not fit is gone again, the old one is whole, and others elsewhere are applied."""
    small = root / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", small], check=True)
    try:
        (small / "x.conf").write_text("old\n")

        results = apply(root, control("big", "x" * 60_000, content="/small/x.conf"), control("b", dropin=DROPIN))

        assert "the file system is full; nothing was replaced" in failures(results)["linux_big"]
        assert [path.name for path in small.iterdir()] == ["x.conf"]
        assert (small / "x.conf").read_text() == "old\n"
    finally:
        subprocess.run(["umount", small], check=True)
    assert changed(results) == ["linux_b"]


def test_a_read_only_file_system_fails_the_control_alone(root: Path) -> None:
    """The reason says so."""
    sealed = root / "sealed"
    sealed.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", sealed], check=True)
    try:
        results = apply(root, control("a", dropin="/sealed/x.conf"), control("b", dropin=DROPIN))
    finally:
        subprocess.run(["umount", sealed], check=True)

    assert failures(results) == {"linux_a": "/sealed/x.conf: its file system is mounted read-only"}
    assert changed(results) == ["linux_b"]


def test_nothing_is_written_when_the_contents_before_cannot_be_kept(root: Path) -> None:
    """Without a way back there is no way forward."""
    store = root / "var/lib/hardening"
    store.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", store], check=True)
    before = snapshot(root)
    try:
        results = apply(root, control("a", "5", file="/etc/app.conf", key="level"))
    finally:
        subprocess.run(["umount", store], check=True)

    assert "nothing was written" in failures(results)["linux_a"]
    assert snapshot(root) == before


def test_a_runtime_write_that_fails_takes_its_file_back(root: Path) -> None:
    """A control is applied as a whole or not at all."""
    parameters = root / "proc/sys/net/ipv4"
    parameters.mkdir(parents=True)
    (parameters / "good").write_text("0\n")
    # A directory can be read of but not written: the kernel's EINVAL, near enough.
    (parameters / "bad").write_text("0\n")
    subprocess.run(["chattr", "+i", parameters / "bad"], check=True)
    try:
        results = apply(
            root,
            control("good", "1", sysctl="net.ipv4.good", dropin=DROPIN),
            control("bad", "1", sysctl="net.ipv4.bad", dropin=DROPIN),
        )
    finally:
        subprocess.run(["chattr", "-i", parameters / "bad"], check=True)

    assert "net.ipv4.bad cannot be set to 1" in failures(results)["linux_bad"]
    assert changed(results) == ["linux_good"]
    assert "linux_bad" not in (root / DROPIN[1:]).read_text()


def test_what_somebody_else_wrote_meanwhile_is_planned_on(root: Path) -> None:
    """A file that changes between reading and writing is read again; the other's line survives."""
    done: list[bool] = []

    def plan(item: Control, system: System) -> None:
        system.file("/etc/app.conf").set_key("level", "5", separator=" ")
        if not done:
            done.append(True)
            with (root / "etc/app.conf").open("a") as file:
                file.write("theirs 1\n")

    results = apply(root, control("a"), plan=plan)

    assert changed(results) == ["linux_a"]
    assert (root / "etc/app.conf").read_text() == "# shipped\nlevel 5\ntheirs 1\n"


def test_a_failed_action_puts_everything_back(root: Path, monkeypatch: Any) -> None:
    """Where the service refuses its new configuration, every control of the run fails and no file stays."""
    monkeypatch.setitem(actions.COMMANDS, "daemon-reload", ["sh", "-c", f"! test -e {root}{DROPIN}"])
    before = snapshot(root)

    results = apply(root, control("a", dropin=DROPIN), reload=["run:daemon-reload"])

    assert "everything of this run was put back" in failures(results)["linux_a"]
    assert results[0]["touches"] == []
    assert snapshot(root) == before


def test_an_unknown_action_is_refused(root: Path) -> None:
    """Only what stands in the table can be run, whoever asks."""
    results = apply(root, control("a", dropin=DROPIN), reload=["run:rm -rf /"])

    assert "is no action" in failures(results)["linux_a"]


def test_diffs_are_bounded(root: Path) -> None:
    """A control's diff holds at most four kilobytes."""
    results = apply(root, control("a", "\n".join(f"line {n}" for n in range(5000)), content="/etc/long"))

    assert len(results[0]["diff"].encode()) <= 4096
    assert results[0]["diff"].endswith("[cut]")


@pytest.mark.parametrize("path", ["/etc/shadow", "/etc/ssh/ssh_host_rsa_key", "/etc/app/server.key"])
def test_secret_files_give_no_diff(root: Path, path: str) -> None:
    """Their content appears nowhere in a result."""
    (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
    (root / path[1:]).write_text("root:OLDHASH:1:::::\n")

    results = apply(root, control("a", "root:NEWHASH:1:::::\n", content=path))

    assert changed(results) == ["linux_a"]
    assert "HASH" not in str(results)


def test_secrets_in_lines_are_not_shown(root: Path) -> None:
    """Passwords, hashes and keys are taken out of a diff."""
    text = "db_password = hunter2\nurl=amqp://user:hunter3@host\nrequirepass hunter4\n$6$salt$hunter5\n"
    text += "PasswordAuthentication no\n"

    results = apply(root, control("a", text, content="/etc/app.ini"))

    assert "hunter" not in results[0]["diff"]
    assert "PasswordAuthentication no" in results[0]["diff"]


def test_every_refusal_of_the_system_has_a_sentence() -> None:
    """Known errors are explained; unknown ones keep the system's own word."""
    full = OSError(errno.ENOSPC, "No space left on device")
    odd = OSError(errno.ELOOP, "Too many levels of symbolic links")

    assert file_resource.sentence("/x", full) == "/x: the file system is full; nothing was replaced"
    assert file_resource.sentence("/x", odd) == "/x: too many levels of symbolic links"
