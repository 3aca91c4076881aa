"""A plan is what was seen, written down so that nobody can change it unnoticed."""

from __future__ import annotations

import dataclasses
import io
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from rich.console import Console

from hardening.commands.acknowledging import check_acknowledged
from hardening.errors import AskedWrongly, Exit
from hardening.judge import judge
from hardening.model import Change, ChangeState, Danger, Finding, HostSeen, Look, Severity, Status, Verb
from hardening.outcome import not_done
from hardening.plan import changed_since, foreseen, to_change
from hardening.plan_file import read_plan, sealed, write_plan
from hardening.plan_making import make_plan
from hardening.prediction import NOT_ACKNOWLEDGED, Consequence, Prediction
from hardening.reports.plan_table import print_plan
from hardening.tally import exit_of, tally
from hardening.waivers import load_waivers, waiver_for
from tests.unit.test_judge import WAIVER, observation, requirement


def failed() -> Finding:
    """Return a gap."""
    return judge(requirement("no"), observation(value="yes"))


def plan_of(*findings: Finding, previews: dict[tuple[str, str], Change] | None = None):  # type: ignore[no-untyped-def]  # a Plan
    """Return a plan over findings."""
    return make_plan(
        campaign_id="c",
        made_at=datetime(2026, 1, 1, tzinfo=UTC),
        made_by="me",
        profile="p",
        profile_digest="d",
        inventory=["inventory"],
        findings=findings,
        previews=previews or {},
    )


def preview(state: ChangeState, reason: str | None = None) -> Change:
    """Return what a dry run said of the gap."""
    return Change(control_id="sshd_x", target=failed().observation.target, state=state, reason=reason, diff="-a\n+b")


def test_a_plan_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """Writing and reading give the same plan."""
    made = plan_of(failed(), previews={failed().key: preview(ChangeState.WOULD_CHANGE)})
    write_plan(made, tmp_path / "plan.yml")

    assert read_plan(tmp_path / "plan.yml") == made
    assert made.items[0].confidence == "exact"


@pytest.mark.parametrize("edit", [("set: ", "set: more"), ("yes", "no"), ("digest: ", "digest: 0")])
def test_an_edited_plan_is_refused(tmp_path: Path, edit: tuple[str, str]) -> None:
    """What was approved is what is applied."""
    path = tmp_path / "plan.yml"
    write_plan(plan_of(failed()), path)
    path.write_text(path.read_text().replace(*edit, 1))

    with pytest.raises(AskedWrongly, match="changed after it was made"):
        read_plan(path)


def test_a_plan_that_says_a_thing_twice_is_refused(tmp_path: Path) -> None:
    """A person reads the first of two equal keys, and we would read the last: it was not the plan that was approved."""
    path = tmp_path / "plan.yml"
    write_plan(plan_of(failed()), path)
    path.write_text(path.read_text().replace("danger: ", "danger: none\n    danger: ", 1))

    with pytest.raises(AskedWrongly, match=r"plan.yml:\d+: danger stands twice"):
        read_plan(path)


@pytest.mark.parametrize("text", ["", "- a", "format: other\n", "{"])
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    """Another YAML file is not taken for a plan."""
    (tmp_path / "plan.yml").write_text(text)

    with pytest.raises(AskedWrongly):
        read_plan(tmp_path / "plan.yml")


def test_a_refused_dry_run_blocks_the_item() -> None:
    """What the role cannot do is in the plan, with the reason, and is not applied."""
    made = plan_of(failed(), previews={failed().key: preview(ChangeState.FAILED, "the file is immutable")})

    assert made.items[0].blocked == "the file is immutable"
    assert made.open_items() == ()


