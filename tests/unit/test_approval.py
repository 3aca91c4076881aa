"""An approval is bound to one plan; who may give it, and who demands it, is a rule of the house or of a profile."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from hardening.approval import approval_in, as_json, from_json, refusal
from hardening.errors import AskedWrongly
from hardening.model import Approval, Evidence
from hardening.plan_file import read_plan
from hardening.reports import FORMATS
from hardening.workspace_settings import Settings, load_settings
from tests.command_line import PROFILE, CommandLine
from tests.evidence_examples import clean_evidence
from tests.ledger_store.samples import START

GIVEN = ("--name", "Li Wei", "--ticket", "CHG-4711")


@pytest.fixture
def planned(hardening: CommandLine) -> CommandLine:
    """The command line with a plan of one change on this machine."""
    (hardening.place / "file").chmod(0o666)
    plan(hardening)
    return hardening


def plan(hardening: CommandLine) -> None:
    """Write plan.yml anew."""
    assert hardening("plan", "-i", "hosts", "-p", "own", "--no-preview").code == 1


def refused(hardening: CommandLine, *arguments: str) -> str:
    """Apply the plan, which must be refused before anything is begun, and return what was said."""
    said = hardening("apply", "plan.yml", *arguments)
    assert (said.code, said.out) == (2, "")
    assert hardening("status", "latest-apply").code == 2
    assert (hardening.place / "file").stat().st_mode & 0o777 == 0o666
    return said.err


def test_a_workspace_demands_an_approval_of_exactly_this_plan(planned: CommandLine) -> None:
    """None: refused. Of the plan before: refused. The sentence names both ways to give one."""
    (planned.place / "hardening.yml").write_text("require_approval: true\n")

    none = refused(planned)
    approved = planned("approve", "plan.yml", *GIVEN, "--json")
    first = read_plan(planned.place / "plan.yml").digest
    plan(planned)
    other = refused(planned)

    assert "hardening.yml demands an approval and this plan has none: `hardening approve PLAN --name" in none
    assert "or apply with --approve NAME --ticket TICKET" in none
    assert approved.code == 0, approved.err
    assert approved.document()["approval"]["plan_digest"] == first
    assert "this plan has none" in other
    assert planned("status", "--verify").code == 0


def test_a_profile_demands_an_approval_and_so_does_one_that_extends_it(planned: CommandLine) -> None:
    """Extending a profile is no way around."""
    (planned.place / "base/profiles/own.yml").write_text(PROFILE + "requires_approval: true\n")
    (planned.place / "base/profiles/mine.yml").write_text(
        "---\ntitle: Mine\ntitle_zh: 我的基线\nextends: own\ncontrols: {}\n"
    )
    assert "profile own demands an approval" in refused(planned)

    assert planned("plan", "-i", "hosts", "-p", "mine", "--no-preview").code == 1
    assert "profile mine demands an approval" in refused(planned)


def test_an_approval_is_seen_in_the_reports_of_the_plan(planned: CommandLine) -> None:
    """Recorded with the plan's campaign, on the terminal and in the JSON report."""
    assert planned("approve", "plan.yml", *GIVEN).code == 0

    report = planned("report", "latest-plan")
    document = planned("report", "latest-plan", "--json").document()

    assert "approved by Li Wei, ticket CHG-4711, at " in report.out
    assert (document["campaign"]["approval"]["name"], document["campaign"]["approval"]["ticket"]) == (
        "Li Wei",
        "CHG-4711",
    )


def test_four_eyes_refuse_the_planner(planned: CommandLine) -> None:
    """By the account that records it, or by the name that is said; in one step as in two."""
    (planned.place / "hardening.yml").write_text("require_approval: true\napprover_may_plan: false\n")
    user = str(yaml.safe_load((planned.place / "plan.yml").read_text())["made_by"]).partition("@")[0]

    two = planned("approve", "plan.yml", *GIVEN)
    one = refused(planned, "--approve", "Li Wei", "--ticket", "CHG-4711")

    assert two.code == 2
    for said in (two.err, one):
        assert f"{user} made this plan and may not approve it too (approver_may_plan: false in hardening.yml)" in said


