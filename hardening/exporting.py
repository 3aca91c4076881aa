"""Export a campaign as a sealed bundle: facts, reports, coverage statement, manifest, seal.

The same campaign gives the same bytes, but for signatures and time stamps.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hardening.errors import Incomplete
from hardening.ledger import Ledger, Link
from hardening.model import Evidence, Json, Tally
from hardening.reports import FORMATS
from hardening.reports.wording import alarms
from hardening.seal import layout
from hardening.seal.facts import Line, Walk, chain_statement, noted, texts_of, write_lines
from hardening.seal.readme import bundle_readme
from hardening.seal.writing import Signer, put_in_place, seal, staging

COVERAGE_SCHEMA = "hardening/coverage/1"
LANGUAGES = ("en", "zh")


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What came of an export: reports that could not be made, with the reason, and whether the campaign had ended."""

    left_out: Mapping[str, str]
    ended: bool


def export_bundle(
    ledger: Ledger,
    evidence: Evidence,
    destination: Path,
    *,
    formats: Sequence[str] = tuple(FORMATS),
    sm3: bool = False,
    signers: Sequence[Signer] = (),
    tokens: Sequence[Path] = (),
    progress: Callable[[str], None] = lambda sentence: None,
) -> Exported:
    """Write the bundle of a campaign: a directory, or a zip where the destination ends in .zip.

    `progress` is told what is being written; a PDF takes a while.
    """
    with staging(destination) as room:
        walk = _write_facts(ledger, evidence, room)
        left_out = _write_reports(evidence, room, formats, progress)
        coverage = _coverage(evidence, walk, left_out)
        _write(room, layout.COVERAGE, json.dumps(coverage, indent=1).encode())
        _write(room, layout.README, bundle_readme(evidence.campaign.id, left_out).encode())
        seal(
            room,
            campaign=evidence.campaign.id,
            tool_version=evidence.campaign.tool_version,
            catalogue_digest=evidence.campaign.catalogue_digest,
            predicate=coverage,
            sm3=sm3,
            signers=signers,
            tokens=tokens,
        )
        put_in_place(room, destination)
    return Exported(left_out=left_out, ended=evidence.campaign.finished_at is not None)


def _write_facts(ledger: Ledger, evidence: Evidence, room: Path) -> Walk:
    walk = Walk()
    campaign_id = evidence.campaign.id
    (room / "facts").mkdir()
    with (room / layout.ENTRIES).open("wb") as file:
        links = (_line(link) for link in ledger.links(campaign_id))
        write_lines(noted(links, campaign_id, walk), file.write)
    texts = set(walk.texts)
    counted = {finding.attestation for finding in evidence.findings if finding.attestation is not None}
    acts = sorted({(held.seq, held.act_id) for held in ledger.attestations() if held.attestation in counted})
    if acts:
        with (room / layout.ATTESTATIONS).open("wb") as file:
            for seq, act_id in acts:
                lines = [_line(link) for link in ledger.links(act_id) if link.seq == seq]
                write_lines(lines, file.write)
                texts = texts.union(*map(texts_of, lines))
    for name in sorted(texts):
        _write(room, layout.TEXTS + name, ledger.blob(name))
    return walk


def _line(link: Link) -> Line:
    return Line(**vars(link))


def _write_reports(
    evidence: Evidence, room: Path, formats: Sequence[str], progress: Callable[[str], None]
) -> dict[str, str]:
    """Write every report in both languages, and once where the language changes nothing."""
    left_out = {}
    places = {lang: room / layout.REPORTS / lang for lang in LANGUAGES}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    for name in formats:
        held = {lang: _files(place) for lang, place in places.items()}
        for lang, place in places.items():
            path = place / f"report{FORMATS[name].suffix}"
            progress(f"writing {path.relative_to(room)}")
            try:
                FORMATS[name].write(evidence, path, lang=lang)
            except Incomplete as problem:
                left_out[path.relative_to(room).as_posix()] = str(problem)
        # A report may be several files; it is one file set, the same in both languages or not.
        english, chinese = (sorted(_files(place) - held[lang]) for lang, place in places.items())
        if english == chinese and all(
            (places["en"] / file).read_bytes() == (places["zh"] / file).read_bytes() for file in english
        ):
            for file in english:
                folded = room / layout.REPORTS / file
                folded.parent.mkdir(parents=True, exist_ok=True)
                (places["en"] / file).rename(folded)
                (places["zh"] / file).unlink()
    return left_out


def _files(place: Path) -> set[Path]:
    """Return the files below a directory, by their paths in it."""
    return {path.relative_to(place) for path in place.rglob("*") if path.is_file()}


def _coverage(evidence: Evidence, walk: Walk, left_out: Mapping[str, str]) -> dict[str, Json]:
    """Return the coverage statement: asked, seen, why not; and where the chain begins and ends."""
    campaign = evidence.campaign
    problems: list[Json] = [*alarms(evidence, "en")]
    return {
        "schema": COVERAGE_SCHEMA,
        "campaign": {
            "id": campaign.id,
            "verb": campaign.verb.value,
            "started_at": campaign.started_at.isoformat(),
            "finished_at": campaign.finished_at.isoformat() if campaign.finished_at else None,
            "exit_code": campaign.exit_code,
            "parent": campaign.parent,
            "profile": campaign.profile,
            "profile_digest": campaign.profile_digest,
            "catalogue_digest": campaign.catalogue_digest,
            "tool_version": campaign.tool_version,
        },
        "complete": not problems,
        "alarms": problems,
        "look": _look(evidence.tally),
        "look_before": None if evidence.tally_before is None else _look(evidence.tally_before),
        "hosts_not_seen": {host.name: host.unreachable for host in evidence.hosts if host.unreachable is not None},
        "chain": chain_statement(walk),
        "reports_left_out": dict(left_out),
    }


def _look(counts: Tally) -> Json:
    cover = counts.coverage
    return {
        "asked": {"hosts": cover.hosts_asked, "pairs": cover.pairs_asked},
        "seen": {"hosts": cover.hosts_seen, "pairs": cover.pairs_seen},
        "not_seen": dict(cover.not_seen),
        "by_status": {status.value: number for status, number in counts.by_status.items()},
    }


def _write(room: Path, name: str, content: bytes) -> None:
    path = room / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
