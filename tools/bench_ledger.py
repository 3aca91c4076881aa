"""Seconds and memory of a fleet's findings through the ledger: `python tools/bench_ledger.py [--hosts N] [--url URL]`.

Each step runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from hardening.ledger import Ledger, open_ledger
from hardening.model import (
    Campaign,
    Control,
    Danger,
    Finding,
    Look,
    Observation,
    Probe,
    Profile,
    Requirement,
    Severity,
    Source,
    Status,
    Target,
    Verb,
)

NOW = datetime(2026, 8, 21, 10, 15, tzinfo=UTC)
CAMPAIGN = "bench"
COMMANDS = 120


def clock() -> datetime:
    """Return a fixed moment."""
    return NOW


def profile(controls: int) -> Profile:
    """Return a profile of that many controls."""
    return Profile(
        name="bench",
        title="Bench",
        title_zh="基准",
        standard=None,
        requirements=tuple(
            Requirement(
                control=Control(
                    id=f"linux_option_{number}",
                    component="linux",
                    kind="linux.sysctl",
                    title=f"Option {number} has its wanted value",
                    title_zh="选项为期望值",
                    why="To be measured.",
                    severity=list(Severity)[number % 4],
                    params={"key": f"kernel.option_{number}"},
                    want="1",
                    set_to="1",
                    danger=Danger.NONE,
                    source=Source(file="baselines/linux/bench.yml", line=number),
                )
            )
            for number in range(controls)
        ),
        clauses={},
        digest="d" * 64,
    )


def findings(asked: Profile, hosts: int) -> Iterator[Finding]:
    """Yield what a fleet looks like: shared probes with excerpts, two truths, one gap in ten."""
    for host in range(hosts):
        probes = [
            Probe(
                command=f"sysctl -n kernel.option_{number}",
                exit_code=0,
                stdout_sha256=f"{number:064x}",
                stdout_bytes=400,
                stdout_excerpt=f"host {host} line {number}\n" * 20,
            )
            for number in range(COMMANDS)
        ]
        for number, requirement in enumerate(asked.requirements):
            status = Status.FAIL if (host + number) % 10 == 0 else Status.PASS
            observation = Observation(
                control_id=requirement.control.id,
                target=Target(host=f"host{host:05}", component="linux"),
                look=Look.SEEN,
                taken_at=NOW,
                seen={"running": str(number), "on_disk": "1"},
                probes=(probes[number % COMMANDS],),
                duration_s=0.001,
            )
            yield Finding(
                observation=observation, requirement=requirement, verdict=status, status=status, reason="as asked"
            )


def record(ledger: Ledger, hosts: int, controls: int) -> int:
    """Record a campaign."""
    asked = profile(controls)
    begun = Campaign(
        id=CAMPAIGN,
        verb=Verb.SCAN,
        started_at=NOW,
        profile="bench",
        profile_digest=asked.digest,
        catalogue_digest="c" * 64,
        tool_version="0",
        actor="bench",
        inventory=(),
        hosts=(),
    )
    ledger.begin(begun, asked)
    ledger.record_findings(CAMPAIGN, "before", findings(asked, hosts))
    return hosts * controls


def read(ledger: Ledger, _hosts: int, _controls: int) -> int:
    """Read every finding back, keeping none."""
    return sum(1 for _ in ledger.findings(CAMPAIGN, "before"))


def verify(ledger: Ledger, hosts: int, controls: int) -> int:
    """Verify chain, texts and derived rows."""
    problems = ledger.verify()
    if problems:
        raise SystemExit(f"the ledger does not verify: {problems[0]}")
    return hosts * controls


def rebuild(ledger: Ledger, hosts: int, controls: int) -> int:
    """Derive every row again."""
    ledger.rebuild()
    return hosts * controls


STEPS: tuple[Callable[[Ledger, int, int], int], ...] = (record, read, verify, rebuild)


def measured(step: Callable[[Ledger, int, int], int], address: str, hosts: int, controls: int) -> None:
    """Run one step and print what it took."""
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    with open_ledger(address, clock=clock) as ledger:
        count = step(ledger, hosts, controls)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if count != hosts * controls:
        raise SystemExit(f"{step.__name__}: {count} findings, not {hosts * controls}")
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{step.__name__:<8} {count:>9,} findings  {wall:7.1f} s wall  {cpu:7.1f} s cpu"
        f"  {peak_kib / 1024:6.0f} MiB peak (+{(peak_kib - before_kib) / 1024:.0f})",
        flush=True,
    )


def main() -> None:
    """Measure every step over a ledger that is thrown away (SQLite) or left (a URL)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--controls", type=int, default=300)
    parser.add_argument("--url", help="an empty PostgreSQL database; default: SQLite in a temporary directory")
    asked = parser.parse_args()
    processes = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "ledger.sqlite3")
        for step in STEPS:
            process = processes.Process(
                target=measured, args=(step, asked.url or str(path), asked.hosts, asked.controls)
            )
            process.start()
            process.join()
            if process.exitcode:
                raise SystemExit(process.exitcode)
        if not asked.url:
            print(f"file     {path.stat().st_size / 1024**2:9.0f} MiB")


if __name__ == "__main__":
    main()
