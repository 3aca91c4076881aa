"""Accepted exceptions: a waiver file beside the inventory in; which hold today, have ended, or cover nothing."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hardening.errors import BadFiles
from hardening.model import Finding, Source, Status, Target, WaiverUse
from hardening.yaml_lines import did_you_mean, read_yaml

# Nothing is accepted for longer than a year unless the workspace says so.
LONGEST_DAYS = 366


class WaiverBody(BaseModel):
    """One waiver as the file writes it. `expires` is mandatory: nothing is accepted for ever."""

    model_config = ConfigDict(extra="forbid")

    control: str
    hosts: list[str] = Field(min_length=1)
    owner: str = Field(min_length=1)
    reason: str = Field(min_length=3)
    compensating: str = Field(min_length=3)
    ticket: str = Field(min_length=1)
    approver: str | None = Field(default=None, min_length=1)
    expires: date


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """A waiver: which control on which hosts (names or groups, `*` allowed), and what a report says of it."""

    control_id: str
    hosts: tuple[str, ...]
    use: WaiverUse
    source: Source

    def matches(self, control_id: str, target: Target, groups: Iterable[str]) -> bool:
        """Tell whether the waiver is about this control on this target, whether it holds or has ended."""
        names = [target.host, target.name, *groups]
        return self.control_id == control_id and any(
            fnmatch.fnmatchcase(name, pattern) for name in names for pattern in self.hosts
        )

    def covers(self, control_id: str, target: Target, groups: Iterable[str], today: date) -> bool:
        """Tell whether the waiver holds for this control on this target today; an expired one never does."""
        return today <= self.use.expires_on and self.matches(control_id, target, groups)

    def __str__(self) -> str:
        return f"{self.source.file}:{self.source.line}: the waiver of {self.control_id} for {', '.join(self.hosts)}"


def load_waivers(
    path: Path,
    *,
    controls: Iterable[str],
    today: date,
    longest_days: int = LONGEST_DAYS,
    approver_needed: bool = False,
) -> tuple[Waiver, ...]:
    """Read a waiver file: `waivers:` holds a list. Raises BadFiles with every problem at its line.

    None may end more than `longest_days` ahead; with `approver_needed` each says who approved it.
    """
    file = read_yaml(path)
    known = set(controls)
    found: list[Waiver] = []
    entries = file.value.get("waivers", []) if isinstance(file.value, dict) else None
    if not file.problems and not isinstance(entries, list):
        file.complain("must be a mapping with the list `waivers`")
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        place = ("waivers", index)
        try:
            body = WaiverBody.model_validate(entry)
        except ValidationError as problem:
            for error in problem.errors():
                inner = ".".join(str(part) for part in error["loc"])
                file.complain(f"{inner}: {error['msg']}", (*place, *error["loc"]))
            continue
        if body.control not in known:
            file.complain(f"{body.control} is not a control{did_you_mean(body.control, known)}", (*place, "control"))
        if (body.expires - today).days > longest_days:
            longest = "a year" if longest_days == LONGEST_DAYS else f"{longest_days} days"
            file.complain(f"expires {body.expires} is more than {longest} ahead", (*place, "expires"))
        if approver_needed and body.approver is None:
            file.complain("approver is missing: this workspace wants one for every waiver", place)
        use = WaiverUse(
            owner=body.owner,
            reason=body.reason,
            compensating=body.compensating,
            ticket=body.ticket,
            expires_on=body.expires,
            approver=body.approver or "",
        )
        source = Source(file=file.name, line=file.line(place) or 0)
        found.append(Waiver(control_id=body.control, hosts=tuple(body.hosts), use=use, source=source))
    if file.problems:
        raise BadFiles(file.problems)
    return tuple(found)


def waiver_for(
    waivers: Sequence[Waiver], control_id: str, target: Target, groups: Iterable[str], today: date
) -> WaiverUse | None:
    """Return the waiver that covers a control on a target today, if any."""
    names = tuple(groups)
    return next((waiver.use for waiver in waivers if waiver.covers(control_id, target, names, today)), None)


def expired_for(
    waivers: Sequence[Waiver], control_id: str, target: Target, groups: Iterable[str], today: date
) -> WaiverUse | None:
    """Return the waiver that covered a control on a target and ended last, if any did."""
    names = tuple(groups)
    ended = [each.use for each in waivers if each.use.expires_on < today and each.matches(control_id, target, names)]
    return max(ended, key=lambda use: use.expires_on, default=None)


def unused(
    waivers: Sequence[Waiver], findings: Iterable[Finding], groups: Mapping[str, Iterable[str]], today: date
) -> tuple[str, ...]:
    """Say which waivers that still hold cover nothing of a look at a whole fleet, and why; `groups` are those of hosts.

    Of controls that were not looked at nothing is said.
    """
    looked: dict[str, list[Finding]] = {}
    for finding in findings:
        looked.setdefault(finding.observation.control_id, []).append(finding)
    said = []
    for waiver in waivers:
        of_control = looked.get(waiver.control_id)
        if of_control is None or waiver.use.expires_on < today:
            continue
        matched = [
            finding
            for finding in of_control
            if waiver.matches(
                waiver.control_id, finding.observation.target, groups.get(finding.observation.target.host, ())
            )
        ]
        if not matched:
            said.append(f"{waiver} matches no host that was looked at")
        elif all(finding.verdict in (Status.PASS, Status.NOT_APPLICABLE) for finding in matched):
            said.append(f"{waiver} covers no gap any more")
    return tuple(said)
