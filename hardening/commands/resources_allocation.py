"""The commands by which room is asked for, approved, allocated, changed and given back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hardening.commands.ending import answering, say
from hardening.commands.options import Command, combined, output_options
from hardening.commands.resources_world import Known, answer, known, known_options
from hardening.commands.world import Asked
from hardening.context import utc_now
from hardening.errors import AskedWrongly, Exit
from hardening.resource_model import AllocationStep, Step

REQUEST = click.Path(path_type=Path, dir_okay=False, exists=True)
who_options: Callable[[Command], Command] = combined(
    click.option("--by", required=True, help="Who does it."),
    click.option("--ticket", required=True, help="Under which ticket."),
    click.option("--reason", default="", help="Why."),
)


@click.command("plan")
@click.argument("request_file", metavar="REQUEST.yml", type=REQUEST)
@known_options
@output_options
@click.pass_obj
@answering
def plan_command(asked: Asked, request_file: Path, **options: Any) -> Exit:
    """Propose where a request fits, and say for every host why or why not. Records nothing; no room answers 1.

    \b
    Example: hardening resources plan request.yml -i inventory
    """
    from hardening.reports.resource_chinese import sentence
    from hardening.reports.resource_grids import plan_grid
    from hardening.resources.placement import place
    from hardening.resources.requests import load_request

    request = load_request(request_file)
    with known(asked, options) as there:
        placement = place(request, there.view.candidates(leave_out=request.id))
    answer(
        {"request": request, "fits": placement.fits, "placement": placement},
        [plan_grid(placement, options["lang"])],
        options,
    )
    for each in placement.advice:
        say(sentence(each, options["lang"]))
    if not placement.optimal:
        say("the solver ran out of time: there may be a better placement")
    return Exit.CLEAN if placement.fits else Exit.GAPS


@click.command("request")
@click.argument("request_file", metavar="REQUEST.yml", type=REQUEST)
@known_options
@who_options
@output_options
@click.pass_obj
@answering
def request_command(asked: Asked, request_file: Path, by: str, ticket: str, reason: str, **options: Any) -> Exit:
    """Record a request for room. Example: hardening resources request request.yml --by Li --ticket CHG-1042"""
    from hardening.resources.requests import load_request

    request = load_request(request_file)
    with known(asked, options, with_series=False, write=True) as there:
        why = reason or request.reason
        return _record(there, Step.REQUESTED, request.id, by, ticket, why, options, request=request)


@click.command("approve")
@click.argument("request_id", metavar="REQUEST")
@click.option("--refuse", is_flag=True, help="Refuse it instead.")
@known_options
@who_options
@output_options
@click.pass_obj
@answering
def approve_command(
    asked: Asked, request_id: str, refuse: bool, by: str, ticket: str, reason: str, **options: Any
) -> Exit:
    """Approve a request, or refuse it. Example: hardening resources approve REQ-2026-001 --by Wang --ticket CHG-1042

    With `approver_may_plan: false` in hardening.yml nobody approves what he asked for himself.
    """
    if refuse and not reason.strip():
        raise AskedWrongly("say why it is refused: --reason")
    step = Step.REFUSED if refuse else Step.APPROVED
    four_eyes = not asked.settings().approver_may_plan
    with known(asked, options, with_series=False, write=True) as there:
        return _record(there, step, request_id, by, ticket, reason, options, four_eyes=four_eyes)


@click.command("allocate")
@click.argument("request_id", metavar="REQUEST")
@known_options
@who_options
@output_options
@click.pass_obj
@answering
def allocate_command(asked: Asked, request_id: str, by: str, ticket: str, reason: str, **options: Any) -> Exit:
    """Place an approved request and record what it gets of which host; where it does not fit nothing is recorded.

    \b
    Example: hardening resources allocate REQ-2026-001 --by Zhang --ticket CHG-1042
    """
    from hardening.resources.allocating import allocation_named

    with known(asked, options, write=True) as there:
        request = allocation_named(there.view.allocations, request_id).request
        return _placed(there, Step.ALLOCATED, request, by, ticket, reason, options)


@click.command("change")
@click.argument("request_file", metavar="REQUEST.yml", type=REQUEST)
@known_options
@who_options
@output_options
@click.pass_obj
@answering
def change_command(asked: Asked, request_file: Path, by: str, ticket: str, reason: str, **options: Any) -> Exit:
    """Change what an allocation has, under a ticket of its own; it is placed anew as a whole.

    \b
    Example: hardening resources change request.yml --by Zhang --ticket CHG-1077 --reason "more users"
    """
    from hardening.resources.requests import load_request

    request = load_request(request_file)
    with known(asked, options, write=True) as there:
        return _placed(there, Step.CHANGED, request, by, ticket, reason, options)


@click.command("release")
@click.argument("request_id", metavar="REQUEST")
@known_options
@who_options
@output_options
@click.pass_obj
@answering
def release_command(asked: Asked, request_id: str, by: str, ticket: str, reason: str, **options: Any) -> Exit:
    """Record that an allocation was given back. Example: hardening resources release REQ-1 --by Li --ticket CHG-9"""
    with known(asked, options, with_series=False, write=True) as there:
        return _record(there, Step.RELEASED, request_id, by, ticket, reason, options)


@click.command("allocations")
@known_options
@output_options
@click.pass_obj
@answering
def allocations_command(asked: Asked, **options: Any) -> Exit:
    """List every step of every allocation: who, when, under which ticket. Example: hardening resources allocations"""
    from hardening.reports.resource_registers import allocations_grid

    with known(asked, options, with_series=False) as there:
        view = there.view
    answer({"allocations": view.allocations}, [allocations_grid(view, options["lang"])], options)
    return Exit.CLEAN


def _placed(there: Known, step: Step, request: Any, by: str, ticket: str, reason: str, options: Any) -> Exit:
    """Place a request and record it, or say what is in the way."""
    from hardening.reports.resource_chinese import sentence
    from hardening.reports.resource_grids import plan_grid
    from hardening.resources.placement import place

    # Whether the step may be taken at all is said before anybody waits for a placement.
    _next(there, step, request.id, by, ticket, reason, request=request)
    placement = place(request, there.view.candidates(leave_out=request.id))
    if not placement.fits:
        answer({"fits": False, "placement": placement}, [plan_grid(placement, options["lang"])], options)
        for each in placement.advice:
            say(sentence(each, options["lang"]))
        say(f"{request.id} does not fit; nothing was recorded")
        return Exit.GAPS
    return _record(there, step, request.id, by, ticket, reason, options, request=request, shares=placement.shares)


def _record(
    there: Known, step: Step, request_id: str, by: str, ticket: str, reason: str, options: Any, **more: Any
) -> Exit:
    made = _next(there, step, request_id, by, ticket, reason, **more)
    if there.ledger is None:
        raise AssertionError("a step is recorded in a ledger")
    steps = sum(len(allocation.steps) for allocation in there.view.allocations.values())
    there.ledger.record_allocation(made, known=steps)
    if options["as_json"]:
        answer({"recorded": made}, [], options)
    else:
        what = "".join(
            f"\n  {share.host}: {share.vcpus:g} vCPU, {share.memory_gib:g} GiB memory, {share.disk_gib:g} GiB disk"
            for share in made.shares
        )
        click.echo(f"{request_id} {step.value} by {made.by} ({made.ticket}){what}")
    return Exit.CLEAN


def _next(there: Known, step: Step, request_id: str, by: str, ticket: str, reason: str, **more: Any) -> AllocationStep:
    from hardening.resources.allocating import allocation_named, next_step

    allocations = there.view.allocations
    allocation = allocations.get(request_id) if step is Step.REQUESTED else allocation_named(allocations, request_id)
    return next_step(
        allocation, step, request_id=request_id, by=by, ticket=ticket, reason=reason, taken_at=utc_now(), **more
    )
