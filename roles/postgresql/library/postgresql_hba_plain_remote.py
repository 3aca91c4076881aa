#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind postgresql.hba_plain_remote: other machines get in through TLS only."""

from __future__ import annotations

import ipaddress
import re

from ansible.module_utils.hardening_core import Control, System, run_module
from ansible.module_utils.hardening_postgresql import cluster_of


def plan(control: Control, system: System) -> None:
    """Turn `host` and `hostnossl` into `hostssl` in rules for other machines."""
    cluster = cluster_of(control, system)
    file = system.file(cluster.configuration + "/pg_hba.conf")
    lines = [
        re.sub(r"^(\s*)host(nossl)?(\s)", r"\1hostssl\3", line) if is_remote(line) else line for line in file.lines
    ]
    if lines != file.lines:
        file.set_text("\n".join(lines) + "\n")
    system.after("reload:" + cluster.unit)


def is_remote(line: str) -> bool:
    """Tell whether a rule is for other machines."""
    words = line.split("#")[0].split()
    if len(words) < 5 or words[0] not in ("host", "hostnossl"):
        return False
    address = words[3].split("/")[0]
    if address in ("samehost", "localhost"):
        return False
    try:
        return not ipaddress.ip_address(address).is_loopback
    except ValueError:
        return True


def main() -> None:
    """The look reads pg_hba_file_rules afterwards, which parses the file as the server does."""
    run_module(plan)


if __name__ == "__main__":
    main()
