"""scan: look at every host with a profile and say what is not as wanted."""

from __future__ import annotations

from collections.abc import Sequence

from hardening.context import Context
from hardening.errors import Exit, HardeningError, Incomplete
from hardening.evidence import evidence_of
from hardening.looking import look_and_record, tell_unused
from hardening.model import Evidence, Profile, Severity, Verb
from hardening.redact import redact
from hardening.remote import Difference
from hardening.survey import HostAsk, asks_of, compare_batching
from hardening.tally import exit_of
from hardening.waivers import Waiver


def scan(
    context: Context, profile: Profile, *, waivers: Sequence[Waiver] = (), fail_on: Severity = Severity.LOW
) -> Evidence:
    """Run one scan campaign and return its evidence."""
    campaign = context.new_campaign(Verb.SCAN, profile, options={"fail_on": fail_on.value})
    context.ledger.begin(campaign, profile)
    looked = look_and_record(context, campaign, profile, phase="after", waivers=waivers)
    tell_unused(context, campaign, looked, waivers)
    evidence = evidence_of(context.ledger, campaign.id)
    code = exit_of(evidence.tally, evidence.findings, fail_on=fail_on)
    context.ledger.finish(campaign.id, exit_code=code, finished_at=context.clock())
    return evidence_of(context.ledger, campaign.id)


class BatchingDiffers(HardeningError):
    """Our session gave another answer than testinfra's own backend: no verdict of it can be trusted."""

    exit = Exit.BUG


def verify_batching(context: Context, profile: Profile) -> None:
    """Prove on every host that can be compared that our session answers every command as the stock backend does.

    Says host by host how many replies were compared. Raises `BatchingDiffers` with every difference, and
    `Incomplete` when a host could not be compared: nothing is proven for it.
    """
    left_out, differences = [], []
    for host in context.inventory.hosts:
        try:
            found = compare_batching(HostAsk(connection=host.connection, asks=asks_of(profile)), limits=context.limits)
            if not found.compared:
                raise ValueError("no command was asked")
        except (ValueError, ConnectionError) as problem:
            left_out.append(f"{host.name}: not compared with testinfra's own backend: {problem}")
            continue
        differences += [f"{host.name}: {_sentence(difference)}" for difference in found.differences]
        changing = f", {len(found.volatile)} change by themselves" if found.volatile else ""
        context.progress.say(
            f"{host.name}: {found.compared} commands compared with testinfra's own backend, "
            f"{len(found.differences)} replies differ{changing}"
        )
    if differences:
        raise BatchingDiffers("\n".join(differences))
    if left_out:
        raise Incomplete("\n".join(left_out))


def _sentence(difference: Difference) -> str:
    ours, stock = (redact(repr(said))[:200] for said in (difference.ours, difference.stock))
    return f"{difference.what} of {redact(difference.command)[:200]!r}: ours {ours}, testinfra's own backend {stock}"