def test_only_real_gaps_with_a_fix_are_changed() -> None:
    """A waived gap, a pass, and a control that is only looked at stay as they are."""
    waived = judge(requirement("no"), observation(value="yes"), WAIVER)
    passed = judge(requirement("no"), observation(value="no"))
    only = dataclasses.replace(requirement("no").control, look_only="install-time")
    looked = judge(dataclasses.replace(requirement("no"), control=only), observation(value="yes"))

    assert to_change([waived, passed, looked, failed()]) == (failed(),)
    assert [left.reason for left in plan_of(looked).left] == ["install-time"]


def test_what_changed_since_is_said() -> None:
    """An item knows what it was planned on."""
    item = plan_of(failed()).items[0]
    other = judge(requirement("no"), observation(value="maybe"))
    lost = judge(requirement("no"), observation(Look.UNREACHABLE, "no route"))

    assert changed_since(item, failed()) is None
    assert "now value: maybe" in str(changed_since(item, other))
    assert "no route" in str(changed_since(item, lost))
    assert changed_since(item, None) == "it was not seen again"


def test_danger_needs_an_acknowledgement() -> None:
    """A plan that can lock out says so."""
    control = dataclasses.replace(requirement("no").control, danger=Danger.LOCKOUT)
    finding = judge(dataclasses.replace(requirement("no"), control=control), observation(value="yes"))

    assert plan_of(finding).dangers() == (Danger.LOCKOUT,)
    assert plan_of(failed()).dangers() == ()


def test_an_empty_run_is_never_clean() -> None:
    """Nothing asked is incomplete, however few gaps there are."""
    nothing = tally([], asked=0, hosts=[])

    assert exit_of(nothing, []) is Exit.INCOMPLETE


def test_what_was_not_seen_is_counted_and_wins() -> None:
    """One unknown beside a pass makes the run incomplete; a gap beside it does not hide that."""
    host = HostSeen(name="h", address="a")
    passed = judge(requirement("no"), observation(value="no"))
    unknown = judge(requirement("no"), observation(Look.CANNOT_LOOK, "sudo asks"))
    findings = [passed, unknown, failed()]
    counted = tally(findings, asked=3, hosts=[host])

    assert (counted.coverage.pairs_seen, counted.by_status[Status.ERROR], counted.coverage.not_seen) == (
        2,
        1,
        {"sudo asks": 1},
    )
    assert exit_of(counted, findings) is Exit.INCOMPLETE
    assert exit_of(tally([passed], asked=1, hosts=[host]), [passed]) is Exit.CLEAN
    assert exit_of(tally([passed], asked=2, hosts=[host]), [passed]) is Exit.INCOMPLETE


def test_the_threshold_leaves_lesser_gaps_out_of_the_exit_code() -> None:
    """`--fail-on high` lets a low gap through."""
    counted = tally([failed()], asked=1, hosts=[HostSeen(name="h", address="a")])

    assert exit_of(counted, [failed()], fail_on=Severity.HIGH) is Exit.CLEAN
    assert exit_of(counted, [failed()], fail_on=Severity.LOW) is Exit.GAPS


WAIVERS = """\
waivers:
  - control: sshd_x
    hosts: [web*]
    owner: Team
    reason: It is needed
    compensating: It is watched
    ticket: T-1
    expires: 2026-06-30
"""


