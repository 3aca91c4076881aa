"""Look at every (control, target) of a profile on every host, and reconcile what was asked with what was seen.

A shard's input (`HostAsk`) and output (`HostLook`) are plain values, so that shards run in worker processes here
and could run on any other engine.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from typing import Any

from hardening import remote
from hardening.bundle import bundled_package
from hardening.errors import HardeningError
from hardening.identity import read_identity
from hardening.judge import judge
from hardening.kinds import kinds, preflight_looks, targets_of
from hardening.model import Finding, HostSeen, Json, Look, Observation, Probe, Profile, Requirement, Target
from hardening.plan import to_change
from hardening.prediction import Fact, Planned
from hardening.preflights import needs_of
from hardening.redact import redact

Clock = Callable[[], datetime]
HOSTS_WORTH_A_PROCESS = 16
# A worker that was told to end takes its sessions down first; one that did not hear of it is killed.
_GOODBYE_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One control to look at. `manual` holds the reason where only a person can."""

    control_id: str
    component: str
    kind: str
    params: Mapping[str, Json]
    manual: str | None = None


@dataclass(frozen=True, kw_only=True)
class HostAsk:
    """Everything to be looked at on one host; `plan` holds commands worth sending first."""

    connection: remote.Connection
    asks: tuple[Ask, ...]
    plan: tuple[str, ...] = ()
    preflight: PreflightAsk | None = None


