"""What a login shell is given: time-out, umask, history; and the texts shown before and after a login."""

from __future__ import annotations

import re
from typing import Any

from checks import CannotLook, kind, read
from checks.linux.reading import text_or_none

_NAMES = ("TMOUT", "HISTSIZE", "HISTFILESIZE", "HISTTIMEFORMAT", "HISTCONTROL", "HISTFILE")
# An interactive login as far as /etc/profile goes: its settings are asked of a shell, not guessed from the text.
# They know an interactive shell by PS1. Without a home directory nobody's own files take part.
_SHELL = (
    "env -i HOME=/nonexistent TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin bash --noprofile --norc -c"
    ' \'PS1=x; . /etc/profile >/dev/null 2>&1; echo "seen:umask=$(umask)";'
    " for v in " + " ".join(_NAMES) + '; do if [ -n "${!v+x}" ]; then echo "seen:$v=${!v}"; fi; done;'
    ' readonly -p | sed "s/^/readonly:/"\' </dev/null'
)


@kind
def shell_setting(host: Any, *, name: str) -> str | None:
    """Return what an interactive bash has after /etc/profile: a variable, or `umask`; None where it is not set."""
    said = read(host, _SHELL)
    if "seen:umask=" not in said:
        raise CannotLook("bash did not come to the end of /etc/profile")
    found = re.findall(rf"^seen:{re.escape(name)}=(.*)$", said, re.MULTILINE)
    return str(found[-1]) if found else None


@kind
def shell_readonly(host: Any, *, name: str) -> str:
    """Return whether an interactive bash could change a variable after /etc/profile: readonly or writable."""
    said = read(host, _SHELL)
    if "seen:umask=" not in said:
        raise CannotLook("bash did not come to the end of /etc/profile")
    found = re.search(rf"^readonly:declare -\S*r\S* {re.escape(name)}(=|$)", said, re.MULTILINE)
    return "readonly" if found else "writable"


@kind
def banner(host: Any, *, path: str) -> str | None:
    """Return a text that people see when they log in; None where the file does not exist or is empty."""
    return (text_or_none(host, path) or "").strip() or None
