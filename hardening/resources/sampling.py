"""From what was seen of a host to numbers with a history: levels as they are, rates against the look before. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from hardening.model import Json
from hardening.resource_model import HostSampled

Numbers = dict[str, dict[str, float]]
BITS = 8
# Two looks in one second give no rate worth the name.
SHORTEST_S = 1.0


def samples_of(facts: Mapping[str, Json], *, taken_at: datetime, before: HostSampled | None) -> Numbers:
    """Return the numbers of a look. A rate needs the look `before` it, without a restart between the two."""
    made: Numbers = {}
    for subject, metric, value in _levels(facts):
        if value is not None:
            made.setdefault(subject, {})[metric] = float(value)
    if before is not None:
        _rates(made, facts, before, (taken_at - before.taken_at).total_seconds())
    return made


def _levels(facts: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    if times := facts.get("cpu_time"):
        yield "cpu", "busy_s_total", times["busy_s"]
        yield "cpu", "all_s_total", times["all_s"]
        for metric, value in zip(("load1", "load5", "load15"), times["load"], strict=True):
            yield "cpu", metric, value
    if held := facts.get("cpu"):
        yield "cpu", "count", held["count"]
    if held := facts.get("memory"):
        yield "memory", "size_bytes", held["total_bytes"]
        yield "memory", "used_bytes", held["total_bytes"] - held["available_bytes"]
        yield "swap", "size_bytes", held["swap_total_bytes"]
        yield "swap", "used_bytes", held["swap_total_bytes"] - held["swap_free_bytes"]
    for mount, held in ((facts.get("file_systems") or {}).get("mounted") or {}).items():
        # What root keeps for itself is not free to anybody else: used + free is what there is.
        yield f"fs:{mount}", "size_bytes", held["used_bytes"] + held["free_bytes"]
        yield f"fs:{mount}", "used_bytes", held["used_bytes"]
        yield f"fs:{mount}", "inodes", held["inodes"]
        yield f"fs:{mount}", "inodes_used", held["inodes_used"]
    for name, held in (facts.get("interfaces") or {}).items():
        yield f"nic:{name}", "rx_bytes_total", held["rx_bytes"]
        yield f"nic:{name}", "tx_bytes_total", held["tx_bytes"]
        yield f"nic:{name}", "errors_total", held["rx_errors"] + held["tx_errors"]
    if held := facts.get("pending_updates"):
        yield "updates", "pending", held["updates"]
        yield "updates", "security", held["security"]
    for port, held in (facts.get("postgresql") or {}).items():
        if "unseen" in held:
            continue
        yield f"db:postgresql:{port}", "connections", held["connections"]
        yield f"db:postgresql:{port}", "max_connections", held["max_connections"]
        yield f"db:postgresql:{port}", "lag_s", held.get("lag_s")
        for database, size in (held.get("databases") or {}).items():
            yield f"db:postgresql:{port}/{database}", "used_bytes", size


def _rates(made: Numbers, facts: Mapping[str, Any], before: HostSampled, elapsed_s: float) -> None:
    """Add what needs two looks; nothing where the host was started anew, or a counter went back."""
    then: Any = before.facts.get("system") or {}
    now = facts.get("system") or {}
    if not now.get("boot_id") or now["boot_id"] != then.get("boot_id") or elapsed_s < SHORTEST_S:
        return
    cpu = _grown(made, before, "cpu", "busy_s_total"), _grown(made, before, "cpu", "all_s_total")
    if cpu[0] is not None and cpu[1]:
        made["cpu"]["busy_ratio"] = min(cpu[0] / cpu[1], 1.0)
    for subject in [subject for subject in made if subject.startswith("nic:")]:
        for counter, metric in (("rx_bytes_total", "rx_bps"), ("tx_bytes_total", "tx_bps")):
            grown = _grown(made, before, subject, counter)
            if grown is not None:
                made[subject][metric] = grown * BITS / elapsed_s


def _grown(made: Numbers, before: HostSampled, subject: str, metric: str) -> float | None:
    now = made.get(subject, {}).get(metric)
    then = before.samples.get(subject, {}).get(metric)
    return None if now is None or then is None or now < then else now - then
