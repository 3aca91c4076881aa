"""OSCAL assessment results (JSON): one result per campaign, with an observation and a finding per control and target.

| status | state, reason |
|---|---|
| PASS | satisfied, pass |
| FAIL | not-satisfied, fail, with an open risk |
| WAIVED | not-satisfied, fail, with a risk that is an approved deviation |
| ERROR, UNREACHABLE, MANUAL | not-satisfied, other: no evaluation took place |
| NOT_APPLICABLE | satisfied, other, implementation status not-applicable |

The status as we say it is property `status` of every observation and finding.
What other tools said are observations on which no finding stands; their files are resources of the back matter.
OSCAL wants a plan that the results answer; ours is the profile, named in the back matter.
"""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from hardening.model import Evidence, Json
from hardening.reports import wording
from hardening.reports.json_text import Lazy, document
from hardening.reports.oscal_parts import (
    filled,
    identifier,
    import_resources,
    imported_observations,
    inventory,
    looked,
    metadata,
    properties,
)
from hardening.reports.output import write_text
from hardening.reports.rows import requirements, rows


def write_oscal(evidence: Evidence, destination: Path | TextIO, *, lang: str = "en") -> None:
    """Write the assessment results."""
    campaign = evidence.campaign
    title = wording.title(evidence.profile, lang)
    plan = identifier("plan", campaign.profile, campaign.profile_digest)
    whole: Lazy = {
        "assessment-results": {
            "uuid": identifier("assessment-results", campaign.id),
            "metadata": metadata(evidence, title, lang),
            "import-ap": {"href": f"#{plan}"},
            "results": [_result(evidence, title, lang)],
            "back-matter": {
                "resources": [
                    {
                        "uuid": plan,
                        "title": title,
                        "props": properties({"profile": campaign.profile, "profile-digest": campaign.profile_digest}),
                    },
                    *import_resources(evidence),
                ]
            },
        }
    }
    write_text(destination, document(whole))


def _result(evidence: Evidence, title: str, lang: str) -> Lazy:
    campaign, found = evidence.campaign, rows(evidence)
    asked: list[Json] = [{"control-id": requirement.control.id} for requirement in requirements(evidence)]
    result: dict[str, Lazy] = {
        "uuid": identifier("result", campaign.id),
        "title": f"{title}: {campaign.id}",
        "description": wording.coverage(evidence, lang),
        "start": campaign.started_at.isoformat(),
        "local-definitions": filled({"inventory-items": inventory(evidence)}),
        "reviewed-controls": {"control-selections": [{"include-controls": asked} if asked else {"include-all": {}}]},
        **looked(
            campaign,
            found,
            lang,
            beside=imported_observations(evidence) if any(each.findings for each in evidence.imports) else None,
        ),
    }
    if campaign.finished_at is not None:
        result["end"] = campaign.finished_at.isoformat()
    return result
