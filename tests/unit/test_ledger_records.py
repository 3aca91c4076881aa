"""What is recorded is read back, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hardening.errors import AskedWrongly, HardeningError
from hardening.ledger import Ledger, open_ledger
from hardening.model import ChangeState, Look, Requirement, Status, Target, Touch, Verb
from tests.ledger_store.samples import (
    HARD_JSON,
    HARD_TEXTS,
    START,
    campaign,
    change,
    clock,
    control,
    finding,
    host,
    probe,
    profile,
    waiver,
)

CAMPAIGN = campaign()
CONTROLS = [control(f"sshd_option_{number}") for number in range(len(HARD_JSON))]
PROFILE = profile(*CONTROLS)
FIRST = PROFILE.requirements[0]


@pytest.fixture
def begun(ledger: Ledger) -> Ledger:
    """A ledger with one campaign that has begun."""
    ledger.begin(CAMPAIGN, PROFILE)
    return ledger


def test_a_campaign_and_its_profile_read_back_equal(begun: Ledger) -> None:
    """A report needs no catalogue: titles, clauses and values come from the ledger."""
    assert begun.campaign(CAMPAIGN.id) == CAMPAIGN
    assert begun.profile(CAMPAIGN.id) == PROFILE


def test_what_a_campaign_stores_outlives_the_process(begun: Ledger, address: str) -> None:
    """Another process that opens the same ledger reads the same."""
    begun.record_findings(CAMPAIGN.id, "before", [finding(FIRST)])
    begun.close()

    with open_ledger(address, clock=clock) as other:
        assert other.campaigns() == (CAMPAIGN,)
        assert list(other.findings(CAMPAIGN.id, "before")) == [finding(FIRST)]


def test_findings_with_hard_values_read_back_equal(begun: Ledger) -> None:
    """NUL, lone surrogates, huge numbers, keys that look like our own, and texts too big to stay in the entry."""
    findings = [
        finding(asked, host=name, seen=value, probes=(probe(text), probe("x" * 5000)))
        for name, text in (("web01", "\0\udcff"), ("db\0\udc80\\0", "禁止"))
        for asked, value in zip(PROFILE.requirements, HARD_JSON, strict=True)
    ]

    begun.record_findings(CAMPAIGN.id, "before", iter(findings))

    assert list(begun.findings(CAMPAIGN.id, "before")) == findings
    assert begun.verify() == []


def test_a_megabyte_of_output_survives(begun: Ledger) -> None:
    """Outputs are not cut by the ledger."""
    big = finding(FIRST, seen="é\0\udcff" * 250_000, probes=(probe("y" * 1_000_000),))

    begun.record_findings(CAMPAIGN.id, "before", [big])

    assert list(begun.findings(CAMPAIGN.id, "before")) == [big]


def test_every_kind_of_finding_reads_back_equal(begun: Ledger) -> None:
    """Waived, unreachable, manual and inapplicable ones carry other fields."""
    asked = PROFILE.requirements
    findings = [
        finding(asked[0], waiver=waiver()),
        finding(asked[1], status=Status.UNREACHABLE, look=Look.UNREACHABLE),
        finding(asked[2], status=Status.MANUAL, look=Look.MANUAL),
        finding(asked[3], status=Status.NOT_APPLICABLE, look=Look.NOT_APPLICABLE, instance="15-main"),
        finding(asked[3], status=Status.ERROR, look=Look.CANNOT_LOOK, instance="16:odd/name"),
    ]

    begun.record_findings(CAMPAIGN.id, "after", findings)

    assert list(begun.findings(CAMPAIGN.id, "after")) == findings
    assert list(begun.findings(CAMPAIGN.id, "before")) == []


def test_a_requirement_that_is_not_the_profiles_is_kept_with_its_finding(begun: Ledger) -> None:
    """What judged a finding is what is read back, even where the profile says otherwise."""
    other = Requirement(control=control(FIRST.control.id, want="maybe"), because="a test")
    unknown = Requirement(control=control("sshd_not_in_the_profile"))

    begun.record_findings(CAMPAIGN.id, "before", [finding(other), finding(unknown)])

    assert [each.requirement for each in begun.findings(CAMPAIGN.id, "before")] == [other, unknown]


def test_a_second_look_replaces_the_first_when_reading(begun: Ledger) -> None:
    """A resume looks again; the newest finding of a pair counts, and pairs not looked at again stay."""
    first = [finding(asked, host=name) for name in ("a", "b") for asked in PROFILE.requirements[:3]]
    again = finding(PROFILE.requirements[1], host="a", status=Status.PASS, seen="no")
    begun.record_findings(CAMPAIGN.id, "before", first)

    begun.record_findings(CAMPAIGN.id, "before", [again])

    listed = list(begun.findings(CAMPAIGN.id, "before"))
    assert len(listed) == len(first)
    assert {each.key: each for each in listed} == {**{each.key: each for each in first}, again.key: again}
    assert begun.verify() == []


def test_an_instance_that_is_not_seen_any_more_does_not_stay_as_it_was(begun: Ledger) -> None:
    """A lost host is judged without its instances; its database must not go on passing."""
    seen = finding(FIRST, host="a", status=Status.PASS)
    target = replace(seen.observation.target, instance="17-main")
    with_instance = replace(seen, observation=replace(seen.observation, target=target))
    lost = finding(FIRST, host="a", status=Status.UNREACHABLE)
    begun.record_findings(CAMPAIGN.id, "after", [with_instance])

    begun.record_findings(CAMPAIGN.id, "after", [lost])

    assert [each.status for each in begun.findings(CAMPAIGN.id, "after")] == [Status.UNREACHABLE]
    assert begun.verify() == []


def test_one_look_that_judges_a_pair_twice_is_refused(begun: Ledger) -> None:
    """Two findings for one pair are a bug of the one who looked, and nothing of that host is kept."""
    with pytest.raises(HardeningError, match="twice"):
        begun.record_findings(CAMPAIGN.id, "before", [finding(FIRST), finding(FIRST, seen="no")])

    assert list(begun.findings(CAMPAIGN.id, "before")) == []


def test_hosts_read_back_as_last_met(begun: Ledger) -> None:
    """Of each phase, or of the campaign."""
    first, second, dead = host("a"), host("b\0"), host("c", unreachable="no route to host", os_id="")
    for met in (first, second, dead):
        begun.record_host(CAMPAIGN.id, "before", met)
    begun.record_host(CAMPAIGN.id, "after", replace(first, os_version="13"))

    assert begun.hosts(CAMPAIGN.id, "before") == (first, second, dead)
    assert begun.hosts(CAMPAIGN.id, "after") == (replace(first, os_version="13"),)
    assert begun.hosts(CAMPAIGN.id) == (replace(first, os_version="13"), second, dead)


def test_the_journal_keeps_its_order(begun: Ledger) -> None:
    """Steps come back as they were written, with anything as payload."""
    for number, value in enumerate(HARD_JSON):
        begun.record_step(CAMPAIGN.id, f"step {number}", value)

    steps = begun.steps(CAMPAIGN.id)

    assert [(step.step, step.payload) for step in steps] == [
        (f"step {number}", value) for number, value in enumerate(HARD_JSON)
    ]
    assert [step.seq for step in steps] == sorted(step.seq for step in steps)


def test_changes_read_back_all_of_them(begun: Ledger) -> None:
    """A control that was applied twice has two changes: undo needs the older one's before."""
    changes = [
        change("a"),
        change("a", state=ChangeState.FAILED, reason="\0", touches=(), taken_at=None),
        change(
            "b", touches=tuple(Touch(kind="file", name=text, before=text, after={"x": text}) for text in HARD_TEXTS)
        ),
        change("a", state=ChangeState.UNCHANGED),
    ]

    begun.record_changes(CAMPAIGN.id, changes[:2])
    begun.record_changes(CAMPAIGN.id, changes[2:])

    assert begun.changes(CAMPAIGN.id) == tuple(changes)


