"""Verdicts per clause, worked out by hand: what was not seen is never compliant, what is waived stays a gap."""

from __future__ import annotations

import dataclasses
from datetime import date
from fractions import Fraction

import pytest

from hardening.clauses import (
    ClauseView,
    HighRisk,
    RateRule,
    Risk,
    Verdict,
    clause_view,
    high_risks,
    percent,
    verdict_of,
)
from hardening.model import Clause, Evidence, Finding, HostSeen, Severity, Status, Target, WaiverUse
from tests.evidence_examples import apply_evidence, clean_evidence, empty_evidence, scan_evidence

WAIVER = WaiverUse(
    owner="Li",
    reason="old client",
    compensating="only one address may connect",
    ticket="S-1",
    expires_on=date(2027, 1, 1),
)
PATTERN = clean_evidence().findings[0]


def finding(
    status: Status,
    *,
    clause: str = "8.1.4.1 a",
    target: Target | None = None,
    severity: Severity = Severity.HIGH,
    waiver: WaiverUse | None = None,
) -> Finding:
    """Return a finding of a status; with a waiver it is WAIVED and keeps the status as its verdict."""
    requirement = PATTERN.requirement
    return dataclasses.replace(
        PATTERN,
        observation=dataclasses.replace(PATTERN.observation, target=target or Target(host="a", component="sshd")),
        requirement=dataclasses.replace(
            requirement, clauses=(clause,), control=dataclasses.replace(requirement.control, severity=severity)
        ),
        verdict=status,
        status=Status.WAIVED if waiver else status,
        waiver=waiver,
    )


def view_of(evidence: Evidence, *, rule: RateRule = RateRule.STRICT, by_host: bool = False) -> ClauseView:
    view = clause_view(evidence, rule=rule, by_host=by_host)
    assert view is not None
    return view


PASS, FAIL, ERROR = Status.PASS, Status.FAIL, Status.ERROR
LOST, NONE, MANUAL = Status.UNREACHABLE, Status.NOT_APPLICABLE, Status.MANUAL


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((PASS, PASS), Verdict.COMPLIANT),
        ((PASS, NONE), Verdict.COMPLIANT),
        ((PASS, FAIL), Verdict.PARTLY),
        ((PASS, FAIL, ERROR), Verdict.PARTLY),
        ((FAIL, FAIL), Verdict.NOT_COMPLIANT),
        ((FAIL, NONE), Verdict.NOT_COMPLIANT),
        ((FAIL, ERROR), Verdict.NOT_COMPLIANT),
        ((NONE, NONE), Verdict.NOT_APPLICABLE),
        ((PASS, ERROR), Verdict.TO_CONFIRM),
        ((PASS, LOST), Verdict.TO_CONFIRM),
        ((PASS, MANUAL), Verdict.TO_CONFIRM),
        ((MANUAL,), Verdict.TO_CONFIRM),
        ((NONE, LOST), Verdict.TO_CONFIRM),
        ((), Verdict.TO_CONFIRM),
    ],
)
def test_a_clause_on_an_object_has_the_verdict_of_its_checks(statuses: tuple[Status, ...], expected: Verdict) -> None:
    """Fully met is compliant, none met is not, in between is partly; what has no answer is never compliant."""
    assert verdict_of(finding(status) for status in statuses) is expected


def test_a_waived_gap_is_not_compliance() -> None:
    """An accepted risk leaves the clause unmet and stays to be seen with its measure."""
    waived = finding(FAIL, waiver=WAIVER)

    assert verdict_of([waived]) is Verdict.NOT_COMPLIANT
    assert verdict_of([waived, finding(PASS)]) is Verdict.PARTLY


def small_evidence() -> Evidence:
    """Return two hosts and four clauses, three of them answered.

    | clause | a/sshd | b/sshd | b/linux | as a whole |
    |---|---|---|---|---|
    | 8.1.4.1 a | pass | pass, fail | - | partly |
    | 8.1.4.1 b | fail (waived) | - | n/a | not compliant |
    | 8.1.4.2 b | pass | manual | pass | to be confirmed |
    | 8.1.4.10 a | - | - | - | to be confirmed: nothing answers it |
    """
    a, b, b_linux = (
        Target(host="a", component="sshd"),
        Target(host="b", component="sshd"),
        Target(host="b", component="linux"),
    )
    found = (
        finding(PASS, target=a),
        finding(PASS, target=b),
        finding(FAIL, target=b),
        finding(FAIL, clause="8.1.4.1 b", target=a, waiver=WAIVER),
        finding(NONE, clause="8.1.4.1 b", target=b_linux),
        finding(PASS, clause="8.1.4.2 b", target=a),
        finding(MANUAL, clause="8.1.4.2 b", target=b),
        finding(PASS, clause="8.1.4.2 b", target=b_linux),
    )
    base = clean_evidence()
    names = ("8.1.4.10 a", "8.1.4.2 b", "8.1.4.1 b", "8.1.4.1 a", "7.1.4.1 a")
    clauses = {name: Clause(id=name, text=name, text_zh=name) for name in names}
    return dataclasses.replace(
        base,
        findings=found,
        hosts=(HostSeen(name="a", address=""), HostSeen(name="b", address="")),
        profile=dataclasses.replace(base.profile, clauses=clauses, requirements=tuple(f.requirement for f in found)),
    )


