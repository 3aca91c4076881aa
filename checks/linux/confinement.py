"""Mandatory access control: what AppArmor confines."""

from __future__ import annotations

import json
from typing import Any

from checks import CannotLook, NotApplicable, kind, read
from checks.linux.reading import text_or_none


@kind
def apparmor_state(host: Any) -> str:
    """Return whether the kernel enforces AppArmor: enabled, disabled, or `not built in`."""
    if text_or_none(host, "/sys/fs/selinux/enforce") is not None:
        raise NotApplicable("SELinux confines programs on this host")
    said = text_or_none(host, "/sys/module/apparmor/parameters/enabled")
    if said is None:
        return "not built in"
    if said.strip() not in ("Y", "N"):
        raise CannotLook(f"the kernel says {said.strip()!r} about AppArmor, neither Y nor N")
    return "enabled" if said.strip() == "Y" else "disabled"


@kind
def apparmor_profiles(host: Any, *, mode: str) -> list[str]:
    """Return the loaded profiles that are in a mode: enforce, complain, kill, unconfined."""
    if apparmor_state(host) != "enabled":
        raise NotApplicable("AppArmor is not active in this kernel")
    listed = read(host, "cat /sys/kernel/security/apparmor/profiles")
    return sorted(line.rpartition(" (")[0] for line in listed.splitlines() if line.endswith(f" ({mode})"))


@kind
def unconfined_processes(host: Any) -> list[str]:
    """Return the running programs for which a profile is loaded that does not confine them."""
    if apparmor_state(host) != "enabled":
        raise NotApplicable("AppArmor is not active in this kernel")
    text = read(host, "aa-status --json")
    try:
        processes = json.loads(text)["processes"]
    except (ValueError, KeyError):
        raise CannotLook("aa-status printed no state of processes") from None
    return sorted(name for name, entries in processes.items() if _loose(entries))


def _loose(entries: list[dict[str, str]]) -> bool:
    return any(entry.get("status") == "unconfined" for entry in entries)
