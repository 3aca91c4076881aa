"""A resume that goes wrong itself: a host that answered at first, and no longer does when the resume comes to it."""

from __future__ import annotations

import pytest
import yaml

from tests.command_line import CommandLine, Said
from tests.lab.host import LabHost
from tests.tiny_fleet import ACCEPT, GAPS, begun, planned, states

pytestmark = pytest.mark.torture

# What somebody mends on the second host between the plan and the apply: it is found as wanted, and not written.
MENDED = "linux_banner_issue_net"
HOSTS = {"resume-one": "debian12", "resume-two": "debian12"}


def test_a_host_that_dies_under_a_resume_is_left_to_the_next(
    fleet: CommandLine, hosts: tuple[LabHost, LabHost]
) -> None:
    """The resume finishes the other host, ends with 3 and says what is open; the next one finishes, and an undo too.

    Something on that host was found as wanted: what it may have written since is not asked of a host that is away.
    """
    one, two = hosts
    assert planned(fleet).code == 1
    issue = (two.root / "etc/issue.net").read_text()
    (two.root / "etc/issue.net").write_text(wanted(fleet))
    killed = fleet.start("apply", "plan.yml", "--guard", "45", *ACCEPT)
    begun(killed, one)
    killed.kill()
    killed.communicate(timeout=60)

    # It waits as long as the guard of the host that no longer answers.
    resume = fleet.start("resume", "latest-apply", "--json")
    begun(resume, two)
    two.cut_power()
    out, err = resume.communicate(timeout=900)
    left = Said(code=resume.returncode, out=out, err=err)
    listed = fleet("status").out
    two.boot()
    finished = fleet("resume", "latest-apply", "--json")
    undone = fleet("undo", "latest-apply", "--json")
    (two.root / "etc/issue.net").write_text(issue)

    assert left.code == 3, left.err
    assert of(left, one) <= {"changed", "unchanged"}
    assert states(left)[(two.name, MENDED)] == "unchanged"
    assert {state.partition(":")[0] for state in of(left, two)} == {"unchanged", "not_reported"}
    assert "never: hardening resume" not in listed
    assert finished.code in (0, 1), finished.err
    assert set(states(finished)) == {(host.name, control) for host in hosts for control in GAPS}
    assert of(finished, one) | of(finished, two) <= {"changed", "unchanged"}
    assert undone.code == 0, undone.err


def of(said: Said, host: LabHost) -> set[str]:
    """Return what became of the controls of one host."""
    return {state for (name, _), state in states(said).items() if name == host.name}


def wanted(fleet: CommandLine) -> str:
    """Return the text that the plan would write on the second host."""
    made = yaml.safe_load((fleet.place / "plan.yml").read_text())
    return next(f"{item['set']}\n" for item in made["hosts"]["resume-two"] if item["control"] == MENDED)
