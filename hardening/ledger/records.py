"""What an entry can say, one class per kind of entry, and how each is written and read."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hardening.codec import DecodeError, decode, encode, json_bytes, json_value
from hardening.inspected import IncidentEvent, Installed, Reading, Run, Written
from hardening.ledger.payloads import Payload, ReadBlob, read_payload
from hardening.model import (
    Attestation,
    Campaign,
    Change,
    Finding,
    HostSeen,
    Import,
    Json,
    Observation,
    Probe,
    Profile,
    Requirement,
    Target,
)
from hardening.resource_model import AllocationStep, HostSampled, RolledUp

Requirements = Mapping[str, Requirement]
INTERNED_MAX_CHARS = 160


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A campaign begins, under a profile that is stored whole, for reports that outlive the catalogue."""

    campaign: Campaign
    profile: Profile


@dataclass(frozen=True, kw_only=True)
class HostMet:
    """What the preflight learned of one host."""

    phase: str
    host: HostSeen


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The findings of one look at one host."""

    phase: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class Stepped:
    """A step of the journal, written before it is taken."""

    step: str
    payload: Json


@dataclass(frozen=True, kw_only=True)
class Changed:
    """What applying or undoing did on one host."""

    changes: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A campaign ends."""

    exit_code: int
    finished_at: datetime


