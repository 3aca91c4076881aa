"""The only place that makes verdicts: an observation and a requirement in, a finding out. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction

from hardening.model import Attestation, Finding, Json, Look, Observation, Requirement, Status, WaiverUse

NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?(e[+-]?[0-9]{1,2})?", re.IGNORECASE | re.ASCII)


class CannotJudge(Exception):
    """What was seen cannot be compared with what is wanted: an ERROR, never a pass or a fail."""


def judge(
    requirement: Requirement,
    observation: Observation,
    waiver: WaiverUse | None = None,
    *,
    expired: WaiverUse | None = None,
    attestation: Attestation | None = None,
) -> Finding:
    """Judge one observation. A waiver turns a FAIL into WAIVED and nothing else; the real verdict stays inside.

    One that has `expired` does nothing but be told with the FAIL. An attestation decides where only a person can look,
    as long as it had not ended when the look was taken.
    """
    verdict, reason = _verdict(requirement, observation)
    if verdict is not Status.MANUAL:
        attestation = None
    if attestation is not None:
        verdict, reason = _attested(attestation, observation, reason)
    waived = waiver is not None and verdict is Status.FAIL
    ended = expired if verdict is Status.FAIL and not waived else None
    if ended is not None:
        reason = f"{reason}; waiver expired on {ended.expires_on.isoformat()} ({ended.ticket})"
    return Finding(
        observation=observation,
        requirement=requirement,
        verdict=verdict,
        status=Status.WAIVED if waived else verdict,
        reason=reason,
        waiver=waiver if waived else None,
        expired=ended,
        attestation=attestation,
    )


def satisfies(want: Json, seen: Json) -> bool:
    """Tell whether one seen value is what is wanted. Raises CannotJudge when the two cannot be compared."""
    if not isinstance(want, dict):
        return text(want) == text(seen)
    return all(MATCHERS[name](bound, seen) for name, bound in want.items())


def sentence(want: Json) -> str:
    """Say in words what is wanted, for reports: `at most 4`, `one of: no, prohibit-password`."""
    if not isinstance(want, dict):
        return text(want)
    return " and ".join(f"{name.replace('_', ' ')}{_said(bound)}" for name, bound in matchers(want))


def matchers(want: Mapping[str, Json]) -> list[tuple[str, Json]]:
    """Return matchers in the order in which they are told, wherever they come from: files keep theirs, ledgers sort."""
    return sorted(want.items(), key=lambda item: (item[0] not in ("present", "absent"), item[0]))


def text(value: Json) -> str:
    """Write a value as a user reads it: booleans lower case, lists with commas, an unset value as `(not set)`."""
    if value is None:
        return "(not set)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(text(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={text(item)}" for key, item in sorted(value.items()))
    return str(value)


def _attested(attestation: Attestation, observation: Observation, manual: str) -> tuple[Status, str]:
    if observation.taken_at.date() > attestation.expires_on:
        ended = f"the attestation by {attestation.by} of {attestation.seen_on} ended on {attestation.expires_on}"
        return Status.MANUAL, f"{manual}; {ended}"
    span = f"attested by {attestation.by} on {attestation.seen_on}, until {attestation.expires_on}"
    return attestation.verdict, f"{span}: {attestation.seen}"


def _verdict(requirement: Requirement, observation: Observation) -> tuple[Status, str]:
    because = observation.reason or "no reason was recorded"
    match observation.look:
        case Look.UNREACHABLE:
            return Status.UNREACHABLE, because
        case Look.CANNOT_LOOK:
            return Status.ERROR, because
        case Look.NOT_APPLICABLE:
            return Status.NOT_APPLICABLE, because
        case Look.MANUAL:
            return Status.MANUAL, because
    if not observation.seen:
        return Status.ERROR, "the check saw nothing"
    want = requirement.control.want
    failed = []
    for truth, value in observation.seen.items():
        try:
            if not satisfies(want, value):
                failed.append((truth, value))
        except CannotJudge as problem:
            return Status.ERROR, f"{problem}; wanted: {sentence(want)}"
    if failed:
        saw = "; ".join(_said_of(truth, value) for truth, value in failed)
        pending = len(observation.seen) > 1 and all(truth == "running" for truth, _ in failed)
        after = " (right on disk, restart or reload pending)" if pending else ""
        return Status.FAIL, f"wanted {sentence(want)}, saw {saw}{after}"
    return Status.PASS, f"saw {'; '.join(text(value) for value in _distinct(observation.seen))}"


def _said_of(truth: str, value: Json) -> str:
    return text(value) if truth == "value" else f"{truth.replace('_', ' ')}: {text(value)}"


def _distinct(seen: Mapping[str, Json]) -> list[Json]:
    values: list[Json] = []
    for value in seen.values():
        if value not in values:
            values.append(value)
    return values


def _said(bound: Json) -> str:
    if bound is True:
        return ""
    if isinstance(bound, dict):
        return f" {sentence(bound)}"
    if isinstance(bound, list):
        return f": {text(bound) or 'nothing'}"
    return f" {text(bound)}"


def _number(value: Json) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise CannotJudge(f"saw {text(value)!r} where a number is needed")
    written = str(value).strip()
    # Fraction takes more than numbers: 1/0, and 1e999999999, which a hostile host would have us work out.
    if not NUMBER.fullmatch(written):
        raise CannotJudge(f"saw {text(value)[:100]!r} where a number is needed")
    return Fraction(written)


def _items(value: Json) -> set[str]:
    if value is None:
        return set()
    if isinstance(value, list):
        return {text(item) for item in value}
    if isinstance(value, dict):
        return set(value)
    return {item for item in re.split(r"[,\s]+", text(value)) if item}


def _mode(value: Json) -> int:
    try:
        return int(text(value), 8)
    except ValueError:
        raise CannotJudge(f"saw {text(value)!r} where an octal mode is needed") from None


def _each(want: Json, seen: Json) -> bool:
    if isinstance(seen, dict):
        return all(satisfies(want, item) for item in seen.values())
    if isinstance(seen, list):
        return all(satisfies(want, item) for item in seen)
    raise CannotJudge(f"saw {text(seen)!r} where a list is needed")


def _is_absent(seen: Json) -> bool:
    return seen is None or seen in ("", [], {})


MATCHERS: Mapping[str, Callable[[Json, Json], bool]] = {
    "equals": lambda bound, seen: text(bound) == text(seen),
    "at_most": lambda bound, seen: seen is not None and _number(seen) <= _number(bound),
    "at_least": lambda bound, seen: seen is not None and _number(seen) >= _number(bound),
    "one_of": lambda bound, seen: text(seen) in _items_exact(bound),
    "subset_of": lambda bound, seen: seen is not None and _items(seen) <= _items(bound),
    "superset_of": lambda bound, seen: _items(seen) >= _items(bound),
    "disjoint_from": lambda bound, seen: seen is not None and not _items(seen) & _items(bound),
    "absent": lambda bound, seen: _is_absent(seen) is bool(bound),
    "present": lambda bound, seen: _is_absent(seen) is not bool(bound),
    "matches": lambda bound, seen: seen is not None and re.search(text(bound), text(seen)) is not None,
    "not_matches": lambda bound, seen: seen is not None and re.search(text(bound), text(seen)) is None,
    "mode_at_most": lambda bound, seen: seen is not None and _mode(seen) & ~_mode(bound) == 0,
    "each": _each,
}


def _items_exact(bound: Json) -> set[str]:
    return {text(item) for item in bound} if isinstance(bound, list) else {text(bound)}
