"""A guard on a full disk: without its program where only the copies fit; no guard and no write where they do not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.core_hosts import apply_on, ask_guard, furnish
from tests.core_tree import changed, failures
from tests.lab.host import LabHost
from tests.lab_tests.test_guard import BANNER

SHADOW_MODE = """
def plan(control, system):
    system.file("/etc/shadow").set_mode("0600")
"""


@pytest.fixture
def host(own_host: Callable[..., LabHost]) -> LabHost:
    """A host of this test's own."""
    made = own_host(image="debian13")
    furnish(made)
    return made


def test_a_guard_without_its_program_is_a_guard_all_the_same(host: LabHost) -> None:
    """There is room for the copies and not for the library: armed; a second kind is, too; and nothing litters."""
    state = "/var/lib/hardening"
    host.run(f"mkdir -p {state} && mount -t tmpfs -o size=120k,mode=700 none {state}")
    try:
        first = apply_on(host, BANNER, "subject", campaign="small", guard_s=300)
        kept = host.exec_inside(f"ls -A {state}/guard/small").stdout.split()
        second = apply_on(host, SHADOW_MODE, "subject", campaign="small", guard_s=300)
        said = ask_guard(host, "revert", "small")
    finally:
        host.run(f"umount {state}")

    assert (len(changed(first)), len(changed(second))) == (1, 1)
    assert {"armed", "revert.sh"} <= set(kept)
    assert not {name for name in kept if name.startswith(("confirm.sh", "library.zip"))}
    assert said["outcome"] == "reverted"


def test_a_guard_that_finds_no_room_takes_its_directory_away(host: LabHost) -> None:
    """Nothing was written, so nothing is there for anybody to confirm, to revert or to clear."""
    state = "/var/lib/hardening"
    host.run(f"mkdir -p {state} && mount -t tmpfs -o size=40k,mode=700 none {state}")
    try:
        results = apply_on(host, BANNER, "subject", campaign="none", guard_s=300)
        left = host.exec_inside(f"ls -A {state}/guard").stdout
    finally:
        host.run(f"umount {state}")

    assert changed(results) == []
    assert "nothing was written" in failures(results)["linux_subject"]
    assert left == ""


def test_a_guard_that_finds_no_room_leaves_what_was_put_aside(host: LabHost) -> None:
    """An earlier guard of the campaign kept there what somebody wrote: that is theirs."""
    state = "/var/lib/hardening"
    host.run(f"mkdir -p {state} && mount -t tmpfs -o size=40k,mode=700 none {state}")
    host.run(f"mkdir -p {state}/guard/none/aside && echo theirs > {state}/guard/none/aside/etc%issue")
    try:
        results = apply_on(host, BANNER, "subject", campaign="none", guard_s=300)
        left = host.exec_inside(f"cd {state}/guard && find . -type f").stdout
    finally:
        host.run(f"umount {state}")

    assert changed(results) == []
    assert left == "./none/aside/etc%issue\n"