def test_four_eyes_accept_another_account(planned: CommandLine) -> None:
    """The same account on another machine is the same person; a name in other letters too."""
    made = dataclasses.replace(read_plan(planned.place / "plan.yml"), made_by="jia@bastion")
    rules = Settings(approver_may_plan=False)
    approval = Approval(name="Li Wei", ticket="T", by="li@desk", at=START, plan_digest=made.digest)

    assert refusal(approval, made, rules) is None
    assert refusal(dataclasses.replace(approval, by="jia@elsewhere"), made, rules) is not None
    assert refusal(dataclasses.replace(approval, name="JIA"), made, rules) is not None
    assert refusal(dataclasses.replace(approval, by="jia@elsewhere"), made, Settings()) is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("approve", "plan.yml", "--name", "Li", "--ticket", " "), "an approval needs a ticket on one line"),
        (("approve", "plan.yml", "--name", "a\nb", "--ticket", "T"), "an approval needs a name on one line"),
        (("apply", "plan.yml", "--approve", "Li"), "an approval needs both"),
        (("apply", "plan.yml", "--ticket", "T"), "an approval needs both"),
        (("--ledger", "other.sqlite3", "approve", "plan.yml", *GIVEN), "other.sqlite3"),
    ],
)
def test_half_an_approval_is_refused(planned: CommandLine, arguments: tuple[str, ...], said: str) -> None:
    """A name without a ticket, a ledger that does not know the plan: 2, and a sentence."""
    answer = planned(*arguments)

    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert not (planned.place / "other.sqlite3").exists()


def approved_evidence(name: str) -> Evidence:
    """Return evidence of an approved campaign."""
    approval = Approval(name=name, ticket="CHG-4711", by="li@desk", at=START, plan_digest="d" * 64)
    return dataclasses.replace(clean_evidence(), approval=approval)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", ["terminal", "html", "json"])
def test_reports_say_who_approved(tmp_path: Path, name: str, lang: str) -> None:
    """Name and ticket, in both languages, and never as markup or as an escape sequence."""
    FORMATS[name].write(approved_evidence("<b>Li\x1b[31m</b>"), tmp_path / "report", lang=lang)
    text = (tmp_path / "report").read_text("utf-8")

    assert "CHG-4711" in text
    assert "\x1b" not in text
    assert name == "terminal" or "<b>Li" not in text or name == "json"


def test_an_approval_comes_back_from_a_campaign() -> None:
    """An apply keeps it in its options, where the chain of the ledger protects it."""
    approval = Approval(name="Li", ticket="T", by="li@desk", at=START.replace(microsecond=0), plan_digest="d")
    evidence = clean_evidence()
    campaign = dataclasses.replace(evidence.campaign, options={"approval": json.loads(json.dumps(as_json(approval)))})

    assert approval_in(campaign) == approval
    assert approval_in(evidence.campaign) is None
    assert from_json({}) is None


def test_settings_name_every_problem_with_its_line(tmp_path: Path) -> None:
    """Unknown words with the nearest known one, values of the wrong type, all at once."""
    path = tmp_path / "hardening.yml"
    path.write_text("---\nrequire_aproval: true\nwaiver_longest_days: 0\napprover_may_plan: 'no'\n")

    with pytest.raises(AskedWrongly) as caught:
        load_settings(path)

    lines = str(caught.value).splitlines()
    assert lines[0].endswith("hardening.yml:2: require_aproval is not a setting; did you mean require_approval?")
    assert ":3: waiver_longest_days: " in lines[1]
    assert ":4: approver_may_plan: " in lines[2]


@pytest.mark.parametrize("text", ["", "---\n", "require_approval: false\n"])
def test_settings_that_say_nothing_are_the_defaults(tmp_path: Path, text: str) -> None:
    """A missing file, an empty one."""
    path = tmp_path / "hardening.yml"
    assert load_settings(path) == Settings()
    path.write_text(text)

    assert load_settings(path) == Settings()


def test_a_workspace_says_how_long_waivers_last_and_who_approves(hardening: CommandLine) -> None:
    """A year and nobody, unless the workspace says otherwise."""
    waiver = (
        "waivers:\n- control: linux_own_mode\n  hosts: [here]\n  owner: Team\n  reason: It is needed\n"
        "  compensating: It is watched\n  ticket: T-1\n  expires: {}\n"
    )
    day = (datetime.now(UTC) + timedelta(days=500)).date()
    (hardening.place / "waivers.yml").write_text(waiver.format(day))
    by_default = hardening("waivers", "list")
    (hardening.place / "hardening.yml").write_text("waiver_longest_days: 600\n")
    longer = hardening("waivers", "list")
    (hardening.place / "hardening.yml").write_text("waiver_longest_days: 30\n")
    shorter = hardening("waivers", "list")
    (hardening.place / "hardening.yml").write_text("waiver_longest_days: 600\nwaiver_needs_approver: true\n")
    unapproved = hardening("waivers", "list")

    assert (by_default.code, "more than a year ahead" in by_default.err) == (2, True)
    assert longer.code == 0
    assert (shorter.code, "more than 30 days ahead" in shorter.err) == (2, True)
    assert (unapproved.code, "approver is missing" in unapproved.err) == (2, True)
