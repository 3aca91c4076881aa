"""The lease of this host: `/var/lib/hardening/lease` names the campaign that may write here, until it is taken away.

The controller takes it once it has seen that this is the machine it planned for (hardening/leases.py). So a machine
that does not hold the lease of the campaign that wants to write is not the one that was planned for.
Lines: the campaign, the host's name in its inventory, and `{"actor", "controller", "taken_at"}` for people.
"""

from __future__ import annotations

import json
from typing import NamedTuple, Optional

from .host import STATE_DIRECTORY, Host

LEASE = STATE_DIRECTORY + "/lease"
LARGEST_BYTES = 4000


class Lease(NamedTuple):
    """Who may write: the campaign, and whose it is in words."""

    campaign: str
    holder: str


def lease_of(host: Host) -> Optional[Lease]:
    """Return the lease of this host, or None where nobody holds it."""
    try:
        with open(host.path(LEASE), "rb") as file:
            lines = file.read(LARGEST_BYTES).decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return None
    except OSError as error:
        return Lease("", "somebody unknown: {} cannot be read: {}".format(LEASE, error.strerror))
    campaign = lines[0].strip() if lines else ""
    try:
        said = json.loads(lines[2])
        holder = "{} on {} since {}".format(said["actor"], said["controller"], said["taken_at"])
    except (IndexError, ValueError, KeyError, TypeError):
        holder = "somebody unknown"
    return Lease(campaign, holder)


def why_not_ours(host: Host, campaign: str, *, must_hold: bool) -> Optional[str]:
    """Say why this campaign may not write here, or None. `must_hold`: that nobody else holds the host is not enough."""
    lease = lease_of(host)
    if lease is None:
        return (
            "this host does not hold the lease of campaign {}: it is another machine than the one the lease was taken "
            "on, or somebody removed {}".format(campaign, LEASE)
            if must_hold
            else None
        )
    if lease.campaign == campaign:
        return None
    return "this host is held by campaign {} ({})".format(lease.campaign or "unknown", lease.holder)