def test_nothing_recorded_reads_as_nothing(begun: Ledger) -> None:
    """An empty iterable leaves no entry."""
    head = begun.head()

    begun.record_findings(CAMPAIGN.id, "before", [])
    begun.record_changes(CAMPAIGN.id, [])

    assert begun.head() == head
    assert not begun.changes(CAMPAIGN.id)
    assert not list(begun.findings(CAMPAIGN.id, "before"))


def test_a_campaign_is_unfinished_until_it_ends(begun: Ledger) -> None:
    """A resumed campaign ends twice, and the later end counts."""
    assert begun.unfinished() == (CAMPAIGN,)

    begun.finish(CAMPAIGN.id, 130, START + timedelta(minutes=1))
    begun.finish(CAMPAIGN.id, 1, START + timedelta(minutes=2))

    assert begun.unfinished() == ()
    assert begun.campaign(CAMPAIGN.id) == replace(CAMPAIGN, finished_at=START + timedelta(minutes=2), exit_code=1)
    assert begun.campaigns() == (begun.campaign(CAMPAIGN.id),)


def test_a_campaign_begins_once_and_without_an_end(begun: Ledger) -> None:
    """Both would be bugs, and both leave the ledger as it was."""
    head = begun.head()

    with pytest.raises(HardeningError, match="already"):
        begun.begin(CAMPAIGN, PROFILE)
    with pytest.raises(HardeningError, match="finish"):
        begun.begin(campaign("other", finished_at=START), PROFILE)

    assert begun.head() == head


@pytest.mark.parametrize("asking", ["steps", "changes", "hosts", "campaign", "profile"])
def test_asking_about_an_unknown_campaign_is_an_error(begun: Ledger, asking: str) -> None:
    """Nothing found and nothing asked look the same otherwise."""
    with pytest.raises(AskedWrongly, match="no campaign nowhere"):
        getattr(begun, asking)("nowhere")


