"""Which undos go on before a wave: what waits for an acknowledgement, what is only said, and when hosts are asked anew.

The host is this machine, looked at for real; over no ssh, so that no preflight of logins expects anything by itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hardening.change import Undone
from hardening.context import Context, Progress
from hardening.inventory import Inventory, InventoryHost
from hardening.ledger import Ledger, open_ledger
from hardening.model import Campaign, Change, ChangeState, Danger, Target, Verb
from hardening.prediction import Fact, Planned
from hardening.preflighting import FRESH_S, Ahead, clear_to_undo
from hardening.preflights import needs_of
from hardening.remote import Connection
from tests.ledger_store.samples import campaign, clock, control, profile
from tests.preflight_facts import FINE, ONE_ROOM

KEYS, BANNER = "sshd_keys", "linux_banner"
FULL = {**ONE_ROOM, "mount": "/full", "free_bytes": 0}
CODE = "sshd_login_method"


class Wave:
    """A wave of two undos on one host: of keys that the server would deny again, and of a banner."""

    def __init__(self, ledger: Ledger) -> None:
        """Begin no campaign yet."""
        self.ledger = ledger
        self.said: list[str] = []
        host = InventoryHost(
            name="web01", groups=(), variables={}, connection=Connection(name="web01", transport="local")
        )
        self.context = Context(
            ledger=ledger,
            inventory=Inventory(sources=(), hosts=(host,)),
            inventory_sources=(),
            catalogue_digest="",
            actor="test",
            tool_version="0",
            clock=clock,
            stopwatch=lambda: 10_000.0,
            progress=Progress(say=self.said.append),
        )

    def cleared(
        self,
        *,
        acknowledge: tuple[str, ...] = (),
        guard_s: float = 600.0,
        taken_s: float = 10_000.0,
        facts: Mapping[str, Any] | None = None,
    ) -> dict[str, Danger]:
        """Return which undos go on, with the danger that they are taken for."""
        options: dict[str, Any] = {"acknowledge": [*acknowledge], "waves": {"guard_s": guard_s}}
        undo: Campaign = dataclasses.replace(campaign(), verb=Verb.UNDO, options=options)
        self.ledger.begin(undo, profile(control(KEYS), control(BANNER)))
        back = [
            Planned(
                control_id=control_id,
                target=Target(host="web01", component="sshd"),
                kind=kind,
                params={"option": "PubkeyAuthentication"},
                value="no",
                is_undo=True,
            )
            for control_id, kind in ((KEYS, "sshd.option"), (BANNER, "linux.banner"))
        ]
        known = {**FINE, **(facts or {})}
        seen = {need.key: known[need.look] for need in needs_of(back)}
        ahead = Ahead(
            taken_s=taken_s,
            facts={"web01": {key: each if isinstance(each, Fact) else Fact(value=each) for key, each in seen.items()}},
            unreachable={},
        )
        undos = [
            Undone(
                change=Change(
                    control_id=each.control_id, target=each.target, state=ChangeState.CHANGED, kind=each.kind
                ),
                danger=Danger.RESTART,
            )
            for each in back
        ]
        going = clear_to_undo(self.context, undo, back, undos, ahead=ahead)
        return {each.control_id: each.danger for each in going}

    def left(self) -> dict[str, str]:
        """Return the reasons of what was recorded as left out."""
        changes = self.ledger.changes(campaign().id)
        assert all(change.state is ChangeState.SKIPPED for change in changes)
        return {change.control_id: str(change.reason) for change in changes}

    def told(self) -> list[tuple[str, str, bool]]:
        """Return what the journal has of what is foreseen: code, consequence, and whether it was acknowledged."""
        steps: list[Any] = [s.payload for s in self.ledger.steps(campaign().id) if s.step == "preflights"]
        return [(e["code"], e["consequence"], e["acknowledged"]) for payload in steps for e in payload["predicted"]]


@pytest.fixture
def wave(tmp_path: Path) -> Iterator[Wave]:
    """A wave over a ledger of its own."""
    with open_ledger(tmp_path / "ledger.sqlite3", clock=clock) as ledger:
        yield Wave(ledger)


def test_what_would_lock_out_waits_and_the_rest_goes_on(wave: Wave) -> None:
    """It is recorded as skipped with the code to acknowledge it by."""
    assert wave.cleared() == {BANNER: Danger.RESTART}
    assert wave.left()[KEYS].startswith(f"not acknowledged: {CODE}: we log in by publickey")
    assert wave.told() == [(CODE, "lockout", False)]


@pytest.mark.parametrize("said", [CODE, f"{CODE}@web01"])
def test_what_is_acknowledged_goes_on_under_the_guard(wave: Wave, said: str) -> None:
    """Whatever class its control has."""
    assert wave.cleared(acknowledge=(said,)) == {KEYS: Danger.LOCKOUT, BANNER: Danger.RESTART}
    assert (wave.left(), wave.told()) == ({}, [(CODE, "lockout", True)])
    assert wave.said == [f"acknowledged: {CODE} on web01"]


def test_what_cannot_be_told_is_said_and_goes_on_under_the_guard(wave: Wave) -> None:
    """An emergency does not wait for a log that is not there."""
    blind = {"login_method": Fact(reason="the log does not tell")}

    assert wave.cleared(facts=blind) == {KEYS: Danger.LOCKOUT, BANNER: Danger.RESTART}
    assert (wave.left(), wave.told()) == ({}, [(CODE, "unknown", False)])
    assert "web01: sshd_login_method: could not tell" in wave.said[0]
    assert wave.said[0].endswith("(the log does not tell); the undo goes on")


def test_without_a_guard_what_cannot_be_told_waits(wave: Wave) -> None:
    """There is nothing that would bring the host back."""
    assert wave.cleared(facts={"login_method": Fact(reason="no log")}, guard_s=0.0) == {BANNER: Danger.RESTART}
    assert set(wave.left()) == {KEYS}


def test_what_could_fail_is_tried(wave: Wave) -> None:
    """A full disk is said, and stops no undo: it may be what the undo is to mend."""
    assert set(wave.cleared(facts={"room": [FULL]}, acknowledge=(CODE,))) == {KEYS, BANNER}
    assert any("/full" in sentence and sentence.endswith("; the undo goes on") for sentence in wave.said)


@pytest.mark.parametrize(("age_s", "asked_anew"), [(FRESH_S - 1, False), (FRESH_S, True)])
def test_what_was_seen_a_while_ago_is_looked_at_anew(wave: Wave, age_s: float, asked_anew: bool) -> None:
    """The disk that was full then is not one of this machine: a look for real does not find it."""
    wave.cleared(facts={"room": [FULL]}, taken_s=10_000.0 - age_s)

    assert any("/full" in sentence for sentence in wave.said) is not asked_anew