@dataclass(frozen=True, kw_only=True)
class PreflightAsk:
    """What preflights are about: what is planned, or before that the requirements that may turn out as gaps."""

    planned: tuple[Planned, ...] = ()
    requirements: tuple[Requirement, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HostLook:
    """What was seen on one host: exactly one observation for every ask and instance.

    `facts` are what preflights asked for, by the keys of their needs.
    """

    host: HostSeen
    observations: tuple[Observation, ...]
    plan: tuple[str, ...] = ()
    facts: Mapping[str, Fact] = field(default_factory=dict)


def asks_of(profile: Profile) -> tuple[Ask, ...]:
    """Return what a profile asks of every host."""
    return tuple(
        Ask(
            control_id=requirement.control.id,
            component=requirement.control.component,
            kind=requirement.control.kind,
            params=requirement.control.params,
            manual=requirement.control.manual,
        )
        for requirement in profile.requirements
    )


def survey(
    asked: Sequence[HostAsk],
    *,
    clock: Clock,
    limits: remote.Limits,
    processes: int | None = None,
    fuse: bool = True,
) -> Iterator[HostLook]:
    """Look at all hosts at once and yield each host as it is done, in whatever order they finish.

    `processes` defaults to one per core, but no more than one for every sixteen hosts.
    """
    count = processes or min(os.cpu_count() or 1, -(-len(asked) // HOSTS_WORTH_A_PROCESS))
    if count <= 1:
        yield from look_shard(asked, clock=clock, limits=limits, fuse=fuse)
        return
    yield from _in_processes([asked[index::count] for index in range(count)], clock, limits, fuse)


def compare_batching(asked: HostAsk, *, limits: remote.Limits) -> remote.Comparison:
    """Look at one host as a scan does, and ask testinfra's own backend every command again, one by one.

    Raises ValueError with the reason where that backend cannot make the connection, ConnectionError for a lost host.
    """
    return remote.compare(asked.connection, [_Script(asked)], limits)


def look_shard(
    asked: Sequence[HostAsk], *, clock: Clock, limits: remote.Limits, fuse: bool = True
) -> Iterator[HostLook]:
    """Look at the hosts of one shard in this process."""
    by_name = {ask.connection.name: ask for ask in asked}
    jobs = (remote.HostJob(connection=ask.connection, script=_Script(ask), plan=ask.plan, fuse=fuse) for ask in asked)
    for report in remote.look(jobs, limits=limits):
        yield _host_look(by_name[report.name], report, clock())


class _Script:
    """What is done on one host: who are we, which instances are there, then every control of every instance."""

    def __init__(self, ask: HostAsk) -> None:
        self.ask = ask

    def __call__(self, scope: remote.HostScope) -> None:
        scope.spawn("facts", _facts, scope.host)
        for component in dict.fromkeys(ask.component for ask in self.ask.asks):
            asks = [ask for ask in self.ask.asks if ask.component == component and ask.manual is None]
            scope.spawn(_targets_key(component), self._component, scope, component, asks)
        if self.ask.preflight is not None:
            scope.spawn("preflights", self._preflights, scope, self.ask.preflight)

    @staticmethod
    def _component(scope: remote.HostScope, component: str, asks: Sequence[Ask]) -> list[str]:
        instances = targets_of(component)(scope.host)
        for instance in instances:
            for ask in asks:
                kind = kinds()[ask.kind]
                extra = {"instance": instance} if kind.takes_instance else {}
                scope.spawn(_look_key(ask, instance), kind.look, scope.host, **ask.params, **extra)
        return instances

    def _preflights(self, scope: remote.HostScope, asked: PreflightAsk) -> None:
        """Look at what the preflights of the gaps need, in this very session, once the gaps are known."""
        planned = asked.planned or tuple(self._gaps(scope, asked.requirements))
        for need in needs_of(planned):
            scope.spawn(_need_key(need.key), preflight_looks()[need.look], scope.host, **need.params)

    def _gaps(self, scope: remote.HostScope, requirements: Sequence[Requirement]) -> Iterator[Planned]:
        by_id = {requirement.control.id: requirement for requirement in requirements}
        for ask in self.ask.asks:
            if ask.manual is not None:
                continue
            key = _targets_key(ask.component)
            outcomes = {key: scope.wait(key)}
            instances = outcomes[key].value
            for instance in instances if isinstance(instances, list) else []:
                outcomes[_look_key(ask, instance)] = scope.wait(_look_key(ask, instance))
            seen = _observations(ask, self.ask.connection.name, outcomes, None, datetime.min)
            findings = [judge(by_id[ask.control_id], observation, None) for observation in seen]
            yield from (planned_of(finding) for finding in to_change(findings))


def planned_of(finding: Finding) -> Planned:
    """Return a gap as what a preflight takes it for: to be written."""
    control = finding.requirement.control
    return Planned(
        control_id=control.id,
        target=finding.observation.target,
        kind=control.kind,
        params=control.params,
        seen=finding.observation.seen,
        value=control.set_to,
    )


def _facts(host: Any) -> dict[str, Json]:
    """Return who answered: machine-id, boot-id and host keys, operating system and version, kernel."""
    release = dict(line.split("=", 1) for line in host.run("cat /etc/os-release").stdout.splitlines() if "=" in line)
    return {
        **read_identity(host),
        "os_id": release.get("ID", "").strip('"'),
        "os_version": release.get("VERSION_ID", "").strip('"'),
        "os_name": release.get("PRETTY_NAME", "").strip('"'),
        "kernel": host.run("uname -r").stdout.strip(),
        # A container shares the kernel, and so perhaps its boot_id, with others; its first process is its own.
        "init_began": " ".join(host.run("cat /proc/1/stat").stdout.rpartition(") ")[2].split(" ")[19:20]),
    }


def _targets_key(component: str) -> str:
    return f"targets {component}"


def _need_key(key: str) -> str:
    return f"preflight {key}"


def _look_key(ask: Ask, instance: str) -> str:
    return f"look {ask.control_id} {instance}"


def _host_look(ask: HostAsk, report: remote.HostReport, taken_at: datetime) -> HostLook:
    found = report.outcomes.get("facts")
    facts = found.value if found is not None and isinstance(found.value, dict) else {}
    name = report.name
    observations = [
        observation
        for each in ask.asks
        for observation in _observations(each, name, report.outcomes, report.unreachable, taken_at)
    ]
    seen = HostSeen(
        name=name,
        address=ask.connection.host,
        unreachable=report.unreachable,
        identity=str(facts.get("machine_id", "")),
        os_id=str(facts.get("os_id", "")),
        os_version=str(facts.get("os_version", "")),
        facts=facts,
        traffic=report.traffic.as_json(),
    )
    prefix = _need_key("")
    asked = {key.removeprefix(prefix): found for key, found in report.outcomes.items() if key.startswith(prefix)}
    known = {key: _fact(outcome, report.unreachable) for key, outcome in asked.items()}
    return HostLook(host=seen, observations=tuple(observations), plan=report.plan, facts=known)


def _fact(outcome: remote.Outcome, unreachable: str | None) -> Fact:
    if outcome.error is None:
        return Fact(value=_clean(outcome.value))
    return Fact(reason=_why(outcome.error, unreachable)[1])


def _observations(
    ask: Ask, name: str, outcomes: Mapping[str, remote.Outcome], unreachable: str | None, taken_at: datetime
) -> Iterable[Observation]:
    def observation(instance: str, look: Look, reason: str | None) -> Observation:
        target = Target(host=name, component=ask.component, instance=instance)
        return Observation(control_id=ask.control_id, target=target, look=look, taken_at=taken_at, reason=reason)

    if ask.manual is not None:
        yield observation("", Look.MANUAL, ask.manual)
        return
    instances = outcomes.get(_targets_key(ask.component))
    if instances is None or isinstance(instances.error, remote.TransportLost):
        yield observation("", Look.UNREACHABLE, unreachable or "the session ended before this was asked")
        return
    if instances.error is not None:
        yield observation("", *_why(instances.error, unreachable))
        return
    if not instances.value:
        yield observation("", Look.NOT_APPLICABLE, f"{ask.component} is not in use on this host")
        return
    for instance in instances.value if isinstance(instances.value, list) else []:
        outcome = outcomes.get(_look_key(ask, instance))
        if outcome is None:
            yield observation(instance, Look.UNREACHABLE, unreachable or "the session ended before this was asked")
            continue
        target = Target(host=name, component=ask.component, instance=instance)
        look, reason = (Look.SEEN, None) if outcome.error is None else _why(outcome.error, unreachable)
        yield Observation(
            control_id=ask.control_id,
            target=target,
            look=look,
            taken_at=taken_at,
            seen=_seen(outcome.value) if outcome.error is None else {},
            reason=reason,
            probes=tuple(_redacted(probe) for probe in outcome.probes),
            duration_s=round(outcome.duration_s, 4),
        )


def _seen(value: Any) -> dict[str, Json]:
    truths = bundled_package("checks").Truths
    if isinstance(value, truths):
        return {"running": _clean(value.running), "on_disk": _clean(value.on_disk)}
    return {"value": _clean(value)}


def _clean(value: Any) -> Json:
    """Return a JSON value with every text in it redacted."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    if isinstance(value, set | frozenset):
        return [redact(str(item)) for item in sorted(value, key=str)]
    if isinstance(value, dict):
        return {str(key): _clean(item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value))


def _redacted(probe: Probe) -> Probe:
    return Probe(
        command=redact(probe.command),
        exit_code=probe.exit_code,
        stdout_sha256=probe.stdout_sha256,
        stdout_bytes=probe.stdout_bytes,
        stdout_excerpt=redact(probe.stdout_excerpt),
        stderr_excerpt=redact(probe.stderr_excerpt),
    )


def _why(error: BaseException, unreachable: str | None) -> tuple[Look, str]:
    """Translate what ended a look into a reason a user understands."""
    contract = bundled_package("checks")
    if isinstance(error, contract.NotApplicable):
        return Look.NOT_APPLICABLE, str(error)
    if isinstance(error, contract.CannotLook):
        return Look.CANNOT_LOOK, redact(str(error))
    if isinstance(error, remote.TransportLost):
        return Look.UNREACHABLE, unreachable or str(error)
    if isinstance(error, remote.CommandTimeout | remote.OutputTooLarge):
        return Look.CANNOT_LOOK, redact(str(error))
    return Look.CANNOT_LOOK, redact(f"the check itself failed: {type(error).__name__}: {error}")[:400]


class WorkerDied(HardeningError):
    """A worker process ended without finishing its shard: a bug, or somebody killed it."""


def _in_processes(
    shards: Sequence[Sequence[HostAsk]], clock: Clock, limits: remote.Limits, fuse: bool
) -> Iterator[HostLook]:
    context = multiprocessing.get_context("fork")
    workers: dict[Pipe, Any] = {}
    try:
        for shard in shards:
            receiving, sending = context.Pipe(duplex=False)
            worker = context.Process(target=_work, args=(sending, shard, clock, limits, fuse), daemon=True)
            worker.start()
            sending.close()
            workers[receiving] = worker
        open_pipes = set(workers)
        while open_pipes:
            for ready in open_pipes.intersection(wait(list(open_pipes))):
                try:
                    looked = ready.recv()
                except EOFError:
                    raise WorkerDied("a scan worker ended without finishing; run again") from None
                if looked is None:
                    open_pipes.discard(ready)
                elif isinstance(looked, BaseException):
                    raise looked
                else:
                    yield looked
    finally:
        for pipe, worker in workers.items():
            pipe.close()
            if worker.is_alive():
                worker.terminate()
            worker.join(_GOODBYE_S)
            if worker.is_alive():
                # The interrupt that a signal raises is swallowed where it comes amid the end of some object.
                worker.kill()
                worker.join()


def _work(pipe: Pipe, shard: Sequence[HostAsk], clock: Clock, limits: remote.Limits, fuse: bool) -> None:
    try:
        for looked in look_shard(shard, clock=clock, limits=limits, fuse=fuse):
            pipe.send(looked)
        pipe.send(None)
    except Exception as problem:
        pipe.send(problem)
    except KeyboardInterrupt:
        return  # Sessions are closed on the way here; the parent was interrupted too, and says so.
    finally:
        pipe.close()
