"""Updates that wait, a package database that is broken, and signatures that grow old."""

from __future__ import annotations

import re
from typing import Any

from checks import CannotLook, NotApplicable, read
from checks.inspection.marking import look
from checks.inspection.reading import days_between, lines, now_s, number

# Of a kernel's release: what comes after it is its flavour, such as `amd64` or `generic`.
_VERSION = re.compile(r"^[\d.]+(?:-[\d.]+)?(?:\+[\w.~]+)*-?")


@look
def updates_waiting(host: Any) -> float:
    """Return how many packages a newer version is known of."""
    return float(len(_waiting(host)))


@look
def security_updates_waiting(host: Any) -> list[str]:
    """Return the packages that the security archive has a newer version of."""
    return sorted(line.split()[1] for line in _waiting(host) if re.search(r"security", line, re.I))


def _waiting(host: Any) -> list[str]:
    _needs_dpkg(host)
    simulated = read(host, "LC_ALL=C apt-get -s -o Debug::NoLocking=true dist-upgrade")
    return [line for line in lines(simulated) if line.startswith("Inst ") and "[" in line.split(maxsplit=2)[2]]


@look
def days_since_lists(host: Any) -> float:
    """Return the days since the host last asked its archives what is new; until then `nothing waits` says nothing."""
    _needs_dpkg(host)
    newest = read(host, "find /var/lib/apt/lists -type f -printf %s | sort -n | tail -n 1", "%T@\\n")
    if not newest.strip():
        raise CannotLook("apt has never fetched its lists")
    return days_between(number(newest, "a time"), now_s(host))


@look
def reboot_required(host: Any) -> list[str]:
    """Return why a reboot is due: what asked for one, or a newer kernel that is installed and does not run."""
    done = host.run("test -e /run/reboot-required")
    if done.rc not in (0, 1):
        raise CannotLook(f"`test` answered {done.rc}")
    if done.rc == 1:
        return _newer_kernels(host)
    asked = host.run("cat /run/reboot-required.pkgs")
    return sorted(set(lines(asked.stdout))) if asked.rc == 0 and asked.stdout.strip() else ["a package"]


def _newer_kernels(host: Any) -> list[str]:
    """Return the installed kernels of the running one's flavour that are newer: nobody asks for a reboot everywhere."""
    if host.run("systemd-detect-virt -q --container").rc == 0:
        return []
    running = read(host, "uname -r").strip()
    flavour = _VERSION.sub("", running)
    listed = lines(read(host, "find /boot -maxdepth 1 -name 'vmlinuz-*' -printf %s | sort -V", "%f\\n"))
    kernels = [name.removeprefix("vmlinuz-") for name in listed]
    same = [kernel for kernel in kernels if _VERSION.sub("", kernel) == flavour]
    newer = same[same.index(running) + 1 :] if running in same else []
    return [f"kernel {kernel}" for kernel in newer]


@look
def held_packages(host: Any) -> list[str]:
    """Return the packages that are held back from every update."""
    _needs_dpkg(host)
    return sorted(lines(read(host, "apt-mark showhold")))


@look
def broken_packages(host: Any) -> list[str]:
    """Return the packages that are neither installed nor removed whole."""
    _needs_dpkg(host)
    shown = read(host, "dpkg-query --show --showformat %s", "${db:Status-Status} ${Package}\n")
    whole = ("installed", "config-files", "not-installed")
    return sorted(line.split()[1] for line in lines(shown) if line.split()[0] not in whole)


@look
def signature_age_days(host: Any, *, directory: str) -> float | None:
    """Return the age of the newest antivirus signatures in days; None where the scanner is there and they are not."""
    if host.run("test -d %s", directory).rc != 0:
        raise NotApplicable(f"{directory} does not exist: that scanner is not installed")
    newest = read(host, "find %s -type f -size +0 -printf %s | sort -n | tail -n 1", directory, "%T@\\n")
    return days_between(number(newest, "a time"), now_s(host)) if newest.strip() else None


def _needs_dpkg(host: Any) -> None:
    if host.run("command -v dpkg-query").rc != 0:
        raise NotApplicable("packages are not dpkg's here")