def test_recording_for_an_unknown_campaign_is_an_error(begun: Ledger) -> None:
    """No orphan enters the chain; reading its findings is refused as well."""
    head = begun.head()

    with pytest.raises(AskedWrongly, match="no campaign nowhere"):
        begun.record_step("nowhere", "apply")
    with pytest.raises(AskedWrongly, match="no campaign nowhere"):
        begun.record_findings("nowhere", "before", [finding(FIRST)])
    with pytest.raises(AskedWrongly, match="no campaign nowhere"):
        list(begun.findings("nowhere", "before"))

    assert begun.head() == head


def test_campaigns_come_newest_first(ledger: Ledger) -> None:
    """By the moment of their start, filtered by verb, cut to a limit."""
    for number, verb in enumerate([Verb.SCAN, Verb.APPLY, Verb.SCAN]):
        ledger.begin(campaign(f"c{number}", verb=verb, started_at=START + timedelta(hours=number)), PROFILE)

    assert [each.id for each in ledger.campaigns()] == ["c2", "c1", "c0"]
    assert [each.id for each in ledger.campaigns(verb=Verb.SCAN)] == ["c2", "c0"]
    assert [each.id for each in ledger.campaigns(limit=2)] == ["c2", "c1"]


def test_a_person_can_name_a_campaign_shortly(ledger: Ledger) -> None:
    """By its beginning or by what it was; the case of letters and % and _ mean themselves."""
    for number, name in enumerate(["2026-scan-a1", "2026-scan-a2", "2026-apply-b1", "2026-scan-a"]):
        verb = Verb.APPLY if "apply" in name else Verb.SCAN
        ledger.begin(campaign(name, verb=verb, started_at=START + timedelta(hours=number)), PROFILE)

    assert ledger.resolve("latest") == ledger.resolve("2026-scan-a") == "2026-scan-a"
    assert ledger.resolve("latest-apply") == ledger.resolve("2026-app") == "2026-apply-b1"
    with pytest.raises(AskedWrongly, match="ambiguous: 2026-scan-a, 2026-scan-a1, 2026-scan-a2;"):
        ledger.resolve("2026-s")
    for unknown in ("2026-S", "2026_scan", "%", "", "nothing"):
        with pytest.raises(AskedWrongly, match="the newest are 2026-scan-a, 2026-apply-b1"):
            ledger.resolve(unknown)
    with pytest.raises(AskedWrongly, match="no undo campaign yet"):
        ledger.resolve("latest-undo")
    with pytest.raises(AskedWrongly, match="latest-scan"):
        ledger.resolve("latest-party")


def test_an_empty_ledger_says_how_to_fill_it(ledger: Ledger) -> None:
    """The first thing a newcomer may ask."""
    assert (ledger.campaigns(), ledger.unfinished(), ledger.head(), ledger.verify()) == ((), (), None, [])
    with pytest.raises(AskedWrongly, match="hardening scan"):
        ledger.resolve("20")
    with pytest.raises(AskedWrongly, match="no campaign yet"):
        ledger.resolve("latest")


def test_history_tells_how_a_control_stood(ledger: Ledger) -> None:
    """Oldest first, over all campaigns and phases, of one control on one target."""
    asked = profile(control()).requirements[0]
    target = Target(host="web\0", component="sshd", instance="a:b/c")
    for number, status in enumerate([Status.FAIL, Status.PASS]):
        name = f"c{number}"
        ledger.begin(campaign(name, started_at=START + timedelta(hours=number)), profile(control()))
        ledger.record_findings(name, "before", [finding(asked, host="web\0", instance="a:b/c"), finding(asked)])
        ledger.record_findings(name, "after", [finding(asked, host="web\0", instance="a:b/c", status=status)])

    standings = ledger.history(target.name, asked.control.id)

    assert [(each.campaign_id, each.phase, each.status) for each in standings] == [
        ("c0", "before", Status.FAIL),
        ("c0", "after", Status.FAIL),
        ("c1", "before", Status.FAIL),
        ("c1", "after", Status.PASS),
    ]
    with pytest.raises(AskedWrongly, match="host/component"):
        ledger.history("web01", asked.control.id)


def test_equal_texts_are_stored_once(sqlite_address: str) -> None:
    """A fleet's hosts answer alike: ten hosts cost little more than one."""
    big = "".join(str(number) for number in range(40_000))

    with open_ledger(sqlite_address, clock=clock) as ledger:
        ledger.begin(CAMPAIGN, PROFILE)
        for number in range(10):
            ledger.record_findings(
                CAMPAIGN.id, "before", [finding(FIRST, host=f"h{number}", seen=big, probes=(probe(big),))]
            )

    assert Path(sqlite_address).stat().st_size < 3 * len(big)


def test_remembered_plans_are_replaced_and_forgotten(ledger: Ledger) -> None:
    """A cache: by platform and profile, newest wins, none is None."""
    ledger.remember_plan("debian12\0", "d1", ["stat /etc/passwd", "sysctl -n \udcff"])
    ledger.remember_plan("debian12\0", "d1", ["uname"])
    ledger.remember_plan("debian12\0", "d2", [])

    assert ledger.remembered_plan("debian12\0", "d1") == ("uname",)
    assert ledger.remembered_plan("debian12\0", "d2") == ()
    assert ledger.remembered_plan("debian13", "d1") is None
    assert ledger.head() is None
