"""What the looks at logs, sessions and accounts make of recorded answers."""

from __future__ import annotations

import pytest

from checks import CannotLook
from checks.linux import (
    accounts,
    banner,
    groups,
    home_files,
    rsyslog_directive,
    rsyslog_files,
    rsyslog_inputs,
    shell_setting,
)
from checks.linux.accounts import _GROUPS, _SHADOW, _TODAY, _USERS
from checks.linux.homes import _HOMES
from checks.linux.login_defs import settings
from checks.linux.logs import _RSYSLOG, days_kept, logrotate_stanzas, takes
from checks.linux.sessions import _SHELL
from tests.recorded import RecordedHost

LOGROTATE = """
weekly
rotate 4
#: /etc/logrotate.d/rsyslog
/var/log/syslog
/var/log/auth.log
{
    rotate 30
    postrotate
        rotate 99
    endscript
}
#: /etc/logrotate.d/others
/var/log/wtmp {
    monthly
    rotate 1
}
/var/log/big { size 10M
    rotate 400
}
"/var/log/app/*.log" {
    daily
    rotate 400
    maxage 90
}
/var/log/forever {
    rotate -1
}
"""


@pytest.mark.parametrize(
    ("log", "days"),
    [
        ("/var/log/auth.log", 210),
        ("/var/log/wtmp", 30),
        ("/var/log/app/x.log", 90),
        ("/var/log/app/deep/x.log", None),
        ("/var/log/none", None),
        ("/var/log/forever", 10**6),
    ],
)
def test_days_are_generations_times_period(log: str, days: int | None) -> None:
    """Lines of scripts are no directives, a star crosses no slash, and maxage cuts."""
    assert days_kept(log, logrotate_stanzas(LOGROTATE)) == days


def test_rotation_by_size_promises_no_days() -> None:
    """A flood of messages rotates everything away within an hour."""
    text = "/var/log/big {\n    size 10M\n    rotate 400\n}\n"

    assert days_kept("/var/log/big", logrotate_stanzas(text)) == 0


@pytest.mark.parametrize(
    ("selector", "facility", "taken"),
    [
        ("*.*;auth,authpriv.none", "auth", False),
        ("*.*;auth,authpriv.none", "cron", True),
        ("auth,authpriv.*", "authpriv", True),
        ("cron.err", "cron", True),
        ("mail.*", "cron", False),
    ],
)
def test_a_selector_takes_and_leaves_out(selector: str, facility: str, taken: bool) -> None:
    """`none` for a facility takes it out of what came before."""
    assert takes(selector, facility) is taken


def test_rsyslog_is_read_in_both_spellings() -> None:
    """Objects may go over several lines; comments count for nothing."""
    host = _rsyslog(
        '# module(load="imtcp")\n$FileCreateMode 0644\nmodule(load="builtin:omfile"\n   FileCreateMode="0600")\n'
        'auth,authpriv.* -/var/log/auth.log\nmodule(load="imudp")\n'
    )

    assert rsyslog_directive(host, name="FileCreateMode") == "0600"
    assert rsyslog_files(host, facility="authpriv") == ["/var/log/auth.log"]
    assert rsyslog_inputs(host) == ['module(load="imudp")']


def test_a_shell_that_ends_in_the_profile_tells_nothing() -> None:
    """A profile that exits must not look like one that sets nothing."""
    with pytest.raises(CannotLook, match="did not come to the end"):
        shell_setting(RecordedHost({_SHELL: (0, "", "")}), name="TMOUT")


def test_settings_are_those_of_the_shell() -> None:
    """What the shell has is told, whatever file it came from."""
    host = RecordedHost({_SHELL: (0, "seen:umask=0027\nseen:TMOUT=600\n", "")})

    assert shell_setting(host, name="umask") == "0027"
    assert shell_setting(host, name="TMOUT") == "600"
    assert shell_setting(host, name="HISTSIZE") is None


def test_an_empty_banner_is_none() -> None:
    """A file of blanks shows nothing."""
    assert banner(RecordedHost({"cat /etc/issue": (0, " \n\n", "")}), path="/etc/issue") is None


def test_the_last_line_of_login_defs_wins() -> None:
    """Comments and bare names set nothing."""
    assert settings('# UMASK 077\nUMASK\t022\nUMASK 027\nNAME\nX "a b"\n') == {"UMASK": "027", "X": "a b"}


