"""Campaigns beside one another, from a real ledger: history, comparison of two, the fleet as it was last seen."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest

from hardening.errors import AskedWrongly
from hardening.evidence import evidence_of
from hardening.ledger import Ledger, open_ledger
from hardening.model import Change, ChangeState, Evidence, Status, Verb
from hardening.reports import FORMATS, wording
from hardening.tally import transitions
from hardening.trend import compared, fleet, with_trend
from tests.evidence_examples import apply_evidence, scan_evidence
from tests.evidence_recorded import STARTED

FIRST, SECOND, THIRD = (f"2026080{day}T100000Z-scan-{day}{day}{day}{day}" for day in (1, 2, 3))


def store(
    ledger: Ledger,
    evidence: Evidence,
    campaign_id: str,
    *,
    days: int,
    hosts: tuple[str, ...] = (),
    controls: tuple[str, ...] = (),
    parent: str | None = None,
    verb: Verb = Verb.SCAN,
    changes: tuple[Change, ...] = (),
) -> None:
    """Record a finished campaign that began so many days after the first, over some of the hosts and controls."""
    kept = hosts or evidence.campaign.hosts
    # What every host has, so that each asked pair is answered.
    wanted = controls or tuple(
        each.control.id for each in evidence.profile.requirements if each.control.component in ("linux", "sshd")
    )
    profile = dataclasses.replace(
        evidence.profile,
        requirements=tuple(each for each in evidence.profile.requirements if each.control.id in wanted),
    )
    began = STARTED + timedelta(days=days)
    campaign = dataclasses.replace(
        evidence.campaign,
        id=campaign_id,
        verb=verb,
        started_at=began,
        finished_at=None,
        exit_code=None,
        hosts=kept,
        parent=parent,
    )
    ledger.begin(campaign, profile)
    for name in kept:
        found = [
            each
            for each in evidence.findings
            if each.observation.target.host == name and each.observation.control_id in wanted
        ]
        ledger.record_findings(campaign_id, "after", found)
        ledger.record_host(campaign_id, "after", next(host for host in evidence.hosts if host.name == name))
    if changes:
        ledger.record_changes(campaign_id, changes)
    ledger.finish(campaign_id, exit_code=3, finished_at=began + timedelta(minutes=5))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with three scans on three days: as before the change, on one host only, as after it."""
    with open_ledger(tmp_path / "ledger", clock=lambda: STARTED) as opened:
        store(opened, scan_evidence(), FIRST, days=0)
        store(opened, scan_evidence(), SECOND, days=1, hosts=("db01",))
        store(opened, apply_evidence(), THIRD, days=2)
        yield opened


def written(name: str, evidence: Evidence, lang: str = "en") -> str:
    stream = io.StringIO()
    FORMATS[name].write(evidence, stream, lang=lang)
    return stream.getvalue()


def test_history_counts_each_campaign_as_its_own_report_does(ledger: Ledger) -> None:
    """Oldest first, the asked one last; each point has the numbers of that campaign's tally, control by control."""
    evidence = with_trend(ledger, evidence_of(ledger, THIRD), since="2026-08-01")

    assert [point.campaign_id for point in evidence.trend] == [FIRST, SECOND, THIRD]
    for point in evidence.trend:
        own = evidence_of(ledger, point.campaign_id).tally
        assert dict(point.by_status) == dict(own.by_status)
        assert {name: dict(counts) for name, counts in point.by_control.items()} == {
            name: dict(counts) for name, counts in own.by_control.items()
        }
    assert [point.hosts for point in evidence.trend] == [3, 1, 3]


def test_history_ends_with_the_campaign_that_was_asked_for(ledger: Ledger) -> None:
    """What came later is not in it, so the answer is the same tomorrow; a campaign can be the beginning, too."""
    evidence = with_trend(ledger, evidence_of(ledger, SECOND), since="2026-08-01")
    since_second = with_trend(ledger, evidence_of(ledger, THIRD), since=SECOND[:10])

    assert [point.campaign_id for point in evidence.trend] == [FIRST, SECOND]
    assert [point.campaign_id for point in since_second.trend] == [SECOND, THIRD]


@pytest.mark.parametrize(
    ("since", "said"),
    [("2026-02-30", "there is no such day"), ("2027-01-01", "is later than"), ("yesterday", "has no campaign")],
)
def test_a_beginning_that_is_none_is_refused(ledger: Ledger, since: str, said: str) -> None:
    """One sentence says what is wrong with it."""
    with pytest.raises(AskedWrongly, match=said):
        with_trend(ledger, evidence_of(ledger, THIRD), since=since)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_history_stands_in_every_format_that_people_read(ledger: Ledger, tmp_path: Path, lang: str) -> None:
    """Terminal, Markdown, HTML, JSON and Excel name all campaigns with their score."""
    evidence = with_trend(ledger, evidence_of(ledger, THIRD), since="2026-08-01")

    for name in ("terminal", "markdown", "html", "json"):
        text = written(name, evidence, lang)
        assert all(campaign in text for campaign in (FIRST, SECOND, THIRD)), name
        if name != "json":
            assert text.count(" %") >= 3, name
            assert all(wording.score_text(point.by_status) in text for point in evidence.trend), name
    FORMATS["xlsx"].write(evidence, tmp_path / "book.xlsx", lang=lang)
    sheet = openpyxl.load_workbook(tmp_path / "book.xlsx")["Trend" if lang == "en" else "历次任务"]
    assert [row[2].value for row in sheet.iter_rows() if str(row[2].value)[:4] == "2026"] == [FIRST, SECOND, THIRD]


