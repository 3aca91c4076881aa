"""Translate what ssh, sudo or a login said at their end into one clear sentence and its kind."""

from __future__ import annotations

from dataclasses import dataclass

from hardening.remote.values import Become, Connection, Failure


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Why a session ended or never came about."""

    failure: Failure
    sentence: str
    # Worth another try after a pause: the server turned us away without looking at us.
    busy: bool = False
    # sudo insists on a terminal: the same again over a pty.
    wants_terminal: bool = False


# What ssh says (its own messages are not translated), what that is, and what to do. The first that matches counts.
_SSH_WORDS: tuple[tuple[str, Failure, str], ...] = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        Failure.HOST_KEY_CHANGED,
        "the host key of {where} has changed; if that is right, remove the old one (ssh-keygen -R)",
    ),
    ("REVOKED HOST KEY", Failure.HOST_KEY_CHANGED, "the host key of {where} is revoked"),
    (
        "host key is known for",
        Failure.HOST_KEY_UNKNOWN,
        "the host key of {where} is not known; connect once by hand or add it to known_hosts",
    ),
    ("Host key verification failed", Failure.HOST_KEY_UNKNOWN, "the host key of {where} could not be verified"),
    ("Could not resolve hostname", Failure.NO_NAME, "{where}: the name does not resolve"),
    ("Permission denied", Failure.AUTH_REFUSED, "{where} refused the login: {last}"),
    ("Too many authentication failures", Failure.AUTH_REFUSED, "{where} refused the login: too many keys were offered"),
    ("No route to host", Failure.NO_ROUTE, "{where}: no route to host"),
    ("Network is unreachable", Failure.NO_ROUTE, "{where}: the network is unreachable"),
    ("Connection refused", Failure.REFUSED, "{where} refused the connection: nothing listens on that port"),
    ("timed out", Failure.TIMED_OUT, "{where} did not answer in time"),
    ("not responding", Failure.TIMED_OUT, "{where} stopped answering"),
)
_TURNED_AWAY = ("kex_exchange_identification", "Connection reset by peer", "ssh_exchange_identification")
_SUDO_WORDS: tuple[tuple[str, str], ...] = (
    ("uthentication required", "{method} wants a password for {user}, and none is given in the inventory"),
    ("password is required", "{method} wants a password for {user}, and none is given in the inventory"),
    ("is not in the sudoers file", "{user} is not allowed to use sudo"),
    ("may not run sudo", "{user} is not allowed to use sudo"),
    ("is not allowed to execute", "{user} is not allowed to run a shell as {wanted} through sudo"),
    ("Operation not permitted", "{method} is not permitted for {user}"),
    ("unknown user", "the user {wanted} does not exist there"),
    ("does not exist or the user entry", "the user {wanted} does not exist there"),
    ("Authentication fail", "{method} refused the password of {wanted}"),
    ("ncorrect password", "{method} refused the password"),
    ("not found", "{method} is not installed there"),
    ("No such file or directory", "{method} is not installed there"),
)
_NO_SHELL_WORDS = ("account is currently not available", "nologin", "This account is", "not a shell")


def refused_password(connection: Connection) -> Trouble:
    """Return the trouble of a become password that was asked for twice."""
    become = connection.become or Become()
    return Trouble(
        failure=Failure.NO_PRIVILEGE, sentence=f"{become.method} refused the password given for {_who(connection)}"
    )


def no_password(connection: Connection) -> Trouble:
    """Return the trouble of a become password that is asked for and not given."""
    become = connection.become or Become()
    sentence = f"{become.method} wants a password for {_who(connection)}, and none is given in the inventory"
    return Trouble(failure=Failure.NO_PRIVILEGE, sentence=sentence)


def wrong_identity(connection: Connection, seen_as: str) -> Trouble:
    """Return the trouble of a session that runs as somebody else than asked."""
    become = connection.become or Become()
    sentence = f"{become.method} was to make us {become.user}, but the session runs as {seen_as}"
    return Trouble(failure=Failure.NO_PRIVILEGE, sentence=sentence)


def too_slow(connection: Connection, seconds: float, said: str) -> Trouble:
    """Return the trouble of a login that did not give us a shell in time."""
    heard = f"; it said: {_last_line(said)}" if said.strip() else ""
    sentence = f"{_where(connection)} gave us no shell within {seconds:.0f} s{heard}"
    return Trouble(failure=Failure.TIMED_OUT, sentence=sentence)


def diagnose(connection: Connection, *, ready: bool, complaints: str, said: str, exit_code: int | None) -> Trouble:
    """Return why a session ended. `complaints` are ssh's own messages, `said` what came from the other side."""
    where = _where(connection)
    # What a jump host's own ssh complains of comes among the words of the other side; 255 says that ssh failed.
    heard = complaints if ready or exit_code != 255 else f"{said}\n{complaints}"
    for words, failure, sentence in _SSH_WORDS:
        if words in heard:
            last = _last_line(heard).rsplit(": ", 1)[-1]
            return Trouble(failure=failure, sentence=sentence.format(where=where, last=last))
    if not ready and any(words in complaints for words in _TURNED_AWAY):
        return Trouble(failure=Failure.LOST, sentence=f"{where} closed the connection before the login", busy=True)
    become = connection.become
    if not ready and become is not None:
        if "tty" in said and "sudo" in said:
            sentence = f"sudo insists on a terminal for {_who(connection)}"
            return Trouble(failure=Failure.NO_PRIVILEGE, sentence=sentence, wants_terminal=True)
        for words, sentence in _SUDO_WORDS:
            if words in said:
                text = sentence.format(method=become.method, user=_who(connection), wanted=become.user)
                return Trouble(failure=Failure.NO_PRIVILEGE, sentence=text)
        if f"{become.method}: " in said:
            text = f"{become.method} did not make us {become.user}: {_last_line(said)}"
            return Trouble(failure=Failure.NO_PRIVILEGE, sentence=text)
    if ready:
        return Trouble(failure=Failure.LOST, sentence=f"{where}: the session ended{_because(complaints or said)}")
    if any(words in said for words in _NO_SHELL_WORDS) or (exit_code is not None and exit_code != 255):
        last_words = f"; it said: {_last_line(said)}" if said.strip() else ""
        sentence = f"{_who(connection)} has no usable shell on {where}{last_words}"
        return Trouble(failure=Failure.NO_SHELL, sentence=sentence)
    return Trouble(failure=Failure.OTHER, sentence=f"{where}: no session{_because(complaints or said)}")


def _where(connection: Connection) -> str:
    if connection.transport == "local":
        return "this machine"
    address = connection.host or connection.name
    return address if connection.port is None else f"{address} port {connection.port}"


def _who(connection: Connection) -> str:
    return connection.user or "the login user"


def _because(said: str) -> str:
    last = _last_line(said)
    return f": {last}" if last else ""


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
