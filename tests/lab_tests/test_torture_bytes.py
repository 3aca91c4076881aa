"""Hosts whose files hold what no text holds: nothing of it crashes us, reaches a terminal, or comes back otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from tests.command_line import CommandLine
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.tiny_fleet import ACCEPT, planned, states, tiny_fleet

NAME = "torture-raw"
# Not UTF-8, NUL, a bell, colours, a title for the terminal, text that runs backwards, and an end without a line's.
RAW = b"Debian \xff\xfe \x00 \x07 \x1b[31mred\x1b[0m \x1b]0;owned\x07 \xe2\x80\xae\r\n\\m ${HOME} $(id) {{ 7*7 }}"


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    """A host for the tests of this file; each leaves it as it was."""
    made = lab.host(NAME, image="debian12")
    made.boot()
    yield made
    lab.remove(made.name)


@pytest.fixture
def fleet(hardening: CommandLine, host: LabHost) -> Iterator[CommandLine]:
    """The command line beside the host."""
    with tiny_fleet(hardening, [host]) as made:
        yield made


@pytest.mark.torture
def test_bytes_that_are_no_text_are_judged_replaced_and_brought_back(fleet: CommandLine, host: LabHost) -> None:
    """Every byte of the file is back after the undo, and none that a terminal obeys is in what we say."""
    issue = host.root / "etc/issue"
    kept = issue.read_bytes()
    issue.write_bytes(RAW)
    plan = planned(fleet)
    seen = fleet.statuses(plan)["linux_banner_issue"]
    said = fleet("apply", "plan.yml", *ACCEPT)
    told = fleet("report", "latest-apply", "--format", "markdown=raw.md").out
    undone = fleet("undo", "latest-apply", "--json")
    after = issue.read_bytes()
    issue.write_bytes(kept)

    assert (plan.code, seen) == (1, "FAIL"), plan.err
    assert said.code == 0, said.err
    assert (undone.code, set(states(undone).values())) == (0, {"reverted"}), undone.err
    assert after == RAW
    for text in (said.out, said.err, told, (fleet.place / "raw.md").read_text()):
        assert not {"\x1b", "\x00", "\x07", "\u202e"} & set(text)


@pytest.mark.torture
def test_a_line_of_a_hundred_megabytes_costs_its_own_control(fleet: CommandLine, host: LabHost) -> None:
    """It could not be looked at, with the reason; all other controls are judged and changed, and it stays as it is."""
    issue = host.root / "etc/issue.net"
    kept = issue.read_bytes()
    line = b"Debian" * (100 * 2**20 // 6)
    issue.write_bytes(line)
    plan = planned(fleet)
    said = fleet("apply", "plan.yml", "--json", *ACCEPT)
    same = hashlib.sha256(issue.read_bytes()).digest() == hashlib.sha256(line).digest()
    undone = fleet("undo", "latest-apply")
    issue.write_bytes(kept)

    (finding,) = [each for each in plan.document()["findings"] if each["control"] == "linux_banner_issue_net"]
    others = {control: status for control, status in fleet.statuses(plan).items() if control != finding["control"]}
    assert plan.code == 3
    assert finding["status"] == "ERROR"
    assert "wrote more than" in finding["reason"], finding["reason"]
    assert set(others.values()) == {"PASS", "FAIL"}
    assert said.code == 3  # The one that could not be seen.
    became = {control: state for (_, control), state in states(said).items()}
    assert set(became.values()) == {"changed"}
    assert "linux_banner_issue_net" not in became
    assert same
    assert undone.code in (0, 3)
