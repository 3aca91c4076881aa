"""The life of an allocation: which step may follow which, and what is allocated now. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hardening.errors import AskedWrongly
from hardening.resource_model import AllocationStep, Share, Step
from hardening.resources.requests import Request, request_of
from hardening.yaml_lines import did_you_mean

_AFTER: Mapping[Step | None, frozenset[Step]] = {
    None: frozenset({Step.REQUESTED}),
    # Somebody may ask otherwise before it is decided.
    Step.REQUESTED: frozenset({Step.REQUESTED, Step.APPROVED, Step.REFUSED}),
    Step.APPROVED: frozenset({Step.ALLOCATED, Step.REFUSED}),
    Step.REFUSED: frozenset({Step.REQUESTED}),
    Step.ALLOCATED: frozenset({Step.CHANGED, Step.RELEASED}),
    Step.CHANGED: frozenset({Step.CHANGED, Step.RELEASED}),
    Step.RELEASED: frozenset(),
}


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """A request with everything that happened to it; `shares` is what it holds now, empty before and after."""

    request_id: str
    state: Step
    request: Request
    steps: tuple[AllocationStep, ...]

    @property
    def shares(self) -> tuple[Share, ...]:
        """What it holds of which hosts."""
        holding = self.state in (Step.ALLOCATED, Step.CHANGED)
        return next((step.shares for step in reversed(self.steps) if step.shares), ()) if holding else ()

    @property
    def services(self) -> Mapping[str, tuple[str, ...]]:
        """Which services of the request are on which host now: shares stand in the order of the request."""
        found: dict[str, list[str]] = {}
        names = [name for name, need in self.request.services.items() for _ in range(need.instances)]
        for name, share in zip(names, self.shares, strict=False):
            found.setdefault(share.host, []).append(name)
        return {host: tuple(dict.fromkeys(held)) for host, held in found.items()}

    @property
    def asked_by(self) -> str:
        """Who asked last."""
        return next(step.by for step in reversed(self.steps) if step.step is Step.REQUESTED)


def allocations_of(steps: Iterable[AllocationStep]) -> dict[str, Allocation]:
    """Return every allocation by the id of its request, in the order of asking."""
    grouped: dict[str, list[AllocationStep]] = {}
    for step in steps:
        grouped.setdefault(step.request_id, []).append(step)
    return {
        request_id: Allocation(
            request_id=request_id,
            state=held[-1].step,
            request=request_of(next(step.request for step in reversed(held) if step.request)),
            steps=tuple(held),
        )
        for request_id, held in grouped.items()
    }


def allocation_named(allocations: Mapping[str, Allocation], request_id: str) -> Allocation:
    """Return an allocation. Raises AskedWrongly for an unknown one."""
    if request_id not in allocations:
        near = did_you_mean(request_id, allocations)
        raise AskedWrongly(
            f"there is no request {request_id}{near or ';'} `hardening resources request FILE` records one"
        )
    return allocations[request_id]


def next_step(
    allocation: Allocation | None,
    step: Step,
    *,
    request_id: str,
    by: str,
    ticket: str,
    taken_at: datetime,
    reason: str = "",
    request: Request | None = None,
    shares: tuple[Share, ...] = (),
    four_eyes: bool = False,
) -> AllocationStep:
    """Return a step that may follow. Raises AskedWrongly where it may not.

    With `four_eyes` nobody approves what he asked for himself.
    """
    present = None if allocation is None else allocation.state
    if step not in _AFTER[present]:
        may = ", ".join(sorted(_AFTER[present])) or "nothing more"
        raise AskedWrongly(f"{request_id} is {present or 'not requested'}: it can be {may}, not {step.value}")
    if not by.strip() or not ticket.strip():
        raise AskedWrongly("say who (--by) and under which ticket (--ticket)")
    if step is Step.APPROVED and four_eyes and allocation is not None and allocation.asked_by == by.strip():
        raise AskedWrongly(f"{by} asked for {request_id}; somebody else has to approve it (approver_may_plan: false)")
    return AllocationStep(
        request_id=request_id,
        step=step,
        by=by.strip(),
        ticket=ticket.strip(),
        taken_at=taken_at,
        reason=reason.strip(),
        request={} if request is None else request.as_json(),
        shares=shares,
    )
