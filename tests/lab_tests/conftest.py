"""What tests of campaigns share: hosts of their file's own, and the command line beside them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.command_line import CommandLine
from tests.lab.fleet import HostSpec, boot_fleet
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.tiny_fleet import tiny_fleet


@pytest.fixture(scope="module")
def hosts(lab: Lab, request: pytest.FixtureRequest) -> Iterator[tuple[LabHost, ...]]:
    """The hosts that the file names in HOSTS, by name and image; each of its tests leaves them as they were."""
    booted = boot_fleet(lab, [HostSpec(name=name, image=image) for name, image in request.module.HOSTS.items()])
    yield tuple(booted)
    for host in booted:
        lab.remove(host.name)


@pytest.fixture
def fleet(hardening: CommandLine, hosts: tuple[LabHost, ...]) -> Iterator[CommandLine]:
    """The command line beside those hosts."""
    with tiny_fleet(hardening, hosts) as made:
        yield made
