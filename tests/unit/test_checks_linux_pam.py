"""What the looks at PAM, passwords and sudo make of recorded files."""

from __future__ import annotations

import json

import pytest

from checks import CannotLook, NotApplicable
from checks.linux import (
    faillock,
    pam_module,
    pam_option,
    pwhistory,
    pwquality,
    su_group,
    sudo_option,
    sudo_without_password,
)
from checks.linux.pam import _PWHISTORY_CONF, EVERY_LINE, stack_of
from checks.linux.passwords import _FAILLOCK_CONF, _PWQUALITY_CONF
from tests.recorded import RecordedHost

COMMON_AUTH = ["auth\trequisite\tpam_faillock.so preauth", "auth\t[success=2 default=ignore]\tpam_unix.so nullok"]
COUNTS = "auth\t[default=die]\tpam_faillock.so authfail"
COMMON_PASSWORD = [
    "password requisite pam_pwquality.so retry=3",
    "password required pam_unix.so obscure use_authtok yescrypt",
]
FILES = {
    "common-auth": [*COMMON_AUTH, COUNTS],
    "common-password": COMMON_PASSWORD,
    "sshd": ["# @include common-nothing", "@include common-auth", "session required pam_limits.so # why"],
    "sudo": ["auth include common-auth", "-session optional pam_systemd.so"],
    "su": ["auth sufficient pam_rootok.so", "@include common-auth"],
    "passwd": ["@include common-password"],
}


def test_includes_of_both_spellings_are_followed() -> None:
    """`@include` and `include` bring the lines of the named file, of the asked type alone."""
    listing = _listing(FILES)

    for service in ("sshd", "sudo"):
        stack = stack_of(listing, service, "auth")
        assert stack is not None
        assert [entry.module for entry in stack] == ["pam_faillock.so", "pam_unix.so", "pam_faillock.so"]


def test_an_include_of_a_missing_file_is_no_empty_stack() -> None:
    """libpam refuses such a service; a look must not call it free of a module."""
    with pytest.raises(CannotLook, match="includes common-gone"):
        stack_of(_listing({"sshd": ["@include common-gone"]}), "sshd", "auth")


def test_a_module_is_told_by_service() -> None:
    """Services that the host has not got are left out, comments are none of the stack."""
    host = _host()

    assert pam_module(host, services=["sshd", "sudo", "ftp"], type="session", module="pam_limits.so") == {
        "sshd": "present",
        "sudo": "absent",
    }


def test_a_host_with_none_of_the_services_is_not_applicable() -> None:
    """No service to go through is nothing to judge."""
    with pytest.raises(NotApplicable):
        pam_module(_host(), services=["ftp"], type="session", module="pam_limits.so")


def test_a_bare_word_is_true_and_a_missing_one_is_none() -> None:
    """`nullok` has no value; `retry=3` has one."""
    host = _host()

    assert pam_option(host, services=["sshd"], type="auth", module="pam_unix.so", option="nullok") == {"sshd": "true"}
    asked = {"type": "password", "module": "pam_pwquality.so"}
    assert pam_option(host, services=["passwd"], option="retry", **asked) == {"passwd": "3"}
    assert pam_option(host, services=["passwd"], option="minlen", **asked) == {"passwd": None}


def test_faillock_counts_only_where_every_way_in_asks_it() -> None:
    """One way in that passes pam_faillock by makes its options worthless."""
    assert faillock(_host(), option="deny") == "3"
    assert faillock(_host({**FILES, "login": ["auth required pam_unix.so"]}), option="deny") is None
    assert faillock(_host({**FILES, "common-auth": COMMON_AUTH}), option="deny") is None


def test_root_unlocks_as_others_do_unless_it_is_said() -> None:
    """`root_unlock_time` is `unlock_time` where it is not set (faillock.conf(5))."""
    assert faillock(_host(faillock_conf="unlock_time = 700\n"), option="root_unlock_time") == "700"
    assert faillock(_host(faillock_conf="unlock_time = 700\nroot_unlock_time=60\n"), option="root_unlock_time") == "60"


def test_the_main_file_of_pwquality_wins_over_its_drop_ins() -> None:
    """libpwquality reads the drop-ins first; an argument of the PAM line wins over both."""
    host = _host(pwquality_conf="minlen = 14\n\n# minlen = 20\nminlen = 6\nenforce_for_root\nretry = 9\n")

    assert pwquality(host, option="minlen") == "6"
    assert pwquality(host, option="enforce_for_root") == "true"
    assert pwquality(host, option="retry") == "3"
    assert pwquality(host, option="dictcheck") == "1"


