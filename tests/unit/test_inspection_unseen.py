"""Looks that could not see: a silent journal, a file of tomorrow, a log hidden by another, a kernel nobody names."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

from checks import CannotLook, NotApplicable
from checks.inspection import backups, jobs, logs, nginx, updates
from checks.inspection.reading import NOT_PACKED
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
    host = nginx_with({nginx.ACCESS: '{"remote":"10.0.0.1","status":502}\n' * 3})

    with pytest.raises(CannotLook, match="no status is found"):
        nginx.nginx_failures(host, minutes=60)


def test_logs_that_are_packed_are_passed_over_whatever_packed_them(tmp_path: Path) -> None:
    """By a real find: their lines are not text, and would be counted as other lines or as none."""
    for name in ("a.log", "a.log.1", "a.log.2.gz", "a.log.3.xz", "a.log.4.bz2", "a.log.5.zst", "gz", "a.gz.log"):
        (tmp_path / name).touch()

    argv = ["find", str(tmp_path), "-type", "f", *shlex.split(NOT_PACKED), "-printf", "%f "]
    found = subprocess.run(argv, capture_output=True, text=True, check=True)

    assert set(found.stdout.split()) == {"a.log", "a.log.1", "gz", "a.gz.log"}


def nginx_with(files: Mapping[str, str]) -> RecordedHost:
    """Return a host on which nginx runs and has these access logs, the oldest first."""
    listed = "".join(f"{at}.0 {path}\n" for at, path in enumerate(files))
    found = f"find /var/log/nginx/ -maxdepth 1 -type f \\( -name 'access.log*' \\) {NOT_PACKED}  -printf '%T@ %p\\n'"
    tails = {f"tail -n 1000 {path}": (0, said, "") for path, said in files.items()}
    return host_at({**NGINX_RUNS, found: (0, listed, ""), **tails})


def asked(minutes_ago: float, status: int, zone: str = "+0000") -> str:
    """Return a line of an access log, with the time of a zone."""
    at = datetime.fromtimestamp(NOW_S - 60 * minutes_ago, datetime.strptime(zone, "%z").tzinfo)
    return f'192.0.2.1 - - [{at:%d/%b/%Y:%H:%M:%S} {zone}] "GET / HTTP/1.1" {status} 150 "-" "-"\n'


@pytest.mark.parametrize("zone", ["+0000", "+0800", "-0330"])
def test_failures_of_yesterday_do_not_keep_an_inspection_red(zone: str) -> None:
    """Whatever zone the server writes its log in; what was rotated in between counts as long as it is recent."""
    rotated = asked(61, 502, zone) * 40 + asked(59, 502, zone) * 5
    host = nginx_with({f"{nginx.ACCESS}.1": rotated, nginx.ACCESS: asked(3, 200, zone) * 95})

    assert nginx.nginx_failures(host, minutes=60) == 5.0
    assert nginx.nginx_failures(host, minutes=120) == round(100 * 45 / 140, 1)


def test_a_log_of_which_nothing_is_recent_says_nothing_of_now() -> None:
    """Neither that all is well, nor that it is not; nor do fewer requests than a share can be made of."""
    for said in (asked(1500, 502) * 40, asked(1500, 502) * 40 + asked(1, 502) * 19):
        with pytest.raises(NotApplicable, match=r"requests were answered in the last 60 minutes, and 20 are worth"):
            nginx.nginx_failures(nginx_with({nginx.ACCESS: said}), minutes=60)
    with pytest.raises(NotApplicable, match="nobody has asked"):
        nginx.nginx_failures(nginx_with({nginx.ACCESS: ""}), minutes=60)
    with pytest.raises(CannotLook, match="is not there"):
        nginx.nginx_failures(nginx_with({f"{nginx.ACCESS}.1": asked(1, 200)}), minutes=60)


def test_grave_errors_of_nginx_are_counted_by_their_own_time(tmp_path: Path) -> None:
    """The day before yesterday's stand in the log until it is rotated; other classes are not grave."""
    log = tmp_path / "error.log"
    log.write_text(
        "2026/11/28 23:59:59 [crit] 1#1: *1 old\n2026/11/29 08:00:00 [crit] 1#1: *1 new\n"
        "2026/11/29 08:00:01 [error] 1#1: *1 [crit] in an address\n2026/11/30 07:00:00 [emerg] 1#1: new\n"
    )
    counted = subprocess.run(
        ["awk", "-v", "since=2026/11/29 08:00:00", nginx.COUNT_GRAVE, str(log)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert counted.stdout == "2\n"
