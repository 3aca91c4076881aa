"""The commands that read the ledger and touch no host: report, status."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from hardening.commands.completing import campaign_names
from hardening.commands.delivery import check_destinations, deliver
from hardening.commands.ending import answering, printing
from hardening.commands.options import (
    output_options,
    report_options,
)
from hardening.commands.world import Asked
from hardening.errors import AskedWrongly, Exit


@click.command()
@click.argument("campaign", default="latest", shell_complete=campaign_names)
@click.option(
    "--docx-template",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Your own Word template for --format docx= and pdf= (docs/evidence-templates.md).",
)
@click.option("--attested", is_flag=True, help="Count what people attested since, where the campaign left it to them.")
@click.option(
    "--since",
    metavar="DATE|CAMPAIGN",
    help="Add how it went since then: campaigns with the same profile. With --fleet: what is older counts as not seen.",
)
@click.option("--against", metavar="CAMPAIGN", help="Compare with another campaign: its look stands as before.")
@click.option("--fleet", is_flag=True, help="Every host as it was last seen, up to this campaign, with its profile.")
@report_options
@click.pass_obj
@answering
def report(
    asked: Asked,
    campaign: str,
    attested: bool,
    since: str | None,
    against: str | None,
    fleet: bool,
    **options: Any,
) -> Exit:
    """Write reports of a campaign from the ledger. Touches no host.

    \b
    Example: hardening report latest --html report.html --lang zh
    Example: hardening report latest --against latest-plan --since 2026-08-01
    """
    from hardening import trend
    from hardening.evidence import evidence_of

    check_destinations(options)
    with asked.read_ledger() as ledger:
        name = ledger.resolve(campaign)
        if fleet and attested:
            raise AskedWrongly("--attested is for one campaign; leave it out with --fleet")
        evidence = trend.fleet(ledger, name, since=since) if fleet else evidence_of(ledger, name, attested=attested)
        if against is not None:
            evidence = trend.compared(ledger, evidence, against)
        if since is not None and not fleet:
            evidence = trend.with_trend(ledger, evidence, since=since)
        return deliver(evidence, options)


@click.command()
@click.argument("campaign", required=False)
@output_options
@click.option("--watch", is_flag=True, help="Print the campaign again whenever it goes on, until it ends.")
@click.option("--verify", is_flag=True, help="Verify the whole hash chain; a broken one answers 4.")
@click.pass_obj
@answering
def status(asked: Asked, campaign: str | None, watch: bool, verify: bool, **options: Any) -> Exit:
    """List campaigns, newest first, and those that never ended; or show how far one of them has come.

    \b
    Example: hardening status latest-apply --watch
    """
    from hardening.verbs.campaign_status import campaign_status
    from hardening.verbs.status import status as status_verb

    if watch and campaign is None:
        raise AskedWrongly("say which campaign to watch: hardening status latest-apply --watch")
    if verify and campaign is not None:
        raise AskedWrongly("--verify checks the whole ledger; leave the campaign out")
    with asked.read_ledger() as ledger, printing():
        if campaign is not None:
            named = ledger.resolve(campaign)
            return campaign_status(ledger, named, watch=watch, as_json=options["as_json"], sleep=time.sleep)
        return status_verb(ledger, verify=verify, as_json=options["as_json"], lang=options["lang"])
