"""The commands about sealed bundles: export, sign, verify."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from hardening.commands.ending import answering, printing, say
from hardening.commands.world import Asked, actor
from hardening.errors import AskedWrongly, Exit
from hardening.reports import FORMATS
from hardening.seal.signers import command_sign, ssh_sign
from hardening.seal.writing import Signer

Command = TypeVar("Command", bound=Callable[..., Any])
FILE = click.Path(path_type=Path, dir_okay=False)
BUNDLE = click.Path(path_type=Path)


def signing_options(command: Command) -> Command:
    """Add the options that say who signs."""
    for decorator in (
        click.option("--signer-command", metavar="COMMAND", help="Sign with a command: bytes in, signature out."),
        click.option(
            "--sign-key",
            type=FILE,
            help="Sign with this SSH key; the .pub of one that an agent or a hardware token holds will do.",
        ),
    ):
        command = decorator(command)
    return command


def signers_of(sign_key: Path | None, signer_command: str | None) -> list[Signer]:
    """Return who signs, in the order of their signatures."""
    signers: list[Signer] = []
    if sign_key is not None:
        if not sign_key.is_file():
            raise AskedWrongly(f"{sign_key}: there is no such key")
        signers.append(functools.partial(ssh_sign, sign_key))
    if signer_command is not None:
        signers.append(functools.partial(command_sign, signer_command))
    return signers


@click.group()
def evidence() -> None:
    """Sealed bundles of evidence. Example: hardening evidence verify campaign.zip --allowed-signers allowed_signers"""


@evidence.command("export")
@click.argument("campaign", default="latest")
@click.option("-o", "--output", type=BUNDLE, help="A new directory, or a .zip file [default: CAMPAIGN.zip].")
@click.option(
    "--format",
    "formats",
    type=click.Choice(list(FORMATS)),
    multiple=True,
    help="Only this report (may be repeated) [default: every one].",
)
@click.option("--attested", is_flag=True, help="Count what people attested since, where the campaign left it to them.")
@click.option("--sm3", is_flag=True, help="Write SM3 digests beside SHA-256.")
@signing_options
@click.option(
    "--timestamp-token", "tokens", type=FILE, multiple=True, help="Put this RFC 3161 token in (may be repeated)."
)
@click.pass_obj
@answering
def export(
    asked: Asked,
    campaign: str,
    output: Path | None,
    formats: tuple[str, ...],
    attested: bool,
    sm3: bool,
    sign_key: Path | None,
    signer_command: str | None,
    tokens: tuple[Path, ...],
) -> Exit:
    """Write a campaign as a bundle that others can check: facts, reports, coverage, manifest, seal.

    \b
    Example: hardening evidence export latest-apply -o july.zip --sign-key ~/.ssh/id_ed25519
    """
    from hardening.evidence import evidence_of
    from hardening.exporting import export_bundle
    from hardening.seal.writing import check_destination

    signers = signers_of(sign_key, signer_command)
    with asked.read_ledger() as ledger:
        campaign_id = ledger.resolve(campaign)
        destination = output or Path(f"{campaign_id}.zip")
        check_destination(destination)
        made = export_bundle(
            ledger,
            evidence_of(ledger, campaign_id, attested=attested),
            destination,
            formats=formats or tuple(FORMATS),
            sm3=sm3,
            signers=signers,
            tokens=tokens,
            progress=say if sys.stderr.isatty() else lambda sentence: None,
        )
    for name, why in made.left_out.items():
        say(f"{name} was left out: {why}")
    if not made.ended:
        say(f"{campaign_id} never ended; the bundle says so")
    if not signers:
        say("nobody signed it: whoever can write the bundle can write another one (--sign-key, `evidence sign`)")
    click.echo(destination)
    return Exit.CLEAN if made.ended and not made.left_out else Exit.INCOMPLETE


@evidence.command("sign")
@click.argument("bundle", type=BUNDLE)
@signing_options
@click.option(
    "--timestamp-token", "tokens", type=FILE, multiple=True, help="Put this RFC 3161 token in (may be repeated)."
)
@answering
def sign(bundle: Path, sign_key: Path | None, signer_command: str | None, tokens: tuple[Path, ...]) -> Exit:
    """Add a signature (a second one is a sign-off) or a time stamp to a bundle that verifies.

    A time stamp speaks of seal/statement.pae: openssl ts -query -data seal/statement.pae -sha256 -cert

    \b
    Example: hardening evidence sign july.zip --sign-key ~/.ssh/id_ed25519.pub
    """
    from hardening.seal.writing import add

    signers = signers_of(sign_key, signer_command)
    if not signers and not tokens:
        raise AskedWrongly("say what to add: --sign-key, --signer-command or --timestamp-token")
    add(bundle, signers=signers, tokens=tokens)
    click.echo(bundle)
    return Exit.CLEAN


@evidence.command("verify")
@click.argument("bundle", type=BUNDLE)
@click.option("--allowed-signers", type=FILE, help="Who may sign (ssh-keygen(1), ALLOWED SIGNERS).")
@click.option("--require", type=click.IntRange(1), default=1, show_default=True, help="Least number of signers.")
@click.option("--verifier-command", metavar="COMMAND", help="Check external signatures: bytes in, signature file last.")
@click.option("--tsa-ca", type=FILE, help="Certificates of the time stamp authorities to trust (PEM).")
@click.option("--against-ledger", is_flag=True, help="Hold the bundle's chain against the ledger, too.")
@click.option("--unsigned", is_flag=True, help="Do without knowing who signed: digests and chain alone answer 0.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@click.pass_obj
@answering
def verify(
    asked: Asked,
    bundle: Path,
    allowed_signers: Path | None,
    require: int,
    verifier_command: str | None,
    tsa_ca: Path | None,
    against_ledger: bool,
    unsigned: bool,
    as_json: bool,
) -> Exit:
    """Verify a bundle: every byte, the hash chain and its end, and who signed. Needs no workspace.

    Answers 4 where anything does not hold, 3 where it all holds but nobody said who may sign.

    \b
    Example: hardening evidence verify july.zip --allowed-signers allowed_signers
    """
    from hardening.bundle_verdict import against, judge_bundle, print_verdict
    from hardening.seal.verify import verify as verify_bundle

    for path in (allowed_signers, tsa_ca):
        if path is not None and not path.is_file():
            raise AskedWrongly(f"{path}: there is no such file")
    verdict = verify_bundle(bundle, allowed_signers=allowed_signers, verifier=verifier_command, authorities=tsa_ca)
    if against_ledger and not verdict.problems:
        with asked.read_ledger() as ledger:
            verdict.problems += against(verdict, ledger)
    code = judge_bundle(
        verdict, require=require, signers_given=bool(allowed_signers or verifier_command), unsigned=unsigned
    )
    with printing():
        print_verdict(verdict, code, as_json=as_json)
    return code


@evidence.command("import")
@click.argument("file", type=FILE)
@click.option("--format", "file_format", type=click.Choice(["arf", "hdf", "csv"]), required=True, help="What it is.")
@click.option("--campaign", default="latest", show_default=True, help="Which campaign it is evidence beside.")
@click.option("--mapping", type=FILE, help="Which clauses the findings answer, and what a CSV's columns are called.")
@click.pass_obj
@answering
def import_(asked: Asked, file: Path, file_format: str, campaign: str, mapping: Path | None) -> Exit:
    """Keep what another tool said as evidence beside a campaign: in its JSON report and its bundle, counted nowhere.

    \b
    Example: hardening evidence import arf.xml --format arf --mapping openscap.yml
    """
    from hardening.foreign.mapping import ClauseMapping, load_mapping
    from hardening.foreign.read import read_foreign

    asked.read_ledger().close()  # One that does not exist must not be made.
    with asked.open_ledger() as ledger:
        campaign_id = ledger.resolve(campaign)
        known = ledger.profile(campaign_id).clauses
        mapped = ClauseMapping() if mapping is None else load_mapping(mapping, clauses=known)
        imported = read_foreign(file, file_format, mapped, imported_by=actor())
        ledger.record_import(campaign_id, imported)
        hosts = set(ledger.campaign(campaign_id).hosts)
    strangers = sorted({finding.host for finding in imported.findings} - hosts)
    if strangers:
        say(f"not among the campaign's hosts: {', '.join(strangers[:5])}{', ...' if len(strangers) > 5 else ''}")
    answering_ = sum(1 for finding in imported.findings if finding.clauses)
    click.echo(f"{campaign_id}   {len(imported.findings)} findings of {imported.tool}, {answering_} answer a clause")
    return Exit.CLEAN
