"""A fleet of lab hosts with a handful of gaps, driven from the command line: for tests of whole campaigns."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.command_line import CommandLine, Said
from tests.lab.host import LabHost
from tests.lab.inventory import write_inventory
from tests.lab.snapshot import Entry

TINY = """\
---
title: A few controls for the tests
title_zh: 测试用的几项控制
controls:
  sshd_permit_root_login: {}
  sshd_max_auth_tries: {}
  sshd_strict_modes: {}
  linux_banner_issue: {}
  linux_banner_issue_net: {}
"""
GAPS = {"sshd_permit_root_login", "sshd_max_auth_tries", "linux_banner_issue", "linux_banner_issue_net"}
ACCEPT = ("--accept", "lockout")


@contextmanager
def tiny_fleet(hardening: CommandLine, hosts: Sequence[LabHost]) -> Iterator[CommandLine]:
    """The command line beside an inventory `lab.yml` of the hosts; afterwards all must be as they were."""
    write_inventory(hardening.place / "lab.yml", hosts)
    (hardening.place / "base" / "profiles" / "tiny.yml").write_text(TINY)
    before = [host.snapshot_tree(("/etc",)) for host in hosts]
    yield hardening
    for host, tree in zip(hosts, before, strict=True):
        assert different(tree, host.snapshot_tree(("/etc",))) == {}, host.name


def different(before: dict[str, Entry], after: dict[str, Entry]) -> dict[str, tuple[Entry | None, Entry | None]]:
    """Return what is not as it was, by path, then and now."""
    paths = sorted(before.keys() | after.keys())
    return {path: (before.get(path), after.get(path)) for path in paths if before.get(path) != after.get(path)}


def planned(fleet: CommandLine, *arguments: str) -> Said:
    """Write plan.yml without dry runs."""
    return fleet("plan", "-i", "lab.yml", "-p", "tiny", "--no-preview", "--json", *arguments)


def states(said: Said) -> dict[tuple[str, str], str]:
    """Return what became of each control on each host; what went wrong shows its reason."""
    return {
        (change["host"], change["control"]): (
            f"{change['state']}: {change['reason']}"
            if change["state"] in ("failed", "not_reported")
            else change["state"]
        )
        for change in said.document()["changes"]
    }


def everywhere(hosts: Sequence[LabHost], state: str) -> dict[tuple[str, str], str]:
    """Return that state for every gap on all hosts."""
    return {(host.name, control): state for host in hosts for control in GAPS}


def begun(process: subprocess.Popen[str], host: LabHost) -> None:
    """Return when a host has written down what it is about to change; it writes right after."""
    journal = host.root / "var/lib/hardening/journal"
    before = set(journal.glob("*.jsonl"))
    until = time.monotonic() + 120
    while not any(path.stat().st_size for path in set(journal.glob("*.jsonl")) - before):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "the apply never wrote"
        time.sleep(0.01)  # Another machine's file: there is nothing to wait on.
