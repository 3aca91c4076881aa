"""A plan says on which machines and on what it was made, what it will do beside, and what needs an acknowledgement."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

from hardening.identity import Identity
from hardening.judge import judge
from hardening.model import Change, ChangeState, Danger, Finding, HostSeen, Json, Target, Touch
from hardening.plan import Plan
from hardening.plan_file import read_plan, write_plan
from hardening.plan_making import make_plan
from tests.unit.test_judge import observation, requirement


def gap(host: str, value: Json = "yes", danger: Danger = Danger.LOCKOUT) -> Finding:
    """Return a gap on a host."""
    asked = requirement("no")
    asked = dataclasses.replace(asked, control=dataclasses.replace(asked.control, danger=danger))
    seen = observation(value=value)
    return judge(asked, dataclasses.replace(seen, target=Target(host=host, component="sshd")))


def seen(name: str, machine_id: str) -> HostSeen:
    """Return a host that answered."""
    facts: dict[str, Json] = {"machine_id": machine_id, "boot_id": "b", "host_keys": ["ssh-ed25519 SHA256:x"]}
    return HostSeen(name=name, address="192.0.2.1", facts=facts)


def plan_of(*findings: Finding, hosts: tuple[HostSeen, ...] = (), previews: tuple[Change, ...] = ()) -> Plan:
    """Return a plan."""
    return make_plan(
        campaign_id="c",
        made_at=datetime(2026, 1, 1, tzinfo=UTC),
        made_by="jia@bastion",
        profile="p",
        profile_digest="d",
        inventory=["inventory"],
        findings=findings,
        previews={(change.target.name, change.control_id): change for change in previews},
        hosts=hosts,
        catalogue_digest="k" * 64,
    )


def test_a_plan_pins_machines_and_states_and_comes_back(tmp_path: Path) -> None:
    """Only of hosts that something is planned for; the digest of the file is the plan's own."""
    made = plan_of(gap("a"), hosts=(seen("a", "m1"), seen("idle", "m2")))
    write_plan(made, tmp_path / "plan.yml")

    back = read_plan(tmp_path / "plan.yml")

    assert back == made
    assert back.identities == {"a": Identity(machine_id="m1", host_keys=("ssh-ed25519 SHA256:x",))}
    assert (set(back.states), back.catalogue_digest, len(back.digest)) == ({"a"}, "k" * 64, 64)
    assert dataclasses.replace(back, items=()).digest == made.digest


def test_the_state_of_a_host_is_all_that_was_seen_there_in_any_order() -> None:
    """Another value is another state; another order is not."""
    one, other = (
        gap("a"),
        dataclasses.replace(gap("a"), observation=dataclasses.replace(gap("a").observation, control_id="sshd_y")),
    )

    assert plan_of(one, other).states == plan_of(other, one).states
    assert plan_of(one).states != plan_of(one, other).states
    assert plan_of(gap("a", "yes")).states != plan_of(gap("a", "maybe")).states


def test_a_second_name_of_a_machine_is_blocked() -> None:
    """It is not planned twice, and the reason names the first."""
    made = plan_of(gap("a"), gap("b"), hosts=(seen("a", "m1"), seen("b", "m1")))

    assert [item.blocked for item in made.items] == [
        None,
        "it is the same machine as a, which is changed under that name",
    ]


def test_side_effects_come_from_the_dry_run() -> None:
    """What is reloaded, restarted or run afterwards, and packages; and the danger class in words."""
    preview = Change(
        control_id="sshd_x",
        target=gap("a").observation.target,
        state=ChangeState.WOULD_CHANGE,
        after_actions=("reload:ssh.service", "restart:auditd.service", "run:sysctl"),
        touches=(
            Touch(kind="package", name="telnet", before={}, after={}),
            Touch(kind="file", name="/x", before=1, after=2),
        ),
    )

    assert plan_of(gap("a"), previews=(preview,)).items[0].effects == (
        "changes how people log in",
        "reloads ssh.service",
        "restarts auditd.service",
        "runs sysctl",
        "changes package telnet",
    )
    assert plan_of(gap("a", danger=Danger.NONE)).items[0].effects == ()


def test_an_acknowledgement_says_why_it_is_needed() -> None:
    """The class, the controls, the number of hosts; nothing for what needs none."""
    made = plan_of(gap("a"), gap("b"), gap("c", danger=Danger.RESTART))

    assert made.acknowledgements() == {Danger.LOCKOUT: "changes how people log in: sshd_x on 2 hosts"}