PASSWD = (
    "root:shadow:0:0::/root:/bin/bash\ndaemon:shadow:1:1::/x:/usr/sbin/nologin\nsvc:shadow:999:999::/x:/bin/sh\n"
    "ann:shadow:1000:1000::/home/ann:/bin/bash\nbob:hash:1000:1001::/home/bob:/bin/bash\n+:nis:::::\n"
)
SHADOW = (
    "root:y:20000:0:99999:7::\ndaemon:locked:20000:0:99999:7::\nsvc:6:20000:0:99999:7::\nann:empty:20000:0:99999:7::\n"
)


@pytest.mark.parametrize(
    ("which", "names"),
    [
        ("uid_0", ["root"]),
        ("empty_password", ["ann"]),
        ("unshadowed", ["bob"]),
        ("duplicate_uid", ["ann", "bob"]),
        ("system_with_shell", ["svc"]),
        ("system_with_password", ["svc"]),
        ("weak_hash", ["bob"]),
        ("without_group", ["ann", "bob"]),
        ("password_changed_in_future", ["ann", "daemon", "root", "svc"]),
    ],
)
def test_accounts_are_sorted_by_what_is_wrong_with_them(which: str, names: list[str]) -> None:
    """Each sort has exactly its accounts; lines of NIS are none."""
    assert accounts(_accounts(), which=which) == names


def test_accounts_that_are_ignored_are_left_out() -> None:
    """A control may name accounts that are meant to be so."""
    assert accounts(_accounts(), which="system_with_shell", ignoring=["svc"]) == []


def test_a_file_of_accounts_without_root_was_not_read_whole() -> None:
    """An empty answer is no host without accounts."""
    with pytest.raises(CannotLook):
        accounts(_accounts(passwd="ann:shadow:1000:1000::/home/ann:/bin/bash\n"), which="uid_0")


def test_members_of_shadow_count_by_main_group_as_well() -> None:
    """Whoever has shadow as the main group stands in no list of members."""
    host = RecordedHost(
        {_GROUPS: (0, "root:0:\nshadow:1000:svc\n", ""), _USERS: (0, PASSWD, ""), _SHADOW: (0, SHADOW, "")}
    )

    assert groups(host, which="shadow_members") == ["ann", "svc"]


def test_files_in_homes_are_sorted_by_name_and_mode() -> None:
    """Root's home counts, files of other directories under /etc count for nothing but hosts.equiv."""
    homes = "root:0:/bin/bash:700:0:/root\nann:1000:/bin/bash:755:1000:/home/ann\nsvc:999:/bin/sh:755:999:/srv\n"
    found = "666 /home/ann/.profile\n600 /root/.rhosts\n644 /home/ann/.my.cnf\n"
    host = RecordedHost(
        {
            "cat /etc/login.defs": (0, "UID_MIN 1000\n", ""),
            _HOMES: (0, homes, ""),
            "find /home/ann /root -maxdepth 1 -type f -name '.*' -printf '%m %p\\n'": (0, found, ""),
            "find /etc -maxdepth 1 -type f -name '*hosts.equiv' -printf '%m %p\\n'": (0, "644 /etc/hosts.equiv\n", ""),
        }
    )

    assert home_files(host, which="writable") == ["/home/ann/.profile"]
    assert home_files(host, which="trusting") == ["/etc/hosts.equiv", "/root/.rhosts"]
    assert home_files(host, which="open_secrets") == ["/home/ann/.my.cnf"]


def _accounts(passwd: str = PASSWD) -> RecordedHost:
    return RecordedHost(
        {
            _USERS: (0, passwd, ""),
            _SHADOW: (0, SHADOW, ""),
            _GROUPS: (0, "root:0:\ndaemon:1:\nsvc:999:\n", ""),
            _TODAY: (0, "19999\n", ""),
            "cat /etc/login.defs": (0, "UID_MIN 1000\n", ""),
        }
    )


@pytest.mark.parametrize(
    ("line", "is_read"),
    [
        ("$IncludeConfig /etc/rsyslog.d/*.conf", True),
        ('include(file="/etc/rsyslog.d/*.conf" mode="optional")', True),
        ("$IncludeConfig /opt/logs/*.conf", False),
        ('include(\n  file="/opt/logs/receive.conf"\n)', False),
    ],
)
def test_rules_of_rsyslog_that_were_not_read_are_no_absent_rules(line: str, is_read: bool) -> None:
    """A further directory may hold the line that opens a port."""
    host = _rsyslog(f"{line}\nauth.* /var/log/auth.log\n")

    if is_read:
        assert rsyslog_inputs(host) == []
    else:
        with pytest.raises(CannotLook, match="rsyslog reads /opt/logs/"):
            rsyslog_inputs(host)


def _rsyslog(text: str) -> RecordedHost:
    return RecordedHost({"test -e /etc/rsyslog.conf": (0, "", ""), _RSYSLOG: (0, text, "")})
