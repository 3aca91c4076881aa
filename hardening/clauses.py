"""What the findings say about each clause of a standard, on each object and as a whole. Pure.

A clause on one object, from the checks that answer it there (checks that do not apply are left out):

| checks | verdict |
|---|---|
| none applies | not applicable |
| some as wanted, some not | partly compliant, whatever else is unknown |
| none as wanted, some not | not compliant: a gap that was seen never hides behind one that was not |
| none unwanted, but some not seen, not reached, or left to a person | to be confirmed |
| all as wanted | compliant |

A waived gap stays a gap: its risk is accepted, the clause is not met.
A clause that no check answered is to be confirmed.
The same rule, over the verdicts of its objects, gives the verdict of a clause as a whole.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from hardening.mlps_cases import CASES, Case
from hardening.model import Clause, Evidence, Finding, Requirement, Severity, Status, WaiverUse

UNSETTLED = (Status.ERROR, Status.UNREACHABLE, Status.MANUAL)


class Verdict(StrEnum):
    """How a clause stands."""

    COMPLIANT = "compliant"
    PARTLY = "partly"
    NOT_COMPLIANT = "not_compliant"
    NOT_APPLICABLE = "not_applicable"
    TO_CONFIRM = "to_confirm"


class RateRule(StrEnum):
    """How the rate of compliance (符合率) is worked out; no published rule says how a partly met clause counts.

    What is to be confirmed counts as not compliant under every rule; what is not applicable does not count at all.
    """

    STRICT = "strict"
    HALF = "half"
    BY_CLAUSE = "by-clause"


class Risk(StrEnum):
    """The risk of a gap, as MLPS grades it."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, kw_only=True)
class Item:
    """One clause on one object. `object` is a target's name, a host's, or empty where no check answered the clause."""

    clause: str
    object: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()

    @property
    def gaps(self) -> tuple[Finding, ...]:
        """The checks that are not as wanted, waived or not."""
        return tuple(finding for finding in self.findings if finding.verdict is Status.FAIL)

    @property
    def accepted(self) -> tuple[Finding, ...]:
        """The gaps whose risk was accepted."""
        return tuple(finding for finding in self.findings if finding.status is Status.WAIVED)

    @property
    def unsettled(self) -> tuple[Finding, ...]:
        """The checks that have no answer yet: not seen, not reached, or left to a person."""
        return tuple(finding for finding in self.findings if finding.verdict in UNSETTLED)


