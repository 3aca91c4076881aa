"""A writer in a process of its own: `python -m tests.ledger_store.writer ADDRESS NAME [COUNT]`.

It prints a line after each record that the ledger said it kept, and goes on until it has written COUNT or is killed.
"""

from __future__ import annotations

import itertools
import sys

from hardening.ledger import open_ledger
from tests.ledger_store.samples import campaign, clock, control, finding, probe, profile

PROFILE = profile(*[control(f"sshd_{number}") for number in range(20)])


def main(address: str, name: str, count: int | None = None) -> None:
    """Write a campaign's findings and steps."""
    with open_ledger(address, clock=clock, wait_s=60) as ledger:
        begun = campaign(name)
        ledger.begin(begun, PROFILE)
        say("begun")
        for number in itertools.count() if count is None else range(count):
            text = f"{name} {number} " * 1000
            look = [finding(asked, host=f"h{number}", probes=(probe(text),)) for asked in PROFILE.requirements]
            ledger.record_findings(name, "before", look)
            say(f"findings h{number}")
            ledger.record_step(name, f"step {number}", {"number": number})
            say(f"step {number}")


def say(line: str) -> None:
    """Tell the parent process, now."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else None)
