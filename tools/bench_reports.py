"""Seconds and megabytes of every report format over a recorded fleet: `python tools/bench_reports.py [--hosts N]`.

A campaign is recorded in a ledger once for each of two sizes, and each format is written from there by a process of
its own, so that its peak memory is its own. Answers 1 where a format takes more memory than `MOST_MIB`, or grows
faster than the number of findings does: its bytes, or its seconds of processor time with half as much again for noise.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from hardening.evidence import evidence_of  # noqa: E402 - the checkout must be on the path first
from hardening.ledger import open_ledger  # noqa: E402
from hardening.reports import FORMATS  # noqa: E402
from tools.bench_fleet import CAMPAIGN, record_fleet  # noqa: E402

MOST_MIB = 500
SMALLER = 4
# A file of a quarter of the hosts has a quarter of the rows give or take, and the same head.
LARGER = 1.2
# Times are noisy, and some work is n log n.
SLOWER = 1.5
FAST_S = 2.0
# LibreOffice lays out every page of the document again; it is a program of others, and its time and memory are its own.
NOT_OURS = ("pdf",)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What writing one format took; the seconds are the processor's."""

    seconds: float
    written_bytes: int
    peak_bytes: int


def clock() -> datetime:
    """Return a fixed moment."""
    return datetime(2026, 8, 21, 10, 15, tzinfo=UTC)


def write(name: str, ledger: Path, room: Path, results: multiprocessing.Queue[Cost]) -> None:
    """Write one format, or nothing but read the evidence for `(reading)`, and hand over what it took."""
    place = room / f"out-{name}"
    place.mkdir()
    began = time.process_time()
    with open_ledger(ledger, clock=clock, read_only=True) as opened:
        evidence = evidence_of(opened, CAMPAIGN)
        if name in FORMATS:
            began = time.process_time()
            FORMATS[name].write(evidence, place / f"report{FORMATS[name].suffix}", lang="zh")
    seconds = time.process_time() - began
    size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    results.put(
        Cost(
            seconds=seconds,
            written_bytes=size,
            peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        )
    )


def measured(target: Callable[..., None], *arguments: object) -> Cost:
    """Run in a process of its own and return what it took."""
    processes = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[Cost] = processes.Queue()
    process = processes.Process(target=target, args=(*arguments, results))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)
    return results.get()


def complaints(name: str, small: Cost, large: Cost, times: float) -> list[str]:
    """Return what is wrong with a format's cost."""
    found = []
    if large.peak_bytes > MOST_MIB * 1024**2:
        found.append(f"{name}: {large.peak_bytes / 1024**2:.0f} MiB of memory, more than {MOST_MIB}")
    if large.written_bytes > small.written_bytes * times * LARGER:
        found.append(f"{name}: the file grew {large.written_bytes / small.written_bytes:.1f} times, not {times:.0f}")
    if large.seconds > FAST_S and large.seconds > small.seconds * times * SLOWER:
        found.append(f"{name}: it took {large.seconds / small.seconds:.1f} times as long, not {times:.0f}")
    return found


def main() -> int:
    """Measure, print a table, and answer 1 if a format costs too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--controls", type=int, default=300)
    parser.add_argument("--format", dest="formats", action="append", choices=[*FORMATS], help="only this one")
    asked = parser.parse_args()
    names = ["(reading)", *(asked.formats or FORMATS)]
    if not shutil.which("soffice") and "pdf" in names:
        print("pdf       left out: needs LibreOffice (soffice)")
        names.remove("pdf")
    sizes = (max(asked.hosts // SMALLER, 1), asked.hosts)
    wrong = []
    with tempfile.TemporaryDirectory(prefix="bench-reports-") as scratch:
        rooms = [Path(scratch, str(hosts)) for hosts in sizes]
        for room, hosts in zip(rooms, sizes, strict=True):
            room.mkdir()
            record_fleet(room / "ledger.sqlite3", hosts=hosts, controls=asked.controls)
        print(f"{'format':<11}{'findings':>10}{'seconds':>9}{'MB':>9}{'peak MiB':>10}   of {sizes[0]:,} hosts: s, MB")
        for name in names:
            small, large = (measured(write, name, room / "ledger.sqlite3", room) for room in rooms)
            print(
                f"{name:<11}{asked.hosts * asked.controls:>10,}{large.seconds:>9.1f}{large.written_bytes / 1e6:>9.1f}"
                f"{large.peak_bytes / 1024**2:>10.0f}   {small.seconds:.1f} s, {small.written_bytes / 1e6:.1f} MB",
                flush=True,
            )
            if name in FORMATS and name not in NOT_OURS:
                wrong += complaints(name, small, large, sizes[1] / sizes[0])
    for sentence in wrong:
        print(f"too much: {sentence}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
