"""What was asked against what was reported: neither Ansible's status nor its exit code is believed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from hardening.ansible import sentences
from hardening.ansible.values import (
    PRESENT,
    RESTORE,
    TOGETHER,
    AnsibleRun,
    ControlOutcome,
    HostFailed,
    HostGuarded,
    NotReported,
    PresentRun,
    RestoreRun,
)
from hardening.model import Touch


class Pair(NamedTuple):
    """One control asked of one target of a host."""

    host: str
    kind: str
    id: str
    target: str


def asked_of(run: AnsibleRun | RestoreRun | PresentRun) -> list[Pair]:
    """Return everything that a run asks for."""
    if isinstance(run, PresentRun):
        return [Pair(host, PRESENT, item.id, host) for host, items in run.hosts.items() for item in items]
    if isinstance(run, RestoreRun):
        return [Pair(host, RESTORE, item.id, item.target) for host, items in run.hosts.items() for item in items]
    return [
        Pair(host, kind, item.id, item.target)
        for host, by_kind in run.hosts.items()
        for kind, items in by_kind.items()
        for item in items
    ]


class Reconciliation:
    """Takes the worker's messages; gives outcomes and failures; knows at the end what is missing."""

    def __init__(self, asked: Iterable[Pair]) -> None:
        self._open = dict.fromkeys(asked)
        self._hosts = {pair.host for pair in self._open}
        self._done: set[Pair] = set()
        self._explained: set[tuple[str, str | None]] = set()
        self._reached: dict[str, None] = {}
        self.tasks = 0
        self.guards: list[HostGuarded] = []

    @property
    def hosts_reached(self) -> tuple[str, ...]:
        """Return the hosts that ran at least one task, in the order of their first answer."""
        return tuple(self._reached)

    @property
    def not_reported(self) -> tuple[NotReported, ...]:
        """Return what was asked and not heard of."""
        return tuple(NotReported(host=p.host, kind=p.kind, id=p.id, target=p.target) for p in self._open)

    def take(self, message: Mapping[str, Any]) -> Iterator[ControlOutcome | HostFailed]:
        """Return what one message of the worker means."""
        if message["type"] == "task":
            self.tasks += 1
            return
        host, kind = str(message["host"]), str(message["play"])
        result = message["result"] if isinstance(message["result"], dict) else {}
        if host not in self._hosts:
            return
        if message["type"] == "runner_on_unreachable":
            yield self._failed(host, None, sentences.unreachable(result))
            return
        self._reached[host] = None
        failed = message["type"] == "runner_on_failed"
        if isinstance(result.get("kinds"), list):
            for each in result["kinds"]:
                if isinstance(each, dict) and isinstance(each.get("kind"), str):
                    yield from self._kind(host, each["kind"], each, failed=each.get("failed") is True)
                else:
                    yield self._failed(host, None, "a result has not the agreed shape: no kind is named")
            return
        yield from self._kind(host, kind if kind != TOGETHER else None, result, failed=failed)

    def _kind(
        self, host: str, kind: str | None, result: Mapping[str, Any], *, failed: bool
    ) -> Iterator[ControlOutcome | HostFailed]:
        """Return what one module answered; `kind` is None where it was that of many kinds and answered for none."""
        if kind is not None and isinstance(result.get("controls"), list):
            yield from self._controls(host, kind, result["controls"])
            if isinstance(result.get("guard"), dict):
                self.guards.append(_guarded(host, kind, result["guard"]))
            if failed:
                yield self._failed(host, kind, sentences.module_failed(result))
        elif failed or "censored" in result:
            yield self._failed(host, kind, sentences.module_failed(result))
        elif not result:
            yield self._failed(
                host, kind, "the result was too large and was lost on its way; look again before anything"
            )

    def end(self, *, ran: bool, cut_short: str | None) -> Iterator[HostFailed]:
        """Explain everything that is still open and was not explained before."""
        for host, kind in dict.fromkeys((pair.host, pair.kind) for pair in self._open):
            if (host, kind) in self._explained or (host, None) in self._explained:
                continue
            if cut_short is not None and (not ran or host in self._reached):
                yield self._failed(host, kind if host in self._reached else None, cut_short)
            elif host not in self._reached:
                yield self._failed(host, None, cut_short or "Ansible did not run on this host; is it in the inventory?")
            else:
                yield self._failed(
                    host, kind, cut_short or "Ansible came to its end without a result of these controls"
                )

    def _controls(self, host: str, kind: str, controls: list[Any]) -> Iterator[ControlOutcome | HostFailed]:
        for control in controls:
            try:
                outcome = _outcome(host, kind, control)
            except (KeyError, TypeError, AttributeError) as problem:
                yield self._failed(
                    host, kind, f"a result has not the agreed shape: {type(problem).__name__}: {problem}"
                )
                continue
            pair = Pair(host, kind, outcome.id, outcome.target)
            if pair in self._open:
                del self._open[pair]
                self._done.add(pair)
                yield outcome
            else:
                what = "reported twice" if pair in self._done else "reported although nobody asked for it"
                yield self._failed(host, kind, f"{outcome.id} of {outcome.target} was {what}")

    def _failed(self, host: str, kind: str | None, sentence: str) -> HostFailed:
        self._explained.add((host, kind))
        return HostFailed(host=host, kind=kind, sentence=sentence)


def _guarded(host: str, kind: str, guard: Mapping[str, Any]) -> HostGuarded:
    return HostGuarded(
        host=host,
        kind=kind,
        triggers=_texts(guard.get("triggers")),
        unguarded=_texts(guard.get("unguarded")),
    )


def _texts(said: Any) -> tuple[str, ...]:
    return tuple(map(str, said)) if isinstance(said, list) else ()


def _outcome(host: str, kind: str, control: Mapping[str, Any]) -> ControlOutcome:
    return ControlOutcome(
        host=host,
        kind=kind,
        id=str(control["id"]),
        target=str(control["target"]),
        changed=control["changed"] is True,
        failed=control["failed"] is not False,
        reason=str(control["reason"]) if control.get("reason") is not None else None,
        touches=tuple(
            Touch(kind=str(t["kind"]), name=str(t["name"]), before=t["before"], after=t["after"])
            for t in control["touches"]
        ),
        after_actions=tuple(str(action) for action in control.get("after_actions", ())),
        diff=str(control.get("diff") or ""),
        since=str(control.get("since") or ""),
        beyond_undo=tuple(str(said) for said in control.get("beyond_undo", ())),
    )
