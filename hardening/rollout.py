"""Write a campaign's changes in waves: what apply and undo do, and resume again with what is left."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hardening.change import Piece, not_written
from hardening.context import Context
from hardening.evidence import evidence_of
from hardening.guarding import GRACE_S, end_guards, put_back
from hardening.health import Health, unwell
from hardening.looking import look_and_record
from hardening.model import Campaign, Change, Danger, Json, Profile, Verb
from hardening.rechecking import leave_what_changed
from hardening.stopping import PAUSE, stop_asked, wait_unless_stopped
from hardening.waivers import Waiver
from hardening.waves import WaveRules, failed_hosts, on_the_wall, reason_to_stop, waves_of

# An inventory variable: hosts with the same word in it are never changed in one wave.
APART = "hardening_apart"

# What is to be done on a host: a control to write, or a change to take back.
# Does it over a whole wave and yields every answer; guarded so many seconds, or not at all.
Write = Callable[[Sequence[Piece], float | None], Iterator[Change]]
# Is asked right before a wave, records what must not be written, and returns the rest.
Clear = Callable[[Sequence[Piece]], list[Piece]]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which wave of how many, and for how many seconds it is guarded where it needs a guard."""

    number: int
    of: int
    guard_s: float


def write_in_waves(
    context: Context,
    campaign: Campaign,
    profile: Profile,
    wanted: Sequence[Piece],
    *,
    write: Write[Piece],
    rules: WaveRules,
    waivers: Sequence[Waiver] = (),
    failed: Sequence[str] = (),
    touched: Collection[str] | None = None,
    clear: Clear[Piece] | None = None,
) -> None:
    """Write what the journal holds already, wave by wave, and look at every wave before the next.

    `failed` are planned hosts that failed before the first wave: not seen, or refused. `touched` is None where all was
    looked at just now; a resume names the hosts that its campaign wrote on: those may be otherwise than they were.
    What a stop leaves unwritten is recorded with the reason; every host of the campaign is looked at in the end.
    """
    of_host: dict[str, list[Piece]] = {}
    for item in wanted:
        of_host.setdefault(item.target.host, []).append(item)
    apart = {host.name: str(host.variables[APART]) for host in context.inventory.hosts if host.variables.get(APART)}
    failed = [*failed]
    health = Health(context, campaign.id)
    longest_s = 0.0
    looked: set[str] = set()
    begun: set[str] = set()
    waves = waves_of(tuple(of_host), rules, apart)
    for number, wave in enumerate(waves, start=1):
        of_wave: list[Piece] = [item for host in wave for item in of_host[host]]
        # A guarded host may need its whole time, and then some, to put itself back.
        at_least_s = rules.guard_s + GRACE_S if _needs_guard(of_wave, rules.guard_s, health) else 0.0
        least_s = max(longest_s, at_least_s)
        stop = _reason_to_stop(context, campaign, rules, failed, least_s)
        if stop is None and number > 1 and rules.pause_s:
            context.progress.say(f"{rules.pause_s:.0f} s until wave {number}")
            context.ledger.record_step(campaign.id, PAUSE, {"seconds": rules.pause_s})
            wait_unless_stopped(context, campaign.id, rules.pause_s)
            failed += _still_well(context, campaign, health, waves[number - 2])
            stop = _reason_to_stop(context, campaign, rules, failed, least_s)
        if stop is not None:
            _leave(context, campaign, _not_begun(of_host, begun), stop)
            break
        began = context.stopwatch()
        begun |= set(wave)
        unseen: tuple[str, ...] = ()
        # What an undo goes over is compared on the host itself, with what the campaign left there.
        if campaign.verb is Verb.APPLY and (number > 1 or touched is not None):
            of_wave, unseen = leave_what_changed(
                context, campaign, profile, of_wave, waivers=waivers, but=touched or ()
            )
        of_wave = clear(of_wave) if clear is not None else of_wave
        stop = stop_asked(context.ledger.steps(campaign.id))
        if stop is not None:  # Asked while we looked at the hosts of this wave.
            _leave(context, campaign, [*of_wave, *_not_begun(of_host, begun)], stop)
            break
        bad: tuple[str, ...] = unseen
        if of_wave:
            place = Place(number=number, of=len(waves), guard_s=rules.guard_s)
            bad += _one_wave(context, campaign, profile, place, of_wave, write, health, waivers=waivers)
        told: list[Json] = [*bad]
        context.ledger.record_step(campaign.id, "wave done", {"number": number, "failed": told})
        failed += bad
        looked |= {item.target.host for item in of_wave}
        longest_s = max(longest_s, context.stopwatch() - began)
    rest = [host for host in context.inventory.hosts if host.name not in looked]
    if rest:
        look_and_record(context, campaign, profile, phase="after", waivers=waivers, hosts=rest)
    context.ledger.record_step(campaign.id, "written", {"items": len(wanted)})


