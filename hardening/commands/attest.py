"""The commands by which people attest what only people can see."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from hardening.attest_sheet import SheetRow, attach, read_sheet, write_sheet
from hardening.attestations import attestation_for, day_of, verdict_of, wrong_with
from hardening.commands.ending import answering, printing, say
from hardening.commands.world import Asked, actor
from hardening.context import random_suffix, utc_now
from hardening.errors import AskedWrongly, Exit
from hardening.ledger import Ledger
from hardening.model import Attestation, Target
from hardening.redact import redact
from hardening.reports.console import cell, console_of, plain_table

SHEET = click.Path(path_type=Path, dir_okay=False)


class ControlOrCommand(click.Group):
    """A group whose first word may be a control: `attest CONTROL` is short for `attest control CONTROL`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command's name in front where none is named."""
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["control", *args]
        return super().parse_args(ctx, args)


@click.group(cls=ControlOrCommand)
def attest() -> None:
    """What people saw of controls that only people can look at. Example: hardening attest export manual.xlsx"""


@attest.command("control")
@click.argument("control")
@click.option("--host", "hosts", multiple=True, required=True, help="Host, target or group, `*` allowed (repeatable).")
@click.option("--by", required=True, help="Who saw it.")
@click.option("--seen", required=True, help="What was seen.")
@click.option("--verdict", type=click.Choice(["pass", "fail"]), default="pass", show_default=True)
@click.option("--expires", required=True, metavar="YYYY-MM-DD", help="Until when it counts; a year at most.")
@click.option("--seen-on", metavar="YYYY-MM-DD", help="When it was seen [default: today].")
@click.option("--attach", "files", type=SHEET, multiple=True, help="Keep this file in the ledger (may be repeated).")
@click.pass_obj
@answering
def control(
    asked: Asked,
    control: str,
    hosts: tuple[str, ...],
    by: str,
    seen: str,
    verdict: str,
    expires: str,
    seen_on: str | None,
    files: tuple[Path, ...],
) -> Exit:
    """Attest a manual control: who saw what, and until when that counts. `attest CONTROL` is enough.

    The next scan counts it; `report --attested` counts it for a campaign that is over.

    \b
    Example: hardening attest control linux_two_factor --host web01 --by Li --seen "TOTP asked" --expires 2027-03-31
    """
    today = utc_now().date()
    attached, contents = attach(files)
    attestation = Attestation(
        control_id=control,
        hosts=hosts,
        verdict=verdict_of(verdict),
        by=by.strip(),
        seen=seen.strip(),
        seen_on=today if seen_on is None else day_of(seen_on, what="--seen-on"),
        expires_on=day_of(expires, what="--expires"),
        recorded_by=actor(),
        attachments=attached,
    )
    wrong = wrong_with(attestation, asked.catalogue().controls, today=today)
    if wrong is not None:
        raise AskedWrongly(wrong)
    click.echo(_record(asked, [attestation], contents))
    return Exit.CLEAN


@attest.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@click.pass_obj
@answering
def attest_list(asked: Asked, as_json: bool) -> Exit:
    """List what was attested, newest last; one that has ended answers 1.

    \b
    Example: hardening attest list --json
    """
    today = utc_now().date()
    with asked.read_ledger() as ledger:
        held = ledger.attestations()
    ended = [each for each in held if each.attestation.expires_on < today]
    with printing():
        if as_json:
            rows: list[dict[str, Any]] = [
                {
                    "act": each.act_id,
                    "control": each.attestation.control_id,
                    "hosts": [*each.attestation.hosts],
                    "verdict": each.attestation.verdict.value,
                    "by": each.attestation.by,
                    "seen": each.attestation.seen,
                    "seen_on": each.attestation.seen_on.isoformat(),
                    "expires_on": each.attestation.expires_on.isoformat(),
                    "ended": each in ended,
                    "attachments": [attached.sha256 for attached in each.attestation.attachments],
                }
                for each in held
            ]
            click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        else:
            console = console_of(sys.stdout, width=None if sys.stdout.isatty() else 200)
            table = plain_table()
            for column in ("until", "verdict", "control", "hosts", "by", "files", "act"):
                table.add_column(column)
            for each in held:
                told = each.attestation
                until = f"{told.expires_on} ended" if each in ended else str(told.expires_on)
                words = (until, told.verdict, told.control_id, ", ".join(told.hosts), told.by)
                table.add_row(*(cell(word) for word in words), str(len(told.attachments)), each.act_id)
            console.print(table if held else "nothing was attested yet")
    return Exit.GAPS if ended else Exit.CLEAN


