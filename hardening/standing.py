"""Ask hosts whether resources are still as campaigns left them, and who changed those that are not. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hardening import ansible
from hardening.context import Context
from hardening.model import Touch
from hardening.redact import redact

SECONDS_PER_RUN = 1800.0


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a host said of one resource: `touch` is from how it was left to how it is, None where it is as left.

    `origin` is what the host knows of the change; `unknown` why it could not be looked at, else None.
    """

    host: str
    resource: str
    touch: Touch | None = None
    diff: str = ""
    origin: str = ""
    unknown: str | None = None


def standing_of(
    context: Context,
    campaign_id: str,
    asked: Mapping[str, Sequence[ansible.PresentItem]],
    *,
    since_s: Mapping[str, float],
    known: Sequence[str],
) -> Iterator[Standing]:
    """Yield exactly one answer for every resource that is asked of a host."""
    asked = {host: items for host, items in asked.items() if items}
    if not asked:
        return
    run = ansible.PresentRun(
        campaign=campaign_id,
        inventory_sources=context.inventory_sources,
        hosts={host: tuple(items) for host, items in asked.items()},
        since_s=since_s,
        known=tuple(known),
        deadline_s=SECONDS_PER_RUN,
        forks=context.forks,
        vault=context.vault,
        become_password=context.become_password,
        connection_password=context.connection_password,
    )
    waiting = {(host, item.id): None for host, items in asked.items() for item in items}
    failures: dict[str, str] = {}
    for event in ansible.run_present(run):
        if isinstance(event, ansible.ControlOutcome):
            waiting.pop((event.host, event.id), None)
            yield Standing(
                host=event.host,
                resource=event.id,
                touch=event.touches[0] if event.touches else None,
                diff=redact(event.diff),
                origin="" if event.failed else redact(event.reason or ""),
                unknown=redact(event.reason or "no reason was given") if event.failed else None,
            )
        elif isinstance(event, ansible.HostFailed):
            failures.setdefault(event.host, event.sentence)
            context.progress.say(f"{event.host}: {event.sentence}")
    for host, resource in waiting:
        yield Standing(
            host=host, resource=resource, unknown=redact(failures.get(host, "Ansible gave no result for it"))
        )
