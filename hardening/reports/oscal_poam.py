"""OSCAL plan of action and milestones (JSON): one item for everything that is left to do.

| status | becomes |
|---|---|
| FAIL | an item with an open risk |
| WAIVED | an item with a risk that is an approved deviation, due when the waiver ends |
| ERROR, UNREACHABLE | an item: it could not be seen and has to be looked at again |
| MANUAL | an item: it needs a person |
| PASS, NOT_APPLICABLE | nothing |

An item has the same id in every campaign, so that what is followed up can be found again.
Where the evidence is not the whole truth, the first item, `coverage::complete`, says so; where nothing is left, the
only item says that, as OSCAL has no plan without one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from hardening.model import Evidence, Json, Status
from hardening.reports import wording
from hardening.reports.json_text import Lazy, document
from hardening.reports.markdown_text import code
from hardening.reports.ordering import by_badness
from hardening.reports.oscal_parts import (
    MESSAGE_LIMIT,
    VALUE_LIMIT,
    filled,
    identifier,
    inventory,
    looked,
    metadata,
    properties,
)
from hardening.reports.output import write_text
from hardening.reports.rows import Row, rows
from hardening.reports.safe_text import bounded_line

DONE = (Status.PASS, Status.NOT_APPLICABLE)


def write_poam(evidence: Evidence, destination: Path | TextIO, *, lang: str = "en") -> None:
    """Write the plan of action and milestones, worst first."""
    campaign = evidence.campaign
    of_key = {row.finding.key: row for row in rows(evidence) if row.finding.status not in DONE}
    left = [of_key[finding.key] for finding in by_badness(row.finding for row in of_key.values())]
    items = _coverage(evidence, lang) + [_item(evidence, row, lang) for row in left]
    system = bounded_line(" ".join(campaign.inventory), VALUE_LIMIT).strip()
    whole: Lazy = {
        "plan-of-action-and-milestones": {
            "uuid": identifier("poam", campaign.id),
            "metadata": metadata(evidence, wording.title(evidence.profile, lang), lang),
            "system-id": {"id": system or campaign.profile},
            **filled({"local-definitions": {"inventory-items": inventory(evidence)} if evidence.hosts else []}),
            **looked(campaign, left, lang),
            "poam-items": items or [_nothing(evidence, lang)],
        }
    }
    write_text(destination, document(whole))


def _item(evidence: Evidence, row: Row, lang: str) -> Json:
    finding, campaign = row.finding, evidence.campaign
    control, name = finding.requirement.control, finding.observation.target.name
    item: dict[str, Json] = {
        "uuid": identifier("poam-item", campaign.profile, *finding.key),
        "title": f"{code(name, VALUE_LIMIT)}: {wording.title(control, lang)}",
        "description": code(finding.reason, MESSAGE_LIMIT),
        "props": properties(
            {
                "control": control.id,
                "target": name,
                "status": finding.status.value,
                "severity": control.severity.value,
                "expected": wording.wanted_of(control, lang),
            }
        ),
        "related-findings": [{"finding-uuid": identifier("finding", campaign.id, *finding.key)}],
        "related-observations": [{"observation-uuid": identifier("observation", campaign.id, *finding.key)}],
    }
    if finding.status in (Status.FAIL, Status.WAIVED):
        item["related-risks"] = [{"risk-uuid": identifier("risk", campaign.id, *finding.key)}]
    return item


def _coverage(evidence: Evidence, lang: str) -> list[Json]:
    alarms = wording.alarms(evidence, lang)
    return [_sentence(evidence, "coverage::complete", " ".join(alarms))] if alarms else []


def _nothing(evidence: Evidence, lang: str) -> Json:
    return _sentence(evidence, "nothing-left", wording.result(evidence.tally, lang))


def _sentence(evidence: Evidence, name: str, sentence: str) -> Json:
    return {
        "uuid": identifier("poam-item", evidence.campaign.profile, name),
        "title": sentence,
        "description": sentence,
        "props": properties({"control": name}),
    }
