"""A fleet cut into pages of whole hosts, the worst first, each a campaign's evidence of its own. Pure."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hardening.model import Evidence
from hardening.reports.html_view import hosts_by_badness
from hardening.tally import tally

# A browser opens ten megabytes in a second or two; a fleet's findings in one file would be a hundred.
FINDINGS_IN_ONE_FILE = 40_000


@dataclass(frozen=True, kw_only=True)
class Part:
    """Which page of how many this is, and where the index is."""

    number: int
    of: int
    index: str


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """The hosts of one page, in the order in which it shows them."""

    number: int
    hosts: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the page's file is called."""
        return f"part-{self.number:03}.html"

    def evidence(self, whole: Evidence) -> Evidence:
        """Return the whole's evidence narrowed to these hosts, counted again; the history is that of the whole."""
        here = set(self.hosts)
        findings = tuple(finding for finding in whole.findings if finding.observation.target.host in here)
        before = tuple(finding for finding in whole.before if finding.observation.target.host in here)
        hosts = tuple(host for host in whole.hosts if host.name in here)
        return dataclasses.replace(
            whole,
            hosts=hosts,
            findings=findings,
            tally=tally(findings, asked=len(findings), hosts=hosts),
            before=before,
            tally_before=tally(before, asked=len(before), hosts=hosts) if before else None,
            changes=tuple(change for change in whole.changes if change.target.host in here),
            trend=(),
        )


def pages_of(index: Path) -> Path:
    """Return the directory for the pages of an index: `report.files` beside `report.html`."""
    return index.with_name(f"{index.stem}.files")


def parts_of(evidence: Evidence, *, most: int) -> Iterator[Hosts]:
    """Yield the pages: as many whole hosts as have `most` findings together, at least one."""
    weights = Counter(finding.observation.target.host for finding in evidence.findings)
    hosts: list[str] = []
    weight, number = 0, 1
    for name in hosts_by_badness(evidence):
        if hosts and weight + weights[name] > most:
            yield Hosts(number=number, hosts=tuple(hosts))
            hosts, weight, number = [], 0, number + 1
        hosts.append(name)
        weight += weights[name]
    if hosts:
        yield Hosts(number=number, hosts=tuple(hosts))
