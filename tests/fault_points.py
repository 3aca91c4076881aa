"""The command line with a fault: it kills itself at a chosen entry of its ledger, or its clock is set meanwhile.

    python -m tests.fault_points {before|after} NUMBER ARGUMENT...
    python -m tests.fault_points jump SECONDS ARGUMENT...

A program of its own, since SIGKILL asks nobody: what is on the disk then is what a power cut would leave.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime, timedelta
from typing import Any

from hardening.__main__ import main
from hardening.context import Context, utc_now
from hardening.ledger.book import Ledger

# A campaign asks the time at its start and for every look; then comes the wave.
FIRST_ASKED = 6


def kill_at(moment: str, number: int) -> None:
    """Have this process killed before or after it appends its `number`th entry, counted from 1."""
    append, count = Ledger._append, 0

    def counting(self: Ledger, *arguments: Any) -> None:
        nonlocal count
        count += 1
        if count == number and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        append(self, *arguments)
        if count == number and moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(Ledger, "_append", counting)  # noqa: B010 - a plain assignment would need an ignored type


def set_clock(jump: timedelta) -> None:
    """Have the clock on the wall set forward or back once somebody asked it a few times."""
    asked = 0

    def clock() -> datetime:
        nonlocal asked
        asked += 1
        return utc_now() + (jump if asked > FIRST_ASKED else timedelta())

    defaults = Context.__init__.__kwdefaults__
    assert defaults is not None
    defaults["clock"] = clock


if __name__ == "__main__":
    if sys.argv[1] == "jump":
        set_clock(timedelta(seconds=int(sys.argv[2])))
    else:
        kill_at(sys.argv[1], int(sys.argv[2]))
    sys.argv = ["hardening", *sys.argv[3:]]
    main()
