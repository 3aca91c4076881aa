"""What sudo lets our account do, as sudo itself tells root."""

from __future__ import annotations

import re
from typing import Any

from checks import CannotLook, read
from checks.preflight.login import login
from checks.preflight.marking import look


@look
def sudo_grants(host: Any) -> dict[str, Any]:
    """Return for the account that logged in: `options` that hold for it and `grants`, one per rule, in sudo's order.

    Source: `sudo -l -U USER` (sudo(8)). A line that goes on in the next one is put together.
    """
    us = login(host)
    if us["over"] != "ssh":
        return {"user": "", "options": [], "grants": []}
    told = read(host, "LC_ALL=C COLUMNS=10000 sudo -l -U %s", us["user"])
    if not re.search(r"may run the following|is not allowed to run", told):
        raise CannotLook("`sudo -l` told no rules")
    defaults, _, rules = told.partition("may run the following")
    options = re.search(r"^Matching Defaults entries for .*:\n((?:[ \t]+.*\n)+)", defaults, re.MULTILINE)
    return {
        "user": us["user"],
        "options": [part.strip() for part in re.split(r"(?<!\\),", options[1]) if part.strip()] if options else [],
        "grants": [line.strip() for line in rules.splitlines() if line.strip().startswith("(")],
    }
