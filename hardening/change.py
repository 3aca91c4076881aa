"""Change hosts through Ansible and bring the answers back as changes, each in the ledger as it comes.

Every asked (host, control) pair ends as exactly one change; what Ansible did not report is `not_reported`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from hardening import ansible
from hardening.context import Context
from hardening.model import Change, ChangeState, Danger, Json, Target
from hardening.plan import PlanItem
from hardening.redact import redact

SECONDS_PER_RUN = 3600.0


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One control to be written on one target."""

    target: Target
    control_id: str
    kind: str
    params: Mapping[str, Json]
    value: Json
    danger: Danger = Danger.NONE


@dataclass(frozen=True, kw_only=True)
class Undone:
    """One change to be taken back; `danger` is that of its control."""

    change: Change
    danger: Danger = Danger.NONE

    @property
    def target(self) -> Target:
        """Return where it was made."""
        return self.change.target

    @property
    def control_id(self) -> str:
        """Return which control it was made for."""
        return self.change.control_id

    @property
    def kind(self) -> str:
        """Return the mechanism of that control."""
        return self.change.kind


Piece = TypeVar("Piece", Wanted, Undone)
"""What a write in waves is made of: something wanted, or something to be taken back."""


def not_written(
    context: Context, piece: Wanted | Undone | PlanItem, reason: str, state: ChangeState = ChangeState.SKIPPED
) -> Change:
    """Return what the ledger learns of a piece that is left alone, and why: `skipped`, or `unchanged`."""
    return Change(
        control_id=piece.control_id,
        target=piece.target,
        kind=piece.kind,
        state=state,
        reason=reason,
        taken_at=context.clock(),
    )


def wanted_of(items: Iterable[PlanItem]) -> tuple[Wanted, ...]:
    """Return what a plan's items write."""
    return tuple(
        Wanted(
            target=item.target,
            control_id=item.control_id,
            kind=item.kind,
            params=item.params,
            value=item.set_to,
            danger=item.danger,
        )
        for item in items
    )


def apply_changes(
    context: Context,
    campaign_id: str,
    wanted: Sequence[Wanted],
    *,
    check: bool = False,
    guard_s: float | None = None,
    lease: bool = True,
) -> Iterator[Change]:
    """Write the wanted values (or, with `check`, only tell what would change) and yield each answer.

    With `guard_s` every host puts itself back so many seconds later, unless that is confirmed (hardening.guarding).
    With `lease` a host that does not hold the campaign's lease (hardening.leases) is not written on.
    """
    if not wanted:
        return
    hosts: dict[str, dict[str, list[ansible.ControlItem]]] = {}
    by_key: dict[tuple[str, str, str], Wanted] = {}
    for want in wanted:
        by_key[(want.target.host, want.control_id, want.target.name)] = want
        item = ansible.ControlItem(
            id=want.control_id,
            target=want.target.name,
            instance=want.target.instance,
            params=dict(want.params),
            value=want.value,
        )
        hosts.setdefault(want.target.host, {}).setdefault(want.kind, []).append(item)
    run = ansible.AnsibleRun(
        campaign=campaign_id,
        inventory_sources=context.inventory_sources,
        hosts={host: {kind: tuple(items) for kind, items in kinds.items()} for host, kinds in hosts.items()},
        check=check,
        lease=lease and not check,
        guard_s=guard_s,
        deadline_s=SECONDS_PER_RUN,
        forks=context.forks,
        vault=context.vault,
        become_password=context.become_password,
        connection_password=context.connection_password,
    )
    targets = {key: (want.target, want.kind) for key, want in by_key.items()}
    yield from _answers(context, ansible.run_changes(run), targets, check=check)


