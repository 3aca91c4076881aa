"""Defaults for accounts and passwords to come: /etc/login.defs and /etc/default/useradd."""

from __future__ import annotations

from typing import Any

from checks import CannotLook, NotApplicable, kind, read
from checks.linux.reading import text_or_none


@kind
def login_defs(host: Any, *, option: str) -> str | None:
    """Return an option of /etc/login.defs; None where it is not set. The last line that names it wins."""
    text = text_or_none(host, "/etc/login.defs")
    if text is None:
        raise NotApplicable("/etc/login.defs does not exist")
    return settings(text).get(option)


@kind
def useradd_default(host: Any, *, option: str) -> str | None:
    """Return a default of new accounts as `useradd -D` says it (INACTIVE, SHELL, ...); None where it names none."""
    found = dict(line.partition("=")[::2] for line in read(host, "useradd -D").splitlines())
    if "SHELL" not in found:
        raise CannotLook("`useradd -D` printed no defaults")
    return found.get(option) or None


def settings(text: str) -> dict[str, str]:
    """Return the options of a login.defs text: a name, blanks, a value that may stand in double quotes."""
    found = {}
    for raw in text.splitlines():
        name, _, value = raw.strip().replace("\t", " ").partition(" ")
        if name and not name.startswith("#") and value.strip():
            found[name] = value.strip().strip('"')
    return found
