"""The findings as the page's script reads them: every text stored once, every finding a row of numbers."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hardening.model import Evidence, Finding, Severity, Status, Target
from hardening.reports.html_view import View, both_seen, both_wanted, reason_of
from hardening.reports.ordering import WORST_FIRST, by_badness
from hardening.reports.page_words import PAGE
from hardening.reports.safe_text import bounded, bounded_line, visible
from hardening.reports.wording import title, why
from hardening.reports.words import LANGUAGES, SEVERITY, STATUS

COMMAND_LIMIT = 400
EXCERPT_LIMIT = 400
PROBES_SHOWN = 5
ROW = ("control", "target", "status", "before", "seen", "reason", "probes", "second")
SCRIPT_WORDS = (
    "shown",
    "show_more",
    "none_match",
    "wanted",
    "seen",
    "why",
    "verdict",
    "was",
    "asked_with",
    "answered",
    "no_answer",
    "taken_at",
    "waiver",
    "clauses",
    "details",
    "any",
    "search",
    "host",
    "control",
    "source",
    "see_page",
    "map_help",
    "not_asked",
)


class _Table:
    """Values stored once, in the order in which they came."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[str, int] = {}

    def number(self, value: Any) -> int:
        key = value if isinstance(value, str) else repr(value)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.values)
            self.values.append(value)
        return found


def script_data(evidence: Evidence, view: View, *, lang: str) -> str:
    """Return the JSON that the page embeds, safe inside a script element."""
    seen, reasons, probes = _Table(), _Table(), _Table()
    targets = sorted({finding.observation.target for finding in evidence.findings})
    target_numbers = {target: number for number, target in enumerate(targets)}
    was = {finding.key: finding.status for finding in evidence.before}
    rows: list[int] = []
    for finding in by_badness(evidence.findings):
        observation = finding.observation
        before = was.get(finding.key)
        english, chinese = both_seen(finding)
        rows += (
            view.control_numbers[observation.control_id],
            target_numbers[observation.target],
            WORST_FIRST.index(finding.status),
            -1 if before is None else WORST_FIRST.index(before),
            seen.number([english] if english == chinese else [english, chinese]),
            reasons.number(_said(finding)),
            probes.number(_probes(finding)),
            int((observation.taken_at - evidence.campaign.started_at).total_seconds()),
        )
    document: Mapping[str, Any] = {
        **_of_page(evidence, view, targets, lang),
        "seen": seen.values,
        "reasons": reasons.values,
        "probes": probes.values,
        "row": ROW,
        "rows": rows,
    }
    return _embedded(document)


def index_data(evidence: Evidence, view: View, *, lang: str) -> str:
    """Return the JSON of an index: one text per target, one letter per control of its component."""
    targets = sorted({finding.observation.target for finding in evidence.findings})
    ids: dict[str, set[str]] = defaultdict(set)
    for finding in evidence.findings:
        ids[finding.observation.target.component].add(finding.observation.control_id)
    ordered = {component: sorted(names) for component, names in ids.items()}
    place = {component: {name: at for at, name in enumerate(names)} for component, names in ordered.items()}
    document: Mapping[str, Any] = {
        **_of_page(evidence, view, targets, lang),
        "seen": [],
        "reasons": [],
        "probes": [],
        "row": ROW,
        "pages": [part.href.partition("#")[0] for part in view.hosts],
        "packed": {
            "controls": {
                visible(component): [view.control_numbers[name] for name in names]
                for component, names in ordered.items()
            },
            "status": _letters(evidence.findings, targets, place),
            "before": _letters(evidence.before, targets, place),
        },
    }
    return _embedded(document)


def _letters(
    findings: Iterable[Finding], targets: Sequence[Target], place: Mapping[str, Mapping[str, int]]
) -> list[str]:
    """Return for every target how its component's controls stand: the number of the status, worst first, or a dot."""
    rows: dict[Target, list[str]] = {target: [] for target in targets}
    for finding in findings:
        target = finding.observation.target
        at = place.get(target.component, {}).get(finding.observation.control_id)
        if at is None or target not in rows:
            continue
        if not rows[target]:
            rows[target] = ["."] * len(place[target.component])
        rows[target][at] = str(WORST_FIRST.index(finding.status))
    return ["".join(rows[target]) for target in targets]


def _of_page(evidence: Evidence, view: View, targets: Sequence[Target], lang: str) -> dict[str, Any]:
    """Return what every page holds for its script: words, controls, hosts, targets."""
    return {
        "lang": lang,
        "started": int(evidence.campaign.started_at.timestamp()),
        "statuses": [[status.value, *STATUS[status]] for status in WORST_FIRST],
        "severities": [[severity.value, *SEVERITY[severity]] for severity in Severity],
        "words": {key: PAGE[key] for key in SCRIPT_WORDS},
        "controls": [_control(part.requirement) for part in view.controls],
        "clauses": {
            visible(clause.id): [visible(clause.text), visible(clause.text_zh)]
            for clause in evidence.profile.clauses.values()
        },
        "hosts": [visible(part.host.name) for part in view.hosts],
        "targets": [
            [view.host_numbers[target.host], visible(target.component), bounded_line(target.instance, COMMAND_LIMIT)]
            for target in targets
        ],
    }


def _embedded(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    # A script element ends at the first </script>, and <!-- changes how it is read; neither can be written now.
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _said(finding: Finding) -> str:
    if finding.status is Status.WAIVED:
        return f"{bounded(finding.reason, COMMAND_LIMIT)}\n{reason_of(finding)}"
    return bounded(finding.reason, COMMAND_LIMIT)


def _probes(finding: Finding) -> list[list[Any]]:
    """Return how it was asked; what was answered is shown only where a reader may doubt the verdict."""
    doubted = finding.status not in (Status.PASS, Status.NOT_APPLICABLE)
    return [
        [
            bounded(probe.command, COMMAND_LIMIT),
            probe.exit_code,
            probe.stdout_bytes,
            bounded_line(probe.stdout_sha256, 64),
            bounded(probe.stdout_excerpt, EXCERPT_LIMIT) if doubted else "",
            bounded(probe.stderr_excerpt, EXCERPT_LIMIT) if doubted else "",
        ]
        for probe in finding.observation.probes[:PROBES_SHOWN]
    ]


def _control(requirement: Any) -> list[Any]:
    control = requirement.control
    return [
        visible(control.id),
        visible(control.component),
        list(Severity).index(control.severity),
        [visible(title(control, lang)) for lang in LANGUAGES],
        [visible(why(control, lang)) for lang in LANGUAGES],
        list(both_wanted(control)),
        [visible(clause) for clause in requirement.clauses],
        f"{visible(control.source.file)}:{control.source.line}",
    ]
