"""Health checks of hosts, beside the controls: what worked before a wave has to work after it.

The inventory variable `hardening_health` is a list of shell commands that only read and answer 0 when all is well.
They run as root over a session of their own. What failed already before the wave proves nothing, and is only told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hardening import remote
from hardening.context import Context
from hardening.errors import AskedWrongly
from hardening.inventory import InventoryHost
from hardening.model import Change, ChangeState, Json
from hardening.redact import redact
from hardening.waves import UNWELL

HEALTH = "hardening_health"


def commands_of(host: InventoryHost) -> tuple[str, ...]:
    """Return a host's health checks. Raises AskedWrongly where the variable is no list of plain commands."""
    said = host.variables.get(HEALTH)
    if said is None:
        return ()
    if not isinstance(said, list) or not all(isinstance(command, str) and command.strip() for command in said):
        raise AskedWrongly(f"{host.name}: {HEALTH} is a list of shell commands, each a text that is not empty")
    commands = [str(command) for command in said]
    for command in commands:
        if "{{" in command or "{%" in command:
            raise AskedWrongly(f"{host.name}: {HEALTH} holds a template, and commands are run as written: {command}")
    return tuple(dict.fromkeys(commands))


class Health:
    """The health of a campaign's hosts: `before` a wave writes, and `after` it."""

    def __init__(self, context: Context, campaign_id: str) -> None:
        self._context, self._campaign_id = context, campaign_id
        self._commands = {host.name: commands_of(host) for host in context.inventory.hosts}
        self._well: dict[str, tuple[str, ...]] = {}

    def watches(self, host: str) -> bool:
        """Tell whether a host has health checks."""
        return bool(self._commands.get(host))

    def before(self, hosts: Sequence[str]) -> None:
        """Learn which checks pass on hosts that are about to be changed."""
        failing: dict[str, Json] = {}
        for name, answers in self._ask(hosts, self._commands).items():
            self._well[name] = tuple(command for command, why in answers.items() if why is None)
            already = [f"{redact(command)}: {why}" for command, why in answers.items() if why is not None]
            if already:
                failing[name] = [*already]
                self._context.progress.say(f"{name}: health check fails already before: {'; '.join(already)}")
        if failing:
            self._context.ledger.record_step(self._campaign_id, "unwell before", failing)

    def after(self, hosts: Sequence[str]) -> dict[str, str]:
        """Return which of these hosts fail a check that passed before the wave, and how."""
        found = {}
        for name, answers in self._ask(hosts, self._well).items():
            bad = [f"{redact(command)}: {why}" for command, why in answers.items() if why is not None]
            if bad:
                found[name] = f"a health check that passed before fails: {'; '.join(bad)}"
                self._context.progress.say(f"{name}: {found[name]}")
        if found:
            self._context.ledger.record_step(self._campaign_id, "unwell", {**found})
        return found

    def _ask(self, hosts: Sequence[str], asked: Mapping[str, Sequence[str]]) -> dict[str, dict[str, str | None]]:
        """Return for every host and command why it failed, or None."""
        chosen = [host for host in self._context.inventory.hosts if host.name in set(hosts) and asked.get(host.name)]
        if not chosen:
            return {}
        jobs = [
            remote.HostJob(connection=host.connection, script=_Script(asked[host.name]), fuse=False) for host in chosen
        ]
        answers: dict[str, dict[str, str | None]] = {}
        for report in remote.look(jobs, limits=self._context.limits):
            answers[report.name] = {}
            for command in asked[report.name]:
                outcome = report.outcomes.get(command)
                if outcome is None or outcome.error is not None:
                    why = report.unreachable or (str(outcome.error) if outcome is not None else "no answer")
                    answers[report.name][command] = redact(why)
                else:
                    answers[report.name][command] = None if outcome.value is None else str(outcome.value)
        return answers


class _Script:
    def __init__(self, commands: Sequence[str]) -> None:
        self.commands = commands

    def __call__(self, scope: remote.HostScope) -> None:
        for command in self.commands:
            scope.spawn(command, _why_not, scope.host, command)


def _why_not(host: Any, command: str) -> str | None:
    """Run one check; return how it failed."""
    done = host.run("sh -c %s", command)
    if done.rc == 0:
        return None
    lines = (str(done.stderr).strip() or str(done.stdout).strip()).splitlines()
    said = "".join(char for char in lines[-1] if char.isprintable())[:200] if lines else "it said nothing"
    return redact(f"it answered {done.rc}: {said}")


def unwell(changes: Sequence[Change], ill: Mapping[str, str], context: Context) -> list[Change]:
    """Return what the ledger has to learn of changes that stay on hosts which are worse off since."""
    return [
        Change(
            control_id=change.control_id,
            target=change.target,
            kind=change.kind,
            state=ChangeState.CHANGED,
            reason=f"{UNWELL}{ill[change.target.host]}",
            touches=change.touches,
            after_actions=change.after_actions,
            diff=change.diff,
            taken_at=context.clock(),
        )
        for change in changes
        if change.state is ChangeState.CHANGED and change.target.host in ill
    ]
