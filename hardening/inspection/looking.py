"""Read items on hosts in one session each, and judge what was read: exactly one verdict or more for every asked pair.

The readings come through the same look engine as a scan: unmodified testinfra, commands in batches over one session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from hardening import remote
from hardening.bundle import bundled_package
from hardening.errors import AskedWrongly
from hardening.inspected import REACHABLE, ItemSeen, Level, Reading, Verdict
from hardening.inspection.bounds import Thresholds, judge
from hardening.inspection.items import Item, host_params
from hardening.inspection.kinds import Kind
from hardening.inspection.rates import rate_of
from hardening.inventory import InventoryHost
from hardening.model import Json
from hardening.redact import redact

LEVEL_VARIABLE = "business_level"
PARAMS_VARIABLE = "inspection_params"

HOST_REACHABLE = ItemSeen(
    id=REACHABLE,
    title="The host can be looked at",
    title_zh="主机可达并可检查",
    category="host",
    method="one session over SSH",
    advice="See whether the host runs, whether the line to it works, and whether the account may still log in.",
    advice_zh="检查主机是否运行、链路是否正常、巡检账户是否可登录。",
)


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One item to read on one host, with the parameters and thresholds that hold there."""

    item: Item
    params: Mapping[str, Json]
    thresholds: Thresholds


