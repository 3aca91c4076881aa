"""Connection variables of one host, with the settings behind them, as a `remote.Connection`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeVar

from hardening.inventory.settings import Settings
from hardening.remote.values import Become, Connection, Secret
from hardening.yaml_lines import did_you_mean

Value = TypeVar("Value")
Method = Literal["sudo", "su", "doas"]
METHODS: tuple[Method, ...] = ("sudo", "su", "doas")

# Option -> the variables that set it; the last one that is set wins, as in Ansible's ssh plugin.
SSH_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "host": ("ansible_host", "ansible_ssh_host"),
    "port": ("ansible_port", "ansible_ssh_port"),
    "remote_user": ("ansible_user", "ansible_ssh_user"),
    "password": ("ansible_password", "ansible_ssh_pass", "ansible_ssh_password"),
    "private_key_file": ("ansible_private_key_file", "ansible_ssh_private_key_file"),
    "ssh_args": ("ansible_ssh_args",),
    "ssh_common_args": ("ansible_ssh_common_args",),
    "ssh_extra_args": ("ansible_ssh_extra_args",),
    "ssh_executable": ("ansible_ssh_executable",),
    "host_key_checking": ("ansible_host_key_checking", "ansible_ssh_host_key_checking"),
    "timeout": ("ansible_timeout", "ansible_ssh_timeout"),
    "pkcs11_provider": ("ansible_ssh_pkcs11_provider",),
}
# What Ansible would use and we cannot: refused rather than ignored.
_NO_INLINE_KEYS = "keys inside the inventory are not supported; name a file with ansible_ssh_private_key_file"
REFUSED: Mapping[str, str] = {
    "ansible_private_key": _NO_INLINE_KEYS,
    "ansible_ssh_private_key": _NO_INLINE_KEYS,
    "ansible_private_key_passphrase": "put the key into an ssh-agent instead",
    "ansible_ssh_private_key_passphrase": "put the key into an ssh-agent instead",
    "ansible_sudo_chdir": "changing the directory before sudo is not supported",
}
_TRUE, _FALSE = ("y", "yes", "on", "1", "true", "t"), ("n", "no", "off", "0", "false", "f")


def become_variables(method: str) -> Mapping[str, tuple[str, ...]]:
    """Return option -> variables of a become method, in Ansible's order."""
    return {
        "become_user": ("ansible_become_user", f"ansible_{method}_user"),
        "become_exe": ("ansible_become_exe", f"ansible_{method}_exe"),
        "become_flags": ("ansible_become_flags", f"ansible_{method}_flags"),
        "become_pass": ("ansible_become_password", "ansible_become_pass", f"ansible_{method}_pass"),
    }


def connection_variables() -> frozenset[str]:
    """Return the names of all variables that decide how a host is reached."""
    names = {name for aliases in SSH_VARIABLES.values() for name in aliases}
    for method in METHODS:
        names |= {name for aliases in become_variables(method).values() for name in aliases}
    return frozenset(
        names | {"ansible_connection", "ansible_become", "ansible_become_method", "ansible_shell_type"} | set(REFUSED)
    )


@dataclass(frozen=True, kw_only=True)
class Around:
    """What holds for all hosts: settings, passwords that were given for the run, the sources, and who we are."""

    settings: Settings
    sources: tuple[str, ...]
    become_password: Secret | None = None
    connection_password: Secret | None = None
    we_are_root: bool = False


class UnusableValueError(Exception):
    """A variable that we cannot honour; the message names it."""


def transport_of(variables: Mapping[str, Any], settings: Settings) -> Literal["ssh", "local", "ansible"]:
    """Return how the host is reached; `smart` has meant ssh for years."""
    default = settings.base.get("DEFAULT_TRANSPORT")
    named = str(variables.get("ansible_connection") or (default.value if default else "ssh"))
    name = named.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")
    if name in ("ssh", "smart"):
        return "ssh"
    return "local" if name == "local" else "ansible"


def connection_of(name: str, variables: Mapping[str, Any], around: Around) -> tuple[Connection | None, list[str]]:
    """Return the connection of a host, or None and every reason why it cannot be honoured."""
    reader = _Reader(variables, around.settings)
    transport = transport_of(variables, around.settings)
    if transport == "ansible":
        return Connection(name=name, transport=transport, host=name, ansible_inventory=around.sources), []
    for variable, why in REFUSED.items():
        if variables.get(variable) is not None:
            reader.problems.append(f"{variable}: {why}")
    if variables.get("ansible_shell_type") not in (None, "sh"):
        reader.problems.append(f"ansible_shell_type: {variables['ansible_shell_type']} is not supported; only sh is")
    # A host key is checked on the local machine by nobody; the variable is refused all the same, for one rule.
    checking = reader.ssh("host_key_checking", _boolean)
    if checking is False and reader.said_in_inventory("host_key_checking"):
        reader.problems.append(f"{reader.name_of('host_key_checking')}: False is refused: host keys are always checked")
    user = reader.ssh("remote_user", str)
    is_root = around.we_are_root if transport == "local" else user == "root"
    become = _become(reader, around, is_root=is_root)
    if transport == "local":
        made = Connection(name=name, transport="local", host=name, become=become)
        return (None if reader.problems else made), reader.problems
    made = Connection(
        name=name,
        transport="ssh",
        host=reader.ssh("host", _word) or name,
        port=reader.ssh("port", _port),
        user=user,
        private_key_file=reader.ssh("private_key_file", _path),
        ssh_args=_ssh_args(reader),
        password=reader.ssh("password", Secret) or around.connection_password,
        become=become,
        connect_timeout_s=reader.ssh("timeout", _seconds) or 10.0,
    )
    return (None if reader.problems else made), reader.problems


