"""The plain values that go into a look at many hosts and come out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from hardening.model import Json, Probe

if TYPE_CHECKING:
    from hardening.remote.scope import HostScope


State = Literal["connecting", "looking", "done"]


class Secret:
    """A text that no repr, format, log line or traceback shows; `reveal()` gives it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if "\n" in text or "\0" in text:
            raise ValueError("a password cannot hold a line break or a NUL")
        self._text = text

    def reveal(self) -> str:
        """Return the text itself: only where it is handed to the program that asks for it."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(("Secret", self._text))


@dataclass(frozen=True, kw_only=True)
class Become:
    """How we become another user, once per session. `exe` and `flags` replace the program and add arguments."""

    method: Literal["sudo", "su", "doas"] = "sudo"
    user: str = "root"
    password: Secret | None = None
    exe: str | None = None
    flags: str = ""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """How to reach one host. `name` is its inventory name; host keys are always checked.

    `ssh_args` are further arguments of ssh (common and extra arguments, ProxyJump, ...).
    `alone` is a connection that shares no other's and takes no terminal where none is asked for: it proves that what
    is configured lets us in, and nothing else did.
    `ansible_inventory` serves transport "ansible" only: the inventory files that Ansible shall read.
    """

    name: str
    transport: Literal["ssh", "local", "ansible"] = "ssh"
    host: str = ""
    port: int | None = None
    user: str | None = None
    private_key_file: str | None = None
    ssh_args: tuple[str, ...] = ()
    password: Secret | None = None
    become: Become | None = None
    connect_timeout_s: float = 10.0
    known_hosts_file: str | None = None
    alone: bool = False
    ansible_inventory: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one command, one host and one run may take.

    `login_s` runs from the start of ssh to our own shell, on top of the connection's own connect timeout.
    """

    command_s: float = 30.0
    host_s: float = 300.0
    output_bytes: int = 4 * 1024 * 1024
    sessions: int = 128
    handshakes: int = 24
    login_s: float = 30.0


@dataclass(frozen=True, kw_only=True)
class HostJob:
    """What to do on one host: `script` spawns the tasks; `plan` holds commands worth sending first.

    A plan comes from an earlier `HostReport`; what is not a read-only shape of testinfra's own modules is ignored.
    """

    connection: Connection
    script: Callable[[HostScope], None]
    plan: tuple[str, ...] = ()
    fuse: bool = True


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one task: `value` if it returned, `error` if it raised, and what was asked on the way."""

    key: str
    value: object | None
    error: BaseException | None
    probes: tuple[Probe, ...]
    duration_s: float


class Failure(StrEnum):
    """Why a host could not be looked at to the end."""

    NO_CLIENT = "no_client"
    NO_NAME = "no_name"
    NO_ROUTE = "no_route"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    HOST_KEY_CHANGED = "host_key_changed"
    HOST_KEY_UNKNOWN = "host_key_unknown"
    AUTH_REFUSED = "auth_refused"
    NO_SHELL = "no_shell"
    NO_PRIVILEGE = "no_privilege"
    LOST = "lost"
    HOST_DEADLINE = "host_deadline"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What a look at one host cost on the wire.

    asked: every call of `run`; distinct: after removing duplicates; sent: shell items, a fused read being one;
    execs: processes we started to reach the host; waves: flushes that had to wait for an answer.
    """

    commands_asked: int = 0
    commands_distinct: int = 0
    commands_sent: int = 0
    execs: int = 0
    waves: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    connect_s: float = 0.0
    wall_s: float = 0.0

    def as_json(self) -> dict[str, Json]:
        """Return the figures by name, seconds rounded to a tenth of a millisecond."""
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(self).items()}


@dataclass(frozen=True, kw_only=True)
class HostReport:
    """Everything that came of one host.

    `unreachable` is a sentence, `failure` its kind; both None when the host was looked at to the end.
    `script` is the outcome of the job's script itself. `user` is who we were there ("" if we never knew).
    `plan` holds the commands worth sending first the next time.
    """

    name: str
    outcomes: Mapping[str, Outcome]
    unreachable: str | None
    failure: Failure | None
    traffic: Traffic
    plan: tuple[str, ...]
    script: Outcome
    user: str = ""


@dataclass(frozen=True, kw_only=True)
class HostProgress:
    """Where a host stands: `tasks_done` of `tasks_spawned` (which still grows while tasks spawn others)."""

    name: str
    state: State
    tasks_done: int
    tasks_spawned: int


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One command whose reply differs between our session and testinfra's own backend."""

    command: str
    what: Literal["exit_code", "stdout", "stderr"]
    ours: Any
    stock: Any
