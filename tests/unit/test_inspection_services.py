"""Databases and middleware that do not answer: refused is not down, and what cannot be read is not good."""

from __future__ import annotations

import shlex
import struct
from collections.abc import Mapping

import pytest

from checks import CannotLook, NotApplicable
from checks.inspection import java, mariadb, rabbitmq, redis, tomcat
from tests.recorded import RecordedHost

STATES = "systemctl show -p LoadState -p ActiveState -p SubState -p UnitFileState %s"
RUNS = (0, "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\n", "")
ADVICE = """\
Error: unable to perform an operation on node 'rabbit@mq12'. Please see diagnostics information and suggestions below.

Most common reasons for this are:

 * Target node is unreachable (e.g. due to hostname resolution, TCP connection or firewall issues)
 * CLI tool fails to authenticate with the server (e.g. due to CLI tool's Erlang cookie not matching that of the server)
 * Target node is not running

rabbit@mq12:
  * connected to epmd (port 4369) on mq12
"""
COOKIE = "Current node details:\n * Erlang cookie hash: z/pZ2otHA9b2DB0TfrtCsA==\n"


def host_with(unit: str, replies: Mapping[str, tuple[int, str, str]]) -> RecordedHost:
    """Return a host on which a unit runs."""
    return RecordedHost({STATES % unit: RUNS, **replies})


def line(command: str, *arguments: str) -> str:
    """Return a command as a host is asked it."""
    return command % tuple(shlex.quote(argument) for argument in arguments)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("ERROR 2002 (HY000): Can't connect to local server through socket '/run/mysqld/mysqld.sock' (2)", "down"),
        ("ERROR 1698 (28000): Access denied for user 'root'@'localhost'", None),
        ("sh: 1: mariadb: not found", None),
    ],
)
def test_mariadb_that_refuses_us_is_not_called_down(said: str, found: str | None) -> None:
    """Only a server that nobody reaches is down; one that does not let us in could not be looked at."""
    host = host_with("mariadb.service", {line(mariadb.CLIENT, "SELECT 1"): (1, "", f"{said}\n")})

    if found:
        assert mariadb.mariadb_available(host) == found
    else:
        with pytest.raises(CannotLook, match=said.split()[0]):
            mariadb.mariadb_available(host)


def test_redis_that_refuses_us_is_not_called_down() -> None:
    """Its errors come on standard output, with the exit code of success."""
    command = line("sh -c %s redis %s %s", redis.ASK, "/etc/redis/redis.conf", "ping")
    started = "{ path=/usr/bin/redis-server ; argv[]=/usr/bin/redis-server /etc/redis/redis.conf --daemonize no ; }"
    host = host_with(
        "redis-server.service",
        {
            redis.UNITS: (0, "redis-server.service loaded active running Advanced key-value store\n", ""),
            "systemctl show -p ExecStart --value redis-server.service": (0, started, ""),
            command: (0, "NOAUTH Authentication required.\n\n", ""),
        },
    )

    with pytest.raises(CannotLook, match="redis-server: NOAUTH"):
        redis.redis_available(host)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("  * epmd reports: node 'rabbit' not running at all\n", "down"),
        ("  * TCP connection succeeded but Erlang distribution failed \n", None),
    ],
)
def test_rabbitmq_that_refuses_its_tools_is_not_called_down(said: str, found: str | None) -> None:
    """The tools' advice names a node that is not running in every case, and hashes of cookies are told to nobody."""
    host = host_with("rabbitmq-server.service", {rabbitmq.RUNNING: (69, "", ADVICE + said + COOKIE)})

    if found:
        assert rabbitmq.rabbitmq_available(host) == found
    else:
        with pytest.raises(CannotLook, match=r"cookie differs, or it hangs$"):
            rabbitmq.rabbitmq_available(host)


def test_tomcat_without_a_process_is_down_and_nothing_else_of_it_is_good() -> None:
    """What is read from a process cannot be read where there is none."""
    base = "/var/lib/tomcat10"
    host = host_with(
        "tomcat10.service",
        {
            tomcat.UNITS: (0, "tomcat10.service loaded inactive dead Apache Tomcat 10\n", ""),
            "systemctl show -p MainPID -p Environment tomcat10.service": (
                0,
                f"MainPID=0\nEnvironment=CATALINA_HOME=/usr/share/tomcat10 CATALINA_BASE={base}\n",
                "",
            ),
            tomcat.PROCESSES: (1, "", ""),
            "ss -H -ltn": (0, "", ""),
            f"cat {base}/conf/server.xml": (0, '<!-- <Connector port="1"/> --><Connector port="8080"/>', ""),
        },
    )

    assert tomcat.tomcat_running(host) == {"tomcat10": "down"}
    for held in (tomcat.tomcat_thread_use, tomcat.tomcat_heap_use, tomcat.tomcat_open_files):
        with pytest.raises(CannotLook, match="tomcat10 does not run"):
            held(host)


def test_no_tomcat_is_not_applicable() -> None:
    """Neither a unit nor a process."""
    host = RecordedHost({tomcat.UNITS: (0, "", ""), tomcat.PROCESSES: (1, "", "")})

    with pytest.raises(NotApplicable):
        tomcat.tomcat_running(host)


def performance_file(numbers: Mapping[str, int]) -> bytes:
    """Return what HotSpot keeps of these numbers: a prologue of 32 bytes, then an entry for each."""
    entries = b""
    for name, value in numbers.items():
        named = name.encode() + b"\0"
        named += b"\0" * (-len(named) % 8 + 4)
        entries += struct.pack("<iiibbbbi", 28 + len(named), 20, 0, ord("J"), 0, 1, 1, 20 + len(named))
        entries += named + struct.pack("<q", value)
    return b"\xca\xfe\xc0\xc0\x01\x02\x00\x01" + struct.pack("<iiqii", 0, 0, 0, 32, len(numbers)) + entries


def test_a_performance_file_gives_its_numbers() -> None:
    """One that is cut off or is none gives nothing at all."""
    numbers = {"sun.gc.generation.1.space.0.used": 7 << 30, "sun.gc.generation.1.maxCapacity": 8 << 30}
    content = performance_file(numbers)

    assert java.parsed(content) == numbers
    assert java.old_generation_use(java.parsed(content)) == (7 << 30, 8 << 30)
    with pytest.raises((ValueError, struct.error)):
        java.parsed(content[:-9])
    with pytest.raises(ValueError, match="begin"):
        java.parsed(b"#!" + content)
    with pytest.raises(CannotLook, match="no old generation"):
        java.old_generation_use({})
