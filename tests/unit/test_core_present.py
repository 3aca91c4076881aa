"""Resources compared with how they were left, who changed them, and what no undo brings back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hardening_core import Host
from hardening_core.present import compare
from hardening_core.resources import resources_of

from tests.core_tree import apply, control, snapshot

LEVEL = control("a", "2", key="level", file="/etc/app.conf")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with one file."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/app.conf").write_text("level 1\n")
    return tmp_path


def asked(root: Path, *touches: dict[str, Any], known: tuple[str, ...] = ("c1",)) -> list[dict[str, Any]]:
    """Compare what was touched with how it was left, in a campaign of the last hour."""
    items = [
        {"id": f"{t['kind']}:{t['name']}", "target": "h", "kind": t["kind"], "name": t["name"], "left": t["after"]}
        for t in touches
    ]
    return compare(items, Host(str(root)), since_s=time.time() - 3600, known=known)


def touches_of(*results: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what was touched."""
    return [touch for result in results for touch in result["touches"]]


def test_what_is_as_it_was_left_is_no_news(root: Path) -> None:
    """And the comparison writes nothing."""
    touched = touches_of(*apply(root, LEVEL, control("b", dropin="/etc/b")))
    before = snapshot(root)

    results = asked(root, *touched)

    assert [result["changed"] or result["failed"] for result in results] == [False, False]
    assert snapshot(root) == before


def test_what_somebody_changed_is_shown_with_its_time_and_owner(root: Path) -> None:
    """As a diff from how it was left, also where the file is gone."""
    touched = touches_of(*apply(root, LEVEL, control("b", dropin="/etc/b")))
    (root / "etc/app.conf").write_text("level 9\n")
    (root / "etc/b").unlink()

    edited, gone = asked(root, *touched)

    assert edited["changed"]
    assert "-level 2\n+level 9" in edited["diff"]
    assert edited["reason"].startswith(f"changed at {time.gmtime().tm_year}-")
    assert ", owner " in edited["reason"]
    assert edited["touches"][0]["after"]["sha256"] != edited["touches"][0]["before"]["sha256"]
    assert gone["touches"][0]["after"] == {"type": "absent"}
    assert gone["reason"].startswith("it is gone, and its directory changed at ")


def test_another_campaign_that_wrote_it_is_named(root: Path) -> None:
    """Going by the host's own journals; those that are known are no news."""
    touched = touches_of(*apply(root, LEVEL, campaign="c1"))
    apply(root, control("a", "3", key="level", file="/etc/app.conf"), campaign="somebody-elses")

    (told,) = asked(root, *touched)
    (known,) = asked(root, *touched, known=("c1", "somebody-elses"))

    assert told["reason"].startswith("written by campaign somebody-elses; ")
    assert "campaign" not in known["reason"]


def test_what_dpkg_did_to_a_package_is_named(root: Path) -> None:
    """Since the campaign, and to this package only."""
    (root / "var/log").mkdir(parents=True, exist_ok=True)
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    (root / "var/log/dpkg.log").write_text(
        f"2020-01-01 00:00:00 upgrade no-such-package:amd64 0.9 1.0\n{now} upgrade no-such-package:amd64 1.0 1.1\n"
        f"{now} upgrade other:amd64 1.0 1.1\n{now} status installed no-such-package:amd64 1.1\nbroken\n"
    )
    left = {"status": "installed", "version": "1.0", "auto": False}

    (result,) = asked(root, {"kind": "package", "name": "no-such-package", "after": left})

    assert result["changed"]
    assert result["reason"] == f"dpkg: {now} upgrade no-such-package:amd64 1.0 1.1"


def test_what_cannot_be_looked_at_is_no_news_but_a_failure(root: Path) -> None:
    """An unknown kind, and a resource that refuses its name."""
    results = asked(
        root,
        {"kind": "magic", "name": "x", "after": {}},
        {"kind": "sysctl", "name": "../../etc/shadow", "after": {"value": "1"}},
    )

    assert [(result["failed"], result["changed"]) for result in results] == [(True, False)] * 2
    assert results[0]["reason"] == "no resource is called magic"


def test_a_file_of_no_campaign_is_only_asked_about(root: Path) -> None:
    """Without a state it was left in, it is neither changed nor failed."""
    (result,) = asked(root, {"kind": "file", "name": "/etc/app.conf", "after": None})

    assert (result["changed"], result["failed"]) == (False, False)
    assert result["reason"].startswith("changed at ")


PACKAGE = {"status": "installed", "version": "1", "auto": False}
UNIT = {"enabled": "enabled", "active": True, "links": {}}


@pytest.mark.parametrize(
    ("kind", "name", "before", "after", "said"),
    [
        ("package", "x", PACKAGE, {**PACKAGE, "status": "config-files"}, "its removal scripts clear away"),
        ("package", "x", PACKAGE, {**PACKAGE, "status": "absent"}, "data are purged"),
        ("package", "x", {**PACKAGE, "status": "absent"}, PACKAGE, "purged with it"),
        ("package", "x", PACKAGE, {**PACKAGE, "auto": True}, ""),
        ("unit", "x.service", UNIT, {**UNIT, "active": False}, "end with its stop"),
        ("unit", "x.service", UNIT, {**UNIT, "enabled": "disabled"}, ""),
        ("sysctl", "net.ipv4.ip_forward", {"value": "1"}, {"value": "0"}, ""),
        ("file", "/etc/issue", {"type": "absent"}, {"type": "file", "mode": "0644"}, ""),
    ],
)
def test_what_no_undo_brings_back_is_said(
    root: Path, kind: str, name: str, before: dict[str, Any], after: dict[str, Any], said: str
) -> None:
    """By the resource that is touched; what comes back as it was says nothing."""
    told = resources_of(Host(str(root)))[kind].beyond_undo(name, before, after)

    assert said in told
    assert bool(told) is bool(said)


def test_a_plan_of_locking_the_audit_rules_says_so_before(root: Path) -> None:
    """In the answer of a dry run, and so in the plan; taking the lock away from the file says nothing."""
    (root / "etc/audit/rules.d").mkdir(parents=True)
    lock = "/etc/audit/rules.d/zz.rules"

    (told,) = apply(root, control("lock", "-e 2\n", content=lock), check=True)
    (kept,) = apply(root, control("lock", "-e 2\n", content=lock))
    (back,) = apply(root, control("lock", "# -e 2\n", content=lock), check=True)

    assert told["beyond_undo"] == kept["beyond_undo"]
    assert "until a restart of the host" in told["beyond_undo"][0]
    assert back["beyond_undo"] == []
    assert [path.name for path in (root / "etc/audit/rules.d").iterdir()] == ["zz.rules"]
