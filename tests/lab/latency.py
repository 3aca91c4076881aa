"""Distance: a host's link whose packets take their time, both ways."""

from __future__ import annotations

import time
from pathlib import Path

from tests.lab.commands import run
from tests.lab.errors import LabError
from tests.lab.layers import digest
from tests.lab.network import Network, attach, device_name, drop_link, make_namespace
from tests.lab.paths import lab_root, locked
from tests.lab.processes import recall, start_detached, stop

_SOURCE = Path(__file__).with_name("delay.c")


def set_round_trip(
    network: Network, address: str, directory: Path, round_trip_ms: float, *, loss_percent: int = 0
) -> None:
    """Put a relay into the link of the host at that address, or take it out again with 0; connections break.

    Of the packets of each direction `loss_percent` are lost.
    """
    name = device_name(address)
    pid_file = directory / "delay.pid"
    pid = recall(pid_file)
    if pid is not None:
        stop(pid)
    pid_file.unlink(missing_ok=True)
    drop_link(name)
    if round_trip_ms == 0:
        make_namespace(network, address)
        return
    inner = f"d{name[1:]}"
    log = directory / "delay.log"
    one_way_us = round(round_trip_ms * 1000 / 2)
    # The relay competes with the hosts for the processor; late packets would be measured as distance.
    argv = ["nice", "-n", "-10", str(_relay()), name, inner, str(one_way_us), str(loss_percent)]
    start_detached(argv, log=log, pid_file=pid_file)
    _wait_until_ready(log, pid_file)
    run(["ip", "link", "set", inner, "netns", name])
    run(["ip", "-netns", name, "link", "set", inner, "name", "host0"])
    attach(network, address)


def _relay() -> Path:
    """Return the compiled relay, compiling it once per version of its source."""
    program = lab_root() / "programs" / f"delay-{digest([_SOURCE.read_bytes()])}"
    with locked("programs"):
        if not program.exists():
            program.parent.mkdir(exist_ok=True)
            partial = program.with_suffix(".partial")
            run(["gcc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", partial, _SOURCE])
            partial.rename(program)
    return program


def _wait_until_ready(log: Path, pid_file: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if log.read_text().startswith("ready"):
            return
        if recall(pid_file) is None:
            break
        time.sleep(0.01)  # The relay says when it is ready, in a file: there is nothing to wait on but its growth.
    raise LabError(f"the relay did not start: {log.read_text().strip() or 'it said nothing'}")
