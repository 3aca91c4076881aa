"""Hold the hosts of a campaign from before its first write to its end: in the ledger, and on each host by a lease."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from hardening.change import Piece, not_written
from hardening.context import Context
from hardening.errors import AskedWrongly, Incomplete
from hardening.holders import GIVES_WAY, HOLDS, LEFT, LETS_GO, held_by, holders, refuse_held
from hardening.identity import Identity
from hardening.lease_script import Lease
from hardening.leases import Asked, give_back, take_leases
from hardening.model import Json
from hardening.running import this_process
from hardening.waves import REFUSED, SAME_MACHINE, STOPPED

LEASES, BROKEN, PINNED = "leases", "lease broken", "pinned"


class Holding:
    """The hosts that a campaign holds while it runs."""

    def __init__(self, context: Context, campaign_id: str, breaking: Collection[str]) -> None:
        self._context, self._campaign_id, self._breaking = context, campaign_id, set(breaking)
        self.leased = leased_by_journal(context, campaign_id)

    def admit(self, hosts: Sequence[str], pinned: Mapping[str, Identity]) -> dict[str, str]:
        """Take the leases of hosts that are the pinned machines; return why the others may not be written, by name."""
        if not hosts:
            return {}
        asked = take_leases(self._context, self._campaign_id, hosts, pinned, over=self._breaking)
        ended = {
            name: each.lease.campaign
            for name, each in asked.items()
            if each.lease is not None and each.lease.verdict == "held" and self._has_ended(each.lease.campaign)
        }
        if ended:
            # This very ledger knows that the holder came to its end without reaching the host any more.
            over = {*self._breaking, *ended.values()}
            asked |= take_leases(self._context, self._campaign_id, list(ended), pinned, over=over)
        refused = {name: reason for name, each in asked.items() if (reason := _refusal(each)) is not None}
        taken_over: dict[str, Json] = {
            name: f"{each.lease.campaign} ({each.lease.by}, since {each.lease.since})"
            for name, each in asked.items()
            if each.lease is not None and each.lease.verdict == "taken_over"
        }
        taken: list[Json] = [name for name in asked if name not in refused]
        self.leased |= {name for name in asked if name not in refused}
        told: dict[str, Json] = {"taken": taken, "taken over": taken_over, "refused": {**refused}}
        self._context.ledger.record_step(self._campaign_id, LEASES, told)
        for name, whose in taken_over.items():
            self._context.progress.say(f"{name}: the lease of {whose} is taken over")
        for name, reason in refused.items():
            self._context.progress.say(f"{name}: {reason}")
        return refused

    def release(self) -> None:
        """Give every lease back and let the hosts go; a host that cannot be reached keeps its lease, and is named."""
        kept = give_back(self._context, self._campaign_id, sorted(self.leased)) if self.leased else {}
        self.leased &= set(kept)
        let_go(self._context, self._campaign_id, kept)
        for name, why in kept.items():
            self._context.progress.say(f"{name}: its lease could not be given back: {why}")

    def _has_ended(self, campaign_id: str) -> bool:
        try:
            self._context.ledger.campaign(campaign_id)
        except AskedWrongly:
            return False  # A campaign of another ledger, of which this one cannot know.
        return campaign_id not in {campaign.id for campaign in self._context.ledger.going_on()}


@contextmanager
def holding(
    context: Context, campaign_id: str, *, breaking: Collection[str] = (), seen: int | None = None
) -> Iterator[Holding]:
    """Hold all hosts of the context for a campaign; the leases are given back at the end.

    Where the body ends by an error or an interrupt the campaign has not ended: its leases stay for its `resume`.
    `seen` is the last step that a resume knew when it found that nobody carries the campaign.
    Raises Incomplete where another campaign of this ledger was quicker, or another resume of this one.
    """
    names = [host.name for host in context.inventory.hosts]
    for broken in sorted(set(breaking)):
        _break(context, campaign_id, broken, names)
    hosts: list[Json] = [*names]
    context.ledger.record_step(campaign_id, HOLDS, {"hosts": hosts, "by": context.actor, **this_process()})
    if seen is not None:
        _give_way(context, campaign_id, seen)
    own = held_by(campaign_id, context.ledger.steps(campaign_id))
    quicker = {
        name: holder
        for name, holder in holders(context.ledger, but=(campaign_id,)).items()
        if name in own and holder.seq < own[name].seq
    }
    held = Holding(context, campaign_id, breaking)
    try:
        try:
            refuse_held(quicker, names, breaking=())
        except AskedWrongly as problem:
            let_go(context, campaign_id, {})
            raise Incomplete(str(problem)) from None
        yield held
    except BaseException:
        context.ledger.record_step(campaign_id, LEFT, None)
        raise
    held.release()


def _give_way(context: Context, campaign_id: str, seen: int) -> None:
    """Raise Incomplete, and take our claim back, where another process claimed the campaign since `seen`, before us."""
    claims = [step for step in context.ledger.steps(campaign_id) if step.step == HOLDS and step.seq > seen]
    us = this_process().items()
    ours = [step for step in claims if isinstance(step.payload, dict) and us <= step.payload.items()]
    if claims[0].seq == ours[-1].seq:
        return
    context.ledger.record_step(campaign_id, GIVES_WAY, {"claim": ours[-1].seq, "to": claims[0].seq})
    raise Incomplete(
        f"another process goes on with it since a moment ago; `hardening status {campaign_id}` shows how far it is"
    )


def let_go(context: Context, campaign_id: str, kept: Mapping[str, str]) -> None:
    """Record that a campaign holds no host any more; `kept` names those that still have its lease, and why."""
    held: list[Json] = [*held_by(campaign_id, context.ledger.steps(campaign_id))]
    context.ledger.record_step(campaign_id, LETS_GO, {"hosts": held, "still leased": {**kept}})


def leased_by_journal(context: Context, campaign_id: str) -> set[str]:
    """Return the hosts whose lease a campaign took and has not given back, by its journal."""
    leased: set[str] = set()
    for step in context.ledger.steps(campaign_id):
        payload = step.payload if isinstance(step.payload, dict) else {}
        taken, kept = payload.get("taken"), payload.get("still leased")
        if step.step == LEASES and isinstance(taken, list):
            leased |= {str(name) for name in taken}
        elif step.step == LETS_GO and isinstance(kept, dict):
            leased &= set(kept)
    return leased


def pin(context: Context, campaign_id: str, pinned: Mapping[str, Identity]) -> None:
    """Write down which machines the names of a campaign's hosts lead to, for whoever goes on with it."""
    context.ledger.record_step(campaign_id, PINNED, {name: identity.as_json() for name, identity in pinned.items()})