@attest.command("export")
@click.argument("file", type=SHEET)
@click.option("--campaign", default="latest", show_default=True, help="Whose hosts and manual controls to list.")
@click.pass_obj
@answering
def export(asked: Asked, file: Path, campaign: str) -> Exit:
    """Write a sheet with every manual control of every host, for an assessor to fill in.

    \b
    Example: hardening attest export manual.xlsx
    """
    if file.exists():
        raise AskedWrongly(f"{file}: exists already; somebody may have filled it in")
    with asked.read_ledger() as ledger:
        rows = _rows(ledger, ledger.resolve(campaign))
    if not rows:
        raise AskedWrongly("the campaign's profile has no manual control")
    write_sheet(file, rows)
    click.echo(f"{file}   {len(rows)} rows to fill in")
    return Exit.CLEAN


@attest.command("import")
@click.argument("file", type=SHEET)
@click.option("--partial", is_flag=True, help="Take the good rows, though others cannot be taken (answers 3).")
@click.pass_obj
@answering
def import_(asked: Asked, file: Path, partial: bool) -> Exit:
    """Take what an assessor filled in: all rows, or none and why not.

    \b
    Example: hardening attest import manual.xlsx
    """
    controls = asked.catalogue().controls
    today = utc_now().date()
    filled = read_sheet(file, recorded_by=actor(), wrong=lambda each: wrong_with(each, controls, today=today))
    for rejected in filled.rejected:
        say(f"{file}: {rejected}")
    if filled.rejected and not partial:
        more = f", {len(filled.attestations)} could be: --partial takes them" if filled.attestations else ""
        raise AskedWrongly(f"nothing was taken: {len(filled.rejected)} rows cannot be taken{more}")
    if not filled.attestations:
        raise AskedWrongly(f"{file}: nothing is filled in ({filled.blank} rows are blank)")
    act = _record(asked, filled.attestations, filled.files)
    left = f", {filled.blank} are blank" if filled.blank else ""
    click.echo(f"{act}   {len(filled.attestations)} rows taken, {len(filled.rejected)} not{left}")
    return Exit.INCOMPLETE if filled.rejected else Exit.CLEAN


def _record(asked: Asked, attestations: Sequence[Attestation], files: dict[str, bytes]) -> str:
    """Record attestations as one act, and return its name."""
    asked.read_ledger().close()  # One that does not exist must not be made.
    act = f"{utc_now():%Y%m%dT%H%M%SZ}-attest-{random_suffix()}"
    with asked.open_ledger() as ledger:
        known = {name for each in ledger.campaigns() for name in each.hosts}
        named = {name for each in attestations for name in each.hosts}
        for name in sorted(named - known):
            if "*" not in name and "/" not in name:
                say(f"{name}: no campaign looked at a host of this name; it counts if it is a group of the inventory")
        # What people copy from consoles holds secrets like any other text.
        clean = [dataclasses.replace(each, seen=ledger.redaction.text(redact(each.seen))) for each in attestations]
        ledger.record_attestations(act, clean, files)
    return act


def _rows(ledger: Ledger, campaign_id: str) -> list[SheetRow]:
    held = [each.attestation for each in ledger.attestations()]
    today = utc_now().date()
    rows = []
    for host in ledger.campaign(campaign_id).hosts:
        for requirement in ledger.profile(campaign_id).requirements:
            manual = requirement.control
            if manual.manual is None:
                continue
            found = attestation_for(held, manual.id, Target(host=host, component=manual.component), ())
            rows.append(
                SheetRow(
                    control=manual.id,
                    host=host,
                    title=f"{manual.title}\n{manual.title_zh}",
                    look_at=f"{manual.why}\n{manual.manual}",
                    clauses=", ".join(requirement.clauses),
                    standing="" if found is None else _standing(found, ended=found.expires_on < today),
                )
            )
    return rows


def _standing(attestation: Attestation, *, ended: bool) -> str:
    said = f"{attestation.verdict} by {attestation.by}, until {attestation.expires_on}"
    return f"{said} (ended)" if ended else said
