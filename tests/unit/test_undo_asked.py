"""What an undo is asked for and there is none of: said as it is, and never as done."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardening.context import Context
from hardening.errors import AskedWrongly
from hardening.inventory import load_inventory
from hardening.ledger import open_ledger
from hardening.model import ChangeState, Verb
from hardening.verbs.undo import undo
from tests.ledger_store.samples import START, campaign, change, clock, control, profile

APPLY = "20260821T101502Z-apply-0001"
TRIES = "sshd_max_auth_tries"


def test_what_the_campaign_did_not_change_was_not_undone(tmp_path: Path) -> None:
    """It changed the control on another host, and found it as wanted on this one: that is in force, and stays."""
    (tmp_path / "hosts").write_text("web01 ansible_connection=local\nweb02 ansible_connection=local\n")
    with open_ledger(tmp_path / "ledger.sqlite3", clock=clock) as ledger:
        ledger.begin(campaign(APPLY, verb=Verb.APPLY, hosts=("web01", "web02")), profile(control(), control(TRIES)))
        found = change("web02", TRIES, state=ChangeState.UNCHANGED, reason="already as wanted", touches=())
        ledger.record_changes(APPLY, [change("web01", TRIES), change("web02"), found])
        ledger.finish(APPLY, exit_code=0, finished_at=START)
        context = Context(
            ledger=ledger,
            inventory=load_inventory([tmp_path / "hosts"]),
            inventory_sources=(str(tmp_path / "hosts"),),
            catalogue_digest="c" * 64,
            actor="li@desk",
            tool_version="0",
        )

        with pytest.raises(AskedWrongly) as refused:
            undo(context, APPLY, controls=[TRIES], hosts=["web02"])

    assert str(refused.value) == (
        f"{APPLY} did not change that there: it was as wanted already, or was left out "
        f"(`hardening report {APPLY}` tells)"
    )
