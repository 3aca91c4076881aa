"""The commands that compare hosts with an earlier campaign and change nothing: drift, recheck."""

from __future__ import annotations

from typing import Any

import click

from hardening.commands.completing import campaign_names
from hardening.commands.delivery import check_destinations, deliver
from hardening.commands.ending import answering
from hardening.commands.options import host_options, report_options, waiver_option
from hardening.commands.world import Asked, campaign_context
from hardening.errors import Exit
from hardening.verbs.drift import drift as drift_verb
from hardening.verbs.recheck import recheck as recheck_verb


@click.command()
@click.argument("campaign", required=False, shell_complete=campaign_names)
@click.option("-l", "--limit", help="Ansible host pattern.")
@waiver_option
@host_options
@report_options
@click.pass_obj
@answering
def drift(asked: Asked, campaign: str | None, **options: Any) -> Exit:
    """Tell what changed on the hosts since the last apply, and by whom where that can be told. Changes nothing.

    Every host is compared with its own newest apply, or with CAMPAIGN: the findings, and every resource it touched.
    A gap that opened (regression) answers 1; what closed one is corrective, what is only other than it was is new.

    \b
    Example: hardening drift -i inventories/example --html drift.html
    """
    check_destinations(options)
    with campaign_context(asked, options, campaign or "latest-apply") as opened:
        evidence = drift_verb(
            opened.context,
            opened.campaign_id,
            only_that=campaign is not None,
            all_asked=bool(options["inventory"] or options["limit"]),
            waivers=opened.waivers,
        )
        return deliver(evidence, options)


@click.command()
@click.argument("campaign", shell_complete=campaign_names)
@click.option("--rebooted", is_flag=True, help="Only a host that was restarted since proves anything; others answer 3.")
@waiver_option
@host_options
@report_options
@click.pass_obj
@answering
def recheck(asked: Asked, campaign: str, rebooted: bool, **options: Any) -> Exit:
    """Look again whether what a campaign found still holds, also after a restart of its hosts. Restarts nothing.

    \b
    Example: hardening recheck latest-apply --rebooted --html after-reboot.html
    """
    check_destinations(options)
    with campaign_context(asked, options, campaign) as opened:
        evidence = recheck_verb(opened.context, opened.campaign_id, rebooted=rebooted, waivers=opened.waivers)
        return deliver(evidence, options)
