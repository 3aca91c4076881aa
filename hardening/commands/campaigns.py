"""The commands that look at hosts or change them: scan, plan, apply, undo, resume."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from hardening.approval import demanded_by
from hardening.commands.acknowledging import acknowledge_option, check_acknowledged
from hardening.commands.approvals import approval_for, check_approval_options
from hardening.commands.completing import campaign_names
from hardening.commands.confirming import confirmation
from hardening.commands.delivery import check_destinations, deliver
from hardening.commands.ending import answering, say
from hardening.commands.options import (
    break_option,
    control_option,
    filter_options,
    host_options,
    look_options,
    report_options,
    steering_of,
    steering_options,
    waiver_option,
    wave_options,
    wave_rules,
    window_of,
    window_option,
)
from hardening.commands.world import Asked, actor, campaign_context, open_context, plan_context
from hardening.course import course_of
from hardening.errors import Exit
from hardening.model import Danger, Severity
from hardening.plan_file import read_plan, write_plan
from hardening.stopping import ask_to_stop
from hardening.verbs.apply import apply as apply_verb
from hardening.verbs.plan import plan as plan_verb
from hardening.verbs.resume import resume as resume_verb
from hardening.verbs.scan import scan as scan_verb
from hardening.verbs.scan import verify_batching
from hardening.verbs.undo import undo as undo_verb

DANGERS = [danger.value for danger in Danger if danger not in (Danger.NONE, Danger.RESTART)]


@click.command()
@look_options
@report_options
@click.option(
    "--fail-on",
    type=click.Choice([s.value for s in Severity]),
    default="low",
    show_default=True,
    help="Least severity of a gap that answers 1.",
)
@click.option(
    "--verify-batching",
    "verify",
    is_flag=True,
    help="Ask testinfra's own backend every command too, one by one, and compare the replies (slow).",
)
@click.pass_obj
@answering
def scan(asked: Asked, fail_on: str, verify: bool, **options: Any) -> Exit:
    """Look at every host and say what is not as wanted. Changes nothing.

    \b
    Example: hardening scan -i inventories/example -p mlps-l3 --junit junit.xml --html report.html
    """
    check_destinations(options)
    with open_context(asked, options) as opened:
        if verify:
            verify_batching(opened.context, opened.profile)
        evidence = scan_verb(opened.context, opened.profile, waivers=opened.waivers, fail_on=Severity(fail_on))
        return deliver(evidence, options)


@click.command()
@look_options
@report_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("plan.yml"),
    show_default=True,
    help="The plan file to write.",
)
@click.option(
    "--preview/--no-preview", default=True, help="Dry run of the roles on every host with gaps [default: preview]."
)
@click.pass_obj
@answering
def plan(asked: Asked, output: Path, preview: bool, **options: Any) -> Exit:
    """Look, and write down what would change on every host, for a person to read and approve.

    \b
    Example: hardening plan -i inventories/example -p mlps-l3 -o friday.yml
    """
    check_destinations(options, output)
    settings = asked.settings()
    with open_context(asked, options) as opened:
        made, evidence = plan_verb(opened.context, opened.profile, waivers=opened.waivers, preview=preview)
        write_plan(made, output)
        demanded = demanded_by(opened.profile, settings)
        if demanded is not None and made.items:
            say(f"{demanded}: hardening approve {output} --name NAME --ticket TICKET")
        return deliver(evidence, options, plan=made, plan_file=output)


@click.command()
@click.argument("plan_file", metavar="PLAN", type=click.Path(path_type=Path, dir_okay=False))
@filter_options
@host_options
@report_options
@click.option("--accept", type=click.Choice(DANGERS), multiple=True, help="Acknowledge a danger class of the plan.")
@click.option("--approve", "approver", metavar="NAME", help="Record that NAME approved this plan, and apply it.")
@click.option("--ticket", help="The ticket of that approval.")
@acknowledge_option
@wave_options
@steering_options
@click.pass_obj
@answering
def apply(asked: Asked, plan_file: Path, accept: tuple[str, ...], acknowledge: tuple[str, ...], **options: Any) -> Exit:
    """Carry out a plan: only what it names, only where nothing changed since, and look again.

    \b
    Example: hardening apply friday.yml --accept lockout --html report.html
    """
    check_destinations(options)
    made = read_plan(plan_file)
    check_acknowledged(acknowledge, made.hosts())
    rules, steering, settings = wave_rules(options), steering_of(options), asked.settings()
    check_approval_options(options)
    with plan_context(asked, options, made) as opened:
        approval = approval_for(opened, made, options, settings)
        steering = dataclasses.replace(steering, approval=approval)
        evidence = apply_verb(
            opened.context,
            opened.plan(made),
            opened.profile,
            accept=[Danger(name) for name in accept],
            acknowledge=acknowledge,
            waivers=opened.waivers,
            rules=rules,
            steering=steering,
        )
        return deliver(evidence, options)


@click.command()
@click.argument("campaign", shell_complete=campaign_names)
@click.option("--host", "hosts", multiple=True, help="Only this host (may be repeated).")
@click.option("--wave", type=click.IntRange(1), help="Only the hosts of this wave of the campaign.")
@control_option
@host_options
@report_options
@click.option(
    "--force", is_flag=True, help="Restore even where somebody changed it since, after showing that and asking."
)
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@acknowledge_option
@wave_options
@break_option
@click.pass_obj
@answering
def undo(
    asked: Asked,
    campaign: str,
    hosts: tuple[str, ...],
    wave: int | None,
    force: bool,
    yes: bool,
    acknowledge: tuple[str, ...],
    **options: Any,
) -> Exit:
    """Bring back what a campaign changed: all, one wave, one host, or one control on one host.

    CAMPAIGN is an id, the beginning of one, or `latest-apply`. It goes in waves, guarded as an apply is.
    What somebody changed since is left alone and said; with --force it is shown, and goes after a question.

    \b
    Example: hardening undo latest-apply --host web01 --control sshd_max_auth_tries
    """
    check_destinations(options)
    rules = wave_rules(options)
    confirm = confirmation(force=force, yes=yes)
    with campaign_context(asked, options, campaign) as opened:
        changed = opened.context.ledger.campaign(opened.campaign_id).hosts
        check_acknowledged(acknowledge, changed, of="the undo")
        evidence = undo_verb(
            opened.context,
            opened.campaign_id,
            controls=options["controls"],
            hosts=hosts,
            wave=wave,
            force=force,
            acknowledge=acknowledge,
            confirm=confirm,
            rules=rules,
            breaking=options["breaking"],
        )
        return deliver(evidence, options)


@click.command()
@click.argument("campaign", default="latest", shell_complete=campaign_names)
@waiver_option
@host_options
@report_options
@steering_options
@window_option
@click.pass_obj
@answering
def resume(asked: Asked, campaign: str, **options: Any) -> Exit:
    """Go on with a campaign that was killed; nothing is applied twice.

    \b
    Example: hardening resume 20260821T101502Z-apply-7f3a
    """
    check_destinations(options)
    steering = dataclasses.replace(steering_of(options), window=window_of(options))
    with campaign_context(asked, options, campaign) as opened:
        evidence = resume_verb(opened.context, opened.campaign_id, waivers=opened.waivers, steering=steering)
        return deliver(evidence, options)


@click.command()
@click.argument("campaign", default="latest-apply")
@click.option("--because", metavar="REASON", help="Why, for the record.")
@click.pass_obj
@answering
def stop(asked: Asked, campaign: str, because: str | None) -> Exit:
    """Ask a running apply or undo to stop before its next wave; `resume` goes on with what is left.

    \b
    Example: hardening stop latest-apply --because "the order desk reports errors"
    """
    asked.read_ledger().close()  # One that does not exist must not be made.
    with asked.open_ledger() as ledger:
        named = ledger.resolve(campaign)
        ask_to_stop(ledger, named, by=actor(), because=because)
        stops = course_of(ledger, named).stops
    click.echo(f"{named} {stops}; `hardening status {named} --watch` shows when")
    return Exit.CLEAN
