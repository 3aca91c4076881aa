"""Measure what looking at hosts costs, against stock testinfra and against one hand-written ssh exec.

    python -m tools.bench_scan                        # one host at 0, 20 and 100 ms, then a fleet of 50
    python -m tools.bench_scan --rtt 0,20 --fleet 0 --rounds 5

Every round asks all ways once, in turn, so that what else the machine does hits all of them; what counts are the
ratios of the medians, and the CPU seconds. A cold scan starts a connection of its own. The hand-written exec runs
the same distinct commands, under the same nice value, and throws the answers away.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import testinfra

from hardening.remote import Connection, HostJob, HostReport, Limits, look
from tests.lab.fleet import HostSpec, boot_fleet
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tools.measure import Cost, measured
from tools.workload import WORKLOADS, Check, Script

STOCK_ROUNDS = {0: 3, 20: 2, 100: 1}
GOALS: Mapping[str, Mapping[int, float]] = {
    "planned / one exec": {0: 0.9, 20: 1.0},
    "first / one exec": {0: 1.5, 20: 1.5, 100: 1.5},
    "stock / planned": {0: 7, 20: 20, 100: 30},
}
# The key exchange is the largest part of a connection's CPU time: the default of OpenSSH since 9.0, and the one before.
KEY_EXCHANGES = {"ssh's own key exchange": (), "with curve25519-sha256": ("-o", "KexAlgorithms=curve25519-sha256")}
LIMITS = Limits(command_s=120, host_s=600)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One way of asking, at one distance: medians over the rounds."""

    way: str
    round_trip_ms: int
    wall_s: float
    controller_cpu_s: float
    target_cpu_s: float
    traffic: Mapping[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench and print its tables; `--json FILE` keeps the figures."""
    options = _options(arguments)
    checks = WORKLOADS[options.workload]()
    print(f"{len(checks)} checks ({options.workload}), {options.rounds} rounds\n")
    kept: dict[str, Any] = {"workload": options.workload, "checks": len(checks), "ways": [], "fleet": []}
    with Lab.create() as lab:
        host = lab.host("re-bench", image=options.image, services=("nginx",))
        host.boot()
        for round_trip_ms in options.rtt:
            figures = _one_host(host, checks, round_trip_ms, options.rounds, stock=not options.no_stock)
            kept["ways"] += [asdict(each) for each in figures]
            _print_ways(figures)
        host.set_round_trip(0)
        if options.fleet:
            kept["fleet"] = _fleet(lab, checks, options.fleet, options.image)
    if options.json is not None:
        options.json.write_text(json.dumps(kept, indent=1) + "\n")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rtt", type=lambda text: [int(part) for part in text.split(",")], default=[0, 20, 100])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fleet", type=int, default=50, help="hosts of the fleet; 0 leaves it out")
    parser.add_argument("--image", default="debian12")
    parser.add_argument("--workload", choices=sorted(WORKLOADS), default="controls")
    parser.add_argument("--no-stock", action="store_true", help="leave stock testinfra out, which takes minutes")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(arguments)


def connection(host: LabHost) -> Connection:
    """Return how to log in to a lab host: as root, so that sudo's own cost is in none of the ways."""
    return Connection(
        name=host.name,
        host=host.address,
        user="root",
        private_key_file=str(host.ssh.key),
        known_hosts_file=str(host.ssh.known_hosts),
        ssh_args=("-F", "none", "-o", "IdentitiesOnly=yes"),
        connect_timeout_s=30,
    )


def _one_host(
    host: LabHost, checks: Mapping[str, Check], round_trip_ms: int, rounds: int, *, stock: bool
) -> list[Figures]:
    host.set_round_trip(round_trip_ms)
    to = connection(host)
    script = Script(checks)
    first = _scan(to, Script(checks), fuse=True)
    _scan(to, script, fuse=False)
    commands = [reply.command for reply in script.scopes[0].replies()]
    ways: dict[str, Callable[[], Mapping[str, Any]]] = {
        "one exec": lambda: _one_exec(host, commands),
        "plain": lambda: _scan(to, Script(checks), fuse=False).traffic.as_json(),
        "first": lambda: _scan(to, Script(checks), fuse=True).traffic.as_json(),
        "planned": lambda: _scan(to, Script(checks), fuse=True, plan=first.plan).traffic.as_json(),
    }
    if stock:
        ways["stock"] = lambda: _stock(host, checks)
    costs: dict[str, list[Cost]] = {way: [] for way in ways}
    for number in range(rounds):
        for way, ask in ways.items():
            if way != "stock" or number < STOCK_ROUNDS.get(round_trip_ms, 1):
                costs[way].append(measured(ask, target_cpu_s=host.cpu_seconds))
    return [_figures(way, round_trip_ms, found) for way, found in costs.items()]


def _figures(way: str, round_trip_ms: int, costs: Sequence[Cost]) -> Figures:
    return Figures(
        way=way,
        round_trip_ms=round_trip_ms,
        wall_s=statistics.median(cost.wall_s for cost in costs),
        controller_cpu_s=statistics.median(cost.controller_cpu_s for cost in costs),
        target_cpu_s=statistics.median(cost.target_cpu_s for cost in costs),
        traffic=costs[-1].result,
    )


def _scan(to: Connection, script: Script, *, fuse: bool, plan: tuple[str, ...] = ()) -> HostReport:
    (report,) = look([HostJob(connection=to, script=script, fuse=fuse, plan=plan)], limits=LIMITS)
    if report.unreachable is not None:
        raise SystemExit(f"the bench host was lost: {report.unreachable}")
    return report


def _one_exec(host: LabHost, commands: Sequence[str]) -> Mapping[str, Any]:
    """Run all commands in one ssh exec by hand, one line each, as somebody would in a hurry."""
    text = "".join(f"({command}\n) </dev/null\n" for command in commands).encode()
    argv = [*host.ssh.argv(host.address, user="root"), "nice -n 10 sh -s"]
    done = subprocess.run(argv, input=text, capture_output=True, check=False)
    return {"commands_sent": len(commands), "execs": 1, "bytes_out": len(text), "bytes_in": len(done.stdout)}


def _stock(host: LabHost, checks: Mapping[str, Check]) -> Mapping[str, Any]:
    """Run the checks one after another over stock testinfra, its connection kept for the length of the scan."""
    with tempfile.TemporaryDirectory() as room:
        options = " ".join(host.ssh.options())
        stock = testinfra.get_host(f"ssh://root@{host.address}", ssh_extra_args=options, controlpath=f"{room}/mux")
        execs = 0
        run = stock.backend.run

        def counted(command: str, *args: str, **kwargs: Any) -> Any:
            nonlocal execs
            execs += 1
            return run(command, *args, **kwargs)

        stock.backend.run = counted
        for check in checks.values():
            try:
                check(stock)
            except Exception:  # noqa: S112 - the same checks fail in every way of asking; only the cost counts here
                continue
        stock.backend.run = run
        leave = [*host.ssh.argv(host.address, user="root"), "-o", f"ControlPath={room}/mux", "-O", "exit"]
        subprocess.run(leave, capture_output=True, check=False)
        testinfra.host.Host._host_cache.clear()
        return {"commands_sent": execs, "execs": execs}


def _print_ways(figures: Sequence[Figures]) -> None:
    by_way = {each.way: each for each in figures}
    rtt = figures[0].round_trip_ms
    print(f"round trip {rtt} ms      wall s   / one exec   controller CPU s   target CPU s   commands  execs  waves")
    for each in figures:
        ratio = each.wall_s / by_way["one exec"].wall_s
        traffic = each.traffic
        print(
            f"  {each.way:14} {each.wall_s:12.3f} {ratio:12.2f} {each.controller_cpu_s:18.3f} {each.target_cpu_s:14.3f}"
            f" {traffic.get('commands_sent', 0):10} {traffic.get('execs', 0):6} {traffic.get('waves', ''):>6}"
        )
    for name, goals in GOALS.items():
        above, _, below = name.partition(" / ")
        if rtt in goals and above in by_way and below in by_way:
            got, goal = by_way[above].wall_s / by_way[below].wall_s, goals[rtt]
            good = got >= goal if above == "stock" else got <= goal
            print(f"  {name}: {got:.2f}, goal {goal}: {'reached' if good else 'MISSED'}")
    print(flush=True)


def _fleet(lab: Lab, checks: Mapping[str, Check], count: int, image: str) -> list[dict[str, Any]]:
    hosts = boot_fleet(lab, [HostSpec(name=f"re-f{number}", image=image) for number in range(count)])
    plan = _scan(connection(hosts[0]), Script(checks), fuse=True).plan
    found = []
    print("fleet, one process                hosts   wall s   CPU s per host   MB per host   hosts per minute and core")
    for label, options in KEY_EXCHANGES.items():
        for some in sorted({max(1, count // 5), count}):
            jobs = [
                HostJob(connection=_with_options(connection(host), options), script=Script(checks), plan=plan)
                for host in hosts[:some]
            ]
            cost = measured(partial(_scan_all, jobs), peak=True)
            per_host_s = cost.controller_cpu_s / some
            per_host_mb = cost.peak.grown_bytes / some / 1e6 if cost.peak is not None else float("nan")
            print(
                f"  {label:28} {some:8} {cost.wall_s:8.2f} {per_host_s:16.4f} {per_host_mb:13.2f}"
                f" {60 / per_host_s:20.0f}   seen {cost.result['seen']}",
                flush=True,
            )
            found.append(
                {"key_exchange": label, "hosts": some, "cpu_s_per_host": per_host_s, "mb_per_host": per_host_mb}
            )
    print("  goal: at most 0.080 CPU s and 4 MB per host\n")
    return found


def _with_options(to: Connection, options: tuple[str, ...]) -> Connection:
    return replace(to, ssh_args=(*to.ssh_args, *options))


def _scan_all(jobs: Sequence[HostJob]) -> Mapping[str, Any]:
    reports = list(look(jobs, limits=LIMITS))
    return {"seen": sum(report.unreachable is None for report in reports)}


if __name__ == "__main__":
    sys.exit(main())
