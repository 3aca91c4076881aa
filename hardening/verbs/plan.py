"""plan: look, then let the roles tell on every host what they would change, and write it down for a person."""

from __future__ import annotations

from collections.abc import Sequence

from hardening.ansible import refuse_names
from hardening.change import Wanted, apply_changes
from hardening.context import Context
from hardening.evidence import evidence_of
from hardening.looking import look_and_record, tell_unused
from hardening.model import Change, Evidence, Profile, Severity, Verb
from hardening.plan import Plan, to_change
from hardening.plan_making import make_plan
from hardening.preflighting import with_predictions
from hardening.survey import PreflightAsk
from hardening.tally import exit_of
from hardening.waivers import Waiver


def plan(
    context: Context, profile: Profile, *, waivers: Sequence[Waiver] = (), preview: bool = True
) -> tuple[Plan, Evidence]:
    """Run one plan campaign: a look and, unless `preview` is off, a dry run on every host that has gaps."""
    refuse_names(host.name for host in context.inventory.hosts)
    campaign = context.new_campaign(Verb.PLAN, profile, options={"preview": preview})
    context.ledger.begin(campaign, profile)
    of_gaps = PreflightAsk(requirements=profile.requirements)
    ahead = {host.name: of_gaps for host in context.inventory.hosts}
    looked = look_and_record(context, campaign, profile, phase="after", waivers=waivers, ahead=ahead)
    tell_unused(context, campaign, looked, waivers)
    gaps = to_change(looked.findings)
    previews: dict[tuple[str, str], Change] = {}
    if preview and gaps:
        context.progress.say(f"dry run of {len(gaps):,} change{'s' if len(gaps) != 1 else ''}")
        wanted = [
            Wanted(
                target=gap.observation.target,
                control_id=gap.observation.control_id,
                kind=gap.requirement.control.kind,
                params=gap.requirement.control.params,
                value=gap.requirement.control.set_to,
            )
            for gap in gaps
        ]
        changes = list(apply_changes(context, campaign.id, wanted, check=True))
        context.ledger.record_changes(campaign.id, changes)
        previews = {(change.target.name, change.control_id): change for change in changes}
    made = make_plan(
        campaign_id=campaign.id,
        made_at=campaign.started_at,
        made_by=context.actor,
        profile=profile.name,
        profile_digest=profile.digest,
        inventory=context.inventory_sources,
        findings=looked.findings,
        previews=previews,
        hosts=looked.hosts,
        catalogue_digest=context.catalogue_digest,
    )
    made = with_predictions(context, made, looked.facts)
    evidence = evidence_of(context.ledger, campaign.id)
    code = exit_of(evidence.tally, evidence.findings, fail_on=Severity.LOW)
    context.ledger.finish(campaign.id, exit_code=code, finished_at=context.clock())
    return made, evidence_of(context.ledger, campaign.id)
