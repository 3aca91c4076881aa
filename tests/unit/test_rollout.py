"""Waves on this very machine, without a change: what is asked for while a wave is prepared is heeded before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from hardening.change import Undone
from hardening.context import Context
from hardening.evidence import evidence_of
from hardening.inventory import load_inventory
from hardening.ledger import open_ledger
from hardening.model import Change, ChangeState, Target, Verb
from hardening.rollout import write_in_waves
from hardening.stopping import STOP_ASKED
from hardening.waves import STOPPED, WaveRules
from tests.ledger_store.samples import change, clock, control, profile


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    """Two names of this machine, and a ledger."""
    (tmp_path / "hosts").write_text("one ansible_connection=local\ntwo ansible_connection=local\n")
    with open_ledger(tmp_path / "ledger.sqlite3", clock=clock) as ledger:
        sources = (str(tmp_path / "hosts"),)
        yield Context(
            ledger=ledger,
            inventory=load_inventory([tmp_path / "hosts"]),
            inventory_sources=sources,
            catalogue_digest="c" * 64,
            actor="li@desk",
            tool_version="0",
        )


def test_a_stop_that_is_asked_while_a_wave_is_prepared_comes_before_it(context: Context) -> None:
    """Nothing of that wave is written, nor of any later one, and every change says so."""
    watched = profile(control(manual="A person looks."))
    campaign = context.new_campaign(Verb.UNDO, watched)
    context.ledger.begin(campaign, watched)
    wanted = [Undone(change=change(host)) for host in ("one", "two")]
    written: list[Sequence[Undone]] = []

    def write(pieces: Sequence[Undone], _guard_s: float | None) -> Iterator[Change]:
        written.append(pieces)
        return iter(())

    def clear(pieces: Sequence[Undone]) -> list[Undone]:
        context.ledger.record_step(campaign.id, STOP_ASKED, {"by": "wang@desk", "because": "orders fail"})
        return list(pieces)

    write_in_waves(context, campaign, watched, wanted, write=write, rules=WaveRules(canary=1), clear=clear)

    left = evidence_of(context.ledger, campaign.id).changes
    assert written == []
    assert {(each.target, each.state) for each in left} == {
        (Target(host=host, component="sshd"), ChangeState.SKIPPED) for host in ("one", "two")
    }
    assert {each.reason for each in left} == {f"{STOPPED}asked by wang@desk: orders fail"}
