"""Health checks are commands as they are written, and a change after which one fails is no success."""

from __future__ import annotations

import dataclasses

import pytest

from hardening.errors import AskedWrongly, Exit
from hardening.health import HEALTH, commands_of
from hardening.inventory import InventoryHost
from hardening.model import ChangeState, Json, Verb
from hardening.outcome import exit_of_change, not_done
from hardening.remote import Connection
from hardening.reports.wording import alarms
from hardening.waves import UNWELL
from tests.evidence_examples import clean_evidence
from tests.ledger_store.samples import change


def host(said: Json) -> InventoryHost:
    """Return a host with that in its variable."""
    connection = Connection(name="web01", host="192.0.2.1")
    return InventoryHost(name="web01", groups=(), variables={HEALTH: said}, connection=connection)


def test_health_checks_are_a_list_of_commands() -> None:
    """In their order, each once; none where the inventory says nothing."""
    assert commands_of(host(["true", "curl -f http://x", "true"])) == ("true", "curl -f http://x")
    assert commands_of(host(None)) == ()
    assert commands_of(host([])) == ()


@pytest.mark.parametrize("said", ["true", ["true", ""], ["true", 1], {"a": "b"}, True])
def test_health_checks_that_are_no_list_of_commands_are_refused(said: Json) -> None:
    """A single text would be run letter by letter, a number is a mistake."""
    with pytest.raises(AskedWrongly, match="web01: hardening_health is a list of shell commands"):
        commands_of(host(said))


def test_a_template_in_a_health_check_is_refused() -> None:
    """It would be run with its braces."""
    with pytest.raises(AskedWrongly, match=r"commands are run as written: curl \{\{ url \}\}"):
        commands_of(host(["curl {{ url }}"]))


def test_a_change_that_made_a_host_unwell_is_never_a_clean_campaign() -> None:
    """It was made, and is there; the answer is 3 all the same, and the report says so."""
    made = change(state=ChangeState.CHANGED, reason=f"{UNWELL}a health check that passed before fails")
    evidence = clean_evidence()
    evidence = dataclasses.replace(
        evidence, campaign=dataclasses.replace(evidence.campaign, verb=Verb.APPLY), changes=(made,)
    )

    assert not_done(made, Verb.APPLY)
    assert exit_of_change(evidence) is Exit.INCOMPLETE
    assert alarms(evidence, "en") == ["1 of 1 changes are on hosts that failed a health check since."]
