"""What OSCAL's assessment results and its plan of action share: who was looked at, what was seen, what it means. Pure.

Ids are UUIDs of version 5, made of what they name: a host has the same in every campaign, a finding one per campaign.
Text that OSCAL reads as Markdown holds a host's words as code only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from uuid import UUID, uuid5

from hardening.model import Campaign, Evidence, Finding, Import, Json, Status
from hardening.reports import wording
from hardening.reports.json_text import Lazy, compact
from hardening.reports.markdown_text import code
from hardening.reports.others import holds, told
from hardening.reports.rows import Row
from hardening.reports.safe_text import bounded_line

OSCAL_VERSION = "1.2.1"
PROPERTIES = "urn:hardening:oscal"
NAMESPACE = UUID("6f4a9c52-6a3f-5d0e-9d1c-0f6d3f1f7a11")
VALUE_LIMIT = 500
MESSAGE_LIMIT = 1000
PROBES_SHOWN = 8

# State and reason. What was not seen is not satisfied, for a reason that is no evaluation.
STATE: Mapping[Status, tuple[str, str]] = {
    Status.PASS: ("satisfied", "pass"),
    Status.FAIL: ("not-satisfied", "fail"),
    Status.WAIVED: ("not-satisfied", "fail"),
    Status.ERROR: ("not-satisfied", "other"),
    Status.UNREACHABLE: ("not-satisfied", "other"),
    Status.MANUAL: ("not-satisfied", "other"),
    Status.NOT_APPLICABLE: ("satisfied", "other"),
}
LOOKED = (Status.PASS, Status.FAIL, Status.WAIVED, Status.NOT_APPLICABLE, Status.ERROR)


def identifier(*names: str) -> str:
    """Return the UUID of what these names name together."""
    # As JSON: any text can be encoded, and no two lists of names read the same.
    return str(uuid5(NAMESPACE, compact([*names])))


def properties(held: Mapping[str, str | int | None]) -> list[Json]:
    """Return properties in our namespace, without the empty ones: OSCAL refuses those."""
    return [
        {"name": name, "ns": PROPERTIES, "value": text}
        for name, value in held.items()
        if value is not None and (text := bounded_line(str(value), VALUE_LIMIT).strip())
    ]


def metadata(evidence: Evidence, title: str, lang: str) -> Json:
    """Return who made the document, when, of what, and whether it is the whole truth."""
    campaign, counts = evidence.campaign, evidence.tally
    held: dict[str, Json] = {
        "title": title,
        "last-modified": (campaign.finished_at or campaign.started_at).isoformat(),
        "version": campaign.id,
        "oscal-version": OSCAL_VERSION,
        "props": properties(
            {
                "campaign": campaign.id,
                "verb": campaign.verb.value,
                "profile": campaign.profile,
                "profile-digest": campaign.profile_digest,
                "catalogue-digest": campaign.catalogue_digest,
                "tool-version": campaign.tool_version,
                **{f"count-{status.value}": number for status, number in counts.by_status.items()},
            }
        ),
    }
    alarms = wording.alarms(evidence, lang)
    return {**held, "remarks": " ".join(alarms)} if alarms else held


def inventory(evidence: Evidence) -> list[Json]:
    """Return one item per host that was asked or found."""
    names = {finding.observation.target.host: "" for finding in evidence.findings}
    names |= {host.name: f"{host.os_id} {host.os_version}" for host in evidence.hosts}
    return [
        {
            "uuid": identifier("host", name),
            "description": code(name, VALUE_LIMIT),
            "props": properties({"host": name, "system": system}),
        }
        for name, system in sorted(names.items())
    ]


def looked(
    campaign: Campaign, found: Sequence[Row], lang: str, *, beside: Iterator[Json] | None = None
) -> dict[str, Lazy]:
    """Return observations, risks and findings; those there are none of are left out, as OSCAL has no empty lists.

    `beside` are further observations, on which no finding stands.

    There is a risk for every gap; that of a waived one is an approved deviation that ends on a day.
    """
    if not found:
        return {} if beside is None else {"observations": beside}
    risky = [row for row in found if _has_risk(row.finding)]
    risks: dict[str, Lazy] = {"risks": (_risk(campaign, row.finding, lang) for row in risky)} if risky else {}
    return {
        "observations": chain((_observation(campaign, row, lang) for row in found), beside or ()),
        **risks,
        "findings": (_finding(campaign, row, lang) for row in found),
    }


def _observation(campaign: Campaign, row: Row, lang: str) -> Json:
    """Return what was seen, with the commands and the digests of their output."""
    finding = row.finding
    seen = finding.observation
    shown: dict[str, Json] = {
        "uuid": identifier("observation", campaign.id, *finding.key),
        "title": _title(finding, lang),
        "description": code(wording.seen(finding, lang) or finding.reason, MESSAGE_LIMIT),
        "props": properties(
            {
                "control": seen.control_id,
                "target": seen.target.name,
                "status": finding.status.value,
                "verdict": finding.verdict.value,
                "before": row.before.status.value if row.before else None,
                "change": row.change.state.value if row.change else None,
                "attested-by": finding.attestation.by if finding.attestation else None,
                "attested-on": finding.attestation.seen_on.isoformat() if finding.attestation else None,
            }
        ),
        "methods": [_method(finding)],
        "types": ["control-objective"],
        "subjects": [
            {
                "subject-uuid": identifier("host", seen.target.host),
                "type": "inventory-item",
                "title": code(seen.target.name, VALUE_LIMIT),
            }
        ],
        "collected": seen.taken_at.isoformat(),
    }
    if seen.probes:
        shown["relevant-evidence"] = [
            {
                "description": code(probe.command, VALUE_LIMIT),
                "props": properties({"exit-code": probe.exit_code, "stdout-sha256": probe.stdout_sha256}),
            }
            for probe in seen.probes[:PROBES_SHOWN]
        ]
    if finding.attestation is not None:
        shown["expires"] = f"{finding.attestation.expires_on.isoformat()}T23:59:59Z"
        handed_in: list[Json] = [
            {"description": code(each.name, VALUE_LIMIT), "props": properties({"sha256": each.sha256})}
            for each in finding.attestation.attachments
        ]
        shown["relevant-evidence"] = [{"description": code(finding.attestation.seen, MESSAGE_LIMIT)}, *handed_in]
    return shown


def _method(finding: Finding) -> str:
    if holds(finding):
        return "EXAMINE"
    return "TEST" if finding.status in LOOKED else "UNKNOWN"


def imported_observations(evidence: Evidence) -> Iterator[Json]:
    """Yield what other tools said, as observations on which no finding of ours stands."""
    hosts = {host.name for host in evidence.hosts} | {each.observation.target.host for each in evidence.findings}
    for number, (imported, finding) in enumerate(told(evidence)):
        shown: dict[str, Json] = {
            "uuid": identifier("foreign", evidence.campaign.id, imported.sha256, str(number)),
            "title": f"{code(imported.tool, VALUE_LIMIT)}: {code(finding.id, VALUE_LIMIT)}",
            "description": code(finding.title or finding.id, MESSAGE_LIMIT),
            "props": properties(
                {
                    "foreign-tool": imported.tool,
                    "foreign-id": finding.id,
                    "foreign-host": finding.host,
                    "foreign-severity": finding.severity,
                    "foreign-result": finding.result,
                    "foreign-status": finding.status.value,
                }
            )
            + [clause for text in finding.clauses for clause in properties({"clause": text})],
            "methods": ["TEST"],
            "types": ["historic"],
            "collected": (evidence.campaign.finished_at or evidence.campaign.started_at).isoformat(),
            "relevant-evidence": [
                {
                    "href": f"#{import_resource(evidence, imported)}",
                    "description": code(finding.said or finding.result, MESSAGE_LIMIT),
                }
            ],
        }
        if finding.host in hosts:
            shown["subjects"] = [{"subject-uuid": identifier("host", finding.host), "type": "inventory-item"}]
        yield shown


def import_resource(evidence: Evidence, imported: Import) -> str:
    """Return the id under which the back matter names an imported file."""
    return identifier("import", evidence.campaign.id, imported.sha256, imported.file, imported.format)


def import_resources(evidence: Evidence) -> list[Json]:
    """Return the imported files as resources of the back matter: named and digested, not held."""
    resources: dict[str, Json] = {}
    for imported in evidence.imports:
        uuid = import_resource(evidence, imported)
        resources[uuid] = {
            "uuid": uuid,
            "title": code(imported.file, VALUE_LIMIT),
            "props": properties({"tool": imported.tool, "format": imported.format, "imported-by": imported.imported_by})
            + properties({"sha256": imported.sha256}),
        }
    return list(resources.values())


def _finding(campaign: Campaign, row: Row, lang: str) -> Json:
    """Return the verdict on one control of one target."""
    finding = row.finding
    control = finding.requirement.control
    state, reason = STATE[finding.status]
    target: dict[str, Json] = {
        "type": "objective-id",
        "target-id": control.id,
        "status": {"state": state, "reason": reason, "remarks": code(finding.reason, MESSAGE_LIMIT)},
    }
    if finding.status is Status.NOT_APPLICABLE:
        target["implementation-status"] = {"state": "not-applicable"}
    shown: dict[str, Json] = {
        "uuid": identifier("finding", campaign.id, *finding.key),
        "title": _title(finding, lang),
        "description": wording.why(control, lang),
        "props": properties(
            {
                "status": finding.status.value,
                "verdict": finding.verdict.value,
                "severity": control.severity.value,
                "expected": wording.wanted_of(control, lang),
            }
        )
        + [clause for text in finding.requirement.clauses for clause in properties({"clause": text})],
        "target": target,
        "related-observations": [{"observation-uuid": identifier("observation", campaign.id, *finding.key)}],
    }
    if _has_risk(finding):
        shown["related-risks"] = [{"risk-uuid": identifier("risk", campaign.id, *finding.key)}]
    return shown


def _has_risk(finding: Finding) -> bool:
    """Tell whether a gap was seen, accepted or not."""
    return finding.status in (Status.FAIL, Status.WAIVED)


def _risk(campaign: Campaign, finding: Finding, lang: str) -> Json:
    control, waiver = finding.requirement.control, finding.waiver
    shown: dict[str, Json] = {
        "uuid": identifier("risk", campaign.id, *finding.key),
        "title": _title(finding, lang),
        "description": code(finding.reason, MESSAGE_LIMIT),
        "statement": wording.why(control, lang),
        "props": properties({"severity": control.severity.value}),
        "status": "deviation-approved" if finding.status is Status.WAIVED else "open",
        "related-observations": [{"observation-uuid": identifier("observation", campaign.id, *finding.key)}],
    }
    if waiver is not None:
        shown["deadline"] = f"{waiver.expires_on.isoformat()}T23:59:59Z"
        shown["mitigating-factors"] = [
            {
                "uuid": identifier("mitigation", campaign.id, *finding.key),
                "description": code(waiver.compensating, MESSAGE_LIMIT),
            }
        ]
        shown["props"] = properties(
            {
                "severity": control.severity.value,
                "waiver-owner": waiver.owner,
                "waiver-approver": waiver.approver,
                "waiver-ticket": waiver.ticket,
                "waiver-reason": waiver.reason,
            }
        )
    return shown


def filled(held: Mapping[str, Json]) -> dict[str, Json]:
    """Return what is not an empty list: OSCAL has no empty ones."""
    return {name: value for name, value in held.items() if value != []}


def _title(finding: Finding, lang: str) -> str:
    return f"{code(finding.observation.target.name, VALUE_LIMIT)}: {wording.title(finding.requirement.control, lang)}"
