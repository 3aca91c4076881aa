"""Leases on the hosts: who may write there, taken over one new session per host after looking who answers.

A lease is taken before the first write of a campaign and given back at its end. A campaign that was killed leaves it
behind: its `resume` takes it up again, and nobody else gets the host unless its holder is named (`--break-lease`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hardening.asking import Question, ask_each
from hardening.context import Context
from hardening.errors import Incomplete
from hardening.identity import Identity, another_machine, read_identity
from hardening.lease_script import DIRECTORY, GIVE_BACK, TAKE, Lease, lease_said, lease_text
from hardening.redact import redact
from hardening.running import this_process


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What became of asking one host for its lease: the lease's answer, or why there is none."""

    lease: Lease | None = None
    another_machine: str | None = None
    trouble: str | None = None


def take_leases(
    context: Context,
    campaign_id: str,
    hosts: Sequence[str],
    pinned: Mapping[str, Identity],
    *,
    over: Collection[str] = (),
) -> dict[str, Asked]:
    """Ask every host for its lease, after seeing in the same session that it is the pinned machine.

    A lease of a campaign named in `over` is taken over.
    """
    text = lease_text(
        actor=context.actor,
        controller=str(this_process()["controller"]),
        taken_at=context.clock().isoformat(timespec="seconds"),
    )

    def take(name: str, host: Any) -> Asked:
        known = pinned.get(name)
        wrong = another_machine(known, Identity.from_json(read_identity(host))) if known is not None else None
        if wrong is not None:
            return Asked(another_machine=wrong)
        said = _run(host, TAKE, campaign_id, name, text, " ".join(over))
        return Asked(lease=lease_said(said))

    return _ask(context, hosts, take)


def give_back(context: Context, campaign_id: str, hosts: Sequence[str]) -> dict[str, str]:
    """Give back the leases that a campaign holds; return why a host still has it, by name."""

    def give(name: str, host: Any) -> Asked:
        _run(host, GIVE_BACK, campaign_id, name)
        return Asked()

    return {name: asked.trouble for name, asked in _ask(context, hosts, give).items() if asked.trouble is not None}


def _run(host: Any, script: str, campaign_id: str, name: str, *more: str) -> str:
    words = (DIRECTORY, campaign_id, name, *more)
    done = host.run("sh -c %s sh" + " %s" * len(words), script, *words)
    if done.rc != 0:
        lines = str(done.stderr).strip().splitlines()
        why = lines[-1] if lines else f"exit code {done.rc}"
        raise Incomplete(f"the lease in {DIRECTORY} cannot be written: {redact(why)}")
    return str(done.stdout)


def _ask(context: Context, names: Sequence[str], question: Question[Asked]) -> dict[str, Asked]:
    answers: dict[str, Asked] = {}
    for name, answer in ask_each(context, names, question):
        if answer.said is not None:
            answers[name] = answer.said
        else:
            why = answer.trouble if answer.was_reached else f"it cannot be reached: {answer.trouble}"
            answers[name] = Asked(trouble=why)
    return {name: answers.get(name, Asked(trouble="it is not in the inventory")) for name in names}