def test_a_waiver_holds_for_its_hosts_until_its_day(tmp_path: Path) -> None:
    """The day itself still counts, the day after does not, other hosts never."""
    (tmp_path / "w.yml").write_text(WAIVERS)
    loaded = load_waivers(tmp_path / "w.yml", controls=["sshd_x"], today=date(2026, 1, 1))
    target = dataclasses.replace(observation(value=1).target, host="web01")

    assert waiver_for(loaded, "sshd_x", target, (), date(2026, 6, 30)) is not None
    assert waiver_for(loaded, "sshd_x", target, (), date(2026, 7, 1)) is None
    assert waiver_for(loaded, "sshd_x", dataclasses.replace(target, host="db01"), (), date(2026, 1, 1)) is None


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("    expires: 2026-06-30\n", "", "w.yml:2: expires: Field required"),
        ("2026-06-30", "2029-06-30", "w.yml:8: expires 2029-06-30 is more than a year ahead"),
        ("sshd_x", "sshd_z", "w.yml:2: sshd_z is not a control; did you mean sshd_x?"),
        ("owner: Team", "owner: ''", "w.yml:4"),
        ("owner: Team", "owner: Team\n    approver: ''", "w.yml:5: approver"),
    ],
)
def test_a_bad_waiver_is_named_with_its_line(tmp_path: Path, wrong: str, right: str, said: str) -> None:
    """A waiver without an end, or for nothing, is refused."""
    (tmp_path / "w.yml").write_text(WAIVERS.replace(wrong, right))

    with pytest.raises(AskedWrongly) as caught:
        load_waivers(tmp_path / "w.yml", controls=["sshd_x"], today=date(2026, 1, 1))
    assert said in str(caught.value)


def foretold(says: str = "AllowUsers refuses us", code: str = "sshd_account_denied") -> Prediction:
    """Return what a preflight expects the gap to break."""
    return Prediction(
        code=code,
        host=failed().observation.target.host,
        controls=(failed().key,),
        consequence=Consequence.LOCKOUT if code.startswith("sshd") else Consequence.FAILURE,
        says=says,
        says_zh="将拒绝",
    )


def test_what_would_break_stands_in_the_plan(tmp_path: Path) -> None:
    """Each expected breakage is written once for its host and comes back with its items; it is part of the digest."""
    path = tmp_path / "plan.yml"
    made = sealed(foreseen(plan_of(failed()), [foretold("/ is full", "no_room"), foretold()]))
    write_plan(made, path)

    assert read_plan(path) == made
    assert [each.code for each in made.items[0].breaks] == ["sshd_account_denied", "no_room"]
    assert [each.code for each in made.predictions()] == ["sshd_account_denied", "no_room"]
    path.write_text(path.read_text().replace("is full", "is fine", 1))
    with pytest.raises(AskedWrongly, match="changed after it was made"):
        read_plan(path)


@pytest.mark.parametrize(("lang", "words"), [("en", "our way in"), ("zh", "我们的登录")])
def test_what_would_break_is_printed_first(lang: str, words: str) -> None:
    """The worst first, before the changes themselves; the last line names what has to be acknowledged."""
    console = Console(width=200, record=True, file=io.StringIO())
    hostile = "\x1b[2J[red]x"

    print_plan(foreseen(plan_of(failed()), [foretold(hostile, "no_room"), foretold(hostile)]), console, lang=lang)
    lines = [line for line in console.export_text().splitlines() if line.strip()]

    assert words in lines[1]
    assert "sshd_account_denied" in lines[1]
    assert "no_room" in lines[2]
    assert "\x1b" not in "".join(lines)
    assert lines[-1].endswith("--acknowledge sshd_account_denied --acknowledge no_room")


def test_a_code_is_acknowledged_by_its_own_name() -> None:
    """By its code everywhere, or on one host; another code, another host or a blanket is refused or not meant."""
    one = foretold()

    assert one.acknowledged_by(["sshd_account_denied"])
    assert one.acknowledged_by([f"sshd_account_denied@{one.host}"])
    assert not one.acknowledged_by(["sshd_account_denied@elsewhere", "no_room", "all"])
    check_acknowledged(["no_room", "sshd_account_denied@web01"], ["web01"])
    for said in ("all", "*", "sshd_account_denied@web02", "@web01", ""):
        with pytest.raises(AskedWrongly):
            check_acknowledged([said], ["web01"])


def test_what_nobody_acknowledged_makes_the_campaign_incomplete() -> None:
    """It was left out for what would happen on the host, not because somebody decided so."""
    change = preview(ChangeState.SKIPPED, f"{NOT_ACKNOWLEDGED}no_room: / is full (--acknowledge no_room)")

    assert not_done(change, Verb.APPLY)