def _not_begun(of_host: Mapping[str, Sequence[Piece]], begun: Collection[str]) -> list[Piece]:
    return [item for host, items in of_host.items() if host not in begun for item in items]


def _reason_to_stop(
    context: Context, campaign: Campaign, rules: WaveRules, failed: Sequence[str], least_s: float
) -> str | None:
    asked = stop_asked(context.ledger.steps(campaign.id))
    return asked or reason_to_stop(rules, failed, now=on_the_wall(context.clock()), longest_wave_s=least_s)


def _still_well(context: Context, campaign: Campaign, health: Health, wave: Sequence[str]) -> list[str]:
    """Ask the hosts of a wave for their health once more after the pause; return those that fell ill since."""
    ill = health.after(wave)
    if ill:
        changes = evidence_of(context.ledger, campaign.id).changes
        context.ledger.record_changes(campaign.id, unwell(changes, ill, context))
    return sorted(ill)


def _needs_guard(wanted: Sequence[Piece], guard_s: float, health: Health) -> bool:
    """Tell whether a wave is guarded: it could lock out, or a health check could show that it did harm."""
    watched = any(item.danger is Danger.LOCKOUT or health.watches(item.target.host) for item in wanted)
    return guard_s > 0 and watched


def _one_wave(
    context: Context,
    campaign: Campaign,
    profile: Profile,
    place: Place,
    wanted: Sequence[Piece],
    write: Write[Piece],
    health: Health,
    *,
    waivers: Sequence[Waiver],
) -> tuple[str, ...]:
    """Change the hosts of one wave, look at them over new connections, and return those that failed.

    A guarded wave is guarded as a whole: whoever cannot be entered anew, or is not well, goes back to what it was.
    """
    names: list[str] = list(dict.fromkeys(item.target.host for item in wanted))
    guard_s = place.guard_s if _needs_guard(wanted, place.guard_s, health) else None
    named: list[Json] = [*names]
    step: dict[str, Json] = {"number": place.number, "of": place.of, "hosts": named, "guard_s": guard_s or 0}
    context.ledger.record_step(campaign.id, "wave", step)
    hosts = f"{len(names)} hosts" if len(names) != 1 else "1 host"
    changes_told = f"{len(wanted)} changes" if len(wanted) != 1 else "1 change"
    guard = f", guarded for {guard_s:.0f} s" if guard_s else ""
    doing = "undoing" if campaign.verb is Verb.UNDO else "writing"
    context.progress.say(f"wave {place.number} of {place.of}: {doing} {changes_told} on {hosts}{guard}")
    health.before(names)
    changes = []
    for change in write(wanted, guard_s):
        context.ledger.record_changes(campaign.id, [change])
        changes.append(change)
    chosen = [host for host in context.inventory.hosts if host.name in names]
    looked = look_and_record(context, campaign, profile, phase="after", waivers=waivers, hosts=chosen)
    reached = {host.name for host in looked.hosts if host.unreachable is None}
    ill = health.after([name for name in names if name in reached])
    failed = set(failed_hosts(changes, looked.hosts)) | set(ill)
    if guard_s:
        ends = end_guards(context, campaign.id, names, reached=reached, guard_s=guard_s, unwell=ill)
        bad = {host for host, end in ends.items() if not end.is_good}
        if bad:
            context.ledger.record_changes(campaign.id, put_back(changes, ends, context, of_undo=doing == "undoing"))
            again = [host for host in chosen if host.name in bad]
            look_and_record(context, campaign, profile, phase="after", waivers=waivers, hosts=again)
        failed |= bad
        ill = {host: why for host, why in ill.items() if host not in bad}
    context.ledger.record_changes(campaign.id, unwell(changes, ill, context))
    return tuple(sorted(failed))


def _leave(context: Context, campaign: Campaign, wanted: Sequence[Piece], reason: str) -> None:
    context.progress.say(reason)
    context.progress.say(f"what is left goes on with: hardening resume {campaign.id}")
    context.ledger.record_step(campaign.id, "stopped", {"reason": reason, "items": len(wanted)})
    context.ledger.record_changes(campaign.id, [not_written(context, item, reason) for item in wanted])
