"""Which machine a host name leads to: machine-id and ssh host keys, pinned in a plan and compared before writing.

A machine-id alone is not enough: machines cloned without care share one. The keys alone are not either: they are
renewed. So a machine is another one when its machine-id differs, or when it has not one host key left in common.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hardening.model import HostSeen, Json
from hardening.waves import REFUSED, SAME_MACHINE

# Public keys, which everybody may read; a host without sshd has none.
READ_KEYS = 'for key in /etc/ssh/ssh_host_*_key.pub; do [ ! -r "$key" ] || cat "$key"; done'


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What tells a machine from others. `host_keys` are like `ssh-ed25519 SHA256:...`, as `ssh-keygen -l` has them."""

    machine_id: str = ""
    host_keys: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """False where nothing could be learnt, so that nothing can be compared."""
        return bool(self.machine_id or self.host_keys)

    def as_json(self) -> dict[str, Json]:
        """Return plain values, for a plan or the journal."""
        return {"machine_id": self.machine_id, "host_keys": [*self.host_keys]}

    @classmethod
    def from_json(cls, stored: Any) -> Identity:
        """Return what `as_json` or the facts of a look hold; nothing is known from anything else."""
        values: Mapping[str, Any] = stored if isinstance(stored, Mapping) else {}
        keys = values.get("host_keys")
        return cls(
            machine_id=str(values.get("machine_id") or ""),
            host_keys=tuple(map(str, keys)) if isinstance(keys, list | tuple) else (),
        )


def read_identity(host: Any) -> dict[str, Json]:
    """Return machine-id, boot-id and host keys of a testinfra host, for the facts of a look."""
    keys: list[Json] = [*fingerprints(str(host.run(READ_KEYS).stdout).splitlines())]
    return {
        "machine_id": host.run("cat /etc/machine-id").stdout.strip(),
        "boot_id": host.run("cat /proc/sys/kernel/random/boot_id").stdout.strip(),
        "host_keys": keys,
    }


def fingerprints(lines: Iterable[str]) -> tuple[str, ...]:
    """Return type and SHA-256 of every public key, sorted; what is no key is left out."""
    found = set()
    for line in lines:
        words = line.split()
        if len(words) < 2:
            continue
        try:
            key = base64.b64decode(words[1], validate=True)
        except (binascii.Error, ValueError):
            continue
        digest = base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
        found.add(f"{words[0]} SHA256:{digest}")
    return tuple(sorted(found))


def identities_of(hosts: Iterable[HostSeen]) -> dict[str, Identity]:
    """Return who answered, by name; hosts of which nothing is known are left out."""
    known = {host.name: Identity.from_json(host.facts) for host in hosts if host.unreachable is None}
    return {name: identity for name, identity in known.items() if identity.is_known}


def another_machine(pinned: Identity, now: Identity) -> str | None:
    """Say how the machine that answers now differs from the pinned one, or None where it is the same.

    What was not known then is not compared; what was known and cannot be read now is a difference.
    """
    if pinned.machine_id and pinned.machine_id != now.machine_id:
        seen = now.machine_id or "none that can be read"
        return f"another machine answers: its machine-id was {pinned.machine_id} and is {seen}"
    if pinned.host_keys and not set(pinned.host_keys) & set(now.host_keys):
        seen = ", ".join(now.host_keys) or "none that can be read"
        return f"its ssh host keys are not those it had ({', '.join(pinned.host_keys)}), but {seen}"
    return None


def second_names(hosts: Iterable[HostSeen]) -> dict[str, str]:
    """Return every name that leads to a machine which an earlier name leads to already, with that one.

    Clones that run side by side share machine-id and keys but not the boot-id; containers of one kernel share the
    boot-id but not the machine-id.
    """
    first: dict[tuple[str, str], tuple[str, Identity]] = {}
    found = {}
    for host in hosts:
        identity = Identity.from_json(host.facts)
        if host.unreachable is not None or not identity.machine_id:
            continue
        key = (identity.machine_id, str(host.facts.get("boot_id") or ""))
        name, other = first.setdefault(key, (host.name, identity))
        either = set(identity.host_keys) or set(other.host_keys)
        if name != host.name and (not either or set(identity.host_keys) & set(other.host_keys)):
            found[host.name] = name
    return found


def refused_hosts(pinned: Mapping[str, Identity], hosts: Iterable[HostSeen]) -> dict[str, str]:
    """Return why hosts that answered may not be changed, by name: not the pinned machine, or one under two names."""
    answered = [host for host in hosts if host.unreachable is None]
    refused = {
        second: f"{SAME_MACHINE}{first}, which is changed under that name"
        for second, first in second_names(answered).items()
    }
    for host in answered:
        wrong = another_machine(pinned.get(host.name, Identity()), Identity.from_json(host.facts))
        if wrong is not None:
            refused[host.name] = f"{REFUSED}{wrong}; see where the inventory leads, and plan again"
    return refused
