"""The command that deletes a customer's data at the end of a contract."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hardening import __version__
from hardening.commands.ending import answering, say
from hardening.commands.evidence import signers_of, signing_options
from hardening.commands.world import Asked, actor
from hardening.errors import AskedWrongly, Exit
from hardening.holders import held_by
from hardening.ledger import Ledger
from hardening.purge_certificate import certificate, write_certificate
from hardening.seal.writing import check_destination


@click.command()
@click.argument("campaign")
@click.option("--reason", required=True, help="Why, such as the end of which contract; it stays in the ledger.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="A new directory for the certificate [default: purge-CAMPAIGN].",
)
@click.option("--unsigned", is_flag=True, help="Leave a certificate that nobody signed.")
@signing_options
@click.pass_obj
@answering
def purge(
    asked: Asked,
    campaign: str,
    reason: str,
    yes: bool,
    output: Path | None,
    unsigned: bool,
    sign_key: Path | None,
    signer_command: str | None,
) -> Exit:
    """Delete what a campaign (or an act of attesting) recorded, and leave a signed certificate of that.

    The hash chain verifies as before; the campaign cannot be reported or undone any more.

    \b
    Example: hardening purge 20260821T101502Z-scan-7f3a --reason "contract A ended" --sign-key ~/.ssh/id_ed25519
    """
    signers = signers_of(sign_key, signer_command)
    if not signers and not unsigned:
        raise AskedWrongly("say who signs the certificate: --sign-key or --signer-command, or --unsigned")
    if campaign.startswith("latest"):
        raise AskedWrongly("say which campaign to purge by its id; `latest` is too easily another one")
    asked.read_ledger().close()  # One that does not exist must not be made.
    with asked.open_ledger() as ledger:
        campaign_id, what = _meant(ledger, campaign)
        destination = output or Path(f"purge-{campaign_id}")
        check_destination(destination)
        if not yes:
            _ask(campaign_id, what)
        for signer in signers:
            signer(b"a key that cannot sign must be found before anything is deleted")
        done = ledger.purge(campaign_id, by=actor(), reason=reason)
        problems = [str(problem) for problem in ledger.verify()]
    document = certificate(campaign_id, done, by=actor(), reason=reason, tool_version=__version__, problems=problems)
    for path in write_certificate(destination, document, signers):
        click.echo(path)
    shared = f"; {done.texts_shared} are kept, as other campaigns hold them too" if done.texts_shared else ""
    say(f"{campaign_id}: {len(done.entries)} entries and {len(done.texts)} stored texts are deleted{shared}")
    for problem in problems:
        say(problem)
    return Exit.EVIDENCE_BROKEN if problems else Exit.CLEAN


def _meant(ledger: Ledger, asked: str) -> tuple[str, str]:
    """Return the id that is meant, and what it is, for a person to confirm."""
    for held in ledger.attestations():
        if held.act_id == asked:
            return asked, f"attestations by {held.attestation.by}"
    campaign = ledger.campaign(ledger.resolve(asked))
    holder = next(iter(held_by(campaign.id, ledger.steps(campaign.id)).values()), None)
    if holder is not None and holder.runs:
        # Its next word would fail, with hosts held, changed, and nothing left to undo them from.
        raise AskedWrongly(f"{holder}, still runs: `hardening stop {campaign.id}` ends it; purge it afterwards")
    ended = "" if campaign.finished_at is not None else ", which never ended"
    return campaign.id, f"{campaign.verb} of {len(campaign.hosts)} hosts on {campaign.started_at:%Y-%m-%d}{ended}"


def _ask(campaign_id: str, what: str) -> None:
    if not sys.stdin.isatty():
        raise AskedWrongly(f"purging {campaign_id} ({what}) cannot be taken back; --yes says that you mean it")
    say(f"{campaign_id}: {what}. Its reports, its undo and its evidence are gone for good after this.")
    if click.prompt("Type the campaign's id to go on", err=True) != campaign_id:
        raise AskedWrongly("that is not its id; nothing was deleted")
