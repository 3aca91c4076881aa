"""drift: what changed on the hosts since the last campaign that changed them, and by whom. Changes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from hardening.ansible import PresentItem
from hardening.context import Context
from hardening.drift import Drift, Key, drifts_between
from hardening.errors import AskedWrongly, Exit, worst
from hardening.evidence import evidence_of
from hardening.left import LeftHost, last_campaigns, left_by
from hardening.looking import Looked, look_and_record
from hardening.model import Campaign, Change, ChangeState, Evidence, Finding, Json, Verb
from hardening.standing import Standing, standing_of
from hardening.waivers import Waiver

# Which drifts are about a file that its control names, by host and `file:PATH`.
Paths = Mapping[tuple[str, str], Sequence[Key]]


def drift(
    context: Context, of: str, *, only_that: bool = False, all_asked: bool = False, waivers: Sequence[Waiver] = ()
) -> Evidence:
    """Look at the hosts again, compare with how they were left, and return that as a campaign of its own.

    Every host is compared with its own newest apply under the profile of campaign `of`; with `only_that` with `of`
    alone. Hosts that were never changed are named and left out; where they were `all_asked` for, that is incomplete.
    """
    newest = context.ledger.campaign(of)
    if newest.verb is not Verb.APPLY:
        raise AskedWrongly(f"{of} applied nothing; name a campaign that did (`hardening status` lists them)")
    names = [host.name for host in context.inventory.hosts]
    bases = (
        {name: newest for name in names if name in newest.hosts}
        if only_that
        else last_campaigns(context.ledger, newest, names)
    )
    left = _left(context, bases)
    others = [name for name in names if name not in left]
    if not left:
        raise AskedWrongly(
            f"none of these hosts was changed by a campaign like {of}, so there is nothing to compare with"
        )
    chosen = tuple(host for host in context.inventory.hosts if host.name in left)
    context = dataclasses.replace(context, inventory=dataclasses.replace(context.inventory, hosts=chosen))
    profile = context.ledger.profile(of)
    since: dict[str, Json] = {name: host.campaign for name, host in left.items()}
    campaign = context.new_campaign(Verb.DRIFT, profile, parent=of, options={"since": since})
    context.ledger.begin(campaign, profile)
    if others:
        context.progress.say(f"never changed under {newest.profile}, so not compared: {', '.join(others)}")
        told: list[Json] = [*others]
        context.ledger.record_step(campaign.id, "not compared", {"hosts": told})
    then = _record_then(context, campaign, left)
    looked = look_and_record(context, campaign, profile, phase="after", waivers=waivers)
    drifts = drifts_between(then, looked.findings)
    paths = _paths(looked, drifts)
    answers = _standing(context, campaign, left, looked, paths)
    changes = _changes(context, drifts, left, paths, answers)
    context.ledger.record_changes(campaign.id, changes)
    evidence = evidence_of(context.ledger, campaign.id)
    incomplete = (
        not evidence.tally.coverage.complete
        or any(answer.unknown is not None for answer in answers)
        or bool(all_asked and others)
    )
    code = worst(
        [
            Exit.GAPS if any(each.is_gap for each in drifts) else Exit.CLEAN,
            Exit.INCOMPLETE if incomplete else Exit.CLEAN,
        ]
    )
    context.ledger.finish(campaign.id, exit_code=code, finished_at=context.clock())
    return evidence_of(context.ledger, campaign.id)


def _left(context: Context, bases: Mapping[str, Campaign]) -> dict[str, LeftHost]:
    found: dict[str, LeftHost] = {}
    for base in {campaign.id: campaign for campaign in bases.values()}.values():
        found.update(left_by(context.ledger, base, [name for name, of in bases.items() if of.id == base.id]))
    return found


def _record_then(context: Context, campaign: Campaign, left: Mapping[str, LeftHost]) -> list[Finding]:
    """Record how the hosts were left as the look before, so that every report shows both."""
    then: list[Finding] = []
    for host in left.values():
        context.ledger.record_findings(campaign.id, "before", host.findings)
        context.ledger.record_host(campaign.id, "before", host.host)
        then += host.findings
    return then


def _standing(
    context: Context, campaign: Campaign, left: Mapping[str, LeftHost], looked: Looked, paths: Paths
) -> list[Standing]:
    """Ask the hosts that were reached for every resource that was touched, and for the files of other drifts."""
    reached = [host.name for host in looked.hosts if host.unreachable is None]
    asked: dict[str, list[PresentItem]] = {}
    for name in reached:
        resources = left[name].resources
        asked[name] = [PresentItem(kind=each.kind, name=each.name, left=each.state) for each in resources]
        known = {item.id for item in asked[name]}
        more = [resource for host, resource in paths if host == name and resource not in known]
        asked[name] += [PresentItem(kind="file", name=each.partition(":")[2], left=None) for each in more]
    count = sum(map(len, asked.values()))
    context.progress.say(f"comparing {count} resources with how they were left")
    ours = sorted({campaign_id for host in left.values() for campaign_id in host.campaigns})
    since_s = {name: host.at.timestamp() for name, host in left.items()}
    return list(standing_of(context, campaign.id, asked, since_s=since_s, known=ours))


def _paths(looked: Looked, drifts: Sequence[Drift]) -> dict[tuple[str, str], list[Key]]:
    """Return which drifts are about a file, by host and resource, where the parameters of their controls name one."""
    params = {finding.key: finding.requirement.control.params for finding in looked.findings}
    found: dict[tuple[str, str], list[Key]] = {}
    for each in drifts:
        path = params.get(each.key, {}).get("path")
        if isinstance(path, str) and path.startswith("/"):
            found.setdefault((each.target.host, f"file:{path}"), []).append(each.key)
    return found


def _changes(
    context: Context, drifts: Sequence[Drift], left: Mapping[str, LeftHost], paths: Paths, answers: Sequence[Standing]
) -> list[Change]:
    """Return one change for each drifted control, with the resources that explain it, then for other resources."""
    found: dict[Key, Change] = {
        each.key: Change(
            control_id=each.control_id,
            target=each.target,
            kind=each.kind,
            state=each.state,
            reason=each.reason,
            taken_at=context.clock(),
        )
        for each in drifts
    }
    resources = {(name, f"{each.kind}:{each.name}"): each for name, host in left.items() for each in host.resources}
    for answer in answers:
        place = (answer.host, answer.resource)
        resource = resources.get(place)
        about = paths.get(place, [])
        if resource is None:
            for key in about if answer.origin else []:
                found[key] = _with(found[key], answer)
        elif answer.touch is not None or answer.unknown is not None:
            drifted = [pair for pair in resource.pairs if (pair[0].name, pair[1]) in found]
            for target, control_id, kind in drifted or resource.pairs[-1:]:
                key = (target.name, control_id)
                change = found.get(key) or Change(
                    control_id=control_id,
                    target=target,
                    kind=kind,
                    state=ChangeState.NEW if answer.unknown is None else ChangeState.NOT_REPORTED,
                    taken_at=context.clock(),
                )
                found[key] = _with(change, answer)
    return list(found.values())


def _with(change: Change, answer: Standing) -> Change:
    """Return a drift with what a host said of one of its resources."""
    said = f"{answer.resource}: {answer.unknown or answer.origin or 'not as it was left'}"
    return dataclasses.replace(
        change,
        reason="; ".join(part for part in (change.reason, said) if part),
        touches=(*change.touches, *([answer.touch] if answer.touch is not None else [])),
        diff="\n".join(part for part in (change.diff, answer.diff) if part),
    )
