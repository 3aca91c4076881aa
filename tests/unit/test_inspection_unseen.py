"""Looks that could not see: a silent journal, a file of tomorrow, a log hidden by another, a kernel nobody names."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from checks import CannotLook
from checks.inspection import backups, jobs, logs, nginx, updates
from tests.recorded import RecordedHost

DAY_S = 86400
NOW_S = 1_800_000_000
JOURNAL = "journalctl -q -n 1 -o short-unix --no-pager"


def host_at(replies: Mapping[str, tuple[int, str, str]]) -> RecordedHost:
    """Return a host with a clock."""
    return RecordedHost({"date +%s": (0, f"{NOW_S}\n", ""), **replies})


@pytest.mark.parametrize("newest", ["", f"{NOW_S - 3 * DAY_S}.1 db01 sshd[1]: Accepted\n"])
def test_a_journal_that_holds_nothing_new_is_no_journal_without_complaints(newest: str) -> None:
    """`journalctl` answers 0 and prints nothing, with no journal at all, too."""
    host = host_at(
        {
            JOURNAL: (0, newest, ""),
            "journalctl -q -p err --since -60min -o cat --no-pager | wc -l": (0, "0\n", ""),
            "journalctl -q -t sshd -t sshd-session --since -60min -o cat --no-pager": (0, "", ""),
            "journalctl -q -t cron -t CRON --since -60min -o cat --no-pager": (0, "", ""),
        }
    )

    for look in (logs.errors_logged, logs.failed_logins, jobs.jobs_complaining):
        with pytest.raises(CannotLook, match="journal"):
            look(host, minutes=60)
    host.replies = {**host.replies, JOURNAL: (0, f"{NOW_S - 60}.1 db01 sshd[1]: Accepted\n", "")}
    assert [look(host, minutes=60) for look in (logs.errors_logged, logs.failed_logins)] == [0.0, 0.0]


def test_a_backup_of_tomorrow_is_not_young() -> None:
    """What was written while the clock was wrong would pass for fresh until that day."""
    found = "find /backups -type f -name '*' -printf '%T@ %s %p\\n'"
    host = host_at({"test -d /backups": (0, "", ""), found: (0, f"{NOW_S + 90 * DAY_S}.0 9 /backups/a\n", "")})

    with pytest.raises(CannotLook, match=r"2160\.0 h in the future"):
        backups.backup_age_hours(host, directory="/backups")
    host.replies = {**host.replies, found: (0, f"{NOW_S - 7200}.0 9 /backups/a\n", "")}
    assert backups.backup_age_hours(host, directory="/backups") == 2.0


def test_a_log_that_is_kept_does_not_stand_for_one_that_is_not() -> None:
    """Of the logs that must be kept, the one that reaches back the least counts, where the journal does not either."""
    replies = {"stat -c %Y /etc/machine-id": (0, f"{NOW_S - 400 * DAY_S}\n", "")}
    for name, days in (("syslog", 200), ("auth.log", 30)):
        path = f"/var/log/{name}.9"
        replies |= {
            f"ls -1tr /var/log/{name}* 2>/dev/null; true": (0, f"{path}\n", ""),
            f"cat {path} | head -n 1": (0, "Nov 30 00:00:00 db01 x\n", ""),
            f"stat -c %Y {path}": (0, f"{NOW_S - days * DAY_S}\n", ""),
        }
    patterns = ["/var/log/syslog*", "/var/log/auth.log*"]
    journal = "journalctl -q -o short-unix --no-pager 2>/dev/null | head -n 1"

    alone = host_at({**replies, journal: (0, "", "")})
    assert logs.retention_missing_days(alone, days=180, patterns=patterns) == 149.0
    kept = host_at({**replies, journal: (0, f"{NOW_S - 190 * DAY_S}.0 db01 x\n", "")})
    assert logs.retention_missing_days(kept, days=180, patterns=patterns) == 0.0


@pytest.mark.parametrize(
    ("running", "installed", "due"),
    [
        ("6.1.0-43-amd64", "6.1.0-43-amd64 6.1.0-44-amd64", ["kernel 6.1.0-44-amd64"]),
        ("6.1.0-44-amd64", "6.1.0-43-amd64 6.1.0-44-amd64 6.1.0-45-cloud-amd64", []),
        ("6.12.57+deb13-amd64", "6.12.57+deb13-amd64 6.12.63+deb13-amd64", ["kernel 6.12.63+deb13-amd64"]),
        ("5.15.0-91-generic", "", []),
    ],
)
def test_a_newer_kernel_is_a_reboot_due_also_where_nobody_asks_for_one(
    running: str, installed: str, due: list[str]
) -> None:
    """A plain Debian writes no /run/reboot-required. Another flavour's kernel is none to start."""
    listed = "".join(f"vmlinuz-{name}\n" for name in installed.split())
    host = RecordedHost(
        {
            "test -e /run/reboot-required": (1, "", ""),
            "systemd-detect-virt -q --container": (1, "", ""),
            "uname -r": (0, f"{running}\n", ""),
            "find /boot -maxdepth 1 -name 'vmlinuz-*' -printf '%f\\n' | sort -V": (0, listed, ""),
        }
    )

    assert updates.reboot_required(host) == due


UPSTREAM = """\
upstream app {
    server unix:/run/app.sock fail_timeout=0;
    # server 10.0.0.9:80;
    server [::1]:8080; server 10.0.0.2 down; server 10.0.0.3;
}
upstream gone { server unix:/run/gone.sock; }
"""
NGINX_RUNS = {
    "systemctl show -p LoadState -p ActiveState -p SubState -p UnitFileState nginx.service": (
        0,
        "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\n",
        "",
    )
}


def test_backends_are_found_at_sockets_and_at_ipv6_addresses() -> None:
    """And one that is taken out of service, or stands in a comment, is no backend that is missing."""
    host = RecordedHost(
        {
            **NGINX_RUNS,
            "nginx -T 2>/dev/null": (0, UPSTREAM, ""),
            "ss -H -lx": (0, "u_str LISTEN 0 2048 /run/app.sock 4711 * 0\n", ""),
            "timeout 5 bash -c 'exec 3<>/dev/tcp/::1/8080'": (0, "", ""),
            "timeout 5 bash -c 'exec 3<>/dev/tcp/10.0.0.3/80'": (1, "", ""),
        }
    )

    assert nginx.nginx_backends(host) == {
        "unix:/run/app.sock": "open",
        "[::1]:8080": "open",
        "10.0.0.3": "closed",
        "unix:/run/gone.sock": "closed",
    }


def test_an_access_log_of_another_form_is_not_an_idle_nginx() -> None:
    """Where no status is found in lines that are there, nobody has looked at one."""
    said = '{"remote":"10.0.0.1","status":502}\n' * 3
    host = RecordedHost({**NGINX_RUNS, f"tail -n 1000 {nginx.ACCESS}": (0, said, "")})

    with pytest.raises(CannotLook, match="no status is found"):
        nginx.nginx_failures(host)