def restore_changes(
    context: Context,
    campaign_id: str,
    changes: Sequence[Change],
    *,
    force: bool = False,
    check: bool = False,
    guard_s: float | None = None,
    lease: bool = True,
) -> Iterator[Change]:
    """Undo changes (newest first) and yield each answer; `reverted` where the former state is back.

    With `check` only what would be undone is told. With `guard_s` every host takes the undo back by itself so many
    seconds later, unless that is confirmed (hardening.guarding).
    """
    if not changes:
        return
    hosts: dict[str, list[ansible.RestoreItem]] = {}
    for change in changes:
        item = ansible.RestoreItem(
            id=change.control_id,
            target=change.target.name,
            touches=tuple(
                {"kind": touch.kind, "name": touch.name, "before": touch.before, "after": touch.after}
                for touch in change.touches
            ),
            after_actions=change.after_actions,
        )
        hosts.setdefault(change.target.host, []).append(item)
    run = ansible.RestoreRun(
        campaign=campaign_id,
        inventory_sources=context.inventory_sources,
        hosts={host: tuple(items) for host, items in hosts.items()},
        force=force,
        check=check,
        guard_s=guard_s,
        lease=lease,
        deadline_s=SECONDS_PER_RUN,
        forks=context.forks,
        vault=context.vault,
        become_password=context.become_password,
        connection_password=context.connection_password,
    )
    targets = {(c.target.host, c.control_id, c.target.name): (c.target, c.kind) for c in changes}
    for answer in _answers(context, ansible.run_restore(run), targets, check=check, undoing=True):
        yield answer if answer.state is not ChangeState.CHANGED else _as_reverted(answer)


def _answers(
    context: Context,
    events: Iterable[ansible.ControlOutcome | ansible.HostFailed | ansible.RunDone],
    targets: Mapping[tuple[str, str, str], tuple[Target, str]],
    *,
    check: bool,
    undoing: bool = False,
) -> Iterator[Change]:
    open_pairs = dict(targets)
    unheard = "Ansible gave no result for this control"
    failures: dict[tuple[str, str | None], str] = {}
    for event in events:
        if isinstance(event, ansible.ControlOutcome):
            key = (event.host, event.id, event.target)
            target, kind = targets[key]
            if open_pairs.pop(key, None) is not None:
                yield _change(event, target, kind, context, check=check)
        elif isinstance(event, ansible.HostFailed):
            failures.setdefault((event.host, event.kind), event.sentence)
            context.progress.say(f"{event.host}: {event.sentence}")
        else:
            context.progress.say(
                f"{event.tasks} Ansible task{'s' if event.tasks != 1 else ''} took {event.duration_s:.1f} s"
            )
            for guarded in event.guards:
                if guarded.unguarded:
                    beyond = ", ".join(guarded.unguarded)
                    then = "an apply can" if undoing else "`undo` can"
                    context.progress.say(f"{guarded.host}: the guard cannot bring back {beyond}; {then}")
            unheard = event.cut_short or unheard
    for key, (target, kind) in open_pairs.items():
        yield Change(
            control_id=key[1],
            target=target,
            kind=kind,
            state=ChangeState.NOT_REPORTED,
            reason=redact(failures.get((target.host, kind)) or failures.get((target.host, None)) or unheard),
            taken_at=context.clock(),
        )


def _change(event: ansible.ControlOutcome, target: Target, kind: str, context: Context, *, check: bool) -> Change:
    if event.failed:
        state = ChangeState.FAILED
    elif event.changed:
        state = ChangeState.WOULD_CHANGE if check else ChangeState.CHANGED
    else:
        state = ChangeState.UNCHANGED
    changed = Change(
        control_id=event.id,
        target=target,
        kind=kind,
        state=state,
        reason=redact(event.reason) if event.reason else None,
        touches=event.touches,
        after_actions=event.after_actions,
        diff=redact(event.diff),
        taken_at=context.clock(),
        since=redact(event.since),
        beyond_undo=event.beyond_undo,
    )
    return context.ledger.redaction.change(changed)


def _as_reverted(change: Change) -> Change:
    forced = "forced over what somebody changed since" if change.since else None
    return dataclasses.replace(change, state=ChangeState.REVERTED, reason=change.reason or forced)
