"""JUnit XML for Jenkins and GitLab, within what both of Jenkins' schemas allow.

One suite per target, one case per control, named `host/component:instance::control`, which is unique.

| status | becomes |
|---|---|
| PASS | a passed case |
| FAIL | a failure, typed by severity |
| ERROR, UNREACHABLE | an error: we could not look |
| WAIVED | skipped, with reason, owner, ticket and expiry |
| NOT_APPLICABLE, MANUAL | skipped, with the reason |

The first suite, `hardening`, holds one case `coverage::complete`. It is an error whenever not everything that was asked
was seen, or nothing was asked, so that an incomplete or empty run is never green. After a change there is also
`changes::complete`, an error when a change failed or was not reported. All other cases equal the tally.

Above what GitLab takes in one file, `junit.xml` is followed by `junit-002.xml` and so on beside it; together they hold
every case once. The tools differ, and so do the dialects:

| dialect | differs in |
|---|---|
| jenkins | nothing: it is what both schemas allow |
| gitlab | names the control's file, which GitLab links; passed cases carry no output, which GitLab does not show |
| azure | says why a case was skipped in an attribute, where Azure Pipelines reads it |

What is known of a case stands in its output as `[[PROPERTY|key=value]]` lines, which GitLab and Jenkins plugins read:
neither schema allows properties on a case.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TextIO

from junit_xml import TestCase, TestSuite

from hardening.model import Evidence, Finding, Status
from hardening.outcome import not_done
from hardening.reports import wording
from hardening.reports.output import write_text
from hardening.reports.rows import source_file
from hardening.reports.safe_text import bounded, bounded_line, one_line
from hardening.reports.words import say

# What GitLab takes in one file.
GITLAB_BYTES = 30_000_000
GITLAB_OBJECTS = 250_000
# What stands around the suites of a file.
FRAME_BYTES = 300
FRAME_OBJECTS = 6

ROOT = '<testsuites name="hardening"'
VALUE_LIMIT = 500
MESSAGE_LIMIT = 1000
PROBES_SHOWN = 8
REASONS_SHOWN = 20
BEFORE = "before: "


class Dialect(StrEnum):
    """Whom the file is for."""

    JENKINS = "jenkins"
    GITLAB = "gitlab"
    AZURE = "azure"


def write_junit(
    evidence: Evidence,
    destination: Path | TextIO,
    *,
    lang: str = "en",
    before: bool = False,
    dialect: Dialect = Dialect.JENKINS,
    max_bytes: int = GITLAB_BYTES,
    max_objects: int = GITLAB_OBJECTS,
) -> tuple[Path, ...]:
    """Write the file, and beside it as many numbered ones as the limits ask for; return them. A stream gets one.

    With `before`, the look that preceded the change is there as suites of its own.
    The case `coverage::complete` is in the first file.
    """
    suites = _suites(evidence, lang, before=before, dialect=dialect)
    if not isinstance(destination, Path):
        write_text(destination, _document([_written(suite) for suite in suites]))
        return ()
    paths = []
    for number, shard in enumerate(_shards(suites, max_bytes, max_objects), start=1):
        path = destination if number == 1 else _numbered(destination, number)
        write_text(path, _document(shard))
        paths.append(path)
    _remove_stale(destination, after=len(paths))
    return tuple(paths)


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}-{number:03}{path.suffix}")


def _remove_stale(path: Path, *, after: int) -> None:
    """Remove what a larger campaign left beside the file: a glob of CI would mix it with this one."""
    number = after + 1
    while _numbered(path, number).is_file():
        stale = _numbered(path, number)
        with stale.open(encoding="utf-8", errors="replace") as held:
            if ROOT not in held.read(FRAME_BYTES):
                return
        stale.unlink()
        number += 1


def _suites(evidence: Evidence, lang: str, *, before: bool, dialect: Dialect) -> Iterator[ET.Element]:
    yield _coverage_suite(evidence, lang)
    if before:
        yield from _target_suites(evidence, evidence.before, lang, prefix=BEFORE, dialect=dialect)
    yield from _target_suites(evidence, evidence.findings, lang, prefix="", dialect=dialect)


def _coverage_suite(evidence: Evidence, lang: str) -> ET.Element:
    cases = [_coverage_case(evidence, lang)]
    if evidence.changes:
        cases.append(_changes_case(evidence, lang))
    return _suite(evidence, "hardening", cases, host="")


def _coverage_case(evidence: Evidence, lang: str) -> TestCase:
    cover = evidence.tally.coverage
    case = TestCase("coverage::complete", classname="hardening.coverage", elapsed_sec=0)
    case.stdout = _properties(
        [
            ("hosts_asked", cover.hosts_asked),
            ("hosts_seen", cover.hosts_seen),
            ("pairs_asked", cover.pairs_asked),
            ("pairs_seen", cover.pairs_seen),
        ]
    )
    sentences = [] if cover.complete else [wording.coverage(evidence, lang)]
    if evidence.campaign.finished_at is None:
        sentences.append(say("unfinished", lang))
    if sentences:
        reasons = list(cover.not_seen.items())
        lines = [f"{number:,} × {one_line(reason)}" for reason, number in reasons[:REASONS_SHOWN]]
        lines += [f"{one_line(host.name)}: {one_line(host.unreachable)}" for host in evidence.hosts if host.unreachable]
        case.add_error_info(" ".join(sentences), "\n".join(lines[: 2 * REASONS_SHOWN]), "incomplete")
    return case


def _changes_case(evidence: Evidence, lang: str) -> TestCase:
    undone = [change for change in evidence.changes if not_done(change, evidence.campaign.verb)]
    case = TestCase("changes::complete", classname="hardening.changes", elapsed_sec=0)
    case.stdout = _properties([("changes", len(evidence.changes)), ("not_done", len(undone))])
    if undone:
        lines = [
            bounded_line(
                f"{change.target.name}::{change.control_id}: {change.reason or change.state.value}", VALUE_LIMIT
            )
            for change in undone[:REASONS_SHOWN]
        ]
        message = say("not_done", lang, n=f"{len(undone):,}", all=f"{len(evidence.changes):,}")
        case.add_error_info(message, "\n".join(lines), "not done")
    return case


def _target_suites(
    evidence: Evidence, findings: Sequence[Finding], lang: str, *, prefix: str, dialect: Dialect
) -> Iterator[ET.Element]:
    ordered = sorted(findings, key=lambda finding: (finding.observation.target, finding.observation.control_id))
    for target, of_target in groupby(ordered, key=lambda finding: finding.observation.target):
        cases = [_case(finding, lang, prefix, dialect) for finding in of_target]
        yield _suite(evidence, f"{prefix}{target.name}", cases, host=target.host, dialect=dialect)


def _case(finding: Finding, lang: str, prefix: str, dialect: Dialect) -> TestCase:
    observation, control = finding.observation, finding.requirement.control
    target = observation.target
    part = f"{target.component}:{target.instance}" if target.instance else target.component
    silent = dialect is Dialect.GITLAB and finding.status is Status.PASS
    case = TestCase(
        bounded_line(f"{prefix}{target.name}::{observation.control_id}", VALUE_LIMIT),
        # Jenkins cuts this at the last dot into a package (the host) and a class (the component).
        classname=bounded_line(f"{prefix}{target.host.replace('.', '_')}.{part.replace('.', '_')}", VALUE_LIMIT),
        elapsed_sec=max(observation.duration_s, 0.0),
        stdout=None if silent else _facts(finding, lang),
        file=bounded_line(source_file(finding.requirement), VALUE_LIMIT) if dialect is Dialect.GITLAB else None,
    )
    said = bounded_line(finding.reason, MESSAGE_LIMIT) or "no reason was recorded"
    match finding.status:
        case Status.FAIL:
            # GitLab shows the text of a failure and not its message, so the text says it all.
            body = f"{finding.reason}\n{wording.title(control, lang)}\n{wording.why(control, lang)}"
            case.add_failure_info(said, bounded(body, MESSAGE_LIMIT), f"{control.severity.value} severity")
        case Status.ERROR:
            case.add_error_info(said, said, "could not look")
        case Status.UNREACHABLE:
            case.add_error_info(said, said, "unreachable")
        case Status.WAIVED:
            _skip(case, f"waived: {wording.waiver_sentence(finding)}", dialect)
        case Status.NOT_APPLICABLE:
            _skip(case, f"not applicable: {said}", dialect)
        case Status.MANUAL:
            _skip(case, f"needs a person: {said}", dialect)
    return case


def _skip(case: TestCase, why: str, dialect: Dialect) -> None:
    said = bounded_line(why, MESSAGE_LIMIT)
    case.add_skipped_info(message=said if dialect is Dialect.AZURE else None, output=said)


def _facts(finding: Finding, lang: str) -> str:
    observation, control = finding.observation, finding.requirement.control
    facts: list[tuple[str, object]] = [
        ("status", finding.status.value),
        ("verdict", finding.verdict.value),
        ("control", control.id),
        ("title", wording.title(control, lang)),
        ("severity", control.severity.value),
        ("host", observation.target.host),
        ("component", observation.target.component),
    ]
    if observation.target.instance:
        facts.append(("instance", observation.target.instance))
    facts += [
        ("expected", wording.wanted_of(control, lang)),
        ("observed", wording.seen(finding, lang) or finding.reason),
    ]
    facts += [("clause", clause) for clause in finding.requirement.clauses]
    for probe in observation.probes[:PROBES_SHOWN]:
        facts.append(("probe", f"{probe.command} (exit {probe.exit_code}, sha256 {probe.stdout_sha256})"))
    if len(observation.probes) > PROBES_SHOWN:
        facts.append(("probes_not_shown", len(observation.probes) - PROBES_SHOWN))
    facts.append(("taken_at", observation.taken_at.isoformat()))
    if finding.waiver is not None:
        facts += [
            ("waiver_owner", finding.waiver.owner),
            ("waiver_ticket", finding.waiver.ticket),
            ("waiver_expires", finding.waiver.expires_on.isoformat()),
        ]
    if finding.attestation is not None:
        facts += [
            ("attested_by", finding.attestation.by),
            ("attested_on", finding.attestation.seen_on.isoformat()),
            ("attested_until", finding.attestation.expires_on.isoformat()),
        ]
    return _properties(facts)


def _properties(facts: Iterable[tuple[str, object]]) -> str:
    # The closing brackets end a property wherever they stand, so a value must not hold them.
    return "\n".join(
        f"[[PROPERTY|{key}={bounded_line(str(held), VALUE_LIMIT).replace(']]', '] ]')}]]" for key, held in facts
    )


def _suite(
    evidence: Evidence,
    name: str,
    cases: Sequence[TestCase],
    *,
    host: str,
    dialect: Dialect = Dialect.JENKINS,
) -> ET.Element:
    campaign = evidence.campaign
    properties = {
        "campaign": campaign.id,
        "verb": campaign.verb.value,
        "profile": campaign.profile,
        "profile_digest": campaign.profile_digest,
        "tool_version": campaign.tool_version,
    }
    suite = TestSuite(
        bounded_line(name, VALUE_LIMIT),
        list(cases),
        hostname=bounded_line(host, VALUE_LIMIT) or None,
        timestamp=campaign.started_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        properties={key: bounded_line(held, VALUE_LIMIT) for key, held in properties.items()},
    )
    element: ET.Element = suite.build_xml_doc()
    return _as_both_schemas_want(element, dialect)


def _as_both_schemas_want(suite: ET.Element, dialect: Dialect) -> ET.Element:
    """Take away what junit-xml writes and one of Jenkins' schemas refuses."""
    suite.attrib.pop("disabled")
    seconds = 0.0
    for case in suite.iter("testcase"):
        seconds += float(case.get("time", "0"))
        for skipped in case.iter("skipped"):
            skipped.attrib.pop("type", None)
            if dialect is not Dialect.AZURE:
                skipped.attrib.clear()
        # The older schema fixes the order: the verdict, then the output.
        case[:] = sorted(case, key=lambda part: part.tag == "system-out")
    # junit-xml writes small sums as 1e-05, which is no time for the stricter schema.
    suite.set("time", f"{seconds:.6f}")
    return suite


