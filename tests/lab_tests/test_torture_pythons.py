"""Hosts with another Python than their system's: an old one is refused with a sentence, each one from 3.8 on works."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.command_line import CommandLine
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.tiny_fleet import ACCEPT, GAPS, different, planned, states, tiny_fleet

NAME = "torture-py"
# Where this machine keeps other versions; an interpreter finds its library by its own place, so it keeps that.
VERSIONS = Path.home() / ".pyenv" / "versions"
LEFT_OUT = shutil.ignore_patterns("test", "tests", "idlelib", "site-packages", "__pycache__", "*.a", "*.pyc", "share")


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    """A host for the tests of this file; each leaves it as it was."""
    made = lab.host(NAME, image="debian13")
    made.boot()
    yield made
    lab.remove(made.name)


@pytest.fixture
def fleet(hardening: CommandLine, host: LabHost) -> Iterator[CommandLine]:
    """The command line beside the host."""
    with tiny_fleet(hardening, [host]) as made:
        yield made


def given_python(fleet: CommandLine, host: LabHost, minor: str) -> str:
    """Bring a version of Python to the host, and have the inventory name it; return its place there."""
    found = sorted(VERSIONS.glob(f"{minor}.*"))
    if not found:
        pytest.skip(f"this machine has no Python {minor} below {VERSIONS}")
    place = host.root / found[-1].relative_to("/")
    if not place.exists():
        shutil.copytree(found[-1], place, symlinks=True, ignore=LEFT_OUT)
    interpreter = str(found[-1] / "bin" / f"python{minor}")
    host.run(f"{interpreter} -c ''")
    inventory = fleet.place / "lab.yml"
    whole = yaml.safe_load(inventory.read_text())
    whole["all"]["children"]["lab"]["hosts"][NAME]["ansible_python_interpreter"] = interpreter
    inventory.write_text(yaml.safe_dump(whole))
    return interpreter


@pytest.mark.torture
@pytest.mark.parametrize("minor", ["2.7", "3.6", "3.7"])
def test_a_python_that_is_too_old_is_told_and_nothing_is_changed(fleet: CommandLine, host: LabHost, minor: str) -> None:
    """The scan needs none; the apply names what is wrong with it, waits for no guard, and the answer is 3."""
    given_python(fleet, host, minor)
    before = host.snapshot_tree(("/etc",))
    plan = planned(fleet)

    said = fleet("apply", "plan.yml", "--json", *ACCEPT)

    assert plan.code == 1, plan.err
    assert said.code == 3, said.err
    became = {control: state for (_, control), state in states(said).items()}
    assert became.keys() == GAPS
    assert {state.partition(":")[0] for state in became.values()} <= {"failed", "not_reported"}, became
    assert any("Python is too old" in state for state in became.values()), became
    assert "puts itself back" not in said.err
    assert different(before, host.snapshot_tree(("/etc",))) == {}


@pytest.mark.torture
@pytest.mark.parametrize("minor", ["3.8", "3.12", "3.13"])
def test_old_and_new_pythons_change_and_undo(fleet: CommandLine, host: LabHost, minor: str) -> None:
    """The oldest that is promised and the newest: everything is changed, confirmed and brought back."""
    given_python(fleet, host, minor)
    assert planned(fleet).code == 1

    said = fleet("apply", "plan.yml", "--json", *ACCEPT)
    undone = fleet("undo", "latest-apply", "--json")

    assert (said.code, set(states(said).values())) == (0, {"changed"}), (states(said), said.err)
    assert (undone.code, set(states(undone).values())) == (0, {"reverted"}), (states(undone), undone.err)
