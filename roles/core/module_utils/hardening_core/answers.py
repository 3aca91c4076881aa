"""Whether a service answers as before: the listening sockets of its processes, and PostgreSQL's and HTTP's own words.

A service may be active and deaf: it moved to another port, or it waits for what it will never get. So before it takes
up a new configuration we look where it listens and whether it answers there, and afterwards whether it still does.
"""

from __future__ import annotations

import os
import re
import socket
import struct
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Set, Tuple

from .host import Host

CONNECT_S = 3.0
# How long a service that is up already may take until it answers as before.
PATIENCE_S, PAUSE_S = 30.0, 0.5
LISTENING = "0A"  # TCP_LISTEN of the kernel's net/tcp_states.h
STREAM, SO_ACCEPTCON = "0001", 0x10000
HTTP_PORT_OWNERS = ("nginx", "apache2", "httpd", "haproxy", "lighttpd", "caddy")


class Endpoint(NamedTuple):
    """Where a process listens: `tcp` with address and port, or `unix` with a path."""

    kind: str
    address: str
    port: int

    def __str__(self) -> str:
        """Return it as a person writes it."""
        if self.kind == "unix":
            return self.address
        return "{}:{}".format("[" + self.address + "]" if ":" in self.address else self.address, self.port)


class Answers(NamedTuple):
    """What a unit said: the endpoints that let a connection in, and what it answered to a question of its protocol."""

    endpoints: Set[Endpoint]
    words: Dict[str, str]


def answers_of(host: Host, unit: str) -> Answers:
    """Return where the unit's processes listen and answer now."""
    pids = processes_of(host, unit)
    found = {endpoint for endpoint in endpoints_of(host, pids) if accepts(endpoint)}
    words = {}
    names = {_name(host, pid) for pid in pids}
    if names & set(HTTP_PORT_OWNERS):
        for endpoint in found:
            said = http_status(endpoint)
            if said is not None:
                words["HTTP on " + str(endpoint)] = said
    if "postgres" in names:
        for endpoint in found:
            if endpoint.kind == "unix" and ".s.PGSQL." in endpoint.address:
                words["PostgreSQL on " + endpoint.address] = postgresql_says(endpoint)
    return Answers(found, words)


def silence(before: Answers, now: Answers) -> List[str]:
    """Say what does not answer as before.

    A port counts as answering when the unit lets a connection in on any of its addresses: where it may listen is what a
    control changes on purpose. So does what listens on TCP only no longer, when a socket of its own still answers.
    """
    missing = []
    ports = {endpoint.port for endpoint in now.endpoints if endpoint.kind == "tcp"}
    local = any(endpoint.kind == "unix" for endpoint in now.endpoints & before.endpoints)
    for endpoint in sorted(before.endpoints - now.endpoints):
        if endpoint.kind == "tcp" and (endpoint.port in ports or (local and not ports)):
            continue
        missing.append(str(endpoint) + " no longer lets a connection in")
    for what, said in sorted(before.words.items()):
        after = now.words.get(what)
        gone = what.split(" on ", 1)[1] not in map(str, now.endpoints)
        if not gone and after != said and (after is None or worse(said, after)):
            missing.append("{} answered {}, and now {}".format(what, said, after or "nothing"))
    return missing


def worse(before: str, after: str) -> bool:
    """Tell whether an answer is a failure of the service that was none before; a refusal may be what was wanted."""
    return after.startswith(("5", "no ")) and not before.startswith(("5", "no "))


def wait_for(host: Host, unit: str, before: Answers, sleep: Callable[[float], None] = time.sleep) -> List[str]:
    """Return what still does not answer as before once the patience is over; nothing at once where all does."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        missing = silence(before, answers_of(host, unit))
        if not missing or time.monotonic() > deadline:
            return missing
        sleep(PAUSE_S)


def processes_of(host: Host, unit: str) -> Set[str]:
    """Return the ids of the unit's processes, going by its control group; by its main process where there is none."""
    said = host.run(["systemctl", "show", "-p", "ControlGroup,MainPID", "--", unit]).out
    seen = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    group = seen.get("ControlGroup", "")
    found = {pid for pid in _pids(host) if group and group in _groups(host, pid)}
    main = seen.get("MainPID", "0")
    return found | ({main} if main != "0" else set())


