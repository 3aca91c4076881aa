"""In which waves hosts are changed, and when that must stop. Pure.

Ansible's own `serial` and `max_fail_percentage` do not count hosts that were never reached; here every planned host
counts, whatever became of it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from hardening.errors import AskedWrongly
from hardening.model import Change, ChangeState, HostSeen, Json

# How a change begins that a stop left out; a resume goes on with those.
STOPPED = "stopped: "
# How the reason begins why an undo refuses a control: somebody changed it since, and only --force goes over that.
CHANGED_SINCE = "changed since: "
# How a change begins that is not made on a host that is not the planned one; only a new plan goes on with those.
REFUSED = "refused: "
# Such a host is no failure: the machine is changed, once, under its other name.
SAME_MACHINE = f"{REFUSED}it is the same machine as "
# How the reason of a change begins that was made, and after which the host failed a health check it had passed.
UNWELL = "unwell since: "
# How the reason of a change begins of which a host put back by itself what it could, and no more.
IN_PART = "put back in part: "
# A host is in trouble when more of its changes failed; single ones are refused and put back for reasons of their own.
TOLERATED_SHARE = 0.1


@dataclass(frozen=True, kw_only=True)
class WaveRules:
    """How waves grow and when they stop.

    The first wave has `canary` hosts (0: all waves are of the largest size), each next one is `growth` times as large,
    up to `largest`. The campaign stops before the next wave once more than `max_failed` of all planned hosts failed.
    Where a change could lock out, hosts put themselves back `guard_s` seconds later unless a new login confirms; 0 is
    no guard. `pause_s` lies between two waves. With a `window` no wave starts that cannot be expected to end inside it.
    """

    canary: int = 1
    growth: int = 4
    largest: int = 50
    max_failed: int = 0
    pause_s: float = 0.0
    guard_s: float = 600.0
    window: Window | None = None

    def as_json(self) -> dict[str, Json]:
        """Return plain values, for a campaign's options."""
        return {**dataclasses.asdict(self), "window": None if self.window is None else str(self.window)}

    @classmethod
    def from_json(cls, stored: Json) -> WaveRules:
        """Return the rules that a campaign was begun with."""
        values: dict[str, Any] = dict(stored) if isinstance(stored, dict) else {}
        window = values.pop("window", None)
        return cls(**values, window=None if window is None else Window.parse(window))


@dataclass(frozen=True, kw_only=True)
class Window:
    """A daily span of local time, perhaps over midnight."""

    begins: time
    ends: time

    @classmethod
    def parse(cls, text: str) -> Window:
        """Read `22:00-04:00`."""
        found = re.fullmatch(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})", text.strip())
        try:
            if found is None:
                raise ValueError
            numbers = [int(part) for part in found.groups()]
            window = cls(begins=time(numbers[0], numbers[1]), ends=time(numbers[2], numbers[3]))
        except ValueError:
            raise AskedWrongly(f"{text}: a maintenance window is written like 22:00-04:00") from None
        if window.begins == window.ends:
            raise AskedWrongly(f"{text}: this maintenance window begins when it ends")
        return window

    def left_s(self, now: datetime) -> float:
        """Return how many seconds of the window are left; 0 outside of it. `now` without a zone is this machine's."""
        for days in (0, -1):
            begins = datetime.combine(now.date() + timedelta(days=days), self.begins, now.tzinfo)
            ends = datetime.combine(begins.date(), self.ends, now.tzinfo)
            if ends <= begins:
                ends += timedelta(days=1)
            # As moments: in a night in which the clocks change, the clock on the wall counts an hour wrongly.
            if begins.timestamp() <= now.timestamp() < ends.timestamp():
                return ends.timestamp() - now.timestamp()
        return 0.0

    def __str__(self) -> str:
        return f"{self.begins:%H:%M}-{self.ends:%H:%M}"


def on_the_wall(moment: datetime) -> datetime:
    """Return a moment as this machine's clock shows it; without a zone, as one of a fixed offset knows no summer."""
    return datetime.fromtimestamp(moment.timestamp())


def waves_of(hosts: Sequence[str], rules: WaveRules, apart: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    """Return the hosts in waves, in their order; two with the same word in `apart` are never in one wave.

    `apart` maps a host to what it shares with others: a primary and its replica, the members of a pool.
    """
    waiting = list(hosts)
    size = rules.canary or rules.largest
    waves = []
    while waiting:
        wave: list[str] = []
        taken: set[str] = set()
        for host in waiting:
            word = apart.get(host)
            if len(wave) < min(size, rules.largest) and (word is None or word not in taken):
                wave.append(host)
                taken |= {word} if word is not None else set()
        waves.append(tuple(wave))
        waiting = [host for host in waiting if host not in wave]
        size *= rules.growth
    return tuple(waves)


def left_open(change: Change) -> bool:
    """Tell whether this is still to be done: nothing was heard of it, or a stop came before its turn."""
    return change.state is ChangeState.NOT_REPORTED or (change.reason or "").startswith(STOPPED)


def failed_before(
    unseen: Iterable[str], refused: Mapping[str, str], *, skipped: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the planned hosts that failed before the first wave: not seen, or refused with a reason.

    Those that somebody skipped have not, nor has a second name of a machine.
    """
    wrong = {name for name, reason in refused.items() if not reason.startswith(SAME_MACHINE)}
    return tuple(sorted(({*unseen} | wrong) - {*skipped}))


def failed_hosts(changes: Iterable[Change], seen: Iterable[HostSeen]) -> tuple[str, ...]:
    """Return the hosts of a wave that failed.

    Those that did not answer afterwards, that did not report a change, or on which more than a tenth of the changes
    failed. What an undo refuses because somebody changed it since is no failure of the host.
    """
    failed = {host.name for host in seen if host.unreachable is not None}
    of_host: dict[str, list[ChangeState]] = {}
    for change in changes:
        if not (change.reason or "").startswith(CHANGED_SINCE):
            of_host.setdefault(change.target.host, []).append(change.state)
    for name, states in of_host.items():
        share = states.count(ChangeState.FAILED) / len(states)
        if ChangeState.NOT_REPORTED in states or share > TOLERATED_SHARE:
            failed.add(name)
    return tuple(sorted(failed))


def reason_to_stop(rules: WaveRules, failed: Sequence[str], *, now: datetime, longest_wave_s: float) -> str | None:
    """Say why the next wave must not start, or None."""
    if len(failed) > rules.max_failed:
        names = ", ".join(failed[:5]) + (f" and {len(failed) - 5} more" if len(failed) > 5 else "")
        allowed = f"{rules.max_failed} may fail" if rules.max_failed else "none may fail"
        return f"{STOPPED}{len(failed)} of the planned hosts failed ({names}), and {allowed} (--max-failed)"
    if rules.window is not None:
        left_s = rules.window.left_s(now)
        if left_s <= 0:
            return f"{STOPPED}outside the maintenance window {rules.window}"
        if left_s < longest_wave_s:
            return (
                f"{STOPPED}{left_s:.0f} s are left of the maintenance window {rules.window}, and the next wave may "
                f"take {longest_wave_s:.0f} s (as long as the longest so far, or its guard and a minute)"
            )
    return None
