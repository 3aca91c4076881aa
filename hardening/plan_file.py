"""A plan as a file that a person can read, approve and hand back; an edited one is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from hardening.errors import AskedWrongly, BadFiles, Incomplete
from hardening.identity import Identity
from hardening.model import Danger, Target
from hardening.plan import Left, Plan, PlanItem, foreseen
from hardening.prediction import Consequence, Prediction
from hardening.yaml_lines import read_yaml

FORMAT = "hardening/plan/2"


def sealed(plan: Plan) -> Plan:
    """Return a plan with the digest of all that its file will hold; whatever is added to it comes before."""
    return dataclasses.replace(plan, digest=document_digest(plan_body(plan)))


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return a plan as plain values with its digest: what the file holds."""
    return {"format": FORMAT, **plan_body(plan), "digest": plan.digest}


def write_plan(plan: Plan, path: Path) -> None:
    """Write a plan as YAML with its digest, whole or not at all."""
    write_document(path, f"# Read, approve, then: hardening apply {path.name}\n", plan_document(plan))


def write_document(path: Path, head: str, document: Mapping[str, Any]) -> None:
    """Write a plan's document below a line for people, whole or not at all. Raises Incomplete where it cannot be."""
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(
            head + yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=120), encoding="utf-8"
        )
        part.replace(path)
    except OSError as problem:
        raise Incomplete(f"{path}: the plan cannot be written: {problem.strerror}") from None
    finally:
        part.unlink(missing_ok=True)


def read_plan(path: Path) -> Plan:
    """Read a plan file. Raises AskedWrongly where it is missing, no plan, or edited after it was made."""
    document, digest = read_document(path, FORMAT, no_plan="not a plan of this tool", narrow="--limit or --control")
    plan = Plan(
        campaign_id=document["campaign"],
        made_at=document["made_at"],
        made_by=document["made_by"],
        profile=document["profile"],
        profile_digest=document["profile_digest"],
        inventory=tuple(document["inventory"]),
        items=tuple(_item_from(host, item) for host, items in document["hosts"].items() for item in items),
        left=tuple(
            Left(target=_target_from(host, item), control_id=item["control"], reason=item["reason"])
            for host, items in document["left"].items()
            for item in items
        ),
        catalogue_digest=document["catalogue_digest"],
        identities={name: Identity.from_json(stored) for name, stored in document["identities"].items()},
        states=document["states"],
        digest=digest,
    )
    return foreseen(plan, _predictions_from(document))


def read_document(path: Path, wanted: str, *, no_plan: str, narrow: str) -> tuple[dict[str, Any], str]:
    """Return the document of a plan of the wanted format, and its digest.

    Raises AskedWrongly where it is missing, is no such plan, or was edited after it was made.
    """
    # A key that stands twice would be read by its last value, and by a person by its first.
    file = read_yaml(path)
    if file.problems:
        raise BadFiles(file.problems)
    document = file.value
    if not isinstance(document, dict) or document.pop("format", None) != wanted:
        raise AskedWrongly(f"{path}: is {no_plan} (format {wanted} is missing)")
    digest = document.pop("digest", None)
    try:
        as_made = digest == document_digest(document)
    except TypeError:
        as_made = False  # Dates and the like, which no plan of ours holds.
    if not as_made:
        raise AskedWrongly(f"{path}: was changed after it was made; plan again, and narrow with {narrow}")
    return document, str(digest)


def plan_body(plan: Plan) -> dict[str, Any]:
    hosts: dict[str, list[dict[str, Any]]] = {}
    for item in plan.items:
        hosts.setdefault(item.target.host, []).append(
            {
                "control": item.control_id,
                "component": item.target.component,
                "instance": item.target.instance,
                "kind": item.kind,
                "with": dict(item.params),
                "title": item.title,
                "severity": item.severity,
                "danger": item.danger.value,
                "effects": list(item.effects),
                "seen": dict(item.seen),
                "want": item.want,
                "set": item.set_to,
                "confidence": item.confidence,
                "blocked": item.blocked,
                "breaks": list(dict.fromkeys(each.code for each in item.breaks)),
                "diff": item.diff,
                "beyond_undo": list(item.beyond_undo),
            }
        )
    left: dict[str, list[dict[str, Any]]] = {}
    for gap in plan.left:
        left.setdefault(gap.target.host, []).append(
            {
                "control": gap.control_id,
                "component": gap.target.component,
                "instance": gap.target.instance,
                "reason": gap.reason,
            }
        )
    return {
        "campaign": plan.campaign_id,
        "made_at": plan.made_at,
        "made_by": plan.made_by,
        "profile": plan.profile,
        "profile_digest": plan.profile_digest,
        "catalogue_digest": plan.catalogue_digest,
        "inventory": list(plan.inventory),
        "needs_acknowledgement": {danger.value: why for danger, why in plan.acknowledgements().items()},
        "identities": {name: identity.as_json() for name, identity in plan.identities.items()},
        "states": dict(plan.states),
        "predictions": _as_predictions(plan),
        "hosts": hosts,
        "left": left,
    }


def _target_from(host: str, item: Mapping[str, Any]) -> Target:
    return Target(host=host, component=item["component"], instance=item["instance"])


def _item_from(host: str, item: Mapping[str, Any]) -> PlanItem:
    return PlanItem(
        target=_target_from(host, item),
        control_id=item["control"],
        kind=item["kind"],
        params=item["with"],
        title=item["title"],
        severity=item["severity"],
        danger=Danger(item["danger"]),
        seen=item["seen"],
        want=item["want"],
        set_to=item["set"],
        confidence=item["confidence"],
        blocked=item["blocked"],
        diff=item["diff"],
        beyond_undo=tuple(item.get("beyond_undo", ())),
        effects=tuple(item["effects"]),
    )


def _as_predictions(plan: Plan) -> dict[str, list[dict[str, Any]]]:
    hosts: dict[str, list[dict[str, Any]]] = {}
    for each in plan.predictions():
        hosts.setdefault(each.host, []).append(
            {
                "acknowledge": each.code,
                "consequence": each.consequence.value,
                "says": each.says,
                "says_zh": each.says_zh,
                "items": [[target, control] for target, control in each.controls],
            }
        )
    return hosts


def _predictions_from(document: Mapping[str, Any]) -> Iterator[Prediction]:
    for host, found in document.get("predictions", {}).items():
        for each in found:
            yield Prediction(
                code=each["acknowledge"],
                host=host,
                controls=tuple((target, control) for target, control in each["items"]),
                consequence=Consequence(each["consequence"]),
                says=each["says"],
                says_zh=each["says_zh"],
            )


def document_digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
