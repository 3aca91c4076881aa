"""Installed packages, units that run, and the clock's service."""

from __future__ import annotations

from typing import Any

from checks import CannotLook, NotApplicable, Truths, kind, read
from checks.linux.reading import tool

# One listing serves all questions about packages.
INSTALLED = (
    "if command -v dpkg-query >/dev/null; then dpkg-query --show --showformat %s;"
    " elif command -v rpm >/dev/null; then rpm --query --all --queryformat %s; else exit 3; fi"
)
CLOCK_SERVICES = (
    "chrony.service",
    "chronyd.service",
    "ntp.service",
    "ntpd.service",
    "ntpsec.service",
    "openntpd.service",
    "systemd-timesyncd.service",
)


@kind
def packages(host: Any, *, names: list[str]) -> list[str]:
    """Return which of the named packages are installed."""
    return [name for name in names if name in installed(host)]


@kind
def units(host: Any, *, names: list[str]) -> Truths:
    """Return by unit whether systemd has it running, and whether it starts at boot; a unit nobody has is not-found."""
    running, on_disk = {}, {}
    for name in names:
        state = unit(host, name)
        known = state["LoadState"] != "not-found"
        running[name] = state["ActiveState"] if known else "not-found"
        # A masked unit has LoadState masked; units that are generated or made at run time have no file state.
        on_disk[name] = (state["UnitFileState"] or state["LoadState"]) if known else "not-found"
    return Truths(running=running, on_disk=on_disk)


@kind
def clock_services(host: Any) -> list[str]:
    """Return which services that set the clock are running."""
    states = [unit(host, name) for name in CLOCK_SERVICES]
    # A service may have two names: chronyd.service is an alias of chrony.service on Debian.
    return sorted({state["Id"] for state in states if state["ActiveState"] == "active"})


@kind
def clock_synchronised(host: Any) -> str:
    """Return whether the kernel's clock is synchronised: yes or no."""
    said = read(host, "timedatectl show --property=NTPSynchronized").strip()
    if said not in ("NTPSynchronized=yes", "NTPSynchronized=no"):
        raise CannotLook(f"timedatectl said {said!r}")
    return said.partition("=")[2]


@kind
def chrony_lines(host: Any, *, directive: str) -> list[str]:
    """Return the lines of chrony's configuration, as chronyd itself reads it, that begin with a directive.

    `source` stands for server, pool and peer.
    """
    wanted = ("server", "pool", "peer") if directive == "source" else (directive,)
    parsed = tool(host, "chronyd", "chronyd -p")
    return [line.strip() for line in parsed.splitlines() if line.split()[:1] and line.split()[0] in wanted]


@kind
def chrony_user(host: Any) -> str:
    """Return the account that chronyd runs as."""
    if not {"chrony.service", "chronyd.service"} & set(clock_services(host)):
        raise NotApplicable("chrony does not run")
    names = set(read(host, "ps -o user= -C chronyd").split())
    # chronyd keeps a helper as root beside it; the server itself is the one that dropped its rights.
    return ", ".join(sorted(names - {"root"})) or "root"


def installed(host: Any) -> dict[str, str]:
    """Return the version by name of every installed package."""
    listing = read(host, INSTALLED, "${db:Status-Status} ${Package} ${Version}\n", "installed %{NAME} %{VERSION}\n")
    found = {}
    for line in listing.splitlines():
        state, _, rest = line.partition(" ")
        if state == "installed":
            name, _, version = rest.partition(" ")
            found[name] = version
    if not found:
        raise CannotLook("the package database names no installed package")
    return found


def unit(host: Any, name: str) -> dict[str, str]:
    """Return Id, LoadState, ActiveState and UnitFileState of a unit; systemd answers for units nobody has, too."""
    shown = read(host, "systemctl show --property=Id,LoadState,ActiveState,UnitFileState %s", name)
    state = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    if not {"Id", "LoadState", "ActiveState", "UnitFileState"} <= state.keys():
        raise CannotLook(f"systemctl told nothing about {name}")
    return state
