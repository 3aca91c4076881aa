"""Whether a service answers as before: real sockets of this process, and what counts as silence."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hardening_core import Host
from hardening_core.answers import (
    Answers,
    Endpoint,
    accepts,
    endpoints_of,
    http_status,
    postgresql_says,
    silence,
)

TCP = Endpoint("tcp", "127.0.0.1", 5432)
UNIX = Endpoint("unix", "/run/db/.s.PGSQL.5432", 0)


@pytest.fixture
def listeners(tmp_path: Path) -> Iterator[tuple[socket.socket, socket.socket, Path]]:
    """A TCP listener and a Unix listener of this process."""
    path = tmp_path / "socket"
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as unix:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        unix.bind(str(path))
        unix.listen()
        yield tcp, unix, path


def answered(listener: socket.socket, said: bytes) -> threading.Thread:
    """Answer one connection with these bytes, in the background."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1024)
            connection.sendall(said)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


def test_the_sockets_of_a_process_are_found_and_tried(listeners: tuple[socket.socket, socket.socket, Path]) -> None:
    """Of both families, by the kernel's own tables; a closed one is not there any more and lets nobody in."""
    tcp, unix, path = listeners
    port = tcp.getsockname()[1]
    pid = {str(os.getpid())}
    expected = {Endpoint("tcp", "127.0.0.1", port), Endpoint("unix", str(path), 0)}

    found = endpoints_of(Host(), pid)
    open_now = {endpoint for endpoint in expected if accepts(endpoint)}
    tcp.close()
    unix.close()

    assert expected <= found
    assert open_now == expected
    assert not expected & endpoints_of(Host(), pid)
    assert not [endpoint for endpoint in expected if accepts(endpoint)]


def test_a_port_that_is_open_to_all_is_tried_from_here() -> None:
    """What listens on every address is asked over the loopback, of either family."""
    for family, everywhere in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        with socket.socket(family) as listener:
            listener.bind((everywhere, 0))
            listener.listen()

            assert accepts(Endpoint("tcp", everywhere, listener.getsockname()[1]))


@pytest.mark.parametrize(
    ("said", "status"),
    [(b"HTTP/1.1 200 OK\r\n\r\n", "200"), (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502"), (b"220 smtp\r\n", None)],
)
def test_the_status_of_http_is_read(
    listeners: tuple[socket.socket, socket.socket, Path], said: bytes, status: str | None
) -> None:
    """What is no HTTP has none."""
    thread = answered(listeners[0], said)

    assert http_status(Endpoint("tcp", "127.0.0.1", listeners[0].getsockname()[1])) == status
    thread.join(10)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"R\0\0\0\x08\0\0\0\0", "a session"),
        (b"E\0\0\0\x20SFATAL\0C28000\0Mno role\0\0", "a session"),
        (b"E\0\0\0\x20SFATAL\0C57P03\0Mstarting up\0\0", "no session: it cannot take connections now"),
        (b"", "no session"),
    ],
)
def test_postgresql_is_asked_for_a_session(
    listeners: tuple[socket.socket, socket.socket, Path], said: bytes, answer: str
) -> None:
    """A refusal by role or method comes from a server that is well; one that cannot take connections is not."""
    thread = answered(listeners[1], said)

    assert postgresql_says(Endpoint("unix", str(listeners[2]), 0)) == answer
    thread.join(10)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param({TCP, UNIX}, {TCP, UNIX}, [], id="as-before"),
        pytest.param({TCP}, set(), ["127.0.0.1:5432 no longer lets a connection in"], id="gone"),
        pytest.param(
            {TCP}, {TCP._replace(port=5433)}, ["127.0.0.1:5432 no longer lets a connection in"], id="another-port"
        ),
        pytest.param({TCP._replace(address="0.0.0.0")}, {TCP}, [], id="fewer-addresses"),
        pytest.param({TCP, UNIX}, {UNIX}, [], id="only-its-own-socket"),
        pytest.param(
            {TCP, UNIX}, {TCP}, ["/run/db/.s.PGSQL.5432 no longer lets a connection in"], id="its-own-socket-gone"
        ),
        pytest.param(set(), {TCP}, [], id="more-than-before"),
    ],
)
def test_what_counts_as_silence(before: set[Endpoint], now: set[Endpoint], expected: list[str]) -> None:
    """Narrowing where a service listens is what controls do on purpose; losing a port or a socket is not."""
    assert silence(Answers(before, {}), Answers(now, {})) == expected


@pytest.mark.parametrize(
    ("was", "now", "silent"),
    [("200", "403", False), ("200", "502", True), ("502", "502", False), ("200", None, True), ("404", "200", False)],
)
def test_what_counts_as_a_worse_answer(was: str, now: str | None, silent: bool) -> None:
    """A refusal may be what was wanted; a failure of the service is none that it had before."""
    words = {} if now is None else {"HTTP on 127.0.0.1:5432": now}

    said = silence(Answers({TCP}, {"HTTP on 127.0.0.1:5432": was}), Answers({TCP}, words))

    assert bool(said) is silent