@dataclass(frozen=True, kw_only=True)
class ClauseResult:
    """One clause over all objects."""

    clause: Clause
    verdict: Verdict
    items: tuple[Item, ...]
    controls: int


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A rate under one rule: `met` of `counted`. `best` is what it would be if all that is to be confirmed were met."""

    rule: RateRule
    met: Fraction
    counted: int
    unconfirmed: int

    @property
    def share(self) -> Fraction | None:
        """The rate, or None where nothing counts: a rate of nothing is no rate."""
        return self.met / self.counted if self.counted else None

    @property
    def best(self) -> Fraction | None:
        """The most it can still become."""
        return (self.met + self.unconfirmed) / self.counted if self.counted else None


@dataclass(frozen=True, kw_only=True)
class HighRisk:
    """One control of high or critical severity that is not met on some objects, under one waiver or none.

    `adjusted` is the risk with the compensating measure: one step lower, except for critical gaps and for cases that no
    measure lowers. It is a proposal; a person confirms it.
    """

    requirement: Requirement
    cases: tuple[Case, ...]
    objects: tuple[str, ...]
    waiver: WaiverUse | None
    risk: Risk
    adjusted: Risk


@dataclass(frozen=True, kw_only=True)
class ClauseView:
    """A campaign as the clauses of its standard see it. `counts` counts items: one clause on one object each."""

    standard: str
    clauses: tuple[ClauseResult, ...]
    objects: tuple[str, ...]
    counts: Mapping[Verdict, int]
    clause_counts: Mapping[Verdict, int]
    rule: RateRule
    rates: Mapping[RateRule, Rate]
    high_risks: tuple[HighRisk, ...]

    @property
    def rate(self) -> Rate:
        """The rate under the rule that was asked for."""
        return self.rates[self.rule]


def clause_view(
    evidence: Evidence, *, rule: RateRule = RateRule.STRICT, by_host: bool = False, before: bool = False
) -> ClauseView | None:
    """Return the verdicts of all clauses, or None where the profile answers no standard.

    Objects are targets, or whole hosts with `by_host`. With `before` it is the look that preceded a change.
    """
    standard = evidence.profile.standard
    if standard is None:
        return None
    found = evidence.before if before else evidence.findings
    lost = [host.name for host in evidence.hosts if host.unreachable is not None]
    results = _results(evidence, found, lost, by_host=by_host)
    items = [item for result in results for item in result.items]
    counts = _counted(item.verdict for item in items)
    clause_counts = _counted(result.verdict for result in results)
    return ClauseView(
        standard=standard,
        clauses=results,
        objects=tuple(sorted({item.object for item in items if item.object})),
        counts=counts,
        clause_counts=clause_counts,
        rule=rule,
        rates={
            RateRule.STRICT: _rate(RateRule.STRICT, counts, partly=Fraction(0)),
            RateRule.HALF: _rate(RateRule.HALF, counts, partly=Fraction(1, 2)),
            RateRule.BY_CLAUSE: _rate(RateRule.BY_CLAUSE, clause_counts, partly=Fraction(0)),
        },
        high_risks=high_risks(found),
    )


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """Return the verdict of one clause on one object; a waived gap counts as the gap it is."""
    return _verdict([_of_finding(finding) for finding in findings])


def risk_of(severity: Severity) -> Risk:
    """Return the MLPS risk of a severity; MLPS knows nothing above high."""
    return {Severity.LOW: Risk.LOW, Severity.MEDIUM: Risk.MEDIUM}.get(severity, Risk.HIGH)


def high_risks(findings: Iterable[Finding]) -> tuple[HighRisk, ...]:
    """Return the gaps of high and critical severity, those without a waiver first."""
    groups: dict[tuple[str, WaiverUse | None], list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.verdict is Status.FAIL and finding.requirement.control.severity.rank >= Severity.HIGH.rank:
            groups[finding.observation.control_id, finding.waiver].append(finding)
    risks = [_high_risk(group, waiver) for (_, waiver), group in groups.items()]
    return tuple(
        sorted(
            risks,
            key=lambda risk: (
                risk.waiver is not None,
                -risk.requirement.control.severity.rank,
                -len(risk.objects),
                risk.requirement.control.id,
                risk.objects,
            ),
        )
    )


def clause_order(name: str) -> list[tuple[int, str]]:
    """Return a key that puts 8.1.4.2 before 8.1.4.10."""
    return [
        (int(part), "") if part.isascii() and part.isdigit() else (0, part)
        for part in name.replace(" ", ".").split(".")
    ]


def percent(share: Fraction | None) -> str:
    """Return `66.66 %`, never rounded up, so that no rate passes a threshold by rounding; `–` where there is none."""
    if share is None:
        return "–"
    hundredths = share.numerator * 10_000 // share.denominator
    return f"{hundredths // 100}.{hundredths % 100:02} %"


def _results(
    evidence: Evidence, found: Sequence[Finding], lost: Sequence[str], *, by_host: bool
) -> tuple[ClauseResult, ...]:
    groups: dict[str, dict[str, list[Finding]]] = defaultdict(lambda: defaultdict(list))
    for finding in found:
        target = finding.observation.target
        for name in finding.requirement.clauses:
            groups[name][target.host if by_host else target.name].append(finding)
    # A host that was lost before anybody knew what is on it has no findings; each clause is open there.
    told = {finding.observation.target.host for finding in found}
    unknown = [name for name in lost if name not in told]
    cited = {name for requirement in evidence.profile.requirements for name in requirement.clauses} | set(groups)
    results = []
    for clause in _clauses(evidence, cited):
        items = [
            Item(clause=clause.id, object=name, verdict=verdict_of(group), findings=tuple(group))
            for name, group in sorted(groups.get(clause.id, {}).items())
        ]
        items += [Item(clause=clause.id, object=name, verdict=Verdict.TO_CONFIRM) for name in unknown]
        items = items or [Item(clause=clause.id, object="", verdict=Verdict.TO_CONFIRM)]
        results.append(
            ClauseResult(
                clause=clause,
                verdict=_verdict([item.verdict for item in items]),
                items=tuple(items),
                controls=len({finding.observation.control_id for item in items for finding in item.findings}),
            )
        )
    return tuple(results)


def _clauses(evidence: Evidence, cited: set[str]) -> list[Clause]:
    """Return the clauses that count: all of the standard on the level (its first number) that the profile speaks of."""
    levels = {name.partition(".")[0] for name in cited}
    known = {name: clause for name, clause in evidence.profile.clauses.items() if name.partition(".")[0] in levels}
    for name in cited:
        known.setdefault(name, Clause(id=name, text="", text_zh=""))
    return [known[name] for name in sorted(known, key=clause_order)]


def _of_finding(finding: Finding) -> Verdict:
    if finding.verdict is Status.PASS:
        return Verdict.COMPLIANT
    if finding.verdict is Status.FAIL:
        return Verdict.NOT_COMPLIANT
    # Whatever is neither, and any status that may come, was not seen to be as wanted.
    return Verdict.NOT_APPLICABLE if finding.verdict is Status.NOT_APPLICABLE else Verdict.TO_CONFIRM


def _verdict(parts: Sequence[Verdict]) -> Verdict:
    held = {part for part in parts if part is not Verdict.NOT_APPLICABLE}
    if not parts:
        return Verdict.TO_CONFIRM
    if not held:
        return Verdict.NOT_APPLICABLE
    if Verdict.PARTLY in held or {Verdict.COMPLIANT, Verdict.NOT_COMPLIANT} <= held:
        return Verdict.PARTLY
    if Verdict.NOT_COMPLIANT in held:
        return Verdict.NOT_COMPLIANT
    return Verdict.TO_CONFIRM if Verdict.TO_CONFIRM in held else Verdict.COMPLIANT


def _counted(verdicts: Iterable[Verdict]) -> dict[Verdict, int]:
    counts = Counter(verdicts)
    return {verdict: counts[verdict] for verdict in Verdict}


def _rate(rule: RateRule, counts: Mapping[Verdict, int], *, partly: Fraction) -> Rate:
    return Rate(
        rule=rule,
        met=counts[Verdict.COMPLIANT] + partly * counts[Verdict.PARTLY],
        counted=sum(counts.values()) - counts[Verdict.NOT_APPLICABLE],
        unconfirmed=counts[Verdict.TO_CONFIRM],
    )


def _high_risk(findings: Sequence[Finding], waiver: WaiverUse | None) -> HighRisk:
    requirement = findings[0].requirement
    cases = tuple(dict.fromkeys(CASES[name] for name in requirement.clauses if name in CASES))
    lowered = (
        waiver is not None
        and bool(waiver.compensating.strip())
        and requirement.control.severity is not Severity.CRITICAL
        and all(case.reducible for case in cases)
    )
    return HighRisk(
        requirement=requirement,
        cases=cases,
        objects=tuple(sorted(finding.observation.target.name for finding in findings)),
        waiver=waiver,
        risk=Risk.HIGH,
        adjusted=Risk.MEDIUM if lowered else Risk.HIGH,
    )
