"""How far a campaign has come, read from its journal alone: what `status` shows of one that runs elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hardening.approval import approval_in
from hardening.evidence import evidence_of
from hardening.holders import HOLDS, LETS_GO, held_by
from hardening.holding import LEASES
from hardening.ledger import Ledger, Step
from hardening.model import Approval, Campaign, Json, Verb
from hardening.stopping import PAUSE, stop_asked
from hardening.waves import left_open


@dataclass(frozen=True, kw_only=True)
class Course:
    """Where a campaign stands. `state` is a sentence; `runs` is None where that cannot be seen from here.

    Of the hosts with something to write, `done` and `failed` had their wave, `now` are in the one that runs, and
    `waiting` come after; `refused` may not be written, with the reason.
    """

    campaign: Campaign
    state: str
    runs: bool | None
    wave: tuple[int, int] | None
    now: tuple[str, ...]
    done: tuple[str, ...]
    failed: tuple[str, ...]
    waiting: tuple[str, ...]
    refused: Mapping[str, str]
    holds: tuple[str, ...]
    stop: str | None
    approval: Approval | None
    last_step_at: datetime | None

    @property
    def stops(self) -> str:
        """Return what becomes of it since somebody asked it to stop; empty where nobody did."""
        return _stops(self.stop, self.wave)

    @property
    def has_ended(self) -> bool:
        """True when nothing will change any more unless somebody resumes it."""
        return self.runs is False

    def as_json(self) -> dict[str, Json]:
        """Return plain values."""
        return {
            "state": self.state,
            "runs": self.runs,
            "wave": None if self.wave is None else {"number": self.wave[0], "of": self.wave[1]},
            "now": [*self.now],
            "done": [*self.done],
            "failed": [*self.failed],
            "waiting": [*self.waiting],
            "refused": dict(self.refused),
            "holds": [*self.holds],
            "stop": self.stop,
            "last_step_at": None if self.last_step_at is None else self.last_step_at.isoformat(),
        }


def course_of(ledger: Ledger, campaign_id: str) -> Course:
    """Return where a campaign of the ledger stands."""
    campaign = ledger.campaign(campaign_id)
    # An approval may follow the end of a plan; only what changes hosts goes on after an end.
    may_go_on = campaign.finished_at is None or campaign.verb in (Verb.APPLY, Verb.UNDO)
    goes_on = may_go_on and campaign_id in {each.id for each in ledger.going_on()}
    seen = course(campaign, ledger.steps(campaign_id), goes_on=goes_on)
    if goes_on or campaign.finished_at is None or campaign.verb not in (Verb.APPLY, Verb.UNDO):
        return seen
    # What a resume learnt from hosts had no wave of its own, and a stop may leave one change of a host that had its.
    left = {change.target.host for change in evidence_of(ledger, campaign_id).changes if left_open(change)}
    hosts = [name for name in (*seen.done, *seen.now, *seen.waiting) if name not in seen.refused]
    return dataclasses.replace(
        seen,
        state=seen.state + (f"; what is left goes on with: hardening resume {campaign_id}" if left else ""),
        now=(),
        done=tuple(name for name in hosts if name not in left),
        waiting=tuple(name for name in hosts if name in left),
    )


def course(campaign: Campaign, steps: Sequence[Step], *, goes_on: bool) -> Course:
    """Return where a campaign stands by its journal; `goes_on` tells that its record does not end with an end."""
    written: dict[str, None] = {}
    now: list[str] = []
    done: dict[str, None] = {}
    failed: dict[str, None] = {}
    refused: dict[str, str] = {}
    wave: tuple[int, int] | None = None
    pause: datetime | None = None
    for step in steps:
        said: Mapping[str, Any] = step.payload if isinstance(step.payload, dict) else {}
        if step.step == HOLDS:
            now, wave, pause = [], None, None  # A resume has waves of its own.
        elif step.step == PAUSE:
            pause = step.taken_at + timedelta(seconds=float(said["seconds"]))
        elif step.step in ("write", "restore"):
            written = dict.fromkeys(str(target).partition("/")[0] for target, _ in said.get("items", ()))
        elif step.step == LEASES:
            refused = {str(name): str(why) for name, why in said.get("refused", {}).items()}
        elif step.step == "wave":
            now, wave = [str(name) for name in said.get("hosts", ())], (int(said["number"]), int(said["of"]))
            pause = None
        elif step.step == "wave done":
            bad = [str(name) for name in said.get("failed", ())]
            for name in now:
                failed.pop(name, None)
                done.pop(name, None)
            failed |= dict.fromkeys(bad)
            done |= dict.fromkeys(name for name in now if name not in bad)
            now = []
    held = held_by(campaign.id, steps)
    runs = next((holder.runs for holder in held.values()), None)
    doing = f"pauses until {pause:%H:%M:%S} {pause:%Z}" if pause is not None else "runs"
    if not held and steps and steps[-1].step == LETS_GO:
        doing = f"gave its hosts back, and its end is not recorded; if that stays so: hardening resume {campaign.id}"
    return Course(
        campaign=campaign,
        state=_state(campaign, doing, goes_on=goes_on, runs=runs, stops=_stops(stop_asked(steps), wave)),
        runs=runs if goes_on else False,
        wave=wave,
        now=tuple(now),
        done=tuple(done),
        failed=tuple(failed),
        waiting=tuple(name for name in written if name not in {*now, *done, *failed, *refused}),
        refused=refused,
        holds=tuple(held),
        stop=stop_asked(steps),
        approval=approval_in(campaign),
        last_step_at=steps[-1].taken_at if steps else None,
    )


def _stops(stop: str | None, wave: tuple[int, int] | None) -> str:
    if stop is None:
        return ""
    is_last = wave is not None and wave[0] == wave[1]
    return "ends with this wave, its last one" if is_last else "stops before its next wave"


def _state(campaign: Campaign, doing: str, *, goes_on: bool, runs: bool | None, stops: str) -> str:
    if not goes_on and campaign.finished_at is not None:
        return f"ended at {campaign.finished_at:%Y-%m-%d %H:%M:%S %Z} with exit code {campaign.exit_code}"
    if runs:
        return f"{doing}, and {stops}" if stops else doing
    if runs is None and doing != "runs":
        return doing
    if runs is None:
        return "has not ended; whether it still runs cannot be seen from here"
    return f"never ended, and its process is gone: hardening resume {campaign.id}"
