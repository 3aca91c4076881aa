"""The audit daemon's configuration, the rules it is given, and the rules and state the kernel has."""

from __future__ import annotations

import re
from typing import Any

from checks import CannotLook, NotApplicable, Truths, ahead, kind, read
from checks.linux.audit_rules import Atom, every_atom, is_covered
from checks.linux.files import walked
from checks.linux.reading import text_or_none, tool

# In the order augenrules merges them; the compiled file is what a start without augenrules loads.
_RULES_ON_DISK = (
    "if [ -d /etc/audit/rules.d ]; then for f in /etc/audit/rules.d/*.rules; do"
    ' if [ -e "$f" ]; then cat "$f" || exit 1; echo; fi; done; else cat /etc/audit/audit.rules; fi'
)


@kind
def auditd_option(host: Any, *, option: str) -> str | None:
    """Return an option of /etc/audit/auditd.conf in lower case; None where it is not set. The last line wins."""
    text = text_or_none(host, "/etc/audit/auditd.conf")
    if text is None:
        raise NotApplicable("auditd is not installed")
    found = re.findall(rf"^[ \t]*{re.escape(option)}[ \t]*=[ \t]*(.*?)[ \t]*$", text, re.MULTILINE | re.IGNORECASE)
    return str(found[-1]).lower() or None if found else None


@kind
def audit_rules(host: Any, *, rules: list[str]) -> Truths:
    """Return of each rule whether the kernel has it, and whether the next start will load it: present or missing.

    A rule that records more, or goes by another key, counts as well. A watch on a path that does not exist counts as
    it is asked: the kernel takes it all the same.
    """
    loaded, written = loaded_atoms(host), every_atom(_on_disk(host))
    return Truths(running=_told(rules, loaded), on_disk=_told(rules, written))


@kind
def audit_privileged(host: Any) -> Truths:
    """Return of every set-user-ID and set-group-ID program whether its use is recorded: present or missing."""
    loaded, written = loaded_atoms(host), every_atom(_on_disk(host))
    programs = sorted(path for letter, path in walked(host) if letter == "x")
    if not programs:
        raise NotApplicable("there is no set-user-ID or set-group-ID program")
    rules = {path: f"-a always,exit -F path={path} -F perm=x -F auid>=1000 -F auid!=unset" for path in programs}
    return Truths(
        running={path: "present" if is_covered(rule, loaded) else "missing" for path, rule in rules.items()},
        on_disk={path: "present" if is_covered(rule, written) else "missing" for path, rule in rules.items()},
    )


@kind
def audit_status(host: Any, *, field: str) -> Truths:
    """Return a field of the audit system's state (`enabled`, `failure`, `backlog_limit`) now and as set at start."""
    ahead(host, _RULES_ON_DISK)
    status = re.search(rf"^{re.escape(field)} (\S+)", tool(host, "auditctl", "auditctl -s"), re.MULTILINE)
    if status is None:
        raise CannotLook(f"`auditctl -s` does not tell {field}")
    options = {"enabled": "e", "failure": "f", "backlog_limit": "b", "backlog_wait_time": "-backlog_wait_time"}
    set_at_start = re.findall(rf"^\s*-{options[field]}\s+(\S+)", _on_disk(host), re.MULTILINE)
    # auditd itself switches auditing on when it starts (auditd(8), -s).
    at_start = set_at_start[-1] if set_at_start else {"enabled": "1"}.get(field)
    return Truths(running=status[1], on_disk=at_start)


def loaded_atoms(host: Any) -> frozenset[Atom]:
    """Return what the kernel has loaded. Raises CannotLook where auditctl does not list it."""
    ahead(host, _RULES_ON_DISK)
    listing = tool(host, "auditctl", "auditctl -l")
    if not re.search(r"^(-[aAw]|No rules)", listing, re.MULTILINE):
        raise CannotLook("`auditctl -l` listed neither rules nor that there are none")
    return every_atom(listing)


def _on_disk(host: Any) -> str:
    ahead(host, _RULES_ON_DISK)
    tool(host, "auditctl", "command -v auditctl")
    return read(host, _RULES_ON_DISK)


def _told(rules: list[str], present: frozenset[Atom]) -> dict[str, str]:
    return {rule: "present" if is_covered(rule, present) else "missing" for rule in rules}
