"""A fleet's campaign, recorded for benches: every status, shared commands with excerpts, two truths, clauses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from hardening.judge import judge
from hardening.ledger import open_ledger
from hardening.model import (
    Campaign,
    Clause,
    Control,
    Danger,
    Finding,
    HostSeen,
    Look,
    Observation,
    Probe,
    Profile,
    Requirement,
    Severity,
    Source,
    Target,
    Verb,
    WaiverUse,
)

CAMPAIGN = "20260821T101500Z-scan-bench"
NOW = datetime(2026, 8, 21, 10, 15, tzinfo=UTC)
COMMANDS = 120
COMPONENTS = ("linux", "sshd", "postgresql", "nginx")
CLAUSES = tuple(f"8.1.4.{part} {letter}" for part in range(1, 12) for letter in "abcd")
WAIVER = WaiverUse(
    owner="Zhang Wei",
    reason="A partner's gateway speaks nothing newer",
    compensating="reachable from one address only",
    ticket="SEC-1042",
    expires_on=date(2026, 12, 31),
)


def fleet_profile(controls: int) -> Profile:
    """Return a profile of that many controls over four components, each with its clause."""
    return Profile(
        name="mlps-l3",
        title="MLPS 2.0 level 3",
        title_zh="等级保护 2.0 三级",
        standard="mlps",
        requirements=tuple(_requirement(number) for number in range(controls)),
        clauses={
            name: Clause(id=name, text=f"Clause {name} in our words", text_zh=f"条款 {name} 要点") for name in CLAUSES
        },
        digest="d" * 64,
    )


def _requirement(number: int) -> Requirement:
    component = COMPONENTS[number % len(COMPONENTS)]
    control = Control(
        id=f"{component}_option_{number:03}",
        component=component,
        kind=f"{component}.setting",
        title=f"Option {number} of {component} has its wanted value",
        title_zh=f"{component} 选项 {number} 为期望值",
        why="A value left at its default lets an attacker in; this sentence is as long as they are in the catalogue.",
        severity=list(Severity)[number % 4],
        params={"key": f"option_{number}"},
        want={"at_least": 1},
        set_to="1",
        danger=Danger.NONE,
        source=Source(file=f"baselines/{component}/bench.yml", line=number + 1),
        manual="Only the owner of a system knows who has left." if number % 60 == 59 else None,
    )
    return Requirement(control=control, clauses=(CLAUSES[number % len(CLAUSES)],))


def fleet_findings(asked: Profile, host: str, number_of_host: int) -> Iterator[Finding]:
    """Yield the findings of one host: one gap in ten, some blind, some waived."""
    probes = [
        Probe(
            command=f"sysctl -n kernel.option_{number}",
            exit_code=0,
            stdout_sha256=f"{number_of_host * COMMANDS + number:064x}",
            stdout_bytes=400,
            stdout_excerpt=f"{host} line {number}\n" * 10,
        )
        for number in range(COMMANDS)
    ]
    for number, requirement in enumerate(asked.requirements):
        control, mixed = requirement.control, number_of_host * 7 + number
        target = Target(
            host=host, component=control.component, instance="15-main" if control.component == "postgresql" else ""
        )
        look, reason = Look.SEEN, None
        if control.manual is not None:
            look, reason = Look.MANUAL, control.manual
        elif mixed % 97 == 0:
            look, reason = Look.CANNOT_LOOK, f"`sysctl -n kernel.option_{number}` answered 1: permission denied"
        elif mixed % 31 == 0:
            look, reason = Look.NOT_APPLICABLE, "the package is not installed"
        value = "0" if mixed % 10 == 0 else str(1 + number_of_host % 3)
        observation = Observation(
            control_id=control.id,
            target=target,
            look=look,
            taken_at=NOW + timedelta(seconds=number_of_host),
            seen={} if reason else {"running": value, "on_disk": "1"} if number % 3 == 0 else {"value": value},
            reason=reason,
            probes=() if look is Look.MANUAL else (probes[number % COMMANDS],),
            duration_s=0.001,
        )
        yield judge(requirement, observation, WAIVER if mixed % 50 == 0 else None)


def record_fleet(path: Path, *, hosts: int, controls: int) -> None:
    """Record a finished scan of a fleet in a new ledger."""
    asked = fleet_profile(controls)
    names = tuple(f"node{number:04}.example.net" for number in range(hosts))
    campaign = Campaign(
        id=CAMPAIGN,
        verb=Verb.SCAN,
        started_at=NOW,
        profile=asked.name,
        profile_digest=asked.digest,
        catalogue_digest="c" * 64,
        tool_version="0.1.0",
        actor="ops@bastion",
        inventory=("inventories/fleet",),
        hosts=names,
    )
    with open_ledger(path, clock=lambda: NOW) as ledger:
        ledger.begin(campaign, asked)
        for number, name in enumerate(names):
            ledger.record_findings(CAMPAIGN, "after", fleet_findings(asked, name, number))
            met = HostSeen(
                name=name,
                address=f"192.0.2.{number % 250}",
                os_id="debian",
                os_version="12",
                facts={"os_name": "Debian GNU/Linux 12 (bookworm)", "kernel": "6.1.0-25-amd64"},
            )
            ledger.record_host(CAMPAIGN, "after", met)
        ledger.finish(CAMPAIGN, exit_code=3, finished_at=NOW + timedelta(minutes=20))
