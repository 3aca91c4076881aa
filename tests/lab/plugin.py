"""pytest's way to the lab: shared hosts for the session, or a host of one's own.

Tests under tests/lab_tests need the lab. Without root they are not collected and say why. HARDENING_NO_LAB=1 leaves
them out, counts them and prints the count; CI never sets it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.host import LabHost
from tests.lab.lab import Lab

HostFactory = Callable[..., LabHost]
_LAB_TESTS = Path(__file__).parents[1] / "lab_tests"
_LEFT_OUT = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs the lab; refuse it without root, leave it out where that was asked."""
    for item in items:
        if item.path.is_relative_to(_LAB_TESTS):
            item.add_marker(pytest.mark.lab)
    needing = [item for item in items if item.get_closest_marker("lab") or item.get_closest_marker("vm")]
    if not needing:
        return
    if os.environ.get("HARDENING_NO_LAB") == "1":
        config.stash[_LEFT_OUT] = len(needing)
        config.hook.pytest_deselected(items=needing)
        items[:] = [item for item in items if item not in needing]
    elif os.geteuid() != 0:
        raise pytest.UsageError(
            f"{len(needing)} tests need the lab, which boots real hosts and needs root; "
            "run as root, or set HARDENING_NO_LAB=1 to leave them out"
        )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say loudly how many tests were left out."""
    left_out = config.stash.get(_LEFT_OUT, 0)
    if left_out:
        terminalreporter.write_line(f"HARDENING_NO_LAB=1: {left_out} tests on real hosts were NOT run", red=True)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Yield the session's lab; it is down when the session ends."""
    with Lab.create() as made:
        yield made


@pytest.fixture(scope="session")
def lab_host(lab: Lab) -> HostFactory:
    """Return a factory of booted hosts that the whole session shares: the same arguments give the same host.

    Leave a shared host as you found it; who changes one asks for `own_host`.
    """
    booted: dict[tuple[str, tuple[str, ...]], LabHost] = {}

    def host(*, image: str = "debian12", services: tuple[str, ...] = ()) -> LabHost:
        wanted = (image, tuple(sorted(services)))
        if wanted not in booted:
            made = lab.host("-".join(("shared", image, *wanted[1])), image=image, services=wanted[1])
            made.boot()
            booted[wanted] = made
        return booted[wanted]

    return host


_NUMBERS = itertools.count(1)


@pytest.fixture
def own_host(lab: Lab) -> Iterator[HostFactory]:
    """Yield a factory of booted hosts that belong to this test alone and are gone after it."""
    mine: list[LabHost] = []

    def host(*, image: str = "debian12", services: tuple[str, ...] = ()) -> LabHost:
        made = lab.host(f"own{next(_NUMBERS)}-{image}", image=image, services=services)
        mine.append(made)
        made.boot()
        return made

    yield host
    for made in mine:
        lab.remove(made.name)
