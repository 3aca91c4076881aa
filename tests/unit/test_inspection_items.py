"""Items and plans are data: what is wrong with a file is said at its line, and nothing that cannot fail gets in."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardening.errors import AskedWrongly, BadFiles
from hardening.inspected import Level
from hardening.inspection.items import load_items
from hardening.inspection.kinds import kinds
from hardening.inspection.plans import load_plans, plan_named
from hardening.inspection.response import load_response
from hardening.inspection.words import CATEGORIES
from tests.command_line import ROOT

SHIPPED = ROOT / "baselines"
GOOD = """\
---
own_files:
  title: Nothing lies where nothing should
  title_zh: 目录为空
  kind: files_in
  with: {directories: [/nowhere]}
  critical_when: {any: true}
  advice: Look who put it there.
  advice_zh: 查明来源。
  not_proven: it belongs to the test
"""


def own(root: Path, text: str, place: str = "items/own.yml") -> list[Path]:
    """Write one file of a directory of baselines."""
    path = root / "inspection" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return [root]


def complaints(root: Path, text: str) -> list[str]:
    """Return what loading says of items."""
    with pytest.raises(BadFiles) as refused:
        load_items(own(root, text), kinds())
    return [str(problem) for problem in refused.value.problems]


def test_the_shipped_items_load_and_use_every_kind() -> None:
    """A hundred at least; each says how the lab causes its fault or why it cannot; no kind is left over."""
    items = load_items([SHIPPED], kinds())

    assert len(items) >= 100
    assert {item.kind for item in items.values()} == set(kinds())
    assert {item.category for item in items.values()} <= set(CATEGORIES)
    assert sum(item.fault is not None for item in items.values()) >= 100


def test_every_problem_of_a_file_is_said_at_its_line(tmp_path: Path) -> None:
    """Unknown kinds and keys, values of the wrong sort, and bounds that bind nothing, all at once."""
    text = GOOD + GOOD.removeprefix("---\n").replace("own_files", "own_more").replace("files_in", "file_in")
    text += GOOD.removeprefix("---\n").replace("own_files", "own_third").replace("{any: true}", "{}")
    text += GOOD.removeprefix("---\n").replace("own_files", "own_fourth").replace("[/nowhere]", "3")
    text += GOOD.removeprefix("---\n").replace("own_files", "other_fifth").replace("  advice:", "  advise:")

    said = complaints(tmp_path, text)

    where = f"{tmp_path.name}/inspection/items/own.yml"
    assert f"{where}:14: own_more: file_in is not a kind; did you mean files_in?" in said
    assert any(each.startswith(f"{where}:25: own_third: critical_when: an empty bound") for each in said)
    assert any(each.startswith(f"{where}:33: own_fourth.with: directories:") for each in said)
    assert f"{where}:38: other_fifth must begin with own_, the file it stands in" in said
    assert any("advise is not known here; did you mean advice?" in each for each in said)


def test_an_item_that_could_find_nothing_is_refused(tmp_path: Path) -> None:
    """Without a bound everything would be good."""
    assert any(
        "nothing could be found wrong" in each
        for each in complaints(tmp_path, GOOD.replace("  critical_when: {any: true}\n", ""))
    )


def test_an_item_without_a_proof_says_why(tmp_path: Path) -> None:
    """A fault, or the reason why the lab cannot cause it."""
    said = complaints(tmp_path, GOOD.replace("  not_proven: it belongs to the test\n", ""))

    assert any("say how the lab causes the fault" in each for each in said)


def test_the_shipped_plans_are_by_level_and_time() -> None:
    """The monthly plan reads everything, the restore proof with it; the watch is for what the business depends on."""
    items = load_items([SHIPPED], kinds())
    plans = load_plans([SHIPPED], items)

    assert {"daily", "weekly", "monthly", "important-period"} <= set(plans)
    assert {item.id for item in plans["monthly"].items} == set(items)
    assert "backup_database_restore" not in {item.id for item in plans["daily"].items}
    assert Level.ORDINARY not in plans["important-period"].levels


def test_a_bad_plan_is_said_at_its_line(tmp_path: Path) -> None:
    """Zones, items and times that do not exist."""
    roots = own(tmp_path, GOOD)
    items = load_items(roots, kinds())
    own(
        tmp_path,
        "---\ntitle: Mine\ntitle_zh: 我的计划\nitems: [own_file]\n"
        "schedule:\n  every: week\n  at: '8'\n  zone: Asia/Shangai\n",
        "plans/mine.yml",
    )

    with pytest.raises(BadFiles) as refused:
        load_plans(roots, items)

    said = str(refused.value)
    assert "inspection/plans/mine.yml:7: schedule.at: 8 is no time of day" in said
    assert "inspection/plans/mine.yml:8: schedule.zone: Asia/Shangai is no time zone" in said


def test_a_plan_of_unknown_items_is_refused(tmp_path: Path) -> None:
    """And one that is asked for by a wrong name names the nearest."""
    roots = own(tmp_path, GOOD)
    own(
        tmp_path,
        "---\ntitle: Mine\ntitle_zh: 我的计划\nitems: [own_file]\nschedule: {every: day, at: '08:00'}\n",
        "plans/mine.yml",
    )

    with pytest.raises(BadFiles, match=r"mine\.yml:4: own_file is not an item; did you mean own_files"):
        load_plans(roots, load_items(roots, kinds()))
    with pytest.raises(AskedWrongly, match="did you mean daily"):
        plan_named(load_plans([SHIPPED], load_items([SHIPPED], kinds())), "dayly")


def test_a_response_table_grades_everything(tmp_path: Path) -> None:
    """A level that the table does not have, or a verdict without a level, would leave an anomaly without a deadline."""
    text = (SHIPPED / "inspection" / "response.yml").read_text()
    roots = own(
        tmp_path,
        text.replace("warn: {core: 2, important: 3, ordinary: 3}", "warn: {core: 2, important: 9}"),
        "response.yml",
    )

    with pytest.raises(BadFiles, match=r"grade\.warn\.important: 9 is no level of the table"):
        load_response(roots)
    assert load_response([SHIPPED]).levels[1].resolve_minutes == 240