def test_clauses_are_told_in_order_with_those_nobody_answers_and_none_of_another_level() -> None:
    """8.1.4.2 comes before 8.1.4.10; a level-2 clause is not part of a level-3 profile."""
    view = view_of(small_evidence())

    assert [(result.clause.id, result.verdict) for result in view.clauses] == [
        ("8.1.4.1 a", Verdict.PARTLY),
        ("8.1.4.1 b", Verdict.NOT_COMPLIANT),
        ("8.1.4.2 b", Verdict.TO_CONFIRM),
        ("8.1.4.10 a", Verdict.TO_CONFIRM),
    ]


def test_items_are_counted_by_object() -> None:
    """Each clause counts once per object that answers it, and once where none does."""
    view = view_of(small_evidence())

    assert view.counts == {
        Verdict.COMPLIANT: 3,  # 1a on a; 2b on a and b/linux
        Verdict.PARTLY: 1,  # 1a on b
        Verdict.NOT_COMPLIANT: 1,  # 1b on a, waived
        Verdict.NOT_APPLICABLE: 1,  # 1b on b/linux
        Verdict.TO_CONFIRM: 2,  # 2b on b; 10a on nothing
    }
    assert view.objects == ("a/sshd", "b/linux", "b/sshd")


def test_hosts_can_be_the_objects() -> None:
    """By host, what is compliant on one component and open on another is open."""
    view = view_of(small_evidence(), by_host=True)

    items = {(item.clause, item.object): item.verdict for result in view.clauses for item in result.items}
    assert items["8.1.4.2 b", "b"] is Verdict.TO_CONFIRM
    assert items["8.1.4.1 a", "b"] is Verdict.PARTLY
    assert view.objects == ("a", "b")


def test_every_rate_is_worked_out_by_its_rule() -> None:
    """8 items, 1 not applicable: strict 3/7; half 3.5/7; by clause 0 of 4. What is to be confirmed is not met."""
    view = view_of(small_evidence(), rule=RateRule.HALF)

    assert view.rates[RateRule.STRICT].share == Fraction(3, 7)
    assert view.rates[RateRule.STRICT].best == Fraction(5, 7)
    assert view.rate.share == Fraction(1, 2)
    assert view.rates[RateRule.BY_CLAUSE].share == Fraction(0, 4)
    assert view.rates[RateRule.BY_CLAUSE].best == Fraction(2, 4)


def test_a_rate_of_nothing_is_no_rate_and_none_is_rounded_up() -> None:
    """Nothing applicable gives no rate; 89.999 % does not become 90 %."""
    assert percent(None) == "–"
    assert percent(Fraction(89_999, 100_000)) == "89.99 %"
    assert percent(Fraction(1)) == "100.00 %"
    assert percent(Fraction(3, 7)) == "42.85 %"


def test_a_campaign_that_saw_nothing_is_compliant_nowhere() -> None:
    """A run that asked nothing has every clause to be confirmed and a rate of zero."""
    view = view_of(empty_evidence())

    assert {result.verdict for result in view.clauses} == {Verdict.TO_CONFIRM}
    assert view.rate.share == 0


def test_a_host_that_was_lost_before_anything_was_known_of_it_is_open_on_every_clause() -> None:
    """Its clauses are to be confirmed, so that no clause is compliant over all objects."""
    small = small_evidence()
    lost = HostSeen(name="c", address="", unreachable="timed out")

    view = view_of(dataclasses.replace(small, hosts=(*small.hosts, lost)))

    assert all(item.verdict is Verdict.TO_CONFIRM for r in view.clauses for item in r.items if item.object == "c")
    assert all("c" in [item.object for item in result.items] for result in view.clauses)


def test_no_unreachable_object_is_compliant_anywhere_in_the_recorded_campaign() -> None:
    """On app-02, which never answered, every clause is to be confirmed."""
    view = view_of(apply_evidence())

    lost = [item for result in view.clauses for item in result.items if item.object.startswith("app-02/")]
    assert lost
    assert {item.verdict for item in lost} == {Verdict.TO_CONFIRM}


def test_a_profile_of_no_standard_has_no_clauses() -> None:
    """Where a profile answers no standard there is nothing to say."""
    base = scan_evidence()

    assert clause_view(dataclasses.replace(base, profile=dataclasses.replace(base.profile, standard=None))) is None


def risk_with(waiver: WaiverUse | None, *, severity: Severity = Severity.HIGH, clause: str = "8.1.4.1 a") -> HighRisk:
    (risk,) = high_risks([finding(FAIL, severity=severity, waiver=waiver, clause=clause)])
    return risk


def test_high_risks_are_the_high_and_critical_gaps_with_their_adjusted_risk() -> None:
    """A compensating measure lowers a high risk by one step; not a critical one, nor one without a measure."""
    assert risk_with(None).adjusted is Risk.HIGH
    assert risk_with(WAIVER).adjusted is Risk.MEDIUM
    assert risk_with(dataclasses.replace(WAIVER, compensating=" ")).adjusted is Risk.HIGH
    assert risk_with(WAIVER, severity=Severity.CRITICAL).adjusted is Risk.HIGH
    assert high_risks([finding(FAIL, severity=Severity.MEDIUM), finding(PASS), finding(ERROR)]) == ()


def test_short_log_retention_is_lowered_by_no_measure() -> None:
    """The case of logs kept less than six months is not reducible."""
    assert risk_with(WAIVER, clause="8.1.5.4 d").adjusted is Risk.HIGH


def test_high_risks_without_a_waiver_come_first() -> None:
    """What nobody has accepted is read first, and the same control is told apart by its waiver."""
    risks = high_risks([finding(FAIL, waiver=WAIVER), finding(FAIL, target=Target(host="b", component="sshd"))])

    assert [(risk.waiver, risk.objects) for risk in risks] == [(None, ("b/sshd",)), (WAIVER, ("a/sshd",))]
