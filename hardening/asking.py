"""One question to many hosts, each over a new session of its own: a lease, a journal, a confirmation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from hardening import remote
from hardening.context import Context

Said = TypeVar("Said")
Question = Callable[[str, Any], Said]
"""Asks a host by its name in the inventory and testinfra's host; what it raises is why there is no answer."""


@dataclass(frozen=True, kw_only=True)
class Answer(Generic[Said]):
    """What a host said; else why it said nothing: a sentence, and whether it could be reached at all."""

    said: Said | None = None
    trouble: str | None = None
    was_reached: bool = True


def ask_each(
    context: Context,
    names: Collection[str],
    question: Question[Said],
    *,
    alone: bool = False,
    limits: remote.Limits | None = None,
) -> Iterator[tuple[str, Answer[Said]]]:
    """Ask the hosts of these names at once and yield each answer as it comes; names not in the inventory have none.

    `alone` is for a connection that has to prove something (remote.Connection); `limits` are those of the context.
    """
    wanted = set(names)
    jobs = [
        remote.HostJob(
            connection=dataclasses.replace(host.connection, alone=alone),
            script=_Script(host.name, question),
            fuse=False,
        )
        for host in context.inventory.hosts
        if host.name in wanted
    ]
    for report in remote.look(jobs, limits=limits or context.limits) if jobs else ():
        outcome = report.outcomes.get(_Script.KEY)
        if report.unreachable is not None:
            yield report.name, Answer(trouble=report.unreachable, was_reached=False)
        elif outcome is None:
            yield report.name, Answer(trouble="it gave no answer")
        elif outcome.error is not None:
            yield report.name, Answer(trouble=str(outcome.error))
        else:
            yield report.name, Answer(said=cast("Said", outcome.value))


class _Script(Generic[Said]):
    KEY = "question"

    def __init__(self, name: str, question: Question[Said]) -> None:
        self.name, self.question = name, question

    def __call__(self, scope: remote.HostScope) -> None:
        scope.spawn(self.KEY, self.question, self.name, scope.host)
