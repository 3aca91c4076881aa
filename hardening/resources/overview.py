"""Everything that is known of a fleet's resources at one moment: register, looks, numbers, allocations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from hardening.errors import AskedWrongly
from hardening.resource_model import HostSampled, Series
from hardening.resources.allocating import Allocation
from hardening.resources.drifting import Drift, database_matches, databases_of, drifts
from hardening.resources.entries import Register, State
from hardening.resources.forecasting import Forecast, forecast
from hardening.resources.placement import Candidate
from hardening.resources.using import GIB, MBIT, LineUse, Thresholds, Used, line_use, uses_of
from hardening.yaml_lines import did_you_mean

METRICS = (
    "busy_ratio",
    "count",
    "used_bytes",
    "size_bytes",
    "inodes",
    "inodes_used",
    "rx_bps",
    "tx_bps",
)
WINDOW_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class Overview:
    """A fleet at the moment `now`. `newest` is the newest look at each host, `answered` the newest that was answered.

    `addresses` are those of the inventory's hosts, empty where none was named. `series` are the numbers of the window
    by host, subject and metric.
    """

    now: datetime
    window_days: int
    register: Register
    addresses: Mapping[str, str]
    newest: Mapping[str, HostSampled]
    answered: Mapping[str, HostSampled]
    allocations: Mapping[str, Allocation]
    series: Mapping[tuple[str, str, str], Series]
    rules: Thresholds = field(default_factory=Thresholds)

    @cached_property
    def hosts(self) -> tuple[str, ...]:
        """Every host: of the inventory if one was named, else of the register and of all looks."""
        return tuple(sorted(self.addresses or set(self.register.hosts) | set(self.newest)))

    @cached_property
    def known_hosts(self) -> frozenset[str]:
        """The same, for asking whether one is among them."""
        return frozenset(self.hosts)

    @cached_property
    def uses(self) -> tuple[Used, ...]:
        """How CPU, memory and file systems were used."""
        known = [each for each in self.series.values() if each.host in self.known_hosts]
        return tuple(uses_of(known, rules=self.rules))

    @cached_property
    def lines(self) -> tuple[LineUse, ...]:
        """How the lines that are in use were used, the busiest first; those that were not measured come last."""
        found = [
            line_use(name, line, self.series, today=self.now.date(), rules=self.rules)
            for name, line in sorted(self.register.lines.items())
            if line.state is not State.RETIRED
        ]
        return tuple(sorted(found, key=lambda each: -1 if each.share is None else each.share, reverse=True))

    @cached_property
    def drifts(self) -> tuple[Drift, ...]:
        """Where register and hosts differ."""
        known = {name: look for name, look in self.newest.items() if name in self.known_hosts}
        return tuple(drifts(self.register, self.hosts, known, today=self.now.date()))

    @cached_property
    def forecasts(self) -> tuple[Forecast, ...]:
        """When file systems, databases and lines will be full, the first to be so first."""
        found = [*self._file_systems(), *self._databases(), *self._lines()]
        far = float("inf")

        def soonest(each: Forecast) -> tuple[float, float, str, str]:
            days = far if each.days is None else each.days
            return days, far if each.earliest_days is None else each.earliest_days, each.host, each.subject

        return tuple(sorted(found, key=soonest))

    def _file_systems(self) -> list[Forecast]:
        """Bytes, and inodes where the file system has a fixed number of them."""
        found = []
        for (host, subject, metric), series in self.series.items():
            if not subject.startswith("fs:") or host not in self.known_hosts:
                continue
            if metric == "used_bytes":
                size = self.series.get((host, subject, "size_bytes"))
                found.append(forecast(series, limit=None if size is None else size.readings[-1].value))
            elif metric == "inodes_used" and (count := self.series.get((host, subject, "inodes"))) is not None:
                named = replace(series, subject=f"inodes:{subject.removeprefix('fs:')}")
                found.append(forecast(named, limit=count.readings[-1].value))
        return found

    def _databases(self) -> list[Forecast]:
        """A database may grow to what is registered for it, else until its file system is full."""
        found = []
        for (host, subject, metric), series in self.series.items():
            if metric == "used_bytes" and subject.startswith("db:") and host in self.known_hosts:
                limit = self._capacity(host, subject.removeprefix("db:"), series.readings[-1].value)
                found.append(forecast(series, limit=limit))
        return found

    def _capacity(self, host: str, key: str, value: float) -> float | None:
        for entry in self.register.data.values():
            if entry.host == host and entry.database and entry.capacity_gib and database_matches(key, entry.database):
                return entry.capacity_gib * GIB
        facts: Mapping[str, Any] = self.answered[host].facts if host in self.answered else {}
        server = (facts.get("postgresql") or {}).get(key.partition(":")[2].partition("/")[0]) or {}
        mounted = (facts.get("file_systems") or {}).get("mounted") or {}
        place = server.get("data_directory")
        if place is None or not mounted:
            return None
        around = [mount for mount in mounted if place == mount or place.startswith(mount.rstrip("/") + "/")]
        return value + float(mounted[max(around, key=len)]["free_bytes"]) if around else None

    def _lines(self) -> list[Forecast]:
        found = []
        for name, line in self.register.lines.items():
            if line.host is None or line.state is State.RETIRED:
                continue
            of_line = [self.series.get((line.host, f"nic:{line.interface}", metric)) for metric in ("rx_bps", "tx_bps")]
            measured = [each for each in of_line if each is not None]
            if measured:
                busier = max(measured, key=lambda each: max(reading.maximum for reading in each.readings))
                named = replace(busier, subject=f"line:{name}")
                found.append(forecast(named, limit=line.bandwidth_mbps * MBIT, peak=True))
        return found

    def candidates(self, *, leave_out: str = "") -> list[Candidate]:
        """Return every host as placing sees it; `leave_out` is a request whose own shares are about to go."""
        used = {(each.host, each.subject): each for each in self.uses}
        return [self._candidate(name, used, leave_out) for name in self.hosts]

    def _candidate(self, name: str, used: Mapping[tuple[str, str], Used], leave_out: str) -> Candidate:
        entry = self.register.hosts.get(name)
        look = self.newest.get(name)
        facts: Mapping[str, Any] = {} if look is None else look.facts
        cpu, memory = facts.get("cpu"), facts.get("memory")
        mounted = (facts.get("file_systems") or {}).get("mounted") or {}
        disk = max(mounted.values(), key=lambda held: held["free_bytes"], default=None)
        refused = ""
        if entry is None:
            refused = "is not in the register"
        elif entry.state not in (State.IN_USE, State.SPARE):
            refused = f"is {entry.state.value}"
        elif look is None:
            refused = "was never looked at (`hardening resources collect`)"
        elif look.unreachable is not None:
            refused = f"was not reached: {look.unreachable}"
        elif cpu is None or memory is None or disk is None:
            refused = "CPU, memory or disk could not be seen"
        given = [
            share
            for request_id, allocation in self.allocations.items()
            if request_id != leave_out
            for share in allocation.shares
            if share.host == name
        ]
        busy, held = used.get((name, "cpu")), used.get((name, "memory"))
        present = 0.0 if memory is None else float(memory["total_bytes"] - memory["available_bytes"])
        return Candidate(
            name=name,
            level=None if entry is None else entry.level,
            mlps=None if entry is None else entry.mlps,
            zone="" if entry is None else entry.zone,
            rack="" if entry is None else entry.rack,
            location="" if entry is None else entry.location,
            cpus=0.0 if cpu is None else float(cpu["count"]),
            memory_gib=0.0 if memory is None else memory["total_bytes"] / GIB,
            disk_gib=0.0 if disk is None else (disk["used_bytes"] + disk["free_bytes"]) / GIB,
            taken_vcpus=max(sum(share.vcpus for share in given), (busy.p95 if busy and busy.p95 else 0.0)),
            taken_memory_gib=max(
                sum(share.memory_gib for share in given), (held.p95 if held and held.p95 else present) / GIB
            ),
            taken_disk_gib=max(
                sum(share.disk_gib for share in given), 0.0 if disk is None else disk["used_bytes"] / GIB
            ),
            services=self.services_on(name, leave_out=leave_out),
            keeps_off=self._keeps_off(name, leave_out),
            refused=refused,
        )

    def services_on(self, host: str, *, leave_out: str = "") -> tuple[str, ...]:
        """Return the services that are registered or allocated on a host."""
        found = [name for name, entry in self.register.services.items() if host in entry.hosts]
        for request_id, allocation in self.allocations.items():
            if request_id != leave_out:
                found += allocation.services.get(host, ())
        return tuple(dict.fromkeys(found))

    def _keeps_off(self, host: str, leave_out: str) -> Mapping[str, tuple[str, ...]]:
        """Return what services that are allocated on a host must be apart from, as their own requests say."""
        return {
            name: allocation.request.services[name].apart_from
            for request_id, allocation in self.allocations.items()
            if request_id != leave_out
            for name in allocation.services.get(host, ())
            if allocation.request.services[name].apart_from
        }

    def databases_on(self, host: str) -> Mapping[str, int] | None:
        """Return the databases that were last seen on a host, with bytes; None where they were not seen."""
        return databases_of(self.answered.get(host))

    def named(self, host: str) -> str:
        """Return the name of a known host. Raises AskedWrongly with the nearest one."""
        if host not in self.known_hosts:
            raise AskedWrongly(f"{host} is no host that is known here{did_you_mean(host, self.hosts)}")
        return host