@dataclass(frozen=True, kw_only=True)
class Attested:
    """What a person attested, in one go. It stands for itself: it belongs to no campaign, and later looks honour it.

    `files` are the bytes of the attachments by digest; they are empty when read back.
    """

    attestations: tuple[Attestation, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Purged:
    """The tombstone of a campaign: what its entries said up to here is gone, and their digests stay in the chain."""

    by: str
    reason: str
    entries: int
    texts: int
    texts_shared: int


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What another tool said, as evidence beside a campaign's own."""

    imported: Import


@dataclass(frozen=True, kw_only=True)
class Inspecting:
    """An inspection begins, or (with its end in the run) ends. It stands for itself, under its own id."""

    run: Run


@dataclass(frozen=True, kw_only=True)
class HostInspected:
    """What an inspection read on one host."""

    host: str
    readings: tuple[Reading, ...]


@dataclass(frozen=True, kw_only=True)
class IncidentsNoted:
    """What happened to incidents, by one inspection or one act of a person."""

    events: tuple[IncidentEvent, ...]


@dataclass(frozen=True, kw_only=True)
class PlanInstalled:
    """A plan of inspections is to be kept from now on."""

    installed: Installed


@dataclass(frozen=True, kw_only=True)
class ReportWritten:
    """A periodic report was written."""

    written: Written


OfInspections = Inspecting | HostInspected | IncidentsNoted | PlanInstalled | ReportWritten
OfResources = HostSampled | RolledUp | AllocationStep
Record = (
    Begun | HostMet | Judged | Stepped | Changed | Finished | Attested | Purged | Imported | OfInspections | OfResources
)
# These stand for themselves: there need be no campaign of their id.
OF_NO_CAMPAIGN = (
    Attested,
    Purged,
    Inspecting,
    HostInspected,
    IncidentsNoted,
    PlanInstalled,
    ReportWritten,
    HostSampled,
    RolledUp,
    AllocationStep,
)
KINDS: Mapping[type[Record], str] = {
    Begun: "begin",
    HostMet: "host",
    Judged: "findings",
    Stepped: "step",
    Changed: "changes",
    Finished: "finish",
    Attested: "attest",
    Purged: "purge",
    Imported: "import",
    HostSampled: "sampled",
    RolledUp: "rolled_up",
    AllocationStep: "allocation",
    Inspecting: "inspection",
    HostInspected: "readings",
    IncidentsNoted: "incidents",
    PlanInstalled: "inspection plan",
    ReportWritten: "report",
}
_OF_INSPECTIONS: Mapping[str, type[OfInspections]] = {
    KINDS[kind]: kind for kind in (Inspecting, HostInspected, IncidentsNoted, PlanInstalled, ReportWritten)
}


def write_record(record: Record, *, known: Requirements) -> tuple[bytes, Mapping[str, bytes]]:
    """Return an entry's payload and the blobs it points at. `known` are the requirements of the campaign's profile."""
    payload = Payload()
    match record:
        case Begun():
            # As a text, so that the profile becomes one blob, which every campaign under it shares.
            profile = json_bytes(encode(record.profile)).decode("utf-8", "surrogatepass")
            written = payload.write_object(
                {"campaign": payload.write(encode(record.campaign)), "profile": payload.write(profile)}
            )
        case Judged():
            written = _write_judged(payload, record, known)
        case Changed():
            changes = [payload.write(encode(change)) for change in record.changes]
            written = payload.write_object({"changes": changes})
        case Attested():
            attested = [payload.write(encode(attestation)) for attestation in record.attestations]
            written = payload.write_object({"attestations": attested, "files": payload.write_files(record.files)})
        case HostSampled():
            written = payload.write(_sampled(record))
        case _:
            written = payload.write(encode(record))
    return written, payload.blobs


def read_record(kind: str, payload: bytes, read_blob: ReadBlob, *, known: Requirements) -> Record:
    """Return what an entry says. Raises DecodeError."""
    parts = read_payload(payload, read_blob)
    match kind:
        case "begin":
            profile = parts.get("profile")
            if not isinstance(profile, str):
                raise DecodeError("a campaign begins with a profile")
            return Begun(
                campaign=decode(Campaign, parts.get("campaign")),
                profile=decode(Profile, json_value(profile.encode("utf-8", "surrogatepass"))),
            )
        case "findings":
            return _read_judged(parts, known)
        case "changes":
            return Changed(changes=tuple(decode(Change, change) for change in _list(parts, "changes")))
        case "host":
            return decode(HostMet, parts)
        case "step":
            return decode(Stepped, parts)
        case "finish":
            return decode(Finished, parts)
        case "attest":
            return Attested(attestations=tuple(decode(Attestation, each) for each in _list(parts, "attestations")))
        case "purge":
            return decode(Purged, parts)
        case "import":
            return decode(Imported, parts)
        case "sampled":
            return _read_sampled(parts)
        case "rolled_up":
            return decode(RolledUp, parts)
        case "allocation":
            return decode(AllocationStep, parts)
    if kind in _OF_INSPECTIONS:
        return decode(_OF_INSPECTIONS[kind], parts)
    raise DecodeError(f"no entry is of kind {kind!r}; a newer version may have written it")


def _sampled(record: HostSampled) -> dict[str, Json]:
    """Write the facts as one text, so that they are stored once for all the looks that saw the same."""
    return {
        **encode(record, leave_out=frozenset({"facts"})),
        "facts": json_bytes(dict(record.facts)).decode("utf-8", "surrogatepass"),
    }


def _read_sampled(parts: dict[str, Json]) -> HostSampled:
    facts = parts.pop("facts", None)
    seen = json_value(facts.encode("utf-8", "surrogatepass")) if isinstance(facts, str) else None
    if not isinstance(seen, dict):
        raise DecodeError("a look at resources has facts")
    return decode(HostSampled, parts, given={"facts": seen})


def read_campaign(payload: bytes, read_blob: ReadBlob) -> Campaign:
    """Return the campaign of an entry that says that one begins, without reading its profile. Raises DecodeError."""
    return decode(Campaign, read_payload(payload, read_blob, only=("campaign",)).get("campaign"))


_FINDING_APART = frozenset({"observation", "requirement"})
_OBSERVATION_APART = frozenset({"probes"})


def _write_judged(payload: Payload, record: Judged, known: Requirements) -> bytes:
    """Write a look: probes that several findings share once, requirements only where they are not the profile's."""
    places: dict[Probe, int] = {}
    findings = []
    for finding in record.findings:
        observation = finding.observation
        judged = encode(finding, leave_out=_FINDING_APART)
        seen = encode(observation, leave_out=_OBSERVATION_APART)
        if observation.probes:
            seen["probes"] = [places.setdefault(probe, len(places)) for probe in observation.probes]
        judged["observation"] = seen
        asked = known.get(observation.control_id)
        if asked is not finding.requirement and asked != finding.requirement:
            judged["requirement"] = encode(finding.requirement)
        findings.append(payload.write(judged))
    probes = [payload.write(encode(probe)) for probe in places]
    return payload.write_object({"phase": payload.write(record.phase), "findings": findings, "probes": probes})


def _read_judged(parts: Mapping[str, Json], known: Requirements) -> Judged:
    probes = [decode(Probe, _held_once(probe)) for probe in _list(parts, "probes")]
    targets: dict[Target, Target] = {}
    findings = tuple(_read_finding(judged, probes, targets, known) for judged in _list(parts, "findings"))
    phase = parts.get("phase")
    if not isinstance(phase, str):
        raise DecodeError("findings belong to a phase")
    return Judged(phase=phase, findings=findings)


def _held_once(value: Json) -> Json:
    """Return a value whose short texts are held in memory once: the same ones come from every host of a fleet."""
    if isinstance(value, str):
        return sys.intern(value) if len(value) <= INTERNED_MAX_CHARS else value
    if isinstance(value, dict):
        return {key: _held_once(held) for key, held in value.items()}
    return value


def _read_finding(judged: Json, probes: list[Probe], targets: dict[Target, Target], known: Requirements) -> Finding:
    judged = _held_once(judged)
    seen = judged.pop("observation", None) if isinstance(judged, dict) else None
    if not isinstance(judged, dict) or not isinstance(seen, dict):
        raise DecodeError("a finding is written as an object with an observation")
    places = _list(seen, "probes")
    seen.pop("probes", None)
    try:
        asked_of = tuple(probes[int(str(place))] for place in places)
    except (ValueError, IndexError) as error:
        raise DecodeError(f"a finding points at a probe that is not there: {error}") from error
    target = decode(Target, seen.pop("target", None))
    given = {"probes": asked_of, "target": targets.setdefault(target, target)}
    observation = decode(Observation, seen, given=given)
    inline = judged.pop("requirement", None)
    requirement = known.get(observation.control_id) if inline is None else decode(Requirement, inline)
    if requirement is None:
        raise DecodeError(f"the campaign's profile has no control {observation.control_id}")
    return decode(Finding, judged, given={"observation": observation, "requirement": requirement})


def _list(parts: Mapping[str, Json], key: str) -> list[Json]:
    value = parts.get(key, [])
    if not isinstance(value, list):
        raise DecodeError(f"{key} is written as a list")
    return value
