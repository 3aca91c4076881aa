"""What every verb needs of the world: ledger, clock, actor, limits, where to tell progress. Handed in, never global."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hardening import remote
from hardening.inventory import Inventory, VaultSecrets
from hardening.ledger import Ledger
from hardening.model import Campaign, Json, Profile, Verb


def utc_now() -> datetime:
    """Return the present, with its zone."""
    return datetime.now(UTC)


def random_suffix() -> str:
    """Return the four hexadecimal digits that tell campaigns of one second apart."""
    return secrets.token_hex(2)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a verb tells how far it is: `hosts(done, total, name)` and `say(sentence)`."""

    hosts: Callable[[int, int, str], None] = lambda done, total, name: None
    say: Callable[[str], None] = lambda sentence: None


@dataclass(frozen=True, kw_only=True)
class Context:
    """The world of one command."""

    ledger: Ledger
    inventory: Inventory
    inventory_sources: tuple[str, ...]
    catalogue_digest: str
    actor: str
    tool_version: str
    clock: Callable[[], datetime] = utc_now
    # Spans are measured with this one: the clock on the wall may be set while a campaign runs.
    stopwatch: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    suffix: Callable[[], str] = random_suffix
    limits: remote.Limits = field(default_factory=remote.Limits)
    processes: int | None = None
    forks: int = 10
    vault: VaultSecrets | None = None
    become_password: remote.Secret | None = None
    connection_password: remote.Secret | None = None
    progress: Progress = field(default_factory=Progress)

    def new_campaign(
        self, verb: Verb, profile: Profile, *, parent: str | None = None, options: dict[str, Json] | None = None
    ) -> Campaign:
        """Return a campaign that begins now over all hosts of the inventory."""
        started_at = self.clock()
        return Campaign(
            id=f"{started_at:%Y%m%dT%H%M%SZ}-{verb}-{self.suffix()}",
            verb=verb,
            started_at=started_at,
            profile=profile.name,
            profile_digest=profile.digest,
            catalogue_digest=self.catalogue_digest,
            tool_version=self.tool_version,
            actor=self.actor,
            inventory=self.inventory_sources,
            hosts=tuple(host.name for host in self.inventory.hosts),
            options=options or {},
            parent=parent,
        )
