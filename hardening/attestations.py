"""What people attested of controls that only a person can look at: which attestation counts for a finding. Pure."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from hardening.errors import AskedWrongly
from hardening.model import Attestation, Control, Status, Target
from hardening.yaml_lines import did_you_mean

LONGEST_DAYS = 366


def attestation_for(
    attestations: Sequence[Attestation], control_id: str, target: Target, groups: Iterable[str]
) -> Attestation | None:
    """Return the newest attestation of a control on a target, if any; `attestations` are oldest first.

    The newest word counts, also where it has ended and an older one has not.
    """
    names = [target.host, target.name, *groups]
    for attestation in reversed(attestations):
        if attestation.control_id == control_id and any(
            fnmatch.fnmatchcase(name, pattern) for name in names for pattern in attestation.hosts
        ):
            return attestation
    return None


def wrong_with(attestation: Attestation, controls: Mapping[str, Control], *, today: date) -> str | None:
    """Say why an attestation must not be recorded, or None."""
    control = controls.get(attestation.control_id)
    if control is None:
        return f"{attestation.control_id} is not a control{did_you_mean(attestation.control_id, controls)}"
    if control.manual is None:
        return f"{control.id} is looked at by the suite itself; an accepted gap is a waiver, not an attestation"
    if attestation.verdict not in (Status.PASS, Status.FAIL):
        return f"{attestation.verdict} is no verdict of a person; write pass or fail"
    for what, said in (("who attests", attestation.by), ("what was seen", attestation.seen)):
        if not said.strip():
            return f"{what} is missing"
    if not attestation.hosts or not all(name.strip() for name in attestation.hosts):
        return "no host is named"
    if attestation.seen_on > today:
        return f"seen on {attestation.seen_on}: that day has not come"
    if attestation.expires_on < today:
        return f"expires {attestation.expires_on}: that day has passed"
    if (attestation.expires_on - attestation.seen_on).days > LONGEST_DAYS:
        return f"expires {attestation.expires_on}: more than a year after it was seen"
    return None


def day_of(text: str, *, what: str) -> date:
    """Return the day that a user wrote. Raises AskedWrongly."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise AskedWrongly(f"{what} {text!r}: a day is written like 2027-03-31") from None


def verdict_of(text: str) -> Status:
    """Return the verdict that a user wrote, in English or Chinese. Raises AskedWrongly."""
    words = {"pass": Status.PASS, "fail": Status.FAIL, "符合": Status.PASS, "不符合": Status.FAIL}
    found = words.get(text.strip().lower())
    if found is None:
        raise AskedWrongly(f"verdict {text!r}: write pass or fail (符合, 不符合)")
    return found
