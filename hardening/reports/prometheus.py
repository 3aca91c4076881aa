"""Metrics for the textfile collector of Prometheus' node exporter: what to alert on, not every finding.

| metric | labels |
|---|---|
| hardening_findings | profile, status (all seven, zeros too) |
| hardening_gaps | profile, severity |
| hardening_target_gaps, hardening_target_unseen | profile, host, component, instance |
| hardening_changes | profile, state (only after a change) |
| hardening_complete | profile: 1 when all that was asked was seen and done, else 0 |
| hardening_hosts_asked, _seen; hardening_pairs_asked, _seen | profile |
| hardening_campaign_info | campaign, verb, profile, tool_version |
| hardening_started_timestamp_seconds, hardening_finished_timestamp_seconds | profile; no `finished` while it runs |

Alert on `hardening_complete == 0` and on an old `hardening_finished_timestamp_seconds` as much as on gaps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TextIO

from hardening.model import ChangeState, Evidence, Severity, Status
from hardening.reports import wording
from hardening.reports.ordering import NOT_SEEN
from hardening.reports.output import write_text
from hardening.reports.safe_text import bounded_line, one_line

LABEL_LIMIT = 200

Sample = tuple[Mapping[str, str], int | float]


def write_prometheus(evidence: Evidence, destination: Path | TextIO, *, lang: str = "en") -> None:
    """Write the metrics; labels are the same in every language."""
    lines = [f"# {bounded_line(sentence, 1000)}" for sentence in wording.alarms(evidence, lang)]
    for name, says, samples in _metrics(evidence):
        lines += [f"# HELP {name} {says}", f"# TYPE {name} gauge"]
        lines += [f"{name}{{{_labels(labels)}}} {_number(number)}" for labels, number in samples]
    write_text(destination, "".join(f"{line}\n" for line in lines))


def _metrics(evidence: Evidence) -> Iterable[tuple[str, str, list[Sample]]]:
    campaign, counts = evidence.campaign, evidence.tally
    profile = {"profile": campaign.profile}
    cover = counts.coverage
    yield (
        "hardening_findings",
        "Controls on targets by status.",
        [({**profile, "status": status.value}, counts.by_status.get(status, 0)) for status in Status],
    )
    yield (
        "hardening_gaps",
        "Failed controls on targets by severity.",
        [
            ({**profile, "severity": severity.value}, counts.by_severity_failed.get(severity, 0))
            for severity in Severity
        ],
    )
    yield "hardening_target_gaps", "Failed controls of a target.", _of_targets(evidence, (Status.FAIL,))
    yield "hardening_target_unseen", "Controls of a target that could not be seen.", _of_targets(evidence, NOT_SEEN)
    if evidence.changes:
        states = Counter(change.state for change in evidence.changes)
        yield (
            "hardening_changes",
            "Changes by state.",
            [({**profile, "state": state.value}, states[state]) for state in ChangeState],
        )
    for name, says, number in (
        ("complete", "1 when all that was asked was seen and done.", int(not wording.alarms(evidence, "en"))),
        ("hosts_asked", "Hosts that had to be looked at.", cover.hosts_asked),
        ("hosts_seen", "Hosts that answered.", cover.hosts_seen),
        ("pairs_asked", "Controls on targets that had to be answered.", cover.pairs_asked),
        ("pairs_seen", "Controls on targets that were answered.", cover.pairs_seen),
        ("started_timestamp_seconds", "When the campaign began.", campaign.started_at.timestamp()),
    ):
        yield f"hardening_{name}", says, [(profile, number)]
    if campaign.finished_at is not None:
        yield (
            "hardening_finished_timestamp_seconds",
            "When the campaign ended.",
            [(profile, campaign.finished_at.timestamp())],
        )
    info = {"campaign": campaign.id, "verb": campaign.verb.value, **profile, "tool_version": campaign.tool_version}
    yield "hardening_campaign_info", "The campaign these numbers are of.", [(info, 1)]


def _of_targets(evidence: Evidence, statuses: Iterable[Status]) -> list[Sample]:
    """Return one sample per target; names that are equal once cut share one, as a file with twins is refused whole."""
    targets = {finding.observation.target.name: finding.observation.target for finding in evidence.findings}
    wanted = tuple(statuses)
    sums: Counter[tuple[str, ...]] = Counter()
    for name, row in evidence.tally.by_target.items():
        target = targets[name]
        labels = tuple(bounded_line(held, LABEL_LIMIT) for held in (target.host, target.component, target.instance))
        sums[labels] += sum(row.get(status, 0) for status in wanted)
    profile = evidence.campaign.profile
    return [
        ({"profile": profile, "host": host, "component": component, "instance": instance}, number)
        for (host, component, instance), number in sums.items()
    ]


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(held)}"' for name, held in labels.items())


def _escaped(held: str) -> str:
    return one_line(held).replace("\\", "\\\\").replace('"', '\\"')


def _number(number: int | float) -> str:
    return str(int(number)) if number == int(number) else repr(number)
