"""Ending the guards of a campaign: a run of its own, thus a new connection, login and sudo on every host."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from typing import Any

from hardening.ansible import sentences
from hardening.ansible.room import guard_plays
from hardening.ansible.run import conversation, how_it_ended
from hardening.ansible.values import GuardOutcome, GuardRun
from hardening.errors import AskedWrongly

OUTCOMES = ("confirmed", "reverted", "revert_failed", "none", "refused", "armed", "reverting")


def run_guard(run: GuardRun) -> Generator[GuardOutcome, None, None]:
    """Confirm, revert or ask the guards and yield exactly one outcome per host, as it comes; no answer is `lost`."""
    if not run.hosts:
        raise AskedWrongly("there is no guard to ask: no host was named")
    plays, variables = guard_plays(run)
    waiting = dict.fromkeys(run.hosts)
    ended: Mapping[str, Any] | None = None
    complaint, tasks = "", 0
    for message in conversation(run, plays, variables):
        if message["type"] == "end":
            ended = message
        elif message["type"] == "complaint":
            complaint = message["text"]
        elif message["type"] == "task":
            tasks += 1
        elif str(message["host"]) in waiting:
            outcome = _outcome(message)
            del waiting[outcome.host]
            yield outcome
    cut_short, _ = how_it_ended(run, ended, complaint, tasks=tasks)
    for host in waiting:
        yield _lost(host, cut_short or "Ansible did not run on this host; is it in the inventory?")


def _outcome(message: Mapping[str, Any]) -> GuardOutcome:
    host = str(message["host"])
    result = message["result"] if isinstance(message["result"], dict) else {}
    if message["type"] == "runner_on_unreachable":
        return _lost(host, sentences.unreachable(result))
    said = _told(host, result.get("guard")) if message["type"] != "runner_on_failed" else None
    return said or _lost(host, sentences.module_failed(result))


def guard_outcome(host: str, text: str) -> GuardOutcome | None:
    """Return what a guard's own program printed; None where that is no answer."""
    try:
        return _told(host, json.loads(text))
    except ValueError:
        return None


def _told(host: str, said: Any) -> GuardOutcome | None:
    if not isinstance(said, dict) or said.get("outcome") not in OUTCOMES:
        return None
    return GuardOutcome(
        host=host,
        outcome=str(said["outcome"]),
        details=tuple(map(str, said.get("details") or ())),
        at=str(said["at"]) if said.get("at") else None,
        unguarded=tuple(map(str, said.get("unguarded") or ())),
    )


def _lost(host: str, sentence: str) -> GuardOutcome:
    return GuardOutcome(host=host, outcome="lost", details=(sentence,))