def _ssh_args(reader: _Reader) -> tuple[str, ...]:
    if (reader.ssh("ssh_executable", str) or "ssh") not in ("ssh", "/usr/bin/ssh"):
        reader.problems.append(f"{reader.name_of('ssh_executable')}: only the system's ssh is used")
    words: list[str] = []
    for option in ("ssh_args", "ssh_common_args", "ssh_extra_args"):
        given = reader.ssh(option, shlex.split) or []
        weak = _weakens_host_keys(given)
        if weak is not None:
            reader.problems.append(f"{reader.name_of(option)}: {weak} is refused: host keys are always checked")
        words += given
    provider = reader.ssh("pkcs11_provider", _path)
    if provider:
        words += ["-o", f"PKCS11Provider={provider}"]
    return tuple(words)


def _weakens_host_keys(words: Sequence[str]) -> str | None:
    options = [word[2:] for word in words if word.startswith("-o") and len(word) > 2]
    options += [word for before, word in pairwise(words) if before == "-o"]
    for option in options:
        key, _, value = option.replace(" ", "=", 1).partition("=")
        key, value = key.strip().casefold(), value.strip(' "=').casefold()
        if key == "stricthostkeychecking" and value not in ("yes", "true", "ask"):
            return option
        if key in ("userknownhostsfile", "globalknownhostsfile") and "/dev/null" in value.split() and "user" in key:
            return option
    return None


def _become(reader: _Reader, around: Around, *, is_root: bool) -> Become | None:
    """Return how to become root: as the inventory says, through sudo where it says nothing, None where it says no."""
    wanted = reader.base("ansible_become", "DEFAULT_BECOME", _boolean)
    named = reader.base("ansible_become_method", "DEFAULT_BECOME_METHOD", str) or "sudo"
    method = named.rpartition(".")[2]
    if wanted is False:
        return None
    if method not in METHODS:
        near = did_you_mean(method, METHODS)
        reader.problems.append(f"ansible_become_method: {named} is not supported (sudo, su and doas are){near}")
        return None
    user = reader.become(method, "become_user", _word) or reader.base("", "DEFAULT_BECOME_USER", str) or "root"
    if is_root and user == "root":
        return None
    return Become(
        method=method,
        user=user,
        password=reader.become(method, "become_pass", Secret) or around.become_password,
        exe=reader.become(method, "become_exe", _word) or reader.base("", "DEFAULT_BECOME_EXE", str),
        flags=reader.become(method, "become_flags", _flags) or reader.base("", "DEFAULT_BECOME_FLAGS", _flags) or "",
    )


class _Reader:
    """Reads one host's options: variable, else setting, else None; what cannot be parsed becomes a problem."""

    def __init__(self, variables: Mapping[str, Any], settings: Settings) -> None:
        self.variables = variables
        self.settings = settings
        self.problems: list[str] = []

    def ssh(self, option: str, parse: Callable[[str], Value]) -> Value | None:
        return self._read(SSH_VARIABLES[option], self.settings.connection.get("ssh", {}).get(option), parse)

    def become(self, method: str, option: str, parse: Callable[[str], Value]) -> Value | None:
        plugin = self.settings.become.get(method, {}).get(option)
        return self._read(become_variables(method)[option], plugin, parse)

    def base(self, variable: str, setting: str, parse: Callable[[str], Value]) -> Value | None:
        return self._read((variable,), self.settings.base.get(setting), parse)

    def said_in_inventory(self, option: str) -> bool:
        return any(self.variables.get(name) is not None for name in SSH_VARIABLES[option])

    def name_of(self, option: str) -> str:
        """Return the variable that set an ssh option, or the setting and its origin."""
        found = self._variable(SSH_VARIABLES[option])
        if found:
            return found
        setting = self.settings.connection.get("ssh", {}).get(option)
        return f"{option} of {setting.origin}" if setting else option

    def _variable(self, names: Sequence[str]) -> str | None:
        said = [name for name in names if self.variables.get(name) is not None]
        return said[-1] if said else None

    def _read(self, names: Sequence[str], setting: Any, parse: Callable[[str], Value]) -> Value | None:
        name = self._variable(names)
        value = self.variables[name] if name else setting.value if setting else None
        if value is None or value == "":
            return None
        try:
            return parse(str(value))
        except (ValueError, UnusableValueError) as problem:
            self.problems.append(f"{name or setting.origin}: {problem}")
            return None


def _boolean(text: str) -> bool:
    word = text.strip().casefold()
    if word not in (*_TRUE, *_FALSE):
        raise UnusableValueError(f"{text} is neither yes nor no")
    return word in _TRUE


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise UnusableValueError(f"{text} is not a port number")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise UnusableValueError(f"{text} is not a number of seconds") from None
    if seconds <= 0:
        raise UnusableValueError(f"{text} must be more than 0 seconds")
    return seconds


def _word(text: str) -> str:
    if text.startswith("-") or any(letter.isspace() for letter in text):
        raise UnusableValueError(f"{text!r} may hold no blanks and not begin with a dash")
    return text


def _flags(text: str) -> str:
    return shlex.join(shlex.split(text))


def _path(text: str) -> str:
    return str(Path(text).expanduser())
