"""Kernel parameters, kernel modules, the kernel's command line and how it was started."""

from __future__ import annotations

import fnmatch
import re
from typing import Any

from checks import CannotLook, NotApplicable, Truths, ahead, kind, read
from checks.linux.reading import text_or_none

# What systemd-sysctl would read at the next boot, in its order, each file once: the program itself says so.
SYSCTL_AT_BOOT = "/usr/lib/systemd/systemd-sysctl --cat-config"
PASSING = ("veth", "docker", "br-", "cni", "cali", "flannel", "virbr", "vnet", "tap", "lxc")


@kind
def sysctl(host: Any, *, key: str) -> Truths:
    """Return a kernel parameter as the kernel has it now, and as the files under sysctl.d will set it at boot."""
    ahead(host, SYSCTL_AT_BOOT)
    result = host.run("sysctl -n %s", key)
    if result.rc != 0:
        if text_or_none(host, f"/proc/sys/{key.replace('.', '/')}") is None:
            raise NotApplicable(f"this kernel has no {key}")
        raise CannotLook(f"{key} cannot be read: {result.stderr.strip()[-200:]}")
    return Truths(running=" ".join(result.stdout.split()), on_disk=value_at_boot(read(host, SYSCTL_AT_BOOT), key))


@kind
def interface_sysctl(host: Any, *, key: str) -> Truths:
    """Return a per-interface parameter for every interface, now and at boot; `key` has a * for the interface.

    Setting `all` and `default` leaves interfaces as they are that were there before. Interfaces that container
    engines make and remove by the minute (PASSING) are left out: they start with the default.
    """
    path = "/proc/sys/" + key.replace(".", "/")
    ahead(host, SYSCTL_AT_BOOT)
    listed = read(host, f"grep -H '' {path}")
    config = read(host, SYSCTL_AT_BOOT)
    running, on_disk = {}, {}
    for line in listed.splitlines():
        name, _, value = line.partition(":")
        interface = name.split("/")[key.split(".").index("*") + 3]
        if interface not in ("all", "default", "lo") and not interface.startswith(PASSING):
            running[interface] = value.strip()
            on_disk[interface] = value_at_boot(config, key.replace("*", interface.replace(".", "/")))
    if not running:
        raise NotApplicable("there is no network interface besides lo")
    return Truths(running=running, on_disk=on_disk)


@kind
def module(host: Any, *, name: str) -> Truths:
    """Return whether a kernel module is loaded now, and whether modprobe is told never to load it."""
    if host.run("test -d /sys/module").rc != 0 and text_or_none(host, "/proc/modules") is None:
        raise NotApplicable("this kernel cannot load modules (or hides them, as from a container)")
    inside = read(host, "ls /sys/module").split()
    wanted = name.replace("-", "_")
    running = "loaded" if wanted in inside else "blocked"
    # One listing serves all modules; a failing modprobe must not look like an empty configuration.
    rules = read(host, "c=$(modprobe --showconfig) && printf '%s\\n' \"$c\" | sed -n '/^install /p'")
    blocked = any(
        re.fullmatch(rf"install {re.escape(wanted)} (/usr)?/bin/(false|true)", line.strip().replace("-", "_"))
        for line in rules.splitlines()
    )
    return Truths(running=running, on_disk="blocked" if blocked else "loadable")


@kind
def kernel_options(host: Any) -> list[str]:
    """Return the options that the running kernel was started with."""
    return read(host, "cat /proc/cmdline").split()


@kind
def secure_boot(host: Any) -> str:
    """Return whether the firmware checked the boot loader's signature: enabled or disabled."""
    variable = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    if host.run("test -d /sys/firmware/efi").rc != 0:
        raise NotApplicable("started without UEFI firmware, so there is no Secure Boot")
    said = read(host, "od -An -t u1 -j 4 -N 1 %s", variable).strip()
    if said not in ("0", "1"):
        raise CannotLook(f"{variable} holds {said!r}, neither 0 nor 1")
    return "enabled" if said == "1" else "disabled"


def value_at_boot(config: str, key: str) -> str | None:
    """Return the value that the concatenated sysctl.d files give a key; None where none of them names it.

    sysctl.d(5): the last line wins; a line that names the key exactly beats every pattern; `-key` alone takes the
    key out of the patterns; slashes and dots are the same.
    """
    explicit: str | None = None
    named = False
    globbed: str | None = None
    for raw in config.splitlines():
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        name, equals, value = line.partition("=")
        name = _dotted(name.strip().removeprefix("-").strip())
        if name == key:
            named, explicit = True, " ".join(value.split()) if equals else None
        elif equals and any(sign in name for sign in "*?[") and fnmatch.fnmatchcase(key, name):
            globbed = " ".join(value.split())
    return explicit if named else globbed


def _dotted(name: str) -> str:
    """Spell a key with dots: where a slash comes first, slashes separate and dots belong to the name."""
    first = re.search(r"[./]", name)
    if first is not None and first.group() == "/":
        return name.replace(".", "\0").replace("/", ".").replace("\0", "/")
    return name
