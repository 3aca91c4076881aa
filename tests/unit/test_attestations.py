"""Which attestation counts, what it makes of a finding, and what it never does."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from hardening.attestations import attestation_for
from hardening.judge import judge
from hardening.model import Attestation, Evidence, Look, Observation, Requirement, Status, Target
from hardening.plan import to_change
from hardening.plan_making import make_plan
from hardening.reports import FORMATS
from hardening.tally import tally
from tests.evidence_examples import scan_evidence
from tests.ledger_store.samples import START, control, waiver

MANUAL = Requirement(control=control("linux_person", manual="Only a person can see it.", want=None, set_to=None))
TARGET = Target(host="web01", component="linux")
LOOK = Observation(
    control_id="linux_person", target=TARGET, look=Look.MANUAL, taken_at=START, reason="Only a person can see it."
)


def attestation(verdict: Status = Status.PASS, **given: object) -> Attestation:
    """Return an attestation that holds on the day of the look."""
    fields: dict[str, object] = {
        "control_id": "linux_person",
        "hosts": ("web01",),
        "verdict": verdict,
        "by": "Li Wei",
        "seen": "the lock is shut",
        "seen_on": date(2026, 8, 1),
        "expires_on": START.date(),
        "recorded_by": "jia@bastion",
    }
    return Attestation(**{**fields, **given})  # type: ignore[arg-type]  # test data by name


def test_an_attestation_decides_and_the_look_stays_a_persons() -> None:
    """On its last day still; the reason names person and days."""
    found = judge(MANUAL, LOOK, attestation=attestation())

    assert (found.verdict, found.status, found.observation.look) == (Status.PASS, Status.PASS, Look.MANUAL)
    assert found.reason == "attested by Li Wei on 2026-08-01, until 2026-08-21: the lock is shut"


def test_one_that_has_ended_leaves_it_manual_and_says_so() -> None:
    """The day after."""
    found = judge(MANUAL, LOOK, attestation=attestation(expires_on=date(2026, 8, 20)))

    assert (found.verdict, found.status) == (Status.MANUAL, Status.MANUAL)
    assert found.reason.endswith("; the attestation by Li Wei of 2026-08-01 ended on 2026-08-20")


@pytest.mark.parametrize("look", [each for each in Look if each is not Look.MANUAL])
def test_nobody_attests_what_was_looked_at_or_could_not_be(look: Look) -> None:
    """A host that was not reached is not compliant because somebody said so once."""
    seen = replace(LOOK, look=look, seen={"value": "x"} if look is Look.SEEN else {})
    requirement = Requirement(control=control("linux_person"))

    found = judge(requirement, seen, attestation=attestation())

    assert found == judge(requirement, seen)
    assert found.status is not Status.PASS


def test_a_waiver_covers_an_attested_gap() -> None:
    """As it covers any other, and the person's verdict stays inside."""
    found = judge(MANUAL, LOOK, waiver(), attestation=attestation(Status.FAIL))

    assert (found.verdict, found.status) == (Status.FAIL, Status.WAIVED)


def test_the_newest_word_counts() -> None:
    """Also where it has ended and an older one has not; hosts are matched as waivers match them."""
    older, newer = attestation(hosts=("web*",)), attestation(Status.FAIL, expires_on=date(2026, 8, 2))

    assert attestation_for([older, newer], "linux_person", TARGET, ()) is newer
    assert attestation_for([newer, older], "linux_person", TARGET, ()) is older
    assert attestation_for([newer], "linux_person", Target(host="db01", component="linux"), ("web01",)) is newer
    assert attestation_for([older], "linux_other", TARGET, ()) is None
    assert attestation_for([attestation(hosts=("WEB01",))], "linux_person", TARGET, ()) is None


def test_an_attested_gap_is_planned_for_a_person() -> None:
    """Nothing writes what only a person can see."""
    found = judge(MANUAL, LOOK, attestation=attestation(Status.FAIL))
    made = make_plan(
        campaign_id="c",
        made_at=START,
        made_by="jia",
        profile="p",
        profile_digest="d",
        inventory=("i",),
        findings=[found],
        previews={},
    )

    assert to_change([found]) == ()
    assert made.items == ()
    assert [(each.control_id, each.reason) for each in made.left] == [("linux_person", found.reason)]


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "pdf"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_format_shows_who_attested(name: str, lang: str, tmp_path: Path) -> None:
    """PASS and FAIL alike; none stumbles over a finding that nothing was seen for."""
    path = tmp_path / "report"

    FORMATS[name].write(with_attested(), path, lang=lang)

    if not FORMATS[name].binary and name not in ("prometheus", "markdown", "terminal"):
        assert "Li Wei" in path.read_text("utf-8")


def with_attested() -> Evidence:
    """Return a scan's evidence with an attested pass and an attested gap."""
    evidence = scan_evidence()
    more = tuple(
        judge(
            replace(MANUAL, control=replace(MANUAL.control, id=name)), replace(LOOK, control_id=name), attestation=told
        )
        for name, told in (("linux_yes", attestation()), ("linux_no", attestation(Status.FAIL)))
    )
    findings = (*evidence.findings, *more)
    counts = tally(findings, asked=len(findings), hosts=evidence.hosts)
    return replace(evidence, findings=findings, tally=counts)


def test_the_terminal_shows_an_attested_gap() -> None:
    """Among the gaps, with its reason."""
    out = io.StringIO()

    FORMATS["terminal"].write(with_attested(), out)

    assert "linux_no" in out.getvalue()
