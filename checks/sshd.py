"""How to look at the SSH server: what it would run with, as it says itself."""

from __future__ import annotations

from typing import Any

from checks import CannotLook, NotApplicable, ahead, kind, read


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
    Raises CannotLook where the server that runs read its configuration before the files were last changed: it tells
    nobody what it runs with.
    """
    wanted = option.lower()
    ahead(host, CHANGED_SINCE_READ, _USUAL_PID_FILE)
    lines = [line.partition(" ") for line in read(host, "/usr/sbin/sshd -T").splitlines()]
    if not any(name == "port" for name, _, _ in lines):
        raise CannotLook("`sshd -T` did not print a configuration")
    _refuse_unread(host, next((value.strip() for name, _, value in lines if name == "pidfile"), "none"))
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


# A server writes its process id down whenever it has read its configuration, also at a reload (sshd(8), FILES).
# Without one that listens, every login reads the files anew.
CHANGED_SINCE_READ = (
    'p=%s; { read -r n <"$p" && grep -qx sshd "/proc/$n/comm"; } 2>/dev/null || exit 0; cd /etc/ssh && '
    "find -L . -maxdepth 2 '(' -path ./sshd_config -o -path ./sshd_config.d -o -path './sshd_config.d/*.conf' ')'"
    ' -newer "$p"'
)
_USUAL_PID_FILE = "/run/sshd.pid"


def _refuse_unread(host: Any, pid_file: str) -> None:
    """Raise CannotLook where a file was changed that the server has not read since.

    Not seen: files that are included from elsewhere, a changed file that kept its old time, a server without PidFile.
    """
    if pid_file == "none":
        return
    changed = read(host, CHANGED_SINCE_READ, pid_file).split()
    if changed:
        paths = ", ".join(sorted(path.replace("./", "/etc/ssh/", 1) for path in changed))
        raise CannotLook(f"sshd runs with what it read before {paths} changed; reload it to have that in force")


# Options that `sshd -T` leaves out where they are not set.
ABSENT_WHEN_UNSET = {"allowusers", "allowgroups", "denyusers", "denygroups", "acceptenv", "subsystem", "setenv"}
