"""Look at the resources of every host at once, over one session each, and record what was seen and what was not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hardening import remote
from hardening.context import Context
from hardening.errors import Exit
from hardening.model import Json
from hardening.redact import redact
from hardening.resource_model import HostSampled
from hardening.resources.parsing import CannotSee
from hardening.resources.probes import READERS
from hardening.resources.sampling import samples_of

# Only numbers with a history come of these.
PASSING = ("cpu_time",)
# Retention is done in weeks: it reads the whole record to know which texts are shared.
GRACE = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long looks keep their own samples, and how long the days that were made of older ones are kept."""

    samples_days: int = 35
    rollups_days: int = 1100


@dataclass(frozen=True, kw_only=True)
class Collected:
    """One look at a fleet, in the order of the inventory; what it cost, by host."""

    act_id: str
    hosts: tuple[HostSampled, ...]
    traffic: Mapping[str, Mapping[str, Json]]
    tidied: str = ""

    @property
    def exit(self) -> Exit:
        """3 where a host was not reached or a part could not be seen, else 0."""
        blind = any(host.unreachable is not None or host.unseen for host in self.hosts)
        return Exit.INCOMPLETE if blind else Exit.CLEAN


def collect(context: Context, *, parts: Sequence[str] = (), retention: Retention | None = None) -> Collected:
    """Look, record, and do what retention asks. `parts` names those to look at; all where it is empty.

    Every host stands in the ledger before the next one is worked on.
    """
    act_id = act_named(context, "collect")
    before = context.ledger.newest_looks(reached=True, until=context.clock())
    jobs = [
        remote.HostJob(connection=host.connection, script=_Script(tuple(parts) or tuple(READERS)))
        for host in context.inventory.hosts
    ]
    seen: dict[str, HostSampled] = {}
    traffic: dict[str, dict[str, Json]] = {}
    for report in remote.look(jobs, limits=context.limits):
        look = look_of(report, taken_at=context.clock(), before=before.get(report.name))
        context.ledger.record_looks(act_id, [look])
        seen[report.name] = look
        traffic[report.name] = report.traffic.as_json()
        context.progress.hosts(len(seen), len(jobs), report.name)
    lost = {host.name for host in context.inventory.hosts} - set(seen)
    if lost:
        raise AssertionError(f"the look gave no answer for {', '.join(sorted(lost))}")
    tidied = tidy(context, retention) if retention is not None else ""
    return Collected(
        act_id=act_id,
        hosts=tuple(seen[host.name] for host in context.inventory.hosts),
        traffic=traffic,
        tidied=tidied,
    )


def act_named(context: Context, verb: str) -> str:
    """Return the id of an act that begins now."""
    return f"{context.clock():%Y%m%dT%H%M%SZ}-{verb}-{context.suffix()}"


class _Script:
    def __init__(self, parts: tuple[str, ...]) -> None:
        self.parts = parts

    def __call__(self, scope: remote.HostScope) -> None:
        for part in self.parts:
            scope.spawn(part, READERS[part], scope.host)


def look_of(report: remote.HostReport, *, taken_at: datetime, before: HostSampled | None) -> HostSampled:
    """Return what was seen of one host: each part that was asked has a fact or a reason."""
    if report.unreachable is not None:
        return HostSampled(host=report.name, taken_at=taken_at, unreachable=redact(report.unreachable))
    facts: dict[str, Json] = {}
    unseen: dict[str, str] = {}
    for part, outcome in report.outcomes.items():
        if part not in READERS:
            continue
        if outcome.error is None:
            value: Json = outcome.value  # type: ignore[assignment]  # a reader returns plain values
            facts[part] = value
        elif isinstance(outcome.error, CannotSee | remote.NoAnswer):
            unseen[part] = redact(str(outcome.error))
        else:
            # What a program printed in a form that nobody foresaw is not seen either; it must not end the others.
            unseen[part] = f"what was printed is not understood: {type(outcome.error).__name__}: {outcome.error}"
    unseen.update(_partly(facts))
    samples = samples_of(facts, taken_at=taken_at, before=before)
    kept = {part: held for part, held in facts.items() if part not in PASSING}
    return HostSampled(host=report.name, taken_at=taken_at, facts=kept, unseen=unseen, samples=samples)


def _partly(facts: Mapping[str, Json]) -> dict[str, str]:
    """Return why something of a part that was seen was not."""
    found: dict[str, str] = {}
    systems = facts.get("file_systems")
    if isinstance(systems, dict) and isinstance(systems.get("partly"), str):
        found["file_systems (partly)"] = str(systems["partly"])
    servers = facts.get("postgresql")
    for port, held in servers.items() if isinstance(servers, dict) else ():
        if isinstance(held, dict) and "unseen" in held:
            found[f"postgresql:{port}"] = str(held["unseen"])
    return found


def tidy(context: Context, retention: Retention) -> str:
    """Roll up and forget what is older than retention says, once a week of it has come together; say what went."""
    now = context.clock()
    oldest = context.ledger.oldest_look()
    due = now - timedelta(days=retention.samples_days)
    said = []
    if oldest is not None and oldest < due - GRACE:
        done = context.ledger.roll_up(act_named(context, "rollup"), before=due.date(), by=context.actor)
        if done.acts:
            said.append(f"{done.acts} looks older than {retention.samples_days} days were rolled up")
        gone = context.ledger.forget_rollups(
            before=(now - timedelta(days=retention.rollups_days)).date(), by=context.actor
        )
        if gone:
            said.append(f"{gone} days older than {retention.rollups_days} days were deleted")
    return "; ".join(said)
