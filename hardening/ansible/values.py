"""What goes into a run and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hardening.inventory.secrets import VaultSecrets
from hardening.model import Json, Touch
from hardening.remote.values import Secret

RESTORE = "restore"
PRESENT = "present"
GUARD = "guard"
TOGETHER = "together"
GUARD_ACTIONS = ("confirm", "status", "revert")


@dataclass(frozen=True, kw_only=True)
class ControlItem:
    """One control to write on one target. `target` is the target's name, `params` the control's `with`."""

    id: str
    target: str
    instance: str = ""
    params: Mapping[str, Json] = field(default_factory=dict)
    value: Json = None


@dataclass(frozen=True, kw_only=True)
class RestoreItem:
    """One change to take back. `touches` are those of the change, as mappings of kind, name, before and after."""

    id: str
    target: str
    touches: tuple[Mapping[str, Json], ...]
    after_actions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Run:
    """What every run is told: where the hosts are, what opens them, and how long it may take.

    With `lease` a host that does not hold the lease of the campaign (hardening.leases) is not written on.
    """

    campaign: str
    inventory_sources: tuple[str, ...]
    check: bool = False
    lease: bool = False
    deadline_s: float = 3600.0
    forks: int = 20
    vault: VaultSecrets | None = None
    become_password: Secret | None = None
    connection_password: Secret | None = None
    roles_path: Path | None = None
    cwd: Path | None = None


@dataclass(frozen=True, kw_only=True)
class AnsibleRun(Run):
    """Controls to write: host -> kind -> items. With `check` nothing is written and `changed` says what would.

    With `guard_s` every host puts itself back so many seconds after its last kind, unless a `GuardRun` confirms.
    """

    hosts: Mapping[str, Mapping[str, tuple[ControlItem, ...]]]
    guard_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class GuardRun(Run):
    """Hosts whose guard of this campaign is to be confirmed, reverted or only asked: `confirm`, `revert`, `status`.

    It always logs in anew: no shared connection is used, and the host refuses a login from before its last write.
    """

    hosts: tuple[str, ...]
    action: str


@dataclass(frozen=True, kw_only=True)
class RestoreRun(Run):
    """Changes to take back: host -> items, newest first. `force` puts back even what was changed since.

    With `guard_s` every host takes the undo back by itself so many seconds later, unless a `GuardRun` confirms.
    """

    hosts: Mapping[str, tuple[RestoreItem, ...]]
    force: bool = False
    guard_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class PresentItem:
    """One resource and the state it was left in, as its touch says; `left` of None asks only who changed it last."""

    kind: str
    name: str
    left: Mapping[str, Json] | None

    @property
    def id(self) -> str:
        """Return what the outcome will be called."""
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, kw_only=True)
class PresentRun(Run):
    """Resources to compare with how they were left: host -> items. Nothing is written.

    `since_s` is when that was, in seconds of the epoch, `known` the campaigns that left them. The outcome of one that
    differs is `changed`, with one touch from how it was left to how it is, and as `reason` what the host knows of it.
    """

    hosts: Mapping[str, tuple[PresentItem, ...]]
    since_s: Mapping[str, float]
    known: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ControlOutcome:
    """What the host said of one control. `kind` is `restore` in a run that restores.

    `since` is what somebody changed after us, where a forced restore goes over it; `beyond_undo` what stays lost.
    """

    host: str
    kind: str
    id: str
    target: str
    changed: bool
    failed: bool
    reason: str | None
    touches: tuple[Touch, ...]
    after_actions: tuple[str, ...]
    diff: str
    since: str = ""
    beyond_undo: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HostFailed:
    """Why a host, or one kind on it (`kind` is then set), gave no proper answer."""

    host: str
    kind: str | None
    sentence: str


@dataclass(frozen=True, kw_only=True)
class NotReported:
    """A control that was asked of a host and of which nothing was heard: its state is unknown."""

    host: str
    kind: str
    id: str
    target: str


@dataclass(frozen=True, kw_only=True)
class HostGuarded:
    """That one kind of a guarded run wrote on a host. `unguarded` are resources (`package:x`) the guard cannot restore.

    `triggers` are what will start the revert, each proven; `cron @reboot` missing beside `waiting process` means that
    a restart of the host would not be survived. Empty where all that was written is unguarded.
    """

    host: str
    kind: str
    triggers: tuple[str, ...]
    unguarded: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GuardOutcome:
    """What became of a host's guard.

    `confirmed`, `reverted` (by the host itself, at `at`), `revert_failed` (partly: `details` tell), `none` (this
    campaign has no guard there), `refused` (to confirm: the guard stays armed, `details` tell why), `lost` (no answer),
    and for the action `status` also `armed` and `reverting`.
    """

    host: str
    outcome: str
    details: tuple[str, ...] = ()
    at: str | None = None
    unguarded: tuple[str, ...] = ()

    @property
    def is_definite(self) -> bool:
        """True where asking again, by whatever way, can give no other answer."""
        return self.outcome in ("confirmed", "reverted", "revert_failed")


@dataclass(frozen=True, kw_only=True)
class RunDone:
    """The end of a run, always the last value. `cut_short` is a sentence where the run did not come to its own end.

    `guards` are those of a guarded run: one for each kind that wrote on a host.
    """

    hosts_reached: tuple[str, ...]
    tasks: int
    duration_s: float
    not_reported: tuple[NotReported, ...]
    cut_short: str | None = None
    guards: tuple[HostGuarded, ...] = ()


RunEvent = ControlOutcome | HostFailed | RunDone
