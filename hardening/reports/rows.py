"""Everything known of one control on one target, side by side: the look before, the change, the look after. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hardening.model import Change, Evidence, Finding, Requirement


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A finding with the finding that preceded the change and the last change made to it, where there are such."""

    finding: Finding
    before: Finding | None
    change: Change | None


def rows(evidence: Evidence) -> list[Row]:
    """Return one row per finding, by target and control."""
    before = {finding.key: finding for finding in evidence.before}
    changes = {(change.target.name, change.control_id): change for change in evidence.changes}
    return [
        Row(finding=finding, before=before.get(finding.key), change=changes.get(finding.key))
        for finding in sorted(evidence.findings, key=lambda finding: finding.key)
    ]


def requirements(evidence: Evidence) -> list[Requirement]:
    """Return every requirement that the profile or a finding speaks of, each once, by control id."""
    found = {requirement.control.id: requirement for requirement in evidence.profile.requirements}
    for finding in evidence.findings:
        found.setdefault(finding.requirement.control.id, finding.requirement)
    return [found[control_id] for control_id in sorted(found)]


def source_file(requirement: Requirement) -> str:
    """Return where a control is written down, from `baselines/` on: the rest is a path of one machine."""
    path = requirement.control.source.file.replace("\\", "/")
    at = path.rfind("baselines/")
    return path[at:] if at >= 0 else path.rpartition("/")[2]


def of_targets(found: Iterable[Row]) -> dict[str, list[Row]]:
    """Return the rows of every target, by its name."""
    groups: dict[str, list[Row]] = {}
    for row in found:
        groups.setdefault(row.finding.observation.target.name, []).append(row)
    return groups
