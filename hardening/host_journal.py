"""What hosts themselves wrote down of a campaign: for a controller that died before the answers reached its ledger."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hardening.asking import ask_each
from hardening.context import Context
from hardening.errors import Incomplete
from hardening.model import Change, ChangeState, Target, Touch
from hardening.waves import IN_PART

DIRECTORY = "/var/lib/hardening/journal"
GUARDS = "/var/lib/hardening/guard"


# What a host can put back by itself, as module_utils/hardening_core/guard_steps.py; packages and SQL it cannot.
GUARDED_KINDS = frozenset(
    ("file", "unit", "sysctl", "runtime", "mount", "kernel_module", "pam_profile", "pam_argument")
)

_AFTER_GUARD: Mapping[str, tuple[ChangeState, str]] = {
    "reverted": (ChangeState.REVERTED, "the host put itself back, by its own journal"),
    "revert_failed": (ChangeState.FAILED, "the host could not put back all, by its own journal"),
}
_OF_UNDO: Mapping[ChangeState, ChangeState] = {
    ChangeState.CHANGED: ChangeState.REVERTED,
    ChangeState.REVERTED: ChangeState.PUT_BACK,
}


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """A change that a host planned on disk before it wrote. `torn` where the host was stopped while writing.

    `in_part` where it is what the host did not put back of the one before.
    """

    change: Change
    torn: bool
    in_part: bool = False


def as_of_undo(state: ChangeState) -> ChangeState:
    """Return what a state in the journal of an undo means: what it changed is back, what the host took back is not."""
    return _OF_UNDO.get(state, state)


def read_host_journals(context: Context, campaign_id: str) -> Iterator[Learnt]:
    """Yield the changes that the hosts' own journals hold for a campaign.

    Raises Incomplete where a host's journal cannot be read: going on without it could lose what was there before.
    """
    path = f"{DIRECTORY}/{campaign_id}.jsonl"
    names = [host.name for host in context.inventory.hosts]
    for name, answer in ask_each(context, names, lambda _, host: _read(host, path)):
        if answer.said is None:
            raise Incomplete(f"{name}: its own journal of {campaign_id} cannot be read: {answer.trouble}")
        try:
            yield from list(learnt_of(name, answer.said, taken_at=context.clock()))
        except (KeyError, TypeError, AttributeError, ValueError) as problem:
            raise Incomplete(
                f"{name}: its own journal of {campaign_id} is none of ours "
                f"({type(problem).__name__}: {problem}); go on without that host with --skip"
            ) from None


def _read(host: Any, path: str) -> str:
    """Return a journal, or an empty text where the host has none for this campaign."""
    if host.run("test -e %s", path).rc == 1:
        return ""
    done = host.run("cat %s", path)
    if done.rc != 0:
        raise Incomplete(f"`cat {path}` answered {done.rc}")
    return str(done.stdout)


def never_guarded(context: Context, campaign_id: str, hosts: Collection[str]) -> set[str]:
    """Return the hosts that can be seen to hold no guard of a campaign, and never to have held one.

    It needs no Python there. A host that cannot be looked at is not among them.
    """
    answers = ask_each(context, hosts, lambda _, host: is_unguarded(host, campaign_id))
    return {name for name, answer in answers if answer.said is True}


def is_unguarded(host: Any, campaign_id: str) -> bool:
    """Tell whether neither the directory of a campaign's guard nor a word of it in the journal is on a host."""
    guard, journal = f"{GUARDS}/{campaign_id}", f"{DIRECTORY}/{campaign_id}.jsonl"
    if host.run("test -e %s", guard).rc != 1:
        return False
    if host.run("test -e %s", journal).rc == 1:
        return True
    return bool(host.run('grep -q \'"event": *"guard"\' %s', journal).rc == 1)


def could_be_put_back(kinds: Collection[str]) -> bool:
    """Tell of the kinds that a change touched whether a guard could put any back; where not, it is as we left it."""
    return not kinds or bool(GUARDED_KINDS.intersection(kinds))


def left_of(change: Change, why: str) -> Change | None:
    """Return what is still there of a change whose host put back all that a guard can; None where nothing is.

    An undo has to bring that part back: a package that came with a file stays when the file goes.
    """
    beyond = tuple(touch for touch in change.touches if touch.kind not in GUARDED_KINDS)
    if not beyond:
        return None
    names = ", ".join(f"{touch.kind} {touch.name}" for touch in beyond)
    return dataclasses.replace(
        change,
        state=ChangeState.CHANGED,
        reason=f"{IN_PART}{names} stays until an undo; {why}",
        touches=beyond,
        after_actions=(),
    )


def learnt_of(host: str, journal: str, *, taken_at: datetime) -> Iterator[Learnt]:
    """Yield the changes that one host's journal of a campaign holds, each as the guard left it."""
    planned: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    ended: dict[str, Mapping[str, str]] = {}
    # What the guard made of it, once it ended: all that was planned before went the same way.
    fates: dict[tuple[str, str, str], str] = {}
    for event in _events(journal):
        if event["event"] == "guard":
            if event.get("outcome") == "armed":
                continue
            fates.update((key, str(event.get("outcome", ""))) for key in planned if key not in fates)
        elif event["event"] == "plan":
            # A run writes in steps and tells its plan before each; the last telling is the whole.
            planned[(event["run"], event["target"], event["id"])] = event
        elif event["event"] == "end":
            ended[event["run"]] = event.get("failed", {})
    for (run, target, control_id), event in planned.items():
        if f"{target}::{control_id}" in ended.get(run, {}):
            continue
        fate = (
            fates.get((run, target, control_id), "")
            if could_be_put_back([touch["kind"] for touch in event["touches"]])
            else ""
        )
        state, why = _AFTER_GUARD.get(fate, (ChangeState.CHANGED, ""))
        torn = run not in ended and state is ChangeState.CHANGED
        change = Change(
            control_id=control_id,
            target=_target(host, target),
            state=state,
            reason=why or ("the host was stopped while writing it" if torn else "learnt from the host's own journal"),
            touches=tuple(
                Touch(kind=touch["kind"], name=touch["name"], before=touch["before"], after=touch["after"])
                for touch in event["touches"]
            ),
            after_actions=tuple(event["after_actions"]),
            taken_at=taken_at,
        )
        yield Learnt(torn=torn, change=change)
        left = left_of(change, why) if state is ChangeState.REVERTED else None
        if left is not None:
            yield Learnt(torn=False, change=left, in_part=True)


def _events(journal: str) -> Iterator[Mapping[str, Any]]:
    for line in journal.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue  # A line cut off by a power loss was never acted on: the host flushes before it writes.
        if isinstance(event, dict) and "event" in event:
            yield event


def _target(host: str, name: str) -> Target:
    component, _, instance = name.removeprefix(f"{host}/").partition(":")
    return Target(host=host, component=component, instance=instance)