@dataclass(frozen=True, kw_only=True)
class HostAsk:
    """Everything to be read on one host; `plan` holds commands worth sending first.

    `before` are earlier readings of counters by their key, the newest first.
    """

    connection: remote.Connection
    level: Level
    asks: tuple[Ask, ...]
    plan: tuple[str, ...] = ()
    before: Mapping[str, Sequence[Reading]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class HostRead:
    """What was read on one host."""

    host: str
    readings: tuple[Reading, ...]
    plan: tuple[str, ...]
    traffic: remote.Traffic


def level_of(host: InventoryHost) -> Level:
    """Return the business level of a host: `business_level` in the inventory, ordinary where it says nothing."""
    said = host.variables.get(LEVEL_VARIABLE, Level.ORDINARY.value)
    try:
        return Level(str(said))
    except ValueError:
        known = ", ".join(level.value for level in Level)
        raise AskedWrongly(f"{host.name}: {LEVEL_VARIABLE} {said} is no level (there are: {known})") from None


def asks_of(
    hosts: Sequence[InventoryHost], items: Sequence[Item], kinds: Mapping[str, Kind]
) -> tuple[tuple[InventoryHost, HostAsk], ...]:
    """Return what is asked of every host. Raises AskedWrongly with every problem of every host's own parameters."""
    problems: list[str] = []
    asked = []
    known = {item.id for item in items}
    for host in hosts:
        said = host.variables.get(PARAMS_VARIABLE, {})
        asks = []
        for item in items:
            try:
                params = host_params(item, kinds[item.kind], said, host.name)
            except ValueError as problem:
                problems.append(str(problem))
                continue
            asks.append(Ask(item=item, params=params, thresholds=item.thresholds.of(level_of(host))))
        if not isinstance(said, dict):
            problems.append(f"{host.name}: {PARAMS_VARIABLE} must be a mapping of item ids")
        asked.append((host, HostAsk(connection=host.connection, level=level_of(host), asks=tuple(asks))))
    if problems:
        raise AskedWrongly("\n".join(problems))
    if not known:
        raise AskedWrongly("no item is left to inspect")
    return tuple(asked)


def read_hosts(
    asked: Iterable[HostAsk], kinds: Mapping[str, Kind], *, clock: Callable[[], datetime], limits: remote.Limits
) -> Iterator[HostRead]:
    """Read all hosts at once, and yield each as it is done. Every ask of every host has one reading at least."""
    by_name = {ask.connection.name: ask for ask in asked}
    jobs = (
        remote.HostJob(connection=ask.connection, script=partial(read_script, ask, kinds), plan=ask.plan)
        for ask in by_name.values()
    )
    for report in remote.look(jobs, limits=limits):
        ask = by_name[report.name]
        taken_at = clock()
        readings = [_reached(ask, report, taken_at)]
        for each in ask.asks:
            readings += _readings(ask, each, report, taken_at)
        yield HostRead(host=report.name, readings=tuple(readings), plan=report.plan, traffic=report.traffic)


def read_script(ask: HostAsk, kinds: Mapping[str, Kind], scope: remote.HostScope) -> None:
    """Read every item of a host side by side, in its session."""
    for each in ask.asks:
        scope.spawn(each.item.id, kinds[each.item.kind].look, scope.host, **each.params)


def _reached(ask: HostAsk, report: remote.HostReport, taken_at: datetime) -> Reading:
    is_lost = report.unreachable is not None
    return Reading(
        host=report.name,
        item=REACHABLE,
        subject="",
        level=ask.level,
        verdict=Verdict.CRITICAL if is_lost else Verdict.OK,
        taken_at=taken_at,
        value="unreachable" if is_lost else "reached",
        threshold="critical: is not reached",
        reason=redact(report.unreachable or ""),
    )


def _readings(ask: HostAsk, each: Ask, report: remote.HostReport, taken_at: datetime) -> list[Reading]:
    def reading(subject: str, verdict: Verdict, value: Json = None, reason: str = "") -> Reading:
        return Reading(
            host=report.name,
            item=each.item.id,
            subject=subject,
            level=ask.level,
            verdict=verdict,
            taken_at=taken_at,
            value=value,
            threshold=each.thresholds.said(each.item.unit),
            reason=reason,
        )

    outcome = report.outcomes.get(each.item.id)
    if outcome is None:
        return [reading("", Verdict.UNKNOWN, reason=_lost(report))]
    if outcome.error is not None:
        return [reading("", *_why(outcome.error, report))]
    value = outcome.value
    by_subject: Mapping[str, Any] = value if isinstance(value, dict) else {"": value}
    if not by_subject:
        return [reading("", Verdict.UNKNOWN, reason="the look named nothing at all")]
    found: dict[str, Reading] = {}
    for subject, held in by_subject.items():
        name, count = redact(str(subject)), 1
        # Without their secrets, two names that a host gave may read the same.
        while name in found:
            count += 1
            name = f"{redact(str(subject))} ({count})"
        if isinstance(held, bundled_package("checks").Counted):
            empty = reading(name, Verdict.UNKNOWN)
            found[name] = _rated(empty, held, each.thresholds, ask.before.get(empty.key, ()))
            continue
        cleaned = _clean(held)
        judged = judge(cleaned, each.thresholds)
        found[name] = reading(name, judged.verdict, cleaned, judged.reason)
    return list(found.values())


def _rated(empty: Reading, counted: Any, thresholds: Thresholds, before: Sequence[Reading]) -> Reading:
    """Return the reading of a counter: how much it grows an hour, with what the next look needs."""
    rate = rate_of(counted.total, counted.up_s, empty.taken_at, before)
    judged = judge(rate.per_hour, thresholds)
    return replace(
        empty,
        verdict=judged.verdict,
        value=rate.per_hour,
        reason=judged.reason or rate.over,
        total=counted.total,
        up_s=counted.up_s,
    )


def _why(error: BaseException, report: remote.HostReport) -> tuple[Verdict, Json, str]:
    """Return the verdict, no value, and the reason of a look that ended with an error."""
    contract = bundled_package("checks")
    if isinstance(error, contract.NotApplicable):
        return Verdict.NOT_APPLICABLE, None, redact(str(error))
    if isinstance(error, contract.CannotLook | remote.CommandTimeout | remote.OutputTooLarge):
        return Verdict.UNKNOWN, None, redact(str(error))
    if isinstance(error, remote.TransportLost):
        return Verdict.UNKNOWN, None, _lost(report)
    return Verdict.UNKNOWN, None, redact(f"the look itself failed: {type(error).__name__}: {error}")[:400]


def _lost(report: remote.HostReport) -> str:
    return redact(report.unreachable or "the session ended before this was asked")


def _clean(value: Any) -> Json:
    """Return a JSON value with every text in it redacted."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value))
