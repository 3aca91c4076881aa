"""The command that approves a plan, and the approval that an apply goes by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from hardening.approval import approval_of, as_json, new_approval, record_approval, refusal, refuse_unapproved
from hardening.commands.ending import answering
from hardening.commands.options import output_options
from hardening.commands.world import Asked, Opened, Options, actor
from hardening.context import utc_now
from hardening.errors import AskedWrongly, Exit
from hardening.model import Approval
from hardening.plan import Plan
from hardening.plan_file import read_plan
from hardening.workspace_settings import Settings


@click.command()
@click.argument("plan_file", metavar="PLAN", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", required=True, help="Who approves.")
@click.option("--ticket", required=True, help="The ticket in which it was agreed.")
@output_options
@click.pass_obj
@answering
def approve(asked: Asked, plan_file: Path, name: str, ticket: str, **options: Any) -> Exit:
    """Record who approves exactly this plan, with which ticket. Touches no host.

    \b
    Example: hardening approve friday.yml --name "Li Wei" --ticket CHG-4711
    """
    made, settings = read_plan(plan_file), asked.settings()
    approval = new_approval(made, name=name, ticket=ticket, by=actor(), at=utc_now())
    _refuse(approval, made, settings)
    asked.read_ledger().close()  # One that does not exist must not be made.
    with asked.open_ledger() as ledger:
        record_approval(ledger, made, approval)
    if options["as_json"]:
        click.echo(json.dumps({"plan": str(plan_file), "approval": as_json(approval)}, ensure_ascii=False, indent=2))
    else:
        click.echo(f"{plan_file}: approved by {approval.name}, ticket {approval.ticket}; digest {made.digest}")
    return Exit.CLEAN


def check_approval_options(options: Options) -> None:
    """Refuse half an approval."""
    if (options["approver"] is None) != (options["ticket"] is None):
        raise AskedWrongly("an approval needs both: --approve NAME and --ticket TICKET")


def approval_for(opened: Opened, made: Plan, options: Options, settings: Settings) -> Approval | None:
    """Return the approval that a plan is applied by: given now, or before. Raises AskedWrongly where one is missing."""
    ledger = opened.context.ledger
    if options["approver"] is None:
        approval = approval_of(ledger, made, settings)
    else:
        context = opened.context
        approval = new_approval(
            made, name=options["approver"], ticket=options["ticket"], by=context.actor, at=context.clock()
        )
        _refuse(approval, made, settings)
        record_approval(ledger, made, approval)
    refuse_unapproved(approval, opened.profile, settings)
    return approval


def _refuse(approval: Approval, made: Plan, settings: Settings) -> None:
    why = refusal(approval, made, settings)
    if why is not None:
        raise AskedWrongly(why)
