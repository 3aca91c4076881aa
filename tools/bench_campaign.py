"""Measure what safety costs: the guard and its confirmation on one host, and how busy a wave of many hosts keeps us.

    python -m tools.bench_campaign                 # one host, then a wave of 50
    python -m tools.bench_campaign --hosts 0 --rounds 5

Guarded and unguarded applies of the same changes take turns on the same host, each undone again, with few unchanged
controls beside them and with many: the guard may cost seconds, and nothing more for what is not changed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hardening import __version__
from hardening.catalogue import load_catalogue
from hardening.change import Wanted, apply_changes, restore_changes
from hardening.context import Context, Progress, utc_now
from hardening.guarding import end_guards
from hardening.inventory import load_inventory
from hardening.kinds import kinds
from hardening.ledger import open_ledger
from hardening.looking import look_and_record
from hardening.model import Change, ChangeState, Finding, Profile, Status, Verb
from tests.lab.fleet import HostSpec, boot_fleet
from tests.lab.host import LabHost
from tests.lab.inventory import write_inventory
from tests.lab.lab import Lab
from tools.measure import measured

ROOT = Path(__file__).resolve().parent.parent
GOAL_GUARD_S = 3.0
CHANGED = ("linux_banner_issue", "linux_banner_issue_net", "sshd_permit_root_login", "sshd_max_auth_tries")
FLEET_PROFILE = "server-strict"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both parts and print them; answers 1 where a wave did not change its hosts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hosts", type=int, default=50, help="hosts of the wave; 0 leaves it out")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-") as room, Lab.create() as lab:
        host = lab.host("bench", image="debian12")
        host.boot()
        _guard(host, Path(room), options.rounds)
        lab.remove(host.name)
        return _wave(lab, Path(room), options.hosts) if options.hosts else 0


def _guard(host: LabHost, room: Path, rounds: int) -> None:
    inventory = write_inventory(room / "one.yml", [host])
    profile = load_catalogue([ROOT / "baselines"], kinds()).profile("server-strict")
    with open_ledger(room / "ledger", clock=utc_now) as ledger:
        context = Context(
            ledger=ledger,
            inventory=load_inventory([inventory]),
            inventory_sources=(str(inventory),),
            catalogue_digest="bench",
            actor="make bench",
            tool_version=__version__,
            progress=Progress(say=lambda _: None),
        )
        findings = _looked(context, profile)
        few = [_wanted(finding) for finding in findings if finding.observation.control_id in CHANGED]
        many = [*few, *_unchanged(context, profile, findings)]
        print(
            f"guard and confirmation, {rounds} rounds, s   unguarded   guarded   confirmed   cost   goal {GOAL_GUARD_S}"
        )
        for wanted in (few, many):
            taken: list[tuple[float, float, float]] = []
            for _ in range(rounds):
                plain, _ = _applied(context, profile, wanted, guard_s=None)
                taken.append((plain, *_applied(context, profile, wanted, guard_s=600.0)))
            plain, guarded, confirmed = (statistics.median(column) for column in zip(*taken, strict=True))
            label = f"{len(few)} changes, {len(wanted) - len(few)} unchanged"
            print(
                f"  {label:37} {plain:12.2f} {guarded:9.2f} {confirmed:11.2f} {guarded + confirmed - plain:6.2f}",
                flush=True,
            )


def _looked(context: Context, profile: Profile) -> Sequence[Finding]:
    campaign = context.new_campaign(Verb.APPLY, profile)
    context.ledger.begin(campaign, profile)
    return look_and_record(context, campaign, profile, phase="before").findings


def _unchanged(context: Context, profile: Profile, findings: Sequence[Finding]) -> list[Wanted]:
    """Return what passes and, by a dry run, would not be written again."""
    campaign = context.new_campaign(Verb.APPLY, profile)
    context.ledger.begin(campaign, profile)
    passing = {
        finding.observation.control_id: _wanted(finding)
        for finding in findings
        if finding.status is Status.PASS and finding.requirement.control.look_only is None
    }
    told = apply_changes(context, campaign.id, list(passing.values()), check=True, lease=False)
    return [passing[change.control_id] for change in told if change.state is ChangeState.UNCHANGED]


def _wanted(finding: Finding) -> Wanted:
    control = finding.requirement.control
    return Wanted(
        target=finding.observation.target,
        control_id=control.id,
        kind=control.kind,
        params=control.params,
        value=control.set_to,
        danger=control.danger,
    )


def _applied(
    context: Context, profile: Profile, wanted: Sequence[Wanted], *, guard_s: float | None
) -> tuple[float, float]:
    """Apply, confirm and undo; return the seconds of the first two."""
    campaign = context.new_campaign(Verb.APPLY, profile)
    context.ledger.begin(campaign, profile)
    began = time.monotonic()
    changes = list(apply_changes(context, campaign.id, wanted, guard_s=guard_s, lease=False))
    applied = time.monotonic()
    if guard_s is not None:
        hosts = list(dict.fromkeys(want.target.host for want in wanted))
        ends = end_guards(context, campaign.id, hosts, reached=hosts, guard_s=guard_s)
        if any(end.outcome != "confirmed" for end in ends.values()):
            raise SystemExit(f"the bench host was not confirmed: {ends}")
    confirmed = time.monotonic()
    made = [change for change in changes if change.state is ChangeState.CHANGED]
    _expect(made, ChangeState.CHANGED)
    undone = list(restore_changes(context, campaign.id, list(reversed(made)), lease=False))
    _expect(undone, ChangeState.REVERTED)
    return applied - began, confirmed - applied


def _expect(changes: Sequence[Change], state: ChangeState) -> None:
    others = [
        f"{change.control_id}: {change.state}: {change.reason}" for change in changes if change.state is not state
    ]
    if others or {change.control_id for change in changes} != set(CHANGED):
        raise SystemExit(f"the bench host did not do as asked: {others or len(changes)}")


def _wave(lab: Lab, room: Path, count: int) -> int:
    """Plan and apply a whole profile on a fleet in one wave, from the command line; print how busy the cores were."""
    hosts = boot_fleet(lab, [HostSpec(name=f"wave{number:02}") for number in range(count)])
    write_inventory(room / "fleet.yml", hosts)
    cores = len(os.sched_getaffinity(0))

    def target_cpu_s() -> float:
        return sum(host.cpu_seconds() for host in hosts)

    code = 0
    accepted = ("--accept", "lockout", "--accept", "data", "--accept", "reboot", "--max-failed", str(count))
    steps = {
        "plan": ("plan", "-i", "fleet.yml", "-p", FLEET_PROFILE, "--no-preview", "-o", "plan.yml"),
        "apply": ("apply", "plan.yml", "--canary", "0", "--wave-size", str(count), *accepted),
    }
    print(f"{count} hosts, one wave, {cores} cores       wall s   controller CPU s   target CPU s   cores busy")
    for name, arguments in steps.items():
        cost = measured(partial(_command, room, arguments), target_cpu_s=target_cpu_s)
        busy = (cost.controller_cpu_s + cost.target_cpu_s) / cost.wall_s / cores
        print(
            f"  {name:30} {cost.wall_s:9.1f} {cost.controller_cpu_s:18.1f} {cost.target_cpu_s:14.1f} {busy:12.0%}"
            f"   exit code {cost.result['code']}: {cost.result['said']}",
            flush=True,
        )
        code = max(code, 0 if cost.result["code"] in (0, 1, 3) else 1)
    return code


def _command(room: Path, arguments: Sequence[str]) -> Mapping[str, Any]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), *arguments], cwd=room, capture_output=True, text=True, check=False
    )
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return {"code": done.returncode, "said": lines[-1] if lines else ""}


if __name__ == "__main__":
    sys.exit(main())
