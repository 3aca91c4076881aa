"""A plan from a look and the dry run that followed it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from hardening.identity import identities_of, second_names
from hardening.judge import sentence
from hardening.model import Change, ChangeState, Danger, Finding, HostSeen, Json, Status
from hardening.plan import EFFECTS, Left, Plan, PlanItem, by_hand, to_change
from hardening.plan_file import document_digest, sealed


def make_plan(
    *,
    campaign_id: str,
    made_at: datetime,
    made_by: str,
    profile: str,
    profile_digest: str,
    inventory: Sequence[str],
    findings: Sequence[Finding],
    previews: Mapping[tuple[str, str], Change],
    hosts: Sequence[HostSeen] = (),
    catalogue_digest: str = "",
) -> Plan:
    """Return the plan for a look and the dry run that followed it; `previews` maps a finding's key to its dry run."""
    twice = second_names(hosts)
    items = [
        _item(finding, previews.get(finding.key), twice.get(finding.observation.target.host))
        for finding in to_change(findings)
    ]
    named = {item.target.host for item in items}
    left = [
        Left(
            target=finding.observation.target,
            control_id=finding.observation.control_id,
            reason=_left_reason(finding),
        )
        for finding in findings
        if (finding.status is Status.FAIL and by_hand(finding))
        or finding.status in (Status.MANUAL, Status.ERROR, Status.UNREACHABLE)
    ]
    plan = Plan(
        campaign_id=campaign_id,
        made_at=made_at.isoformat(timespec="seconds"),
        made_by=made_by,
        profile=profile,
        profile_digest=profile_digest,
        inventory=tuple(inventory),
        items=tuple(items),
        left=tuple(left),
        catalogue_digest=catalogue_digest,
        identities={name: identity for name, identity in identities_of(hosts).items() if name in named},
        states={name: digest for name, digest in _states(findings).items() if name in named},
    )
    return sealed(plan)


def _states(findings: Iterable[Finding]) -> dict[str, str]:
    """Return the digest of everything that was seen on each host, in whatever order it was looked at."""
    seen: dict[str, list[Json]] = {}
    for finding in findings:
        observation = finding.observation
        row: list[Json] = [observation.target.name, observation.control_id, dict(observation.seen)]
        seen.setdefault(observation.target.host, []).append(row)
    return {
        host: document_digest({"seen": sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))})
        for host, rows in seen.items()
    }


def _effects(danger: Danger, preview: Change | None) -> tuple[str, ...]:
    """Return the side effects that the danger class and the dry run foresee."""
    effects = [EFFECTS[danger]] if EFFECTS[danger] else []
    if preview is not None and preview.state is ChangeState.WOULD_CHANGE:
        for action in preview.after_actions:
            verb, _, name = action.partition(":")
            effects.append({"reload": f"reloads {name}", "restart": f"restarts {name}"}.get(verb, f"runs {name}"))
        effects += [f"changes package {touch.name}" for touch in preview.touches if touch.kind == "package"]
    return tuple(dict.fromkeys(effects))


def _item(finding: Finding, preview: Change | None, same_as: str | None) -> PlanItem:
    control = finding.requirement.control
    blocked = None if same_as is None else f"it is the same machine as {same_as}, which is changed under that name"
    if blocked is None and preview is not None and preview.state is ChangeState.FAILED:
        blocked = preview.reason or "the dry run refused it"
    exact = preview is not None and preview.state is ChangeState.WOULD_CHANGE
    return PlanItem(
        target=finding.observation.target,
        control_id=control.id,
        kind=control.kind,
        params=control.params,
        title=control.title,
        severity=control.severity.value,
        danger=control.danger,
        seen=finding.observation.seen,
        want=sentence(control.want),
        set_to=control.set_to,
        confidence="exact" if exact else "predicted",
        blocked=blocked,
        diff=preview.diff if preview is not None else "",
        beyond_undo=preview.beyond_undo if preview is not None else (),
        effects=_effects(control.danger, preview),
    )


def _left_reason(finding: Finding) -> str:
    if finding.requirement.control.look_only is not None and finding.status is Status.FAIL:
        return finding.requirement.control.look_only
    return finding.reason