def test_a_control_in_the_page_shows_how_it_stood(ledger: Ledger) -> None:
    """Its section lists every campaign that looked at it."""
    text = written("html", with_trend(ledger, evidence_of(ledger, THIRD), since="2026-08-01"))
    section = re.findall(
        r'<details[^>]*id="control-\d+">(?:(?!</details>).)*sshd_permit_root_login.*?</details>', text, re.S
    )

    assert FIRST in section[0]
    assert THIRD in section[0]
    assert SECOND in section[0]


def test_two_campaigns_are_compared_pair_by_pair(ledger: Ledger) -> None:
    """The other's look stands as before: the moves add up, and every reader is told what before is."""
    evidence = compared(ledger, evidence_of(ledger, THIRD), FIRST)
    moves = transitions(evidence.before, evidence.findings)

    assert sum(moves.values()) == evidence.tally.total == 36
    assert moves[Status.FAIL, Status.PASS] == 6
    assert json.loads(written("json", evidence))["against"] == FIRST
    for name in ("terminal", "markdown", "html"):
        assert FIRST in written(name, evidence), name
    assert f"--against {FIRST}" in written("html", evidence)


def test_what_cannot_be_compared_is_refused(ledger: Ledger) -> None:
    """A campaign with itself, and one with another profile."""
    other = dataclasses.replace(scan_evidence(), campaign=dataclasses.replace(scan_evidence().campaign, profile="mine"))
    store(ledger, other, "20260809T100000Z-scan-9999", days=8)

    with pytest.raises(AskedWrongly, match="with itself"):
        compared(ledger, evidence_of(ledger, THIRD), THIRD)
    with pytest.raises(AskedWrongly, match="same profile"):
        compared(ledger, evidence_of(ledger, THIRD), "20260809T100000Z-scan-9999")


def test_a_fleet_is_every_host_as_it_was_last_seen(ledger: Ledger) -> None:
    """A later look at one host replaces that host only; a narrower look replaces only what it looked at."""
    store(ledger, apply_evidence(), "20260804T100000Z-scan-4444", days=3, hosts=("web01",))
    store(
        ledger,
        scan_evidence(),
        "20260805T100000Z-undo-5555",
        days=4,
        hosts=("web01",),
        controls=("sshd_max_auth_tries",),
        verb=Verb.UNDO,
    )
    newest = "20260806T100000Z-scan-6666"
    store(ledger, scan_evidence(), newest, days=5, hosts=("db01",))

    whole = fleet(ledger, newest)
    stands = {finding.key: finding.status for finding in whole.findings}

    assert len(whole.findings) == 36
    assert whole.campaign.hosts == ("app-02", "db01", "web01")
    assert stands["web01/sshd", "sshd_permit_root_login"] is Status.PASS  # as the scan of day 3 saw it
    assert stands["web01/sshd", "sshd_max_auth_tries"] is Status.FAIL  # as the undo of day 4 saw it
    assert stands["db01/linux", "linux_shadow_mode"] is Status.FAIL  # as the scan of day 5 saw it


def test_a_host_that_was_not_looked_at_for_long_is_not_seen(ledger: Ledger) -> None:
    """With a date, an older look is no answer: the fleet is incomplete, and the host says when it was last seen."""
    store(ledger, apply_evidence(), "20260804T100000Z-scan-4444", days=3, hosts=("web01", "app-02"))

    whole = fleet(ledger, "20260804T100000Z-scan-4444", since="2026-08-24")

    assert not whole.tally.coverage.complete
    assert {f.status for f in whole.findings if f.observation.target.host == "db01"} == {Status.UNREACHABLE}
    assert "not looked at since 2026-08-24: the last look was 2026-08-23 10:15 UTC" in [
        host.unreachable for host in whole.hosts
    ]


def test_a_change_that_was_taken_back_later_says_by_which_campaign(tmp_path: Path) -> None:
    """In the page and in the record of the campaign that made it; the campaign's numbers stay what they were."""
    undo = "20260902T100000Z-undo-7777"
    made = next(change for change in apply_evidence().changes if change.control_id == "sshd_max_auth_tries")
    with open_ledger(tmp_path / "ledger", clock=lambda: STARTED) as ledger:
        store(ledger, apply_evidence(), THIRD, days=0, verb=Verb.APPLY, changes=(made,))
        before = evidence_of(ledger, THIRD)
        back = dataclasses.replace(made, state=ChangeState.REVERTED)
        store(
            ledger,
            scan_evidence(),
            undo,
            days=1,
            hosts=("web01",),
            controls=("sshd_max_auth_tries",),
            parent=THIRD,
            verb=Verb.UNDO,
            changes=(back,),
        )
        after = evidence_of(ledger, THIRD)

    assert dict(before.undone) == {}
    assert dict(after.undone) == {("web01/sshd", "sshd_max_auth_tries"): undo}
    assert before.tally == after.tally
    assert undo in written("html", after)
    assert undo not in written("html", before)
