"""The commands of cleaning by rule: rules, plan, run, show."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hardening.commands.completing import campaign_names
from hardening.commands.ending import answering, printing, say
from hardening.commands.options import break_option, host_options, output_options, profile_option
from hardening.commands.world import Asked, hosts_context
from hardening.errors import AskedWrongly, Exit, Incomplete

if TYPE_CHECKING:
    from hardening.cleaning.plan import CleanPlan

NO_UNDO = "What is deleted cannot be brought back: there is no undo."
FILE = click.Path(path_type=Path, dir_okay=False)
rule_option = click.option("--rule", "rules", multiple=True, help="Only this rule (may be repeated).")
retention_option = click.option(
    "--retention", type=click.IntRange(1), help="Keep logs for so many days, where that is more than the profile asks."
)


@click.group()
def clean() -> None:
    """Cleaning of logs and temporary files by rule. Example: hardening clean plan -i inventory -p mlps-l3"""


@clean.command("rules")
@profile_option
@retention_option
@output_options
@click.pass_obj
@answering
def clean_rules(asked: Asked, profile: str | None, retention: int | None, **options: Any) -> Exit:
    """List the rules, and for how long logs are kept. Touches no host.

    \b
    Example: hardening clean rules -p mlps-l3
    """
    from hardening.inspection.listing import print_json

    days, rules = _rules(asked, profile, retention)
    zh = options["lang"] == "zh"
    with printing():
        if options["as_json"]:
            print_json({"retention_days": days, "rules": {name: _row(rule) for name, rule in rules.items()}})
            return Exit.CLEAN
        for rule in rules.values():
            age = f"超过 {rule.older_than_days:>4} 天" if zh else f"over {rule.older_than_days:>4} days"
            click.echo(f"{rule.id:<20}  {rule.directory:<24}  {age}  {rule.title_zh if zh else rule.title}")
        click.echo(f"日志至少保留 {days} 天" if zh else f"logs are kept for {days} days at least")
    return Exit.CLEAN


@clean.command("plan")
@profile_option
@rule_option
@retention_option
@click.option("-l", "--limit", help="Ansible host pattern.")
@click.option(
    "-o", "--output", type=FILE, default=Path("clean.yml"), show_default=True, help="Where the plan is written."
)
@host_options
@output_options
@click.pass_obj
@answering
def clean_plan(
    asked: Asked, profile: str | None, rules: tuple[str, ...], retention: int | None, output: Path, **options: Any
) -> Exit:
    """Say what the rules would delete, and write it down for a person to read. Deletes nothing.

    Answers 3 where a host was not reached, or where it is doubtful what may go.

    \b
    Example: hardening clean plan -i inventory -p mlps-l3 -o clean.yml
    """
    from hardening.cleaning.plan import body_of, size_of, write_clean_plan
    from hardening.cleaning.rules import chosen_rules
    from hardening.cleaning.run import plan_cleaning
    from hardening.inspection.listing import print_json

    days, known = _rules(asked, profile, retention)
    chosen = chosen_rules(known, rules)
    with hosts_context(asked, options) as context:
        plan = plan_cleaning(context, chosen, profile=str(profile), retention=days)
    write_clean_plan(plan, output)
    with printing():
        if options["as_json"]:
            print_json({**body_of(plan), "file": str(output)})
        else:
            for host, held in plan.hosts.items():
                for name, each in held.items():
                    if not (each.found or each.left or each.refused):
                        continue  # Nothing to say: a fleet has thousands of such lines.
                    left = "".join(f"; {count} left: {why}" for why, count in each.left.items())
                    what = f"{len(each.found):>6} files  {size_of(each.found):>10}{left}"
                    click.echo(f"{host:<20}  {name:<20}  {f'REFUSED: {each.refused}' if each.refused else what}")
            click.echo(f"{_of_files(plan)} would be deleted; {_counted(len(plan.hosts), 'host')} seen   {output}")
    if plan.files():
        say(f"{NO_UNDO} To do it: hardening clean run {output} -i INVENTORY --accept data --by NAME --ticket TICKET")
    return Exit.INCOMPLETE if plan.refusals() else Exit.CLEAN


@clean.command("run")
@click.argument("plan_file", metavar="PLAN", type=FILE)
@click.option("--accept", type=click.Choice(["data"]), multiple=True, help="Acknowledge that data is lost for good.")
@click.option("--by", help="Who agreed to it.")
@click.option("--ticket", help="Under which ticket.")
@click.option("-l", "--limit", help="Ansible host pattern.")
@break_option
@host_options
@output_options
@click.pass_obj
@answering
def clean_run(
    asked: Asked, plan_file: Path, accept: tuple[str, ...], by: str | None, ticket: str | None, **options: Any
) -> Exit:
    """Delete what a plan names and is still as it was then. It cannot be undone.

    Answers 3 where anything that was planned stayed, with the reason.

    \b
    Example: hardening clean run clean.yml -i inventory --accept data --by "Wang Wei" --ticket CHG-1042
    """
    from hardening.cleaning.plan import read_clean_plan
    from hardening.cleaning.run import deleted_files, run_cleaning
    from hardening.inspection.listing import print_json

    plan = read_clean_plan(plan_file)
    what = f"{_of_files(plan)}. {NO_UNDO}"
    if not accept:
        raise AskedWrongly(f"{plan_file} deletes {what} Say so with --accept data")
    if not (by or "").strip() or not (ticket or "").strip():
        raise AskedWrongly("say who agreed (--by) and under which ticket (--ticket)")
    _, known = _rules(asked, plan.profile, plan.retention_days)
    with hosts_context(asked, options) as context:
        say(f"deleting {what}")
        done = run_cleaning(context, plan, known, by=str(by), ticket=str(ticket), breaking=options["breaking"])
    files, size = deleted_files(done.changes)
    with printing():
        if options["as_json"]:
            print_json({"campaign": done.campaign_id, "files": files, "bytes": size, "changes": _rows(done.changes)})
        else:
            _print(done.changes)
            click.echo(f"{files} files, {size / 1024 / 1024:.1f} MiB deleted   campaign {done.campaign_id}")
    return done.exit


@clean.command("show")
@click.argument("campaign", default="latest-clean", shell_complete=campaign_names)
@click.option("--files", "with_files", is_flag=True, help="Every file that went.")
@output_options
@click.pass_obj
@answering
def clean_show(asked: Asked, campaign: str, with_files: bool, **options: Any) -> Exit:
    """Show what a cleaning deleted, who agreed to it, and what stayed. Touches no host.

    \b
    Example: hardening clean show latest-clean --files
    """
    from hardening.cleaning.run import STEP, deleted_files
    from hardening.inspection.listing import print_json
    from hardening.model import Verb

    with asked.read_ledger() as ledger:
        held = ledger.campaign(ledger.resolve(campaign))
        if held.verb is not Verb.CLEAN:
            raise AskedWrongly(f"{held.id} is no cleaning; `hardening status` lists campaigns")
        changes = tuple(ledger.changes(held.id))
        meant: list[Any] = [step.payload for step in ledger.steps(held.id) if step.step == STEP]
    answered = {change.target.host for change in changes}
    torn = [each for each in meant if each["host"] not in answered]
    files, size = deleted_files(changes)
    with printing():
        if options["as_json"]:
            print_json({
                "campaign": held.id, "options": dict(held.options), "files": files, "bytes": size,
                "changes": _rows(changes), "meant_and_not_answered": torn,
            })  # fmt: skip
        else:
            click.echo(f"{held.id}: agreed by {held.options['by']} ({held.options['ticket']}), run by {held.actor}")
            _print(changes)
            for change in changes if with_files else ():
                for touch in change.touches:
                    click.echo(f"  {change.target.host}  {touch.name}")
            for each in torn:
                click.echo(f"{each['host']}: was to be cleaned, and its answer never came; see its files")
            click.echo(f"{files} files, {size / 1024 / 1024:.1f} MiB deleted")
    if held.finished_at is None:
        raise Incomplete(f"{held.id} never ended")
    return Exit.CLEAN


def _of_files(plan: CleanPlan) -> str:
    """Return `5 files, 1.2 MiB on 1 host`, of the hosts that have any."""
    from hardening.cleaning.plan import size_of

    files = plan.files()
    hosts = sum(any(each.found for each in held.values()) for held in plan.hosts.values())
    return f"{_counted(len(files), 'file')}, {size_of(files)} on {_counted(hosts, 'host')}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' if number != 1 else ''}"


def _rules(asked: Asked, profile: str | None, retention: int | None) -> tuple[int, Mapping[str, Any]]:
    """Return for how long logs are kept, and the rules, which all keep them that long."""
    from hardening.cleaning.rules import load_rules, retention_days

    if not profile:
        raise AskedWrongly("say which profile demands how long logs are kept: -p PROFILE")
    demanded = retention_days(asked.catalogue().profile(profile))
    if demanded is None and retention is None:
        raise AskedWrongly(f"the profile {profile} does not say how long logs are kept; say it with --retention DAYS")
    days = max(demanded or 0, retention or 0)
    return days, load_rules(asked.place.baselines(asked.baselines), retention=days)


def _row(rule: Any) -> dict[str, Any]:
    from hardening.codec import encode

    return encode(rule)


def _rows(changes: Any) -> list[dict[str, Any]]:
    return [
        {
            "host": change.target.host,
            "rule": change.control_id,
            "state": change.state.value,
            "files": [touch.name for touch in change.touches],
            "reason": change.reason,
        }
        for change in changes
    ]


def _print(changes: Any) -> None:
    for change in changes:
        said = f"  {change.reason}" if change.reason else ""
        click.echo(f"{change.target.host:<20}  {change.control_id:<20}  {len(change.touches):>6} files gone{said}")
