"""How a shell on the other side is started: the argument list, and what is said until the shell is ours.

A secret is never in an argument list or in the environment: it goes through standard input or through a fifo.
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from hardening.remote.values import Become, Connection, Secret

_SHELL = "/bin/sh"
# As ssh itself would run a command: in the user's own shell, where that speaks the language of sh. Shells differ in
# small things (what `echo` does with a backslash, what `command -v` answers for a program that is not there).
_LOGIN_SHELL = f'case ${{SHELL##*/}} in bash|dash|ash|ksh|mksh) exec "$SHELL" -s;; *) exec {_SHELL} -s;; esac'
# su and doas word their question in the language of the host, and end it with a colon (some with a full-width one).
_ANY_PASSWORD_PROMPT = re.compile(rb"(?::|\xef\xbc\x9a)[ ]*\Z")


@dataclass(frozen=True, kw_only=True)
class Dialogue:
    """What happens before our shell runs: at `prompt` the secret is typed once; `granted` says that we are through."""

    prompt: re.Pattern[bytes]
    granted: re.Pattern[bytes]
    secret: Secret | None


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One way to start a shell. `terminal` means that both outputs come as one stream through a pty."""

    argv: tuple[str, ...]
    environment: dict[str, str] | None
    terminal: bool
    dialogue: Dialogue | None
    complaints: Path | None
    password_fifo: Path | None = None
    leftovers: tuple[Path, ...] = ()


def launch(connection: Connection, *, mark: str, room: Path, terminal: bool = False) -> Launch:
    """Return how to start a shell on this connection. `room` is a private directory for ssh's own messages.

    `terminal` asks for a pty where none is needed by itself (a sudo with requiretty).
    """
    become = connection.become
    terminal = terminal or (become is not None and _asks_on_terminal(become))
    shell, dialogue = _shell_command(become, mark, terminal)
    if connection.transport == "local":
        return _local(shell if become is not None else f"{_SHELL} -s", dialogue, terminal)
    complaints = room / f"{mark}.log"
    fifo = room / f"{mark}.ask" if connection.password is not None else None
    return Launch(
        argv=(*_ssh(connection, complaints, terminal), "exec " + shell),
        environment=_ssh_environment(fifo) if fifo is not None else None,
        terminal=terminal,
        dialogue=dialogue,
        complaints=complaints,
        password_fifo=fifo,
        leftovers=(complaints, *((fifo,) if fifo is not None else ())),
    )


def _asks_on_terminal(become: Become) -> bool:
    # su and doas read passwords from the terminal only; without a password doas -n needs none.
    return become.method == "su" or (become.method == "doas" and become.password is not None)


def _shell_command(become: Become | None, mark: str, terminal: bool) -> tuple[str, Dialogue | None]:
    if become is None:
        return f"{_SHELL} -c {shlex.quote(_LOGIN_SHELL)}", None
    words = [become.exe or become.method, *shlex.split(become.flags)]
    if become.method == "su":
        return f"{shlex.join([*words, become.user])} -c {shlex.quote(_take_terminal(mark))}", _dialogue(become, mark)
    if become.password is None:
        words += ["-n"]
    elif become.method == "sudo":
        words = [word for word in words if word not in ("-n", "--non-interactive")] + ["-S", "-p", _sudo_prompt(mark)]
    words += ["-u", become.user, _SHELL]
    if not terminal and become.password is None:
        return f"{shlex.join(words)} -s", None
    greet = _take_terminal(mark) if terminal else f"echo {mark} granted; exec {_SHELL} -s"
    return f"{shlex.join(words)} -c {shlex.quote(greet)}", _dialogue(become, mark)


def _take_terminal(mark: str) -> str:
    # Raw and without echo before the first byte of ours arrives: then bytes pass unchanged both ways.
    # A shell that reads from a terminal would be an interactive one and print prompts: cat stands between.
    return f"stty raw -echo; echo {mark} granted; cat | {_SHELL} -s"


def _sudo_prompt(mark: str) -> str:
    return f"[{mark} password]"


def _dialogue(become: Become, mark: str) -> Dialogue:
    secret = become.password
    ours = re.compile(re.escape(_sudo_prompt(mark).encode()))
    prompt = ours if become.method == "sudo" else _ANY_PASSWORD_PROMPT
    return Dialogue(prompt=prompt, granted=re.compile(mark.encode() + rb" granted\r?\n"), secret=secret)


def _ssh(connection: Connection, complaints: Path, terminal: bool) -> list[str]:
    """Return ssh and its arguments. For ssh the first value of an option counts: ours that must hold come first."""
    argv = ["ssh", "-tt" if terminal else "-T", "-x", "-o", "StrictHostKeyChecking=yes"]
    if connection.known_hosts_file is not None:
        # Quoted for ssh's own parser, which splits this option at blanks.
        argv += ["-o", f'UserKnownHostsFile="{connection.known_hosts_file}"', "-o", "GlobalKnownHostsFile=none"]
    argv += ["-o", "ControlMaster=no", "-o", "ControlPersist=no", "-o", "RemoteCommand=none"]
    argv += ["-o", "ControlPath=none"] if connection.alone else []
    argv += ["-o", "ClearAllForwardings=yes", "-E", str(complaints)]
    if connection.password is None:
        argv += ["-o", "BatchMode=yes"]
    else:
        argv += ["-o", "BatchMode=no", "-o", "NumberOfPasswordPrompts=1"]
    if connection.port is not None:
        argv += ["-p", str(connection.port)]
    if connection.user is not None:
        argv += ["-l", connection.user]
    if connection.private_key_file is not None:
        argv += ["-i", str(Path(connection.private_key_file).expanduser())]
    argv += connection.ssh_args
    argv += ["-o", f"ConnectTimeout={max(1, round(connection.connect_timeout_s))}"]
    argv += ["-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3"]
    return [*argv, "--", connection.host or connection.name]


def ssh_argv(connection: Connection) -> list[str]:
    """Return ssh as it is called for a connection, without a command: what `ssh -G` can be asked about."""
    return _ssh(connection, Path(os.devnull), False)


def _ssh_environment(fifo: Path) -> dict[str, str]:
    """Return the environment with an askpass that reads the password from a fifo."""
    askpass = fifo.parent / "askpass"
    if not askpass.exists():
        askpass.write_text(_ASKPASS)
        askpass.chmod(0o700)
    os.mkfifo(fifo, 0o600)
    return {**os.environ, "SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force", "HARDENING_ASK": str(fifo)}


# Answers only a question for a password: a key's passphrase or a one-time code is not ours to give.
_ASKPASS = """\
#!/bin/sh
case $1 in
*[Pp]assword*) IFS= read -r answer <"$HARDENING_ASK" && printf '%s\\n' "$answer" ;;
*) exit 1 ;;
esac
"""


def _local(shell: str, dialogue: Dialogue | None, terminal: bool) -> Launch:
    argv: tuple[str, ...] = tuple(shlex.split(shell))
    if terminal:
        # script(1) of util-linux gives a pty to a program that insists on one.
        argv = ("script", "-q", "-e", "-c", shell, "/dev/null")
    return Launch(argv=argv, environment=None, terminal=terminal, dialogue=dialogue, complaints=None)
