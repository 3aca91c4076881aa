"""HTML: one file for people, that loads nothing and works from `file://`, from a mail, or below a strict web server.

Both languages are in the one file, with a switch that needs no JavaScript (radio buttons and CSS); `lang` says which
one shows first. One file has one digest in the evidence bundle, and an engineer and an auditor who read different
languages cannot hold different reports. It costs about a tenth in size, as findings are stored without language.

Without JavaScript everything can be read: counts, then every finding in `<details>` by host and by control. With it
there is a list to search and filter besides, drawn from embedded data. Scripts and styles run only by their hash
(Content-Security-Policy); every text passes `visible` and Jinja's escaping; the script writes text, never markup.

Above `FINDINGS_IN_ONE_FILE` the file is an index: counts, map, list, controls and changes of the whole fleet, with the
findings of the hosts on pages in a directory beside it, `report.files/` for `report.html`. A stream gets one page.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from hardening.judge import text as value_text
from hardening.model import Change, ChangeState, Evidence, Status
from hardening.reports import wording
from hardening.reports.html_data import index_data, script_data
from hardening.reports.html_others import attested_parts, import_parts
from hardening.reports.html_parts import FINDINGS_IN_ONE_FILE, Part, pages_of, parts_of
from hardening.reports.html_view import SEVERITIES, Both, view_of
from hardening.reports.ordering import NOT_SEEN, WORST_FIRST, add_up, changes_by_badness
from hardening.reports.others import attached, beside_clauses
from hardening.reports.output import write_text
from hardening.reports.page_words import PAGE
from hardening.reports.safe_text import bounded, visible
from hardening.reports.words import CHANGE, DANGER, LANGUAGES, SEVERITY, STATUS, VERB, counted, say
from hardening.tally import score

CHANGES_SHOWN = 2000
DIFF_LIMIT = 8000
SHORT_LIMIT = 300
# With more hosts a page lays a part of itself out only when a reader comes near it.
FLEET_HOSTS = 100


def write_html(
    evidence: Evidence, destination: Path | TextIO, *, lang: str = "en", most: int = FINDINGS_IN_ONE_FILE
) -> None:
    """Write the page, or above `most` findings an index with pages beside it; `lang` is the language it opens in."""
    if len(evidence.findings) <= most or not isinstance(destination, Path):
        write_text(destination, _page(evidence, lang))
        return
    directory = pages_of(destination)
    parts = list(parts_of(evidence, most=most // 2))
    for part in parts:
        there = Part(number=part.number, of=len(parts), index=f"../{quote(destination.name)}")
        write_text(directory / part.name, _page(part.evidence(evidence), lang, part=there))
    for stale in set(directory.glob("part-*.html")) - {directory / part.name for part in parts}:
        stale.unlink()
    hrefs = {
        host: f"{quote(directory.name)}/{part.name}#host-{number}"
        for part in parts
        for number, host in enumerate(part.hosts)
    }
    write_text(destination, _page(evidence, lang, hrefs=hrefs))


def _page(evidence: Evidence, lang: str, *, hrefs: Mapping[str, str] | None = None, part: Part | None = None) -> str:
    view = view_of(evidence, hrefs=hrefs)
    style, script = _asset("page.css"), _asset("heat.js") + _asset("page.js")
    changes = changes_by_badness(evidence.changes)
    failed = evidence.tally.by_status.get(Status.FAIL, 0)
    passed, counted_in_score = score(evidence.tally.by_status)
    data = script_data if hrefs is None else index_data
    rendered = (
        _environment()
        .get_template("page.html.j2")
        .render(
            evidence=evidence,
            campaign=evidence.campaign,
            profile=evidence.profile,
            tally=evidence.tally,
            view=view,
            view_pages=len({href.partition("#")[0] for href in (hrefs or {}).values()}),
            part=part,
            lang=lang,
            style=Markup(style),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            policy=_policy(style, script),
            script_data=Markup(data(evidence, view, lang=lang)),  # noqa: S704 - escaped for its place where it is made
            alarms=_alarms(evidence),
            covered=_both(lambda each: wording.coverage(evidence, each)),
            result=_both(lambda each: wording.result(evidence.tally, each)),
            result_before=_result_before(evidence),
            failed=failed,
            unknown=wording.unknown(evidence.tally),
            passed=passed,
            counted=counted_in_score,
            score=wording.score_text(evidence.tally.by_status),
            again=_again(evidence),
            took=_took(evidence),
            approved=None if evidence.approval is None else _both(lambda each: wording.approved(evidence, each) or ""),
            attestations=attested_parts(evidence),
            imports=import_parts(evidence) if part is None else (),
            beside={lang: beside_clauses(evidence, lang) for lang in LANGUAGES} if part is None else {},
            changes=changes[:CHANGES_SHOWN],
            changes_cut=max(len(changes) - CHANGES_SHOWN, 0),
            change_counts={state: sum(change.state is state for change in changes) for state in ChangeState},
            moved=view.matrix and _moved(view.matrix.cells),
            not_seen=list(evidence.tally.coverage.not_seen.items()),
        )
    )
    return str(rendered)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("hardening.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Every text that a template prints passes here: what is not markup of ours is made visible, then escaped.
        finalize=lambda held: visible(held) if isinstance(held, str) and not isinstance(held, Markup) else held,
    )
    environment.filters["short"] = lambda held: bounded(str(held), SHORT_LIMIT)
    environment.filters["moment"] = _moment
    environment.filters["number"] = lambda held: f"{held:,}"
    environment.filters["value"] = lambda held: bounded(value_text(held), SHORT_LIMIT)
    environment.globals.update(
        t=cache(_word),
        both=_either,
        status_word={status: _either(texts) for status, texts in STATUS.items()}.__getitem__,
        severity_word={severity: _either(texts) for severity, texts in SEVERITY.items()}.__getitem__,
        change_word=lambda state: _either(CHANGE[state]),
        danger_word=lambda danger: _either(DANGER[danger]),
        verb_word=lambda verb: _either(VERB[verb]),
        title=lambda titled: _either(_both(lambda lang: wording.title(titled, lang))),
        why=lambda control: _either(_both(lambda lang: wording.why(control, lang))),
        mlps_note=_either(_both(lambda lang: say("mlps_note", lang))),
        hosts_word=lambda number: _either(_both(lambda lang: counted("host", "hosts", number, lang))),
        bar=_bar,
        score_of=wording.score_text,
        PAGE=PAGE,
        diff_lines=_diff_lines,
        FLEET=FLEET_HOSTS,
        attached=attached,
        count=lambda counts, status: counts.get(status, 0),
        unseen=lambda counts: sum(counts.get(status, 0) for status in NOT_SEEN),
        add_up=add_up,
        STATUSES=WORST_FIRST,
        SEVERITIES=SEVERITIES,
        Status=Status,
        ChangeState=ChangeState,
    )
    return environment


@cache
def _asset(name: str) -> str:
    return files("hardening.reports").joinpath("templates", name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy under which nothing runs, loads or leaves but our own style and script."""
    return (
        f"default-src 'none'; style-src '{_source_hash(style)}'; script-src '{_source_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _source_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _both(make: Callable[[str], str]) -> Both:
    return (make("en"), make("zh"))


def _either(texts: Both) -> Markup:
    """Return one text in both languages; the page shows one of them."""
    english, chinese = (escape(visible(text)) for text in texts)
    if english == chinese:
        return english
    return Markup('<span lang="en">{}</span><span lang="zh-Hans">{}</span>').format(english, chinese)


def _word(key: str, **values: object) -> Markup:
    english, chinese = (text.format(**values) if values else text for text in PAGE[key])
    return _either((english, chinese))


def _again(evidence: Evidence) -> str:
    """Return the options with which this very report is written again, beside the campaign."""
    since = f" --since {evidence.since}" if evidence.since else ""
    return since + (f" --against {evidence.against.id}" if evidence.against else "")


def _result_before(evidence: Evidence) -> Both | None:
    before = evidence.tally_before
    return None if before is None else _both(lambda lang: wording.result(before, lang))


def _alarms(evidence: Evidence) -> list[Both]:
    english, chinese = (wording.alarms(evidence, lang) for lang in LANGUAGES)
    return list(zip(english, chinese, strict=True))


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _took(evidence: Evidence) -> str:
    finished = evidence.campaign.finished_at
    if finished is None:
        return ""
    seconds = int((finished - evidence.campaign.started_at).total_seconds())
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _moved(cells: Any) -> Markup:
    fixed = sum(number for (before, after), number in cells.items() if before is Status.FAIL and after is Status.PASS)
    worse = sum(
        number for (before, after), number in cells.items() if before is not Status.FAIL and after is Status.FAIL
    )
    return _word("moved", fixed=f"{fixed:,}", worse=f"{worse:,}", left=f"{cells.get((Status.FAIL, Status.FAIL), 0):,}")


def _bar(counts: Any) -> Markup:
    """Return a drawing of how counts share a whole; it is decoration, the numbers stand beside it."""
    total = sum(counts.values())
    parts, at = [], 0.0
    for status in reversed(WORST_FIRST):
        number = counts.get(status, 0)
        if number:
            width = 1000 * number / total
            part = Markup('<rect class="b-{}" x="{:.1f}" width="{:.1f}" height="10"/>')
            parts.append(part.format(status.value, at, width))
            at += width
    return Markup(
        '<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">{}</svg>'
    ).format(Markup("").join(parts))


def _diff_lines(change: Change) -> list[tuple[str, str]]:
    """Return the lines of a diff with how each is coloured; the sign itself says it, too."""
    kinds = {"+": "add", "-": "del", "@": "at"}
    lines = bounded(change.diff, DIFF_LIMIT).splitlines()
    return [("at" if line.startswith(("--- ", "+++ ")) else kinds.get(line[:1], ""), line) for line in lines]