def endpoints_of(host: Host, pids: Set[str]) -> Set[Endpoint]:
    """Return where these processes listen, from the kernel's own tables."""
    inodes = {inode for pid in pids for inode in _socket_inodes(host, pid)}
    found: Set[Endpoint] = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for words in _rows(host, table):
            if words[3] == LISTENING and words[9] in inodes:
                address, port = words[1].split(":")
                found.add(Endpoint("tcp", _address(address, family), int(port, 16)))
    for words in _rows(host, "unix"):
        # Num RefCount Protocol Flags Type St Inode Path
        accepting = int(words[3], 16) & SO_ACCEPTCON
        if len(words) > 7 and accepting and words[4] == STREAM and words[6] in inodes and words[7].startswith("/"):
            found.add(Endpoint("unix", words[7], 0))
    return found


def accepts(endpoint: Endpoint) -> bool:
    """Tell whether a connection is let in."""
    connection = _connected(endpoint)
    if connection is None:
        return False
    connection.close()
    return True


def http_status(endpoint: Endpoint) -> Optional[str]:
    """Return the status of a plain request, as `200`; None where no plain HTTP is spoken."""
    said = _asked(endpoint, b"GET / HTTP/1.0\r\nHost: localhost\r\nUser-Agent: hardening\r\n\r\n")
    found = re.match(rb"HTTP/\d\.\d (\d{3})", said)
    if found is None:
        return None
    # A plain request to a TLS port is answered, and says nothing about what is served there.
    return found.group(1).decode("ascii")


def postgresql_says(endpoint: Endpoint) -> str:
    """Return how the server answers an opened session, as pg_isready does: `a session`, or `no session: ...`."""
    parameters = b"user\0postgres\0database\0postgres\0\0"
    # Protocol 3.0 (PostgreSQL manual, Message Formats: StartupMessage).
    said = _asked(endpoint, struct.pack("!ii", len(parameters) + 8, 196608) + parameters)
    if said[:1] == b"R":
        return "a session"
    if said[:1] == b"E":
        # 57P03 is cannot_connect_now; any other refusal (a role, a method) comes from a server that is well.
        return "no session: it cannot take connections now" if b"57P03" in said else "a session"
    return "no session"


def _asked(endpoint: Endpoint, question: bytes) -> bytes:
    connection = _connected(endpoint)
    if connection is None:
        return b""
    with connection:
        try:
            connection.sendall(question)
            return connection.recv(4096)
        except OSError:
            return b""


def _connected(endpoint: Endpoint) -> Optional[socket.socket]:
    over_ip = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
    family = socket.AF_UNIX if endpoint.kind == "unix" else over_ip
    anywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a service listens on, not what we open
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.settimeout(CONNECT_S)
    try:
        if endpoint.kind == "unix":
            connection.connect(endpoint.address)
        else:
            connection.connect((anywhere.get(endpoint.address, endpoint.address), endpoint.port))
    except OSError:
        connection.close()
        return None
    return connection


def _address(words: str, family: int) -> str:
    """Return an address that the kernel wrote as 32-bit words in the machine's own order."""
    packed = b"".join(struct.pack("=I", int(words[at : at + 8], 16)) for at in range(0, len(words), 8))
    return socket.inet_ntop(family, packed)


def _rows(host: Host, table: str) -> List[List[str]]:
    try:
        with open(host.path("/proc/net/" + table), encoding="utf-8", errors="surrogateescape") as file:
            return [line.split() for line in file][1:]
    except OSError:
        return []  # A kernel without IPv6 has no such table.


def _pids(host: Host) -> List[str]:
    return [name for name in os.listdir(host.path("/proc")) if name.isdigit()]


def _groups(host: Host, pid: str) -> Tuple[str, ...]:
    """Return the control groups of a process, and those above each: a unit may divide its own."""
    try:
        with open(host.path("/proc/" + pid + "/cgroup"), encoding="utf-8", errors="replace") as file:
            paths = [line.rstrip("\n").split(":", 2)[2] for line in file if line.count(":") >= 2]
    except OSError:
        return ()
    return tuple(path[:end] for path in paths for end in [*_slashes(path), len(path)])


def _slashes(path: str) -> List[int]:
    return [place for place, letter in enumerate(path) if letter == "/" and place]


def _name(host: Host, pid: str) -> str:
    try:
        with open(host.path("/proc/" + pid + "/comm"), encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _socket_inodes(host: Host, pid: str) -> Set[str]:
    found: Set[str] = set()
    directory = host.path("/proc/" + pid + "/fd")
    try:
        names = os.listdir(directory)
    except OSError:
        return found  # It ended meanwhile.
    for name in names:
        try:
            link = os.readlink(directory + "/" + name)
        except OSError:
            continue
        if link.startswith("socket:["):
            found.add(link[len("socket:[") : -1])
    return found
