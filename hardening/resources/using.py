"""How much of what there is is used: over, under, about right; what would be the right size; lines by their contract.

Percentages are of the 95th percentile: what is exceeded one hour in twenty is no peak to build for, and a mean hides
the working day. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from statistics import fmean

from hardening.resource_model import Reading, Series
from hardening.resources.entries import LineEntry

GIB = 1024**3
MBIT = 1_000_000


class Use(StrEnum):
    """How a resource is used; `unknown` where too little was seen."""

    OVER = "over"
    RIGHT = "right"
    UNDER = "under"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Shares of what there is. Contracts differ: CPU 70-80 %, storage and bandwidth 85 % are common."""

    cpu_over: float = 0.8
    cpu_under: float = 0.1
    memory_over: float = 0.9
    memory_under: float = 0.3
    disk_over: float = 0.85
    disk_under: float = 0.1
    line_over: float = 0.85
    line_under: float = 0.1
    # What a proposal leaves free above the 95th percentile.
    cpu_target: float = 0.6
    memory_target: float = 0.7
    fewest_readings: int = 12


@dataclass(frozen=True, kw_only=True)
class Used:
    """How one resource of a host was used over a span; `share` is the 95th percentile over what there is.

    `proposed` is the size that would be right, in the unit of `size`; None where the present one is, or it is unknown.
    """

    host: str
    subject: str
    use: Use
    readings: int
    size: float | None
    p95: float | None = None
    mean: float | None = None
    peak: float | None = None
    proposed: float | None = None

    @property
    def share(self) -> float | None:
        """The 95th percentile as a share of what there is."""
        return None if self.p95 is None or not self.size else self.p95 / self.size


@dataclass(frozen=True, kw_only=True)
class LineUse:
    """How a line was used over a span, in bits a second, the busier direction; None where nothing was measured."""

    name: str
    contract_bps: float
    use: Use
    readings: int
    mean_bps: float | None = None
    p95_bps: float | None = None
    peak_bps: float | None = None
    why_unknown: str = ""
    days_left: int | None = None

    @property
    def share(self) -> float | None:
        """The 95th percentile as a share of the contract."""
        return None if self.p95_bps is None else self.p95_bps / self.contract_bps


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of all do not exceed, by nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(readings: Iterable[Reading]) -> list[float]:
    """Return the values of readings, a rolled-up day once for each that it stands for, with its peak in it.

    Days that were rolled up keep mean and peak, so a percentile over them is that of their means: it errs low.
    """
    values: list[float] = []
    for each in readings:
        values += [each.value] * max(each.count - 1, 1)
        if each.count > 1:
            values.append(each.maximum)
    return values


def uses_of(series: Iterable[Series], *, rules: Thresholds) -> list[Used]:
    """Return the use of CPU, memory and file systems of every host that the series are of."""
    by_key = {(each.host, each.subject, each.metric): each for each in series}
    found: list[Used] = []
    for host, subject in sorted({(host, subject) for host, subject, _ in by_key}):
        if subject == "cpu":
            count = _last(by_key.get((host, "cpu", "count")))
            found.append(_used(host, "cpu", by_key.get((host, "cpu", "busy_ratio")), count, rules, times=count))
        elif subject == "memory" or subject.startswith("fs:"):
            size = _last(by_key.get((host, subject, "size_bytes")))
            found.append(_used(host, subject, by_key.get((host, subject, "used_bytes")), size, rules))
    return found


def _last(series: Series | None) -> float | None:
    return None if series is None or not series.readings else series.readings[-1].value


def _used(
    host: str, subject: str, series: Series | None, size: float | None, rules: Thresholds, *, times: float | None = 1.0
) -> Used:
    values = [] if series is None or times is None else [value * times for value in spread(series.readings)]
    if len(values) < rules.fewest_readings or not size:
        return Used(host=host, subject=subject, use=Use.UNKNOWN, readings=len(values), size=size)
    p95 = percentile(values, 0.95)
    kind = subject.partition(":")[0].replace("fs", "disk")
    over, under = getattr(rules, f"{kind}_over"), getattr(rules, f"{kind}_under")
    use = Use.OVER if p95 / size >= over else Use.UNDER if p95 / size <= under else Use.RIGHT
    proposed = None
    if use is not Use.RIGHT and subject == "cpu":
        proposed = float(max(1, math.ceil(p95 / rules.cpu_target)))
    elif use is not Use.RIGHT and subject == "memory":
        proposed = float(max(1, math.ceil(p95 / rules.memory_target / GIB)) * GIB)
    elif use is Use.OVER:
        proposed = float(math.ceil(p95 / (over - 0.15) / GIB) * GIB)
    if proposed is not None and ((use is Use.OVER and proposed <= size) or (use is Use.UNDER and proposed >= size)):
        proposed = None
    return Used(
        host=host,
        subject=subject,
        use=use,
        readings=len(values),
        size=size,
        p95=p95,
        mean=fmean(values),
        peak=max(values),
        proposed=proposed,
    )


def line_use(
    name: str, line: LineEntry, series: Mapping[tuple[str, str, str], Series], *, today: date, rules: Thresholds
) -> LineUse:
    """Return how a line was used, as its interface saw it; `series` by host, subject and metric."""
    contract_bps = line.bandwidth_mbps * MBIT
    days_left = None if line.expires_on is None else (line.expires_on - today).days
    if line.host is None:
        why = "no host and interface are named at which it could be measured"
        return LineUse(
            name=name, contract_bps=contract_bps, use=Use.UNKNOWN, readings=0, why_unknown=why, days_left=days_left
        )
    of_line = [series.get((line.host, f"nic:{line.interface}", metric)) for metric in ("rx_bps", "tx_bps")]
    measured = [spread(each.readings) for each in of_line if each is not None]
    busiest = max(measured, key=lambda values: percentile(values, 0.95), default=[])
    if len(busiest) < rules.fewest_readings:
        return LineUse(
            name=name,
            contract_bps=contract_bps,
            use=Use.UNKNOWN,
            readings=len(busiest),
            why_unknown=f"{len(busiest)} rates of {line.host} {line.interface} are on record; "
            f"{rules.fewest_readings} are needed",
            days_left=days_left,
        )
    p95 = percentile(busiest, 0.95)
    share = p95 / contract_bps
    return LineUse(
        name=name,
        contract_bps=contract_bps,
        use=Use.OVER if share >= rules.line_over else Use.UNDER if share <= rules.line_under else Use.RIGHT,
        readings=len(busiest),
        mean_bps=fmean(busiest),
        p95_bps=p95,
        peak_bps=max(busiest),
        days_left=days_left,
    )
