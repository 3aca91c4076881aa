"""Databases and middleware that do not answer: refused is not down, and what cannot be read is not good."""

from __future__ import annotations

import shlex
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from checks import CannotLook, NotApplicable
from checks.inspection import java, mariadb, rabbitmq, redis, tomcat
from checks.inspection.reading import NOT_PACKED
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
            "systemctl show -p ExecStart -p MainPID redis-server.service": (0, started, ""),
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


TOMCAT_BASE = "/var/lib/tomcat10"
CATALINA = f"{TOMCAT_BASE}/logs/catalina.log"
SINCE = "2026-11-30 03:00:00"
AWK = "awk -v known=%s -v wanted=%s -v since=%s %s %s"


def tomcat_host(*, server: str, replies: Mapping[str, tuple[int, str, str]]) -> RecordedHost:
    """Return a host on which one Tomcat runs with these connectors, and has these logs."""
    find = f"find {TOMCAT_BASE}/logs/ -maxdepth 1 -type f \\( %s \\) {NOT_PACKED} %s -printf %s"
    catalina, localhost = "-name 'catalina.*.log'", "-name 'localhost.*.log'"
    listed = (0, f"1.0 {CATALINA}\n", "")
    return host_with(
        "tomcat10.service",
        {
            tomcat.UNITS: (0, "tomcat10.service loaded active running Apache Tomcat 10\n", ""),
            "systemctl show -p MainPID -p Environment tomcat10.service": (
                0,
                f"MainPID=7\nEnvironment=CATALINA_BASE={TOMCAT_BASE}\n",
                "",
            ),
            tomcat.PROCESSES: (0, "7\n", ""),
            "ss -H -ltn": (0, "LISTEN 0 100 *:8080 *:*\n", ""),
            f"cat {TOMCAT_BASE}/conf/server.xml": (0, server, ""),
            f"test -d {TOMCAT_BASE}/logs/": (0, "", ""),
            find % (catalina, "", "'%T@ %p\\n'"): listed,
            find % (f"{catalina} -o {localhost}", "-mmin -1440", "'%T@ %p\\n'"): listed,
            find % ("-name '*access_log*'", "", "'%T@ %p\\n'"): (0, "1.0 /access\n", ""),
            line("date -d %s %s", "-24 hours", "+%Y-%m-%d %H:%M:%S"): (0, f"{SINCE}\n", ""),
            **replies,
        },
    )


def counted(path: str, pattern: str, known: str) -> tuple[int, str, str]:
    """Return what the host's own awk answers."""
    command = line(AWK, known, pattern, SINCE, tomcat._COUNT, path)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("30-Nov-2026 03:04:52.875 SEVERE [main] org.apache.X.y Broken\n", 1.0),
        (
            "30-Nov-2026 03:04:52.875 严重 [main] org.apache.X.y Broken\n30-Nov-2026 03:04:53.000 信息 [main] x.y z\n",
            1.0,
        ),
        ("30-Nov-2026 03:04:52.875 信息 [main] org.apache.X.y SEVERELY fine\n", 0.0),
        ("", 0.0),
        ("29-Nov-2026 23:04:52.875 SEVERE [main] org.apache.X.y Broken\n", 0.0),
        ("29-11月-2026 23:04:52.875 严重 [main] org.apache.X.y Broken\n", 0.0),
        ("30-11月-2026 23:04:52.875 严重 [main] org.apache.X.y Broken\n", 1.0),
        ("29-Marraskuu-2026 23:04:52.875 SEVERE [main] org.apache.X.y Broken\n", 1.0),
        ("30-Nov-2026 03:04:52.875 VAKAVA [main] org.apache.X.y Rikki\n", None),
    ],
)
def test_tomcat_logs_grave_errors_in_the_language_of_its_process(
    tmp_path: Path, said: str, found: float | None
) -> None:
    """Java translates its levels: a log without a level that is known is no log without errors."""
    log = tmp_path / "catalina.log"
    log.write_text(said)
    wanted = f"(^| )({tomcat._SEVERE})[ :]"
    asked = line(AWK, tomcat._LEVEL, wanted, SINCE, tomcat._COUNT, CATALINA)
    host = tomcat_host(server="", replies={asked: counted(str(log), wanted, tomcat._LEVEL)})

    if found is not None:
        assert tomcat.tomcat_errors(host, hours=24) == {"tomcat10": found}
    else:
        with pytest.raises(CannotLook, match="no line whose level is known"):
            tomcat.tomcat_errors(host, hours=24)


def test_applications_of_tomcat_are_followed_in_chinese() -> None:
    """The one that failed is named; one that was taken away, or started again, is not."""
    told = (
        "30-Nov-2026 03:04:52.875 信息 [main] o.a.X.log Server.服务器版本: Apache Tomcat/10.1.60\n"
        "30-Nov-2026 03:04:52.991 严重 [main] o.a.X.startInternal 由于之前的错误，Context[/bad]启动失败\n"
        "30-Nov-2026 03:04:52.991 严重 [main] o.a.X.startInternal 由于之前的错误，Context[/gone]启动失败\n"
        "30-Nov-2026 03:05:52.991 信息 [main] o.a.X.undeploy 正在取消部署上下文[/gone]\n"
    )
    spoken = tomcat._SPOKEN
    host = tomcat_host(
        server="",
        replies={
            line(AWK, spoken, spoken, "", tomcat._COUNT, CATALINA): (0, "4 4 4\n", ""),
            line("grep -E %s %s || test $? = 1", tomcat._OF_APPLICATIONS, CATALINA): (0, told, ""),
        },
    )

    assert tomcat.tomcat_failed_applications(host) == {"tomcat10": ["/bad"]}