def pinned_by(context: Context, campaign_id: str) -> dict[str, Identity]:
    """Return the machines that were pinned for a campaign."""
    for step in context.ledger.steps(campaign_id):
        if step.step == PINNED and isinstance(step.payload, dict):
            return {name: Identity.from_json(stored) for name, stored in step.payload.items()}
    return {}


def refuse(context: Context, campaign_id: str, asked: Sequence[Piece], refused: Mapping[str, str]) -> list[Piece]:
    """Record what is not written on hosts that may not be written, and return the rest."""
    changes = [not_written(context, item, refused[item.target.host]) for item in asked if item.target.host in refused]
    context.ledger.record_changes(campaign_id, changes)
    return [item for item in asked if item.target.host not in refused]


def _break(context: Context, campaign_id: str, broken: str, names: Sequence[str]) -> None:
    """Take hosts away from another campaign, if it is one of this ledger, and record that in both."""
    step: dict[str, Json] = {"of": broken, "by": context.actor}
    context.ledger.record_step(campaign_id, BROKEN, step)
    going_on = {campaign.id for campaign in context.ledger.going_on()} - {campaign_id}
    if broken in going_on:
        held = held_by(broken, context.ledger.steps(broken))
        taken: list[Json] = [name for name in names if name in held]
        context.ledger.record_step(broken, LETS_GO, {"hosts": taken, "broken by": campaign_id, "who": context.actor})


def _refusal(asked: Asked) -> str | None:
    if asked.another_machine is not None:
        return f"{REFUSED}{asked.another_machine}; see where the inventory leads, and plan again"
    if asked.lease is None:
        return f"{STOPPED}{asked.trouble}"
    if asked.lease.verdict in ("taken", "taken_over"):
        return None
    if asked.lease.verdict == "twice":
        return f"{SAME_MACHINE}{asked.lease.name}, which this campaign changes already"
    return f"{STOPPED}{held_sentence(asked.lease)}"


def held_sentence(lease: Lease) -> str:
    """Say who holds a host and how that ends."""
    if not lease.campaign:
        return "the host is held, but its lease /var/lib/hardening/lease cannot be read; look there who writes on it"
    return (
        f"the host is held by campaign {lease.campaign} ({lease.by}, since {lease.since}) until that ends, "
        f"or until its host is taken away with --break-lease {lease.campaign}"
    )
