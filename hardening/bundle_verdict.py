"""What a verified bundle answers, and how that is printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import click

from hardening.errors import Exit
from hardening.ledger import Ledger
from hardening.reports.safe_text import visible
from hardening.seal.signers import Checked, Trust
from hardening.seal.timestamps import Stamp
from hardening.seal.verify import Verdict, untrusted


def judge_bundle(verdict: Verdict, *, require: int, signers_given: bool, unsigned: bool) -> Exit:
    """Return the exit code; what is missing of the signatures is added to the problems.

    One key counts once, however often it signed.
    """
    verdict.problems += untrusted(verdict)
    valid = {each.key or each.signer for each in verdict.signatures if each.trust is Trust.VALID}
    if signers_given and len(valid) < require:
        told = "nobody signed it" if not verdict.signatures else f"{len(valid)} of {require} signers are good"
        verdict.problems.append(f"seal/: {told}")
    if verdict.problems:
        return Exit.EVIDENCE_BROKEN
    if verdict.unchecked or (not signers_given and not unsigned):
        return Exit.INCOMPLETE
    return Exit.CLEAN


def against(verdict: Verdict, ledger: Ledger) -> Iterator[str]:
    """Hold a bundle's chain against a ledger: the same entries, and none of the campaign that the bundle lacks.

    A ledger that was purged of the campaign still knows the hashes; its tombstone came after the bundle.
    """
    links = {link.seq: link for link in ledger.links(verdict.campaign) if link.kind != "purge"}
    if not links:
        yield f"the ledger has no campaign {verdict.campaign}"
    for seq, link in links.items():
        if seq in verdict.heads and verdict.heads[seq] != link.hash:
            yield f"facts/entries.jsonl: entry {seq} is another one in the ledger"
        elif seq not in verdict.heads and link.campaign_id == verdict.campaign:
            yield f"facts/entries.jsonl: entry {seq} ({link.kind}) of the ledger is not in the bundle"


def print_verdict(verdict: Verdict, code: Exit, *, as_json: bool) -> None:
    """Print what was found, bad news first. Names and words of a bundle are anybody's, and are made visible."""
    if as_json:
        json.dump(_document(verdict, code), sys.stdout, indent=2)
        sys.stdout.write("\n")
        return
    for problem in verdict.problems:
        click.echo(visible(problem))
    for sentence in verdict.unchecked:
        click.echo(visible(sentence))
    for signature in verdict.signatures:
        who = f" by {signature.signer}" if signature.signer else ""
        key = f" ({signature.key})" if signature.key else ""
        click.echo(visible(f"{signature.file}: {signature.trust}{who}{key}{_because(signature)}"))
    for stamp in verdict.stamps:
        click.echo(visible(f"{stamp.file}: {stamp.trust}, {stamp.at or 'no time'}{_because(stamp)}"))
    if not verdict.signatures and not verdict.problems:
        click.echo("nobody signed it: whoever can write the bundle can write another one")
    click.echo(visible(_last(verdict, code)))


def _because(checked: Checked | Stamp) -> str:
    return f": {checked.why}" if checked.why else ""


def _last(verdict: Verdict, code: Exit) -> str:
    campaign = f"campaign {verdict.campaign}" if verdict.campaign else "the bundle"
    if code is Exit.EVIDENCE_BROKEN:
        count = len(verdict.problems)
        return f"{campaign} does NOT verify: {count} {'problem' if count == 1 else 'problems'}"
    held = f"{campaign}: {verdict.files} files and {verdict.entries} entries of the chain hold together"
    if code is Exit.INCOMPLETE and not verdict.unchecked:
        return f"{held}; who signed was not checked (--allowed-signers names who may)"
    return held


def _document(verdict: Verdict, code: Exit) -> dict[str, object]:
    return {
        "campaign": verdict.campaign,
        "tool_version": verdict.tool_version,
        "verified": code is Exit.CLEAN,
        "files": verdict.files,
        "entries": verdict.entries,
        "problems": verdict.problems,
        "unchecked": verdict.unchecked,
        "signatures": [
            {"file": s.file, "trust": s.trust.value, "signer": s.signer, "key": s.key, "why": s.why}
            for s in verdict.signatures
        ],
        "timestamps": [{"file": s.file, "trust": s.trust.value, "at": s.at, "why": s.why} for s in verdict.stamps],
    }