def test_rules_that_no_password_passes_are_unset() -> None:
    """Without pam_pwquality in the stack its configuration means nothing."""
    files = {**FILES, "common-password": ["password required pam_unix.so"]}

    assert pwquality(_host(files), option="minlen") is None


def test_history_is_read_from_the_line_and_then_from_its_file() -> None:
    """Debian 12's pam_pwhistory knows no file; Debian 13's does; without either it remembers ten."""
    line = "password requisite pam_pwhistory.so use_authtok"

    assert pwhistory(_host(), option="remember") is None
    assert pwhistory(_host({**FILES, "common-password": [line]}), option="remember") == "10"
    assert pwhistory(_host({**FILES, "common-password": [line + " remember=24"]}), option="remember") == "24"


@pytest.mark.parametrize(
    ("line", "group"),
    [
        ("auth required pam_wheel.so use_uid group=sudo", "sudo"),
        ("auth required pam_wheel.so", "wheel"),
        ("auth sufficient pam_wheel.so trust", None),
        ("auth required pam_wheel.so deny group=nosu", None),
        ("# auth required pam_wheel.so", None),
    ],
)
def test_only_a_wheel_that_is_required_restricts_su(line: str, group: str | None) -> None:
    """`trust` lets members in without a password and `deny` bars a group: neither restricts su to members."""
    assert su_group(_host({**FILES, "su": ["auth sufficient pam_rootok.so", line]})) == group


def test_narrower_defaults_of_sudo_are_told_as_well() -> None:
    """`Defaults:ops !use_pty` weakens what holds for everybody, so both are returned."""
    host = _sudo({"Defaults": [{"Options": [{"use_pty": True}]}, {"Binding": [{}], "Options": [{"use_pty": False}]}]})

    assert sudo_option(host, option="use_pty") == [True, False]


def test_what_sudoers_leaves_open_is_asked_of_sudo() -> None:
    """The built-in values differ between builds; `sudo -V` tells root what they are."""
    host = _sudo({"Defaults": [], "User_Specs": []})

    assert sudo_option(host, option="timestamp_timeout") == ["15"]
    assert sudo_option(host, option="authenticate") == [True]
    assert sudo_option(host, option="use_pty") == [False]
    assert sudo_option(host, option="rootpw") == [False]
    assert sudo_option(host, option="logfile") == [None]


def test_rules_without_password_are_named_with_who_and_what() -> None:
    """`NOPASSWD` shows as the option authenticate being off."""
    rule = {
        "User_List": [{"usergroup": "ops"}],
        "Cmnd_Specs": [{"Options": [{"authenticate": False}], "Commands": [{"command": "ALL"}]}],
    }

    assert sudo_without_password(_sudo({"User_Specs": [rule]})) == ["ops: ALL"]


def test_rules_that_sudo_cannot_read_are_no_rules() -> None:
    """A sudoers file with an error must not look like one that grants nothing."""
    host = RecordedHost({"command -v sudo": (0, "", ""), "cvtsudoers -f json /etc/sudoers": (1, "", "syntax error")})

    with pytest.raises(CannotLook, match="syntax error"):
        sudo_without_password(host)


def _listing(files: dict[str, list[str]]) -> str:
    return "".join(f"/etc/pam.d/{name}:{line}\n" for name, lines in files.items() for line in lines)


def _host(
    files: dict[str, list[str]] | None = None, *, pwquality_conf: str = "", faillock_conf: str = ""
) -> RecordedHost:
    return RecordedHost(
        {
            EVERY_LINE: (0, _listing(files or FILES), ""),
            _PWQUALITY_CONF: (0, pwquality_conf, ""),
            _FAILLOCK_CONF: (0, faillock_conf, ""),
            _PWHISTORY_CONF: (0, "", ""),
        }
    )


def _sudo(rules: dict[str, object]) -> RecordedHost:
    version = "Require users to authenticate by default\nAuthentication timestamp timeout: 15.0 minutes\n"
    return RecordedHost(
        {
            "command -v sudo": (0, "/usr/bin/sudo\n", ""),
            "cvtsudoers -f json /etc/sudoers": (0, json.dumps(rules), ""),
            "LC_ALL=C sudo -V": (0, version, ""),
        }
    )