def test_a_tomcat_behind_another_server_alone_hides_no_other() -> None:
    """One that speaks AJP only runs or not, as any; of HTTP there is nothing to ask it."""
    host = tomcat_host(server='<Connector port="8009" protocol="AJP/1.3"/>', replies={})

    assert tomcat.tomcat_running(host) == {"tomcat10": "up"}
    for held in (tomcat.tomcat_http, tomcat.tomcat_thread_use, tomcat.tomcat_certificate_days):
        with pytest.raises(NotApplicable):
            held(host)


def test_an_access_log_of_another_form_is_not_too_few_requests() -> None:
    """Where no status is found in lines that are there, nobody has looked at one."""
    host = tomcat_host(server="", replies={"tail -n 1000 /access": (0, "10.0.0.1 500 GET /x\n" * 40, "")})

    with pytest.raises(CannotLook, match="a form in which no status"):
        tomcat.tomcat_failures(host, minutes=60)


def test_a_service_that_was_masked_while_it_runs_is_looked_at() -> None:
    """Masking stops nothing: what runs can be down, full, or behind."""
    masked = (0, "LoadState=masked\nActiveState=active\nSubState=running\nUnitFileState=masked\n", "")
    host = RecordedHost({STATES % "rabbitmq-server.service": masked, rabbitmq.RUNNING: (0, "", "")})

    assert rabbitmq.rabbitmq_available(host) == "up"
    gone = (0, "LoadState=masked\nActiveState=inactive\nSubState=dead\nUnitFileState=masked\n", "")
    with pytest.raises(NotApplicable):
        rabbitmq.rabbitmq_available(RecordedHost({STATES % "rabbitmq-server.service": gone}))


def test_a_redis_that_no_unit_started_is_not_passed_over() -> None:
    """Beside one that is known, too: nothing is known of it. A child that saves is no server of its own."""
    started = "MainPID=5\nExecStart={ argv[]=/usr/bin/redis-server /etc/redis/redis.conf ; }\n"
    host = host_with(
        "redis-server.service",
        {
            redis.UNITS: (0, "redis-server.service loaded active running Advanced key-value store\n", ""),
            "systemctl show -p ExecStart -p MainPID redis-server.service": (0, started, ""),
            line("sh -c %s redis %s %s", redis.ASK, "/etc/redis/redis.conf", "ping"): (0, "PONG\n", ""),
            redis.PROCESSES: (0, "    5     1\n    8     5\n    9     1\n", ""),
            "tr '\\0' ' ' < /proc/9/cmdline": (0, "redis-server *:6400 ", ""),
        },
    )

    assert redis.redis_available(host) == {"redis-server": "up", "redis-server *:6400": None}


def test_what_was_rotated_within_the_hours_is_counted() -> None:
    """Logs are rotated at midnight, and inspected before work."""
    since = "2026-08-20 08:00:00"
    clock = {line("date -d %s '+%%Y-%%m-%%d %%H:%%M:%%S'", "-24 hours"): (0, f"{since}\n", "")}
    queues = ("/var/log/rabbitmq/rabbit@mq12.log", "/var/log/rabbitmq/rabbit@mq12.log.1")
    asked = {
        line("awk -v since=%s %s %s", since, rabbitmq.COUNT_ERRORS, path): (0, f"{count}\n", "")
        for path, count in zip(queues, (1, 4), strict=True)
    }
    found = f"find {rabbitmq.LOGS} -type f -name '*@*.log*' {NOT_PACKED}"
    node = host_with("rabbitmq-server.service", {**clock, **asked, found: (0, "\n".join(queues), "")})

    assert rabbitmq.rabbitmq_errors(node, hours=24) == 5.0

    logs = ("/var/log/mysql/error.log", "/var/log/mysql/error.log.1")
    asked = {
        line("awk -v since=%s %s %s", since, mariadb.COUNT_ERRORS, path): (0, f"{count}\n", "")
        for path, count in zip(logs, (2, 3), strict=True)
    }
    server = host_with(
        "mariadb.service",
        {
            **clock,
            **asked,
            line(mariadb.CLIENT, mariadb.FIGURES): (0, f"log_error\t{logs[0]}\n", ""),
            f"test -f {logs[0]}": (0, "", ""),
            line(f"find %s/ -maxdepth 1 -type f -name %s {NOT_PACKED}", "/var/log/mysql", "error.log*"): (
                0,
                "\n".join(logs),
                "",
            ),
        },
    )

    assert mariadb.mariadb_errors(server, hours=24) == 5.0
