"""How to look: one module (or package) per component.

Looking returns what was seen; it never judges, writes or defaults.

A component module has
- `targets(host)`: the instances of the component on the host, as a list of names; `[""]` for the one nameless
  instance, `[]` where the component is not installed. Raises CannotLook when that cannot be told.
- one function per kind, decorated with `@kind`. Its keyword parameters are the control's `with`, checked
  against their annotations when the catalogue is loaded. Where a component has instances, a parameter
  `instance: str` receives the name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


class CannotLook(Exception):
    """We could not see: never a pass, never a fail. The message is the reason a user reads."""


class NotApplicable(Exception):
    """What the control speaks of does not exist on this system; the message says what was seen instead."""


@dataclass(frozen=True, kw_only=True)
class Truths:
    """A setting with a running and an after-reboot truth; both must satisfy what is wanted."""

    running: Any
    on_disk: Any


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A counter of a server that only grows: what it has come to, and for how many seconds that server has run."""

    total: float
    up_s: float


def kind(function: Function) -> Function:
    """Mark a function as the look of the kind of its own name."""
    function.__dict__["is_kind"] = True
    return function


def in_use(host: Any, unit: str) -> bool:
    """Tell whether a unit runs or would start at boot; one that does neither is installed and not in use.

    Where nobody can tell (no systemd), it counts as in use.
    """
    shown = host.run("systemctl show -p ActiveState -p UnitFileState %s", unit)
    if shown.rc != 0:
        return True
    state = dict(line.split("=", 1) for line in shown.stdout.splitlines() if "=" in line)
    return state.get("ActiveState") != "inactive" or state.get("UnitFileState") not in ("disabled", "masked")


def runs(host: Any, program: str) -> bool:
    """Tell whether a program runs on the host itself, whoever started it; what runs in a container is not meant.

    Where pgrep cannot tell, it counts as not running: ask only what systemd or the package does not know.
    """
    return bool(host.run("pgrep --ns 1 --nslist pid -x %s", program).rc == 0)


def ahead(host: Any, command: str, *arguments: str) -> None:
    """Have a command sent now that `read` will want once another has answered: the two then cost one round trip.

    Only for commands that read and are cheap, since the first answer may make the second needless. Other ways to ask
    than this suite's own have no queue: there nothing happens.
    """
    if hasattr(host.backend, "ahead"):
        host.backend.ahead(command, *arguments)


def read(host: Any, command: str, *arguments: str) -> str:
    """Return the standard output of a command that must succeed; anything but exit code 0 raises CannotLook.

    `command` may hold `%s` placeholders, which testinfra quotes for the shell.
    """
    result = host.run(command, *arguments)
    if result.rc != 0:
        said = (result.stderr or result.stdout).strip().splitlines()
        asked = command % arguments if arguments else command
        raise CannotLook(f"{said[-1][:300] if said else 'no answer'} (`{asked[:60]}` answered {result.rc})")
    return str(result.stdout)
