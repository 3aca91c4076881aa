#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind postgresql.hba_method: nobody gets in with a method. with: {method}; value: the method that takes its place."""

from __future__ import annotations

import re

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module
from ansible.module_utils.hardening_postgresql import cluster_of

METHODS = (
    "cert",
    "gss",
    "ident",
    "ldap",
    "md5",
    "pam",
    "password",
    "peer",
    "radius",
    "reject",
    "scram-sha-256",
    "sspi",
    "trust",
)


def plan(control: Control, system: System) -> None:
    """Put the other method into each rule that has the unwanted one; no rule goes, none comes."""
    unwanted, other = str(control.params["method"]), str(control.value)
    if other not in METHODS:
        raise CannotApply(repr(other) + " is no method of pg_hba.conf")
    cluster = cluster_of(control, system)
    file = system.file(cluster.configuration + "/pg_hba.conf")
    lines = [changed(line, unwanted, other) for line in file.lines]
    if lines != file.lines:
        file.set_text("\n".join(lines) + "\n")
    system.after("reload:" + cluster.unit)


def changed(line: str, unwanted: str, other: str) -> str:
    """Return a rule with its method replaced; every other line as it is."""
    words = line.split("#")[0].split()
    if len(words) < 4 or not re.match(r"^(local|host\w*)$", words[0]):
        return line
    # type database user [address [mask]] method: a database may be called like a method.
    first = 3 if words[0] == "local" else 4
    at = next((index for index, word in enumerate(words) if index >= first and word in METHODS), None)
    if at is None or words[at] != unwanted:
        return line
    pieces = re.split(r"(\s+)", line)
    places = [index for index, piece in enumerate(pieces) if piece and not piece.isspace()]
    pieces[places[at]] = other
    return "".join(pieces)


def main() -> None:
    """The look reads pg_hba_file_rules afterwards, which parses the file as the server does."""
    run_module(plan)


if __name__ == "__main__":
    main()
