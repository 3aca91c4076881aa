"""What an undo brings back, as preflights take it: by kind, where it is not known, and what that breaks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hardening.model import (
    Change,
    ChangeState,
    Control,
    Danger,
    Json,
    Look,
    Observation,
    Severity,
    Source,
    Target,
    Touch,
)
from hardening.prediction import Consequence, Planned
from hardening.preflights import needs_of, predict, unreached
from hardening.preflights.taking_back import taken_back
from tests.preflight_facts import LOGIN, SSHD, US, expected

WHEN = datetime(2026, 8, 21, tzinfo=UTC)
ROOT = {**LOGIN, "user": "root", "groups": ["root"]}


def back(kind: str, was: Json, wrote: Json, *, touches: tuple[Touch, ...] = (), **params: Json) -> Planned:
    """Return the undo of a change that wrote a value where another was seen; two truths are in two keys."""
    control = control_of(kind, wrote, params)
    target = Target(host="web01", component=control.component)
    two = isinstance(was, dict) and set(was) == {"running", "on_disk"}
    seen = dict(was) if two and isinstance(was, dict) else {"value": was}
    before = Observation(control_id=kind, target=target, look=Look.SEEN, taken_at=WHEN, seen=seen)
    change = Change(control_id=kind, target=target, state=ChangeState.CHANGED, touches=touches, kind=kind)
    return taken_back(change, control, before)


def control_of(kind: str, wrote: Json, params: dict[str, Json]) -> Control:
    """Return a control that writes this value."""
    return Control(
        id=kind,
        component=kind.partition(".")[0],
        kind=kind,
        title="",
        title_zh="",
        why="",
        severity=Severity.LOW,
        params=params,
        want=wrote,
        set_to=wrote,
        danger=Danger.LOCKOUT,
        source=Source(file="", line=1),
    )


def sshd(option: str, was: Json, wrote: str) -> Planned:
    """Return the undo of an option of the SSH server."""
    return back("sshd.option", was, wrote, option=option)


@pytest.mark.parametrize(
    ("undo", "value"),
    [
        (sshd("PermitRootLogin", "without-password", "no"), "without-password"),
        (sshd("AllowUsers", [], "ops"), []),
        (back("linux.sysctl", {"running": "1", "on_disk": None}, "0", key="net.ipv4.ip_forward"), "1"),
        (back("linux.sysctl", {"running": "0", "on_disk": "0"}, "1", key="net.ipv4.ip_forward"), "0"),
        (back("linux.sudo_option", [True], "false", option="requiretty"), True),
        (back("linux.sudo_option", [None, False], "true", option="authenticate"), False),
        (back("linux.faillock", "3", "5", option="deny"), "3"),
        (back("linux.su_group", "wheel", "sudo"), "wheel"),
        (back("linux.pam_module", {"login": "absent", "sshd": "present"}, "absent", module="x"), "present"),
        (back("linux.mount", {"running": ["rw", "noexec"], "on_disk": []}, ["exec"], path="/tmp"), ["rw", "noexec"]),
        (back("linux.module", {"running": "blocked", "on_disk": "blocked"}, "loadable", name="x"), "blocked"),
        (back("linux.interface_sysctl", {"running": {"a": "0", "b": "0"}, "on_disk": {}}, "1", key="k"), "0"),
        (back("nginx.server_directive", {"a:80": "8m", "b:80": None}, "9m", directive="client_max_body_size"), "1m"),
        (back("nginx.server_directive", {"a:80": "0", "b:80": "8m"}, "9m", directive="client_max_body_size"), "8m"),
        (
            back("postgresql.setting", {"running": "localhost", "on_disk": "*"}, "*", name="listen_addresses"),
            "localhost",
        ),
    ],
)
def test_the_state_before_is_what_will_be_written(undo: Planned, value: Json) -> None:
    """As it was seen before the change, in the form in which a plan would write it."""
    assert (undo.value, undo.has_value, undo.is_undo) == (value, True, True)


@pytest.mark.parametrize(
    "undo",
    [
        back("linux.accounts", ["games"], None, which="system_with_shell"),
        back("linux.faillock", None, "true", option="even_deny_root"),
        back("linux.su_group", None, "sudo"),
        back("linux.limit", None, "10", item="maxlogins", domain="*"),
        back("linux.pam_module", {"sshd": "absent"}, "present", module="pam_loginuid.so", type="session"),
        back("linux.pam_module", {"sshd": "present", "su": "absent"}, "present", module="pam_deny.so", type="auth"),
        back("linux.module", {"running": "blocked", "on_disk": "loadable"}, "blocked", name="cramfs"),
        back("linux.units", {"running": {"a": "active"}, "on_disk": {}}, "off", names=["a"]),
        back("linux.home_modes", {"ops": "0755"}, "0750"),
        back("linux.shell_setting", None, "027", name="umask"),
        back("postgresql.hba_method", ["line 1"], "scram-sha-256", method="trust"),
    ],
)
def test_what_only_opens_asks_for_room_and_for_nothing_else(undo: Planned) -> None:
    """Room to write is all that is asked of an undo that takes a restriction away."""
    assert undo.opens
    assert {need.look for need in needs_of([undo])} == {"room"}


def test_what_was_installed_or_switched_on_goes_again() -> None:
    """With the packages that came along, and only the units that did not run; what stays is not asked about."""
    touches = tuple(
        Touch(kind="package", name=name, before={"status": was}, after={"status": "installed"})
        for name, was in (("auditd", "absent"), ("libauparse0", "absent"), ("bash", "installed"))
    )
    packages = back("linux.packages", [], "present", touches=touches, names=["auditd", "audit"])
    units = back("linux.units", {"running": {"a": "inactive", "b": "active"}, "on_disk": {}}, "on", names=["a", "b"])
    plugins = {**vars(packages), "control_id": "plugins", "params": {"names": ["audispd-plugins"]}}

    alone = expected([packages], US, removal={"present": ["auditd"], "others": ["audispd-plugins"]}, **QUIET)
    together = expected(
        [packages, Planned(**plugins)], US, removal={"present": ["auditd"], "others": ["audispd-plugins"]}, **QUIET
    )

    assert (packages.value, packages.params["names"]) == ("absent", ["auditd", "libauparse0"])
    assert (units.value, units.params["names"]) == ("off", ["a"])
    assert set(alone) == {"removal_takes_others"}
    assert together == {}


QUIET: dict[str, Any] = {"package_locks": [], "packages_half_done": []}


def test_what_is_not_known_is_unknown_for_the_ways_in_alone() -> None:
    """A state that was not seen, or that differs from place to place, is a pass for nothing that could lock out."""
    control, target = control_of("sshd.option", "yes", {"option": "UsePAM"}), Target(host="web01", component="sshd")
    change = Change(control_id=control.id, target=target, state=ChangeState.CHANGED)
    blind = Observation(control_id=control.id, target=target, look=Look.CANNOT_LOOK, taken_at=WHEN, reason="no sshd -T")
    pam, never = taken_back(change, control, blind), taken_back(change, control, None)
    sudo = back("linux.sudo_option", [False, True], "false", option="requiretty")
    outage = back("linux.interface_sysctl", {"running": {"a": "1", "b": "0"}, "on_disk": {}}, "0", key="a.accept_ra")

    told = predict("web01", [pam, sudo, outage], {}, US)
    away = unreached("web01", [pam, sudo, outage], "timed out")

    assert not pam.has_value
    assert (pam.obscure.endswith(": no sshd -T"), never.obscure.endswith(": nobody looked")) == (True, True)
    assert {each.code for each in told} == {"account_expired", "account_locked", "sudo_terminal", "no_room"}
    assert all(each.consequence is Consequence.UNKNOWN for each in told)
    assert {each.code for each in away} == {each.code for each in told}


@pytest.mark.parametrize(
    ("was", "now", "refuses"),
    [
        (["deploy"], ["deploy", "ops"], True),
        ("deploy", ["deploy", "ops"], True),
        ([], ["ops"], False),
        (["ops"], ["ops", "ops"], False),
        # Somebody added us since, by another line: that stays.
        (["deploy"], ["deploy", "ops", "o*"], False),
    ],
)
def test_a_list_loses_what_the_campaign_added(was: Json, now: list[str], refuses: bool) -> None:
    """AllowUsers as it was, with what others wrote since; an empty list refuses nobody."""
    told = expected(sshd("AllowUsers", was, "ops"), sshd_effective={**SSHD, "allowusers": now})

    assert set(told) == ({"sshd_account_denied"} if refuses else set())


@pytest.mark.parametrize(
    ("option", "was", "moves"),
    [
        ("Port", "22", False),
        ("Port", ["2222", "22"], False),
        ("Port", "2222", True),
        ("ListenAddress", ["0.0.0.0:22", "[::]:22"], False),
        ("ListenAddress", "10.97.14.2:22", False),
        ("ListenAddress", "[::1]:22", True),
        ("ListenAddress", "0.0.0.0:2222", True),
    ],
)
def test_where_we_come_in_must_be_listened_at_again(option: str, was: Json, moves: bool) -> None:
    """Of an undo the ports and addresses of before are known, and so is where we come in now."""
    undo = sshd(option, was, "x")

    assert set(expected(undo)) == ({"sshd_moves"} if moves else set())
    assert "unknown" in expected(undo, login={**LOGIN, "to_port": ""})["sshd_moves"]


@pytest.mark.parametrize(
    ("undo", "code", "facts"),
    [
        (sshd("PermitRootLogin", "no", "yes"), "sshd_root_login", {"login": ROOT}),
        (sshd("PubkeyAuthentication", "no", "yes"), "sshd_login_method", {}),
        (sshd("PubkeyAcceptedAlgorithms", "rsa-sha2-512", "ssh-ed25519"), "sshd_key_type", {}),
        (sshd("Ciphers", "3des-cbc", "aes128-ctr"), "sshd_algorithms", {}),
        (back("linux.sudo_option", [True], "false", option="requiretty"), "sudo_terminal", {}),
        (
            back("linux.pam_module", {"sshd": "present"}, "absent", module="pam_deny.so", type="auth"),
            "pam_gate",
            {"pam_gates": {"installed": ["pam_deny"], "nologin": [], "shells": [], "rules": {}}},
        ),
        (back("linux.faillock", "1", "5", option="deny"), "faillock_near_limit", {"failed_logins": {"ops": 1}}),
    ],
)
def test_what_would_keep_us_out_again_is_foretold(undo: Planned, code: str, facts: dict[str, Any]) -> None:
    """By the same rules as for a plan, each for what it is about."""
    assert set(expected(undo, US, **facts)) == {code}
