"""Which campaign of this ledger holds which host, read from the journals: a host is changed by one at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hardening.errors import AskedWrongly
from hardening.ledger import Ledger, Step
from hardening.model import Verb
from hardening.running import still_runs

# Steps of a journal: a process begins to hold hosts, gives some up, or went away without ending its campaign.
HOLDS, LETS_GO, LEFT = "holds", "lets go", "left"
# Another process had taken the campaign up a moment before: the claim named by its number in the record is none.
GIVES_WAY = "gives way"


@dataclass(frozen=True, kw_only=True)
class Holder:
    """The campaign that holds a host. `runs` is None where its process belongs to another controller."""

    campaign_id: str
    by: str
    controller: str
    since: datetime
    seq: int
    runs: bool | None

    def __str__(self) -> str:
        since = f"{self.since:%Y-%m-%d %H:%M:%S}"
        if self.runs:
            return f"{self.campaign_id}, which {self.by} runs since {since}"
        if self.runs is None:
            return f"{self.campaign_id}, which {self.by} began on {self.controller} at {since} and which has not ended"
        return f"{self.campaign_id}, which {self.by} began at {since} and which never ended"


def holders(ledger: Ledger, *, but: Collection[str] = ()) -> dict[str, Holder]:
    """Return who holds which host, the earliest first where a race made two; campaigns in `but` are left out."""
    found: dict[str, Holder] = {}
    for campaign in ledger.going_on():
        if campaign.verb not in (Verb.APPLY, Verb.UNDO, Verb.CLEAN) or campaign.id in but:
            continue
        for host, holder in held_by(campaign.id, ledger.steps(campaign.id)).items():
            if host not in found or holder.seq < found[host].seq:
                found[host] = holder
    return found


def held_by(campaign_id: str, steps: Iterable[Step]) -> dict[str, Holder]:
    """Return the hosts that a campaign holds by its journal."""
    held: dict[str, Holder] = {}
    gone = False
    last: dict[str, Any] = {}
    steps = tuple(steps)
    void = {step.payload.get("claim") for step in steps if step.step == GIVES_WAY and isinstance(step.payload, dict)}
    for step in steps:
        if step.seq in void:
            continue
        payload = step.payload if isinstance(step.payload, dict) else {}
        hosts = payload.get("hosts")
        names = [str(name) for name in hosts] if isinstance(hosts, list) else []
        if step.step == HOLDS:
            gone, last = False, payload
            holder = Holder(
                campaign_id=campaign_id,
                by=str(payload.get("by", "")),
                controller=str(payload.get("controller", "")),
                since=step.taken_at,
                seq=step.seq,
                runs=None,
            )
            held = {**held, **dict.fromkeys(names, holder)}
        elif step.step == LETS_GO:
            held = {name: holder for name, holder in held.items() if name not in names}
        elif step.step == LEFT:
            gone = True
    runs = False if gone else still_runs(last)
    return {name: _running(holder, runs) for name, holder in held.items()}


def last_seq(ledger: Ledger, campaign_id: str) -> int:
    """Return the number in the record of a campaign's last step; 0 where it has none."""
    return max((step.seq for step in ledger.steps(campaign_id)), default=0)


def _running(holder: Holder, runs: bool | None) -> Holder:
    return Holder(
        campaign_id=holder.campaign_id,
        by=holder.by,
        controller=holder.controller,
        since=holder.since,
        seq=holder.seq,
        runs=runs,
    )


def refuse_held(found: Mapping[str, Holder], hosts: Iterable[str], *, breaking: Collection[str]) -> None:
    """Raise AskedWrongly where a host is held, unless its holder is named in `breaking` and does not run here."""
    held: dict[str, list[str]] = {}
    by_id: dict[str, Holder] = {}
    for host in hosts:
        holder = found.get(host)
        if holder is not None and (holder.campaign_id not in breaking or holder.runs):
            held.setdefault(holder.campaign_id, []).append(host)
            by_id[holder.campaign_id] = holder
    sentences = []
    for campaign_id, names in held.items():
        is_are = "is" if len(names) == 1 else "are"
        if by_id[campaign_id].runs:
            way_out = f"wait for it, or `hardening stop {campaign_id}`"
        else:
            way_out = f"`hardening resume {campaign_id}` ends it, --break-lease {campaign_id} takes its hosts away"
        sentences.append(f"{', '.join(names)} {is_are} held by {by_id[campaign_id]}: {way_out}")
    if sentences:
        raise AskedWrongly("; ".join(sentences))


def refuse_running(ledger: Ledger, campaign_id: str, *, breaking: Collection[str]) -> None:
    """Raise AskedWrongly where a campaign that is to be resumed still runs, or may run on another controller."""
    holder = next(iter(held_by(campaign_id, ledger.steps(campaign_id)).values()), None)
    if holder is None or holder.runs is False:
        return
    if holder.runs:
        raise AskedWrongly(
            f"{holder}, still runs; `hardening status {campaign_id}` shows it, `hardening stop {campaign_id}` ends it"
        )
    if campaign_id not in breaking:
        raise AskedWrongly(
            f"{holder}: whether it still runs there cannot be seen from here; "
            f"if it does not, resume with --break-lease {campaign_id}"
        )