@dataclass(frozen=True, kw_only=True, slots=True)
class _Written:
    """A suite as it stands in a file: small, where its elements would fill the memory."""

    text: str
    tests: int
    failures: int
    errors: int
    seconds: float
    objects: int

    @property
    def size(self) -> int:
        """Its bytes."""
        return len(self.text.encode())


def _written(suite: ET.Element) -> _Written:
    ET.indent(suite, " ", level=1)
    # A suite's tail is its parent's concern.
    suite.tail = None
    return _Written(
        text=ET.tostring(suite, encoding="unicode"),
        tests=int(suite.get("tests", "0")),
        failures=int(suite.get("failures", "0")),
        errors=int(suite.get("errors", "0")),
        seconds=float(suite.get("time", "0")),
        objects=sum(1 + len(element.attrib) for element in suite.iter()),
    )


def _document(suites: Sequence[_Written]) -> Iterator[str]:
    counts = {
        "tests": sum(suite.tests for suite in suites),
        "failures": sum(suite.failures for suite in suites),
        "errors": sum(suite.errors for suite in suites),
        "time": f"{sum(suite.seconds for suite in suites):.6f}",
    }
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n{ROOT}'
    yield "".join(f' {name}="{count}"' for name, count in counts.items()) + ">"
    for suite in suites:
        yield f"\n {suite.text}"
    yield "\n</testsuites>\n"


