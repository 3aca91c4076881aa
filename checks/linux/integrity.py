"""AIDE: its database, its schedule, what it watches."""

from __future__ import annotations

import re
from typing import Any

from checks import CannotLook, NotApplicable, ahead, kind, read
from checks.linux.reading import text_or_none, tool

_DATABASES = "ls -d /var/lib/aide/aide.db /var/lib/aide/aide.db.gz 2>/dev/null; true"


@kind
def aide_database(host: Any) -> str | None:
    """Return the path of the database AIDE compares with; None where none was made."""
    ahead(host, _DATABASES)
    tool(host, "aide", "command -v aide")
    found = read(host, _DATABASES).split()
    return found[0] if found else None


@kind
def aide_rules(host: Any, *, paths: list[str]) -> dict[str, str]:
    """Return by path what AIDE itself says it does with the file: `checksummed`, `without checksum` or `ignored`."""
    tool(host, "aide", "command -v aide")
    if text_or_none(host, "/etc/aide/aide.conf") is None:
        raise NotApplicable("/etc/aide/aide.conf does not exist")
    found = {}
    for path in paths:
        said = host.run("aide --config=/etc/aide/aide.conf --path-check=%s", f"f:{path}")
        rule = re.search(r"^\[(.)\]", said.stdout, re.MULTILINE)
        if rule is None:
            raise CannotLook(f"`aide --path-check` told nothing about {path}: {said.stderr.strip()[-200:]}")
        if rule[1] == " ":
            found[path] = "ignored"
        else:
            found[path] = (
                "checksummed" if re.search(r"[+ ](sha256|sha512|sha3_\d+)\b", said.stdout) else "without checksum"
            )
    return found
