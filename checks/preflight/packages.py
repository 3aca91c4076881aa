"""The package manager: who holds it, what it left half done, and what a removal would take along."""

from __future__ import annotations

import re
from typing import Any

from checks import CannotLook, read
from checks.linux.software import installed
from checks.preflight.marking import look

LOCKS = (
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
)


@look
def package_locks(host: Any) -> list[dict[str, str]]:
    """Return the locks of apt and dpkg that somebody holds, with the process: path, pid and program."""
    said = host.run(f"stat -c '%i %n' {' '.join(LOCKS)}")
    inodes = dict(line.split(" ", 1) for line in said.stdout.splitlines())
    if not inodes:
        raise CannotLook(f"there is no {LOCKS[0]}: this host has no dpkg")
    found = []
    for line in read(host, "cat /proc/locks").splitlines():
        words = line.split()
        if len(words) < 6 or words[1] != "POSIX" or words[3] != "WRITE":
            continue
        path = inodes.get(words[5].rpartition(":")[2])
        if path is not None:
            program = host.run("cat %s", f"/proc/{words[4]}/comm").stdout.strip()
            found.append({"path": path, "pid": words[4], "program": program})
    return found


@look
def packages_half_done(host: Any) -> list[str]:
    """Return the packages that dpkg has unpacked and not configured, or left broken (`dpkg --audit`)."""
    return re.findall(r"^ (\S+)", read(host, "LC_ALL=C dpkg --audit"), re.MULTILINE)


@look
def removal(host: Any, *, names: list[str]) -> dict[str, list[str]]:
    """Return which of these packages are installed, and which others would go or come if those went."""
    present = [name for name in names if name in installed(host)]
    if not present:
        return {"present": [], "others": []}
    told = read(host, f"LC_ALL=C apt-get -s --no-install-recommends remove {' '.join(['%s'] * len(present))}", *present)
    touched = re.findall(r"^(?:Remv|Purg|Inst) ([^\s:]+)", told, re.MULTILINE)
    return {"present": present, "others": sorted(set(touched) - set(present))}
