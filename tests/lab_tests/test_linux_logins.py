"""Hardened ways to log in, on real hosts: the right password opens, the wrong one closes, undo leaves no trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.lab import accounts
from tests.lab.host import LabHost
from tests.lab.plugin import HostFactory
from tests.lab_tests.test_core_apply import apply, undo

IMAGES = ("debian12", "debian13")
PASSES = ["login", "sshd", "su", "sudo"]
NULLOK = {"services": PASSES, "type": "auth", "module": "pam_unix.so", "option": "nullok"}
STACKS = ("/etc/pam.d", "/etc/security", "/usr/share/pam-configs", "/var/lib/pam")
FAILLOCK: dict[str, tuple[dict[str, Any], Any]] = {
    "linux_faillock_deny": ({"option": "deny"}, "3"),
    "linux_faillock_unlock_time": ({"option": "unlock_time"}, "600"),
}
LOGINS: dict[str, dict[str, tuple[dict[str, Any], Any]]] = {
    "linux.faillock": FAILLOCK,
    "linux.pam_option": {"linux_pam_empty_passwords": (NULLOK, None)},
    "linux.pwhistory": {"linux_pwhistory_remember": ({"option": "remember"}, "5")},
}


def sudo_says(host: LabHost, password: str) -> bool:
    """Tell whether sudo lets opspw through with a password."""
    return host.over_ssh(f"printf '%s\\n' {password} | sudo -S -k -p '' true", user="opspw").rc == 0


def su_says(host: LabHost, user: str) -> bool:
    """Tell whether su lets an account become root with root's password."""
    return host.over_ssh(f"printf '%s\\n' {accounts.ROOT_PASSWORD} | su -c true root", user=user).rc == 0


@pytest.mark.parametrize("image", IMAGES)
def test_wrong_passwords_close_an_account_and_the_right_one_did_not(
    own_host: HostFactory, tmp_path: Path, image: str
) -> None:
    """The hardened stack lets the right password in, closes after three wrong ones, and is gone after undo."""
    host = own_host(image=image)
    before = host.snapshot_tree(STACKS)

    changes = apply(host, tmp_path, LOGINS, "c1")

    assert [change["reason"] for change in changes if change["failed"]] == []
    assert sudo_says(host, accounts.OPS_PASSWORD)
    assert [sudo_says(host, "wrong") for _ in range(3)] == [False] * 3
    assert not sudo_says(host, accounts.OPS_PASSWORD)
    host.run("faillock --user opspw --reset")
    assert sudo_says(host, accounts.OPS_PASSWORD)
    undone = undo(host, tmp_path, *reversed(changes))
    assert [change["reason"] for change in undone if change["failed"]] == []
    assert host.snapshot_tree(STACKS) == before
    assert sudo_says(host, accounts.OPS_PASSWORD)


@pytest.mark.parametrize("image", IMAGES)
def test_an_old_password_cannot_be_used_again(own_host: HostFactory, tmp_path: Path, image: str) -> None:
    """With five passwords remembered, going back to the one before is refused and a third one is taken."""
    host = own_host(image=image)
    settings: dict[str, Any] = {
        "linux.pwhistory": {
            "linux_pwhistory_remember": ({"option": "remember"}, "5"),
            "linux_pwhistory_root": ({"option": "enforce_for_root"}, "true"),
        }
    }
    change_to = "printf '%s\\n%s\\n' {0} {0} | passwd opssu"

    changes = apply(host, tmp_path, settings, "c1")

    assert [change["reason"] for change in changes if change["failed"]] == []
    assert host.exec_inside(change_to.format("Blue-Kettle-71-river")).rc == 0
    assert host.exec_inside(change_to.format("Grey-Ladder-52-stone")).rc == 0
    assert host.exec_inside(change_to.format("Blue-Kettle-71-river")).rc != 0
    assert host.exec_inside(change_to.format("Pink-Window-93-cloud")).rc == 0


@pytest.mark.parametrize("image", IMAGES)
def test_su_is_for_members_of_the_group_alone(own_host: HostFactory, tmp_path: Path, image: str) -> None:
    """Root's password opens su for a member of sudo, no more for others, and for all again after undo."""
    host = own_host(image=image)
    assert su_says(host, "opssu")

    (change,) = apply(host, tmp_path, {"linux.su_group": {"linux_su_group": ({}, "sudo")}}, "c1")

    assert not change["failed"], change["reason"]
    assert su_says(host, "opspw")
    assert not su_says(host, "opssu")
    undo(host, tmp_path, change)
    assert su_says(host, "opssu")


def test_a_group_that_is_not_there_is_refused(own_host: HostFactory, tmp_path: Path) -> None:
    """A group without which nobody could use su changes nothing."""
    host = own_host(image="debian12")
    before = host.snapshot_tree(STACKS)

    (change,) = apply(host, tmp_path, {"linux.su_group": {"linux_su_group": ({}, "wheelers")}}, "c1")

    assert change["failed"]
    assert "there is no group wheelers" in change["reason"]
    assert host.snapshot_tree(STACKS) == before


@pytest.mark.parametrize("image", IMAGES)
def test_stacks_with_lines_of_an_administrator_are_left_alone(
    own_host: HostFactory, tmp_path: Path, image: str
) -> None:
    """pam-auth-update refuses them, so do we, by name; nothing of the change is left half-done."""
    host = own_host(image=image)
    host.run("sed -i 's/^auth.*pam_unix.so/auth optional pam_echo.so file=\\/etc\\/issue\\n&/' /etc/pam.d/common-auth")
    before = host.snapshot_tree(STACKS[2:] + STACKS[:1])

    changes = apply(host, tmp_path, {"linux.faillock": FAILLOCK}, "c1")

    assert all(change["failed"] for change in changes)
    assert "were added by hand" in changes[0]["reason"]
    assert host.snapshot_tree(STACKS[2:] + STACKS[:1]) == before
    assert sudo_says(host, accounts.OPS_PASSWORD)


def test_a_rule_of_sudo_with_an_error_fails_alone(own_host: HostFactory, tmp_path: Path) -> None:
    """visudo refuses one line before anything is replaced; the other control holds, and sudo works."""
    host = own_host(image="debian13")
    options = {
        "linux_sudo_pty": ({"option": "use_pty"}, "true"),
        "linux_sudo_nonsense": ({"option": "no_such_option"}, "true"),
    }

    good, bad = apply(host, tmp_path, {"linux.sudo_option": options}, "c1")

    assert not good["failed"], good["reason"]
    assert bad["failed"]
    assert "visudo" in bad["reason"]
    assert sudo_says(host, accounts.OPS_PASSWORD)
