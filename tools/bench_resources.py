"""CPU seconds and memory of a fleet's resources: `tools/bench_resources.py [--hosts N] [--days D] [--lab]`.

Looks at many hosts over many days are made from what lab hosts answered, recorded in a ledger, read back, forecast,
rolled up, reported and placed upon. Each step runs in a process of its own, so that its peak memory is its own.
With `--lab` a host is booted; a look and a daily plan are compared with one ssh of the same commands, turn about.
Answers 1 where a step or such a ratio is over its limit.
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from hardening import remote  # noqa: E402 - the checkout must be on the path first
from hardening.inspection.items import load_items  # noqa: E402
from hardening.inspection.kinds import kinds  # noqa: E402
from hardening.inspection.looking import asks_of, read_hosts, read_script  # noqa: E402
from hardening.inspection.plans import load_plans  # noqa: E402
from hardening.inventory import Inventory  # noqa: E402
from hardening.ledger import open_ledger  # noqa: E402
from hardening.reports.resource_page import write_resource_page  # noqa: E402
from hardening.resources.collecting import look_of  # noqa: E402
from hardening.resources.entries import Register  # noqa: E402
from hardening.resources.knowing import overview_of  # noqa: E402
from hardening.resources.overview import Overview  # noqa: E402
from hardening.resources.placement import place  # noqa: E402
from hardening.resources.probes import READERS, commands  # noqa: E402
from hardening.resources.requests import Request  # noqa: E402
from tests.resource_fleet import Habit, every, looks, record  # noqa: E402

NOW = datetime(2026, 8, 21, 10, tzinfo=UTC)
# Of the processor: the wall clock of a shared machine tells of its other users.
MOST_CPU_S = 30.0
MOST_MIB = 1024
MOST_RATIO = 1.2
ROUNDS = 7


def clock() -> datetime:
    """Return a fixed moment."""
    return NOW


def names(hosts: int) -> list[str]:
    """Return the names of the fleet."""
    return [f"host{number:04}" for number in range(hosts)]


def register(hosts: int) -> Register:
    """Return a register of the fleet."""
    entry = {
        "system": "S",
        "level": "important",
        "department": "IT",
        "owner": "Li",
        "location": "R",
        "zone": "business",
    }
    return Register.model_validate({"hosts": dict.fromkeys(names(hosts), entry)})


def recording(path: Path, hosts: int, days: int) -> None:
    """Record a look a day at every host."""
    moments = every(24, until=NOW, days=days)
    fleet = {
        name: looks(name, moments, habit=Habit(fs_per_day_gib=0.1 + 0.01 * (number % 150), busy=0.1 + number % 8 / 10))
        for number, name in enumerate(names(hosts))
    }
    with open_ledger(path, clock=clock) as ledger:
        record(ledger, fleet)


def view(path: Path, hosts: int, days: int) -> Overview:
    """Read everything that is known."""
    with open_ledger(path, clock=clock) as ledger:
        return overview_of(ledger, register(hosts), now=NOW, window_days=days + 1)


def forecasting(path: Path, hosts: int, days: int) -> None:
    """Read back and forecast every file system and database, judge every use."""
    known = view(path, hosts, days)
    if len(known.forecasts) < hosts or not known.uses:
        raise SystemExit("forecasts are missing")


def reporting(path: Path, hosts: int, days: int) -> None:
    """Write the page."""
    write_resource_page(view(path, hosts, days), path.with_suffix(".html"))


def placing(path: Path, hosts: int, days: int) -> None:
    """Place a request of thirty instances over the whole fleet."""
    need = {"vcpus": 1, "memory_gib": 2, "disk_gib": 5, "level": "important", "zone": "business"}
    services = {f"service{number}": {**need, "instances": 10} for number in range(3)}
    request = Request.model_validate({"id": "BENCH", "system": "S", "services": services})
    placement = place(request, view(path, hosts, days).candidates())
    if not placement.optimal:
        raise SystemExit("the solver ran out of time")


def rolling_up(path: Path, hosts: int, days: int) -> None:
    """Roll up the older half of all looks."""
    with open_ledger(path, clock=clock) as ledger:
        ledger.roll_up("bench", before=(NOW - timedelta(days=days // 2)).date(), by="bench")


STEPS: tuple[Callable[[Path, int, int], None], ...] = (recording, forecasting, reporting, placing, rolling_up)


def _measured(step: Callable[[Path, int, int], None], path: Path, hosts: int, days: int) -> tuple[float, float]:
    """Return CPU seconds and peak MiB of a step in a process of its own."""
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    worker = context.Process(target=_work, args=(sending, step.__name__, path, hosts, days))
    worker.start()
    sending.close()
    try:
        took: tuple[float, float] = receiving.recv()
    except EOFError:
        raise SystemExit(f"{step.__name__} died; its traceback is above") from None
    finally:
        worker.join()
    return took


def _work(sending: object, name: str, path: Path, hosts: int, days: int) -> None:
    began = time.process_time()
    next(step for step in STEPS if step.__name__ == name)(path, hosts, days)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sending.send((time.process_time() - began, peak_mib))  # type: ignore[attr-defined]  # a pipe's end has no public type


def against_one_ssh() -> dict[str, float]:
    """Return how long a look and a daily plan take against one ssh of the same commands: medians of rounds."""
    from hardening.inventory import load_inventory
    from tests.lab.fleet import HostSpec, boot_fleet
    from tests.lab.inventory import write_inventory
    from tests.lab.lab import Lab

    with Lab.create() as lab, tempfile.TemporaryDirectory() as place_of:
        host = boot_fleet(lab, [HostSpec(name="bench", services=("postgresql", "nginx"))])[0]
        inventory = load_inventory([write_inventory(Path(place_of) / "lab.yml", [host])])
        argv = [*host.ssh.argv(host.address, user="ops"), "sudo -n sh -s"]
        daily = Daily(inventory)
        return {
            "a look": _ratio("look", argv, list(commands()), lambda: _look(inventory)),
            "a daily plan": _ratio("daily plan", argv, daily.commands(), daily.inspect),
        }


def _ratio(what: str, argv: list[str], asked: list[str], look: Callable[[], None]) -> float:
    """Return the median of rounds, turn about; the first round fills the caches of both."""
    script = "\n".join(f"( {command}\n) </dev/null" for command in asked)
    ratios = []
    for number in range(ROUNDS + 1):
        began = time.monotonic()
        subprocess.run(argv, input=script, text=True, capture_output=True, check=False, errors="replace")
        plain_s = time.monotonic() - began
        began = time.monotonic()
        look()
        look_s = time.monotonic() - began
        print(
            f"one ssh of {len(asked)} commands {plain_s:.2f} s   {what} {look_s:.2f} s   ratio {look_s / plain_s:.2f}"
        )
        if number:
            ratios.append(look_s / plain_s)
    return statistics.median(ratios)


def _look(inventory: Inventory) -> None:
    job = remote.HostJob(connection=inventory.hosts[0].connection, script=_every_part)
    report = next(iter(remote.look([job], limits=remote.Limits())))
    seen = look_of(report, taken_at=NOW, before=None)
    if seen.unreachable is not None or seen.unseen:
        raise SystemExit(f"the look did not see all: {seen.unreachable or seen.unseen}")


class Daily:
    """The daily plan on one host, as `inspect run` reads it from the second time on: with what it remembers."""

    def __init__(self, inventory: Inventory) -> None:
        items = load_items([ROOT / "baselines"], kinds())
        plan = load_plans([ROOT / "baselines"], items)["daily"]
        ((_, self._ask),) = asks_of(inventory.hosts, plan.items, kinds())

    def commands(self) -> list[str]:
        """Return every command that the plan sends, each once; what it learns is remembered."""
        job = remote.HostJob(connection=self._ask.connection, script=partial(read_script, self._ask, kinds()))
        report = next(iter(remote.look([job], limits=remote.Limits())))
        self._ask = dataclasses.replace(self._ask, plan=report.plan)
        probes = [probe for outcome in report.outcomes.values() for probe in outcome.probes]
        return list(dict.fromkeys(probe.command for probe in probes))

    def inspect(self) -> None:
        """Read the plan once."""
        (read,) = read_hosts([self._ask], kinds(), clock=clock, limits=remote.Limits())
        if len(read.readings) <= len(self._ask.asks) // 2:
            raise SystemExit("the plan was not read")


def _every_part(scope: remote.HostScope) -> None:
    for part, reader in READERS.items():
        scope.spawn(part, reader, scope.host)


def main() -> int:
    """Measure and print; answer 1 where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--lab", action="store_true")
    asked = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "ledger.sqlite3"
        for step in STEPS:
            took_s, peak_mib = _measured(step, path, asked.hosts, asked.days)
            # What is recorded here in one go is recorded over the days elsewhere.
            slow = step is not recording and took_s > MOST_CPU_S
            failed = failed or slow or peak_mib > MOST_MIB
            mark = "   over the limit" if slow or peak_mib > MOST_MIB else ""
            print(f"{step.__name__:12} {took_s:6.1f} s CPU  {peak_mib:6.0f} MiB{mark}", flush=True)
        print(f"ledger       {path.stat().st_size / 1024**2:.0f} MiB for {asked.hosts} hosts and {asked.days} days")
    if asked.lab:
        for what, ratio in against_one_ssh().items():
            print(f"{what} costs {ratio:.2f} x one ssh of the same commands")
            failed = failed or ratio > MOST_RATIO
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