def _shards(suites: Iterable[ET.Element], max_bytes: int, max_objects: int) -> Iterator[list[_Written]]:
    """Yield groups of suites that each stay below both limits; a suite too large for one is cut between cases."""
    group: list[_Written] = []
    size, objects = FRAME_BYTES, FRAME_OBJECTS
    for suite in (piece for whole in suites for piece in _pieces(whole, max_bytes // 2, max_objects // 2)):
        if group and (size + suite.size + 2 > max_bytes or objects + suite.objects > max_objects):
            yield group
            group, size, objects = [], FRAME_BYTES, FRAME_OBJECTS
        group.append(suite)
        size, objects = size + suite.size + 2, objects + suite.objects
    if group:
        yield group


def _pieces(suite: ET.Element, max_bytes: int, max_objects: int) -> Iterator[_Written]:
    whole = _written(suite)
    cases = suite.findall("testcase")
    if (whole.size <= max_bytes and whole.objects <= max_objects) or len(cases) == 1:
        yield whole
        return
    for half in (cases[: len(cases) // 2], cases[len(cases) // 2 :]):
        piece = ET.Element("testsuite", dict(suite.attrib))
        piece.extend(suite.findall("properties"))
        piece.extend(half)
        piece.set("tests", str(len(half)))
        for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            piece.set(key, str(sum(case.find(tag) is not None for case in half)))
        piece.set("time", f"{sum(float(case.get('time', '0')) for case in half):.6f}")
        yield from _pieces(piece, max_bytes, max_objects)
