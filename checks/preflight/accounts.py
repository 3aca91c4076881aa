"""The account that we use: its password's class and ageing, failed logins, sessions, and what PAM may do here."""

from __future__ import annotations

from typing import Any

from checks import CannotLook, read
from checks.linux.accounts import local_accounts, shells
from checks.linux.reading import text_or_none
from checks.preflight.login import login
from checks.preflight.marking import look

AUDIT_CONTROL = 1 << 30  # CAP_AUDIT_CONTROL of capabilities(7), which writing a login uid needs.

NOLOGIN = ("/etc/nologin", "/run/nologin")


@look
def our_account(host: Any) -> dict[str, Any]:
    """Return the class of our account's password and its dates, in days since 1970; None where a date is not set.

    Raises CannotLook for an account that a directory holds: its dates are not on the host.
    """
    us = login(host)
    today = int(read(host, "echo $(($(date +%s) / 86400))"))
    if us["over"] != "ssh":
        return {"user": "", "password": "", "today": today}
    for account in local_accounts(host):
        if account.name == us["user"]:
            if account.shadow is None:
                raise CannotLook(f"{us['user']} has no line in /etc/shadow")
            _, _, changed, _, longest, _, inactive, expires = account.shadow
            return {
                "user": account.name,
                "password": account.password,
                "today": today,
                "last_change": _day(changed),
                "max_days": _day(longest),
                "inactive_days": _day(inactive),
                "expires": _day(expires),
            }
    raise CannotLook(f"{us['user']} is no local account, so its dates are not known here")


@look
def failed_logins(host: Any) -> dict[str, int]:
    """Return how many failed logins pam_faillock counts for the account that we use, and for root."""
    us = login(host)
    counts = {}
    for user in dict.fromkeys((us["user"] or "root", "root")):
        told = read(host, "LC_ALL=C faillock --user %s", user)
        counts[user] = sum(1 for line in told.splitlines() if line.split()[-1:] == ["V"])
    return counts


@look
def login_sessions(host: Any) -> dict[str, int]:
    """Return the number of sessions by account, as pam_limits counts them (utmp)."""
    counts: dict[str, int] = {}
    for line in read(host, "who").splitlines():
        name = line.split()[0]
        counts[name] = counts.get(name, 0) + 1
    return counts


@look
def login_uid_settable(host: Any) -> bool:
    """Return whether pam_loginuid can do its work: a container may lack the right to, and then refuses every login."""
    if host.run("test -e /proc/self/loginuid").rc != 0:
        return True
    caps = [line.split()[1] for line in read(host, "cat /proc/1/status").splitlines() if line.startswith("CapBnd:")]
    if not caps:
        raise CannotLook("/proc/1/status does not tell capabilities")
    return bool(int(caps[0], 16) & AUDIT_CONTROL)


@look
def pam_gates(host: Any) -> dict[str, Any]:
    """Return which modules PAM has here, and what those go by that can refuse: nologin files, shells, rules.

    `rules` holds the lines of access.conf and time.conf that are no comments.
    """
    listed = read(
        host, "ls -d /lib/security/pam_*.so /lib/*/security/pam_*.so /lib64/security/pam_*.so 2>/dev/null | cat"
    )
    installed = sorted({path.rpartition("/")[2].removesuffix(".so") for path in listed.split()})
    if "pam_unix" not in installed:
        raise CannotLook("where PAM keeps its modules was not found")
    return {
        "installed": installed,
        "nologin": [path for path in NOLOGIN if host.run("test -e %s", path).rc == 0],
        "shells": shells(host),
        "rules": {
            "pam_access": _rules(host, "/etc/security/access.conf"),
            "pam_time": _rules(host, "/etc/security/time.conf"),
        },
    }


def _rules(host: Any, path: str) -> list[str]:
    lines = (text_or_none(host, path) or "").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _day(text: str) -> int | None:
    return int(text) if text.lstrip("-").isdigit() else None
