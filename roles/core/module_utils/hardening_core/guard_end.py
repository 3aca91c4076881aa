"""How the guard of a campaign ends: confirmed over a new login, put back by the host, or put back because asked to."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Dict, List, Optional

from .errors import CannotApply
from .guard_place import GuardPlace, process_began, uptime_line
from .host import Host
from .leftovers import sweep
from .overlay import Present
from .store import flush_directory

REVERT_LIMIT_S = 1800
LOGIN_PROGRAMS = ("sshd", "dropbear")
Answer = Dict[str, Any]


def confirm(host: Host, campaign: str, *, by_login: bool = True) -> Answer:
    """Keep the changes: `confirmed`, or `reverted`, `revert_failed`, `none`, `refused` with the reason.

    Refused, and the guard left armed, where the login is older than the last write or a change is not in force.
    Without `by_login` nobody logs in to this host: the controller runs on it, and an older login above it is its own.
    """
    place = GuardPlace(host, campaign)
    state = place.state
    if state == "armed":
        reasons = [*unfinished(place), *(old_login(place) if by_login else []), *not_in_force(place)]
        if reasons:
            return answer("refused", reasons)
        place.end("confirmed")
    else:
        place.end_what_began()
    said = ended(place)
    if said["outcome"] == "confirmed":
        sweep(host, set())
    return said


def main(campaign: str, *, by_login: bool = True) -> None:
    """Confirm over the login that this runs in, and print the answer as one line of JSON."""
    try:
        said = confirm(Host(), campaign, by_login=by_login)
    except (CannotApply, OSError) as error:
        raise SystemExit(str(error)) from None
    sys.stdout.write(json.dumps(said) + "\n")


def revert(host: Host, campaign: str) -> Answer:
    """Put the host back now; what failed before is tried again."""
    place = GuardPlace(host, campaign)
    if place.state == "revert_failed":
        os.rename(place.at("outcome"), place.at("earlier-outcome"))
        flush_directory(place.path)
    if place.state in ("armed", "firing"):
        # A process group of its own: what it does may well end the connection that asked for it.
        host.run(["setsid", "--wait", "sh", place.at("revert.sh")], timeout_s=REVERT_LIMIT_S)
    return ended(place)


def status(host: Host, campaign: str) -> Answer:
    """Tell how it stands, and change nothing; `armed` and `reverting` are answers beside those of `confirm`."""
    place = GuardPlace(host, campaign)
    state = place.state
    if state in ("armed", "firing", "confirming"):
        ending = "confirmed" if state == "confirming" and place.ending == "confirmed" else "none"
        said = {"armed": "armed", "firing": "reverting"}.get(state, ending)
        # One that is ending may be half removed.
        records = place.records() if state != "confirming" else []
        unguarded = sorted({name for record in records for name in record["unguarded"]})
        return answer(said, unguarded=unguarded)
    return ended(place, keep=True)


def ended(place: GuardPlace, *, keep: bool = False) -> Answer:
    """Return how a guard ended, from its own words or, once it is cleared, from the journal; clear it where it may."""
    state = place.state
    if state in ("firing", "confirming", "armed"):
        return answer("refused", ["the host is being put back at this moment; ask again"])
    outcome = place.outcome
    if outcome:
        at, details = outcome[1], outcome[2:]
        # What could not be put back needs the copies; whoever settled it by hand removes the directory.
        if state == "revert_failed":
            details.append("note: everything needed is kept in " + place.path)
        elif not keep:
            place.clear()
        return answer(state, details, at=at)
    noted = place.noted()
    if noted and noted["outcome"] in ("confirmed", "reverted", "revert_failed"):
        return answer(noted["outcome"], [noted["detail"]] if noted["detail"] else [], at=noted["at"])
    return answer("none")


def answer(outcome: str, details: Optional[List[str]] = None, **more: Any) -> Answer:
    """Return what the module says."""
    return dict({"outcome": outcome, "details": list(details or []), "at": None, "unguarded": []}, **more)


def unfinished(place: GuardPlace) -> List[str]:
    """Return a reason where a run of the campaign never came to its end."""
    if os.path.exists(place.at("written")) and not os.path.exists(place.at("writer")):
        return []
    return ["a run of this campaign was ended while it wrote; resume the campaign or revert it"]


def old_login(place: GuardPlace) -> List[str]:
    """Return a reason where the connection that we came over stood before the last write: it proves no new login."""
    try:
        with open(place.at("written"), encoding="ascii") as file:
            boot, written_s = file.read().split()
    except FileNotFoundError:
        return []
    began = login_began_s()
    if began is None or boot != uptime_line().split()[0] or began > float(written_s):
        return []
    return ["this came over a connection from before the change; a confirmation needs a new login"]


def login_began_s() -> Optional[float]:
    """Return when the login that we run in began, in seconds since the start; None where none of sshd's is above us."""
    pid = os.getppid()
    while pid > 1:
        try:
            with open("/proc/{}/stat".format(pid), encoding="utf-8", errors="replace") as file:
                before, _, after = file.read().rpartition(") ")
            if before.partition("(")[2].startswith(LOGIN_PROGRAMS):
                return int(process_began(pid)) / os.sysconf("SC_CLK_TCK")
            pid = int(after.split()[1])
        except (OSError, ValueError, IndexError):
            return None
    return None


def not_in_force(place: GuardPlace) -> List[str]:
    """Return what is not as the campaign left it; the last run that wrote a resource tells how that is."""
    left: Dict[Any, Any] = {}
    for record in place.records():
        for kind, name, state in record["after"]:
            left[(kind, name)] = state
    present = Present(place.host)
    reasons = []
    for (kind, name), state in sorted(left.items()):
        resource = present.resources[kind]
        try:
            seen = present.state((kind, name))
            if kind == "file" and seen["type"] == "file" and "sha256" in state:
                seen = present.with_content((kind, name))
            if not resource.holds(seen, state):
                reasons.append("{}:{} is not as it was left".format(kind, name))
        except CannotApply as error:
            reasons.append("{}:{} cannot be looked at: {}".format(kind, name, error))
    return reasons
