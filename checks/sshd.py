"""How to look at the SSH server: what it would run with, as it says itself."""

from __future__ import annotations

from typing import Any

from checks import CannotLook, NotApplicable, kind, read


def targets(host: Any) -> list[str]:
    """Return the one nameless instance where an sshd is installed."""
    found = host.run("test -x /usr/sbin/sshd")
    if found.rc not in (0, 1):
        raise CannotLook(f"`test -x /usr/sbin/sshd` answered {found.rc}")
    return [""] if found.rc == 0 else []


@kind
def option(host: Any, *, option: str) -> str | list[str]:
    """Return what the server would use for an option; a list where it may stand several times and does.

    Source: `sshd -T` (sshd(8)), which resolves Include, defaults and the order of lines.
    """
    wanted = option.lower()
    lines = [line.partition(" ") for line in read(host, "/usr/sbin/sshd -T").splitlines()]
    if not any(name == "port" for name, _, _ in lines):
        raise CannotLook("`sshd -T` did not print a configuration")
    found = [value.strip() for name, _, value in lines if name == wanted]
    if not found:
        if wanted in ABSENT_WHEN_UNSET:
            return []
        raise NotApplicable(f"this version of sshd has no {option}")
    return found[0] if len(found) == 1 else found


@kind
def host_keys(host: Any) -> dict[str, str]:
    """Return the permission bits of every private host key in /etc/ssh by its path."""
    lines = read(host, "stat -L -c '%a %n' /etc/ssh/ssh_host_*_key").splitlines()
    return {path: mode.zfill(4) for mode, _, path in (line.partition(" ") for line in lines)}


# Options that `sshd -T` leaves out where they are not set.
ABSENT_WHEN_UNSET = {"allowusers", "allowgroups", "denyusers", "denygroups", "acceptenv", "subsystem", "setenv"}
