"""What a session over ssh and over a local shell gives back, whatever the other side does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hardening.remote import (
    CommandTimeout,
    Connection,
    Failure,
    HostJob,
    HostReport,
    HostScope,
    Limits,
    OutputTooLarge,
    TransportLost,
    look,
)
from tests.loopback_sshd import SSHD, LoopbackSshd, descendants, loopback_sshd

# No other process of this machine is called so, whoever else runs these tests on it.
HANGS = f"sleep 1000.{os.getpid()}"
LIMITS = Limits(command_s=3, host_s=60)
Ask = Callable[..., HostReport]


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[LoopbackSshd]:
    """A throw-away sshd that lets root in."""
    if not SSHD or os.geteuid() != 0:
        pytest.skip("needs root and openssh-server on this machine")
    with loopback_sshd(tmp_path) as server:
        yield server


@pytest.fixture(params=["local", "ssh"])
def connection(request: pytest.FixtureRequest) -> Connection:
    """This machine, once through a local shell and once over ssh."""
    if request.param == "local":
        return Connection(name="here", transport="local")
    server: LoopbackSshd = request.getfixturevalue("sshd")
    return server.connection()


def ask(connection: Connection, *commands: str, limits: Limits = LIMITS, **job: Any) -> HostReport:
    """Ask every command in a task of its own, its key being the command."""

    def script(scope: HostScope) -> None:
        for command in commands:
            scope.spawn(command, scope.host.run, command)

    (report,) = look([HostJob(connection=connection, script=script, **job)], limits=limits)
    return report


def answers(report: HostReport) -> dict[str, tuple[int, bytes, bytes]]:
    """Return exit code and both outputs by command; an outcome without an answer raises."""
    found = {}
    for key, outcome in report.outcomes.items():
        if outcome.error is not None:
            raise outcome.error
        result: Any = outcome.value
        found[key] = (result.rc, result.stdout_bytes, result.stderr_bytes)
    return found


def test_every_byte_and_exit_code_of_a_command_comes_back(connection: Connection) -> None:
    """NUL, bytes that are no UTF-8, a missing last newline, silence and both streams come back unchanged."""
    report = ask(
        connection,
        r"printf '\000\377\200'",
        "printf 'no newline'",
        "true",
        "echo out; echo err >&2; exit 3",
        "printf 'a\n\nb\n\n'",
        "head -c 300000 /dev/zero",
    )

    assert answers(report) == {
        r"printf '\000\377\200'": (0, b"\0\xff\x80", b""),
        "printf 'no newline'": (0, b"no newline", b""),
        "true": (0, b"", b""),
        "echo out; echo err >&2; exit 3": (3, b"out\n", b"err\n"),
        "printf 'a\n\nb\n\n'": (0, b"a\n\nb\n\n", b""),
        "head -c 300000 /dev/zero": (0, b"\0" * 300000, b""),
    }


def test_a_command_cannot_disturb_the_ones_after_it(connection: Connection) -> None:
    """exit, set -e, cd, exec, traps, a syntax error, reading stdin and killing its shell stay with the command."""
    rude = [
        "exit 7",
        "set -e; false; echo not here",
        "cd /; set -u; echo $nothing_at_all",
        "exec true",
        "trap 'echo trapped' EXIT; exit 2",
        "if then fi",
        "echo 'unclosed",
        "cat",
        'read line; echo "got:$line"',
        "_hm=broken; unset -f _hy _hx; exec >/dev/null 2>&1",
        "kill -9 $$; true",
        "umask 000; PATH=/nowhere",
    ]
    report = ask(connection, *rude, "pwd; umask; command -v stat; echo still here")

    replies = answers(report)
    assert replies["exit 7"][0] == 7
    assert replies["set -e; false; echo not here"][:2] == (1, b"")
    assert replies["trap 'echo trapped' EXIT; exit 2"][:2] == (2, b"trapped\n")
    assert replies["if then fi"][0] != 0
    assert replies["echo 'unclosed"][0] != 0
    assert replies["cat"] == (0, b"", b"")
    assert replies['read line; echo "got:$line"'][1] == b"got:\n"
    last = replies["pwd; umask; command -v stat; echo still here"]
    assert last[0] == 0
    assert last[1].endswith(b"/stat\nstill here\n")
    assert b"000\n" not in last[1]


def test_output_that_is_no_utf8_is_text_with_escapes(connection: Connection) -> None:
    """Odd bytes neither crash nor make testinfra run Python on the host."""
    report = ask(connection, r"printf 'caf\351 \303\251'")

    result: Any = report.outcomes[r"printf 'caf\351 \303\251'"].value
    assert result.stdout == "caf\\xe9 é"
    assert report.traffic.commands_asked == 1


def test_a_hanging_command_is_killed_and_the_others_are_answered(connection: Connection) -> None:
    """Only the command that hangs is a timeout; commands before and after it in the same batch have their answers."""
    before = [f"echo before {number}" for number in range(5)]
    after = [f"echo after {number}" for number in range(5)]
    report = ask(connection, *before, HANGS, *after, limits=Limits(command_s=2, host_s=60))

    hung = report.outcomes.pop(HANGS) if isinstance(report.outcomes, dict) else None
    assert hung is not None
    assert isinstance(hung.error, CommandTimeout)
    assert "within 2 s" in str(hung.error)
    assert {key: reply[1].decode().strip() for key, reply in answers(report).items()} == {
        key: key.removeprefix("echo ") for key in before + after
    }
    assert report.unreachable is None
    assert _running(HANGS) == []


def test_many_slow_commands_are_not_mistaken_for_a_hanging_one(connection: Connection) -> None:
    """The limit is for one command: a batch may take longer, and nothing of it is killed or asked twice."""
    report = ask(connection, *(f"sleep 2.5; echo {number}" for number in range(4)), limits=Limits(command_s=4))

    assert [reply[1] for reply in answers(report).values()] == [b"0\n", b"1\n", b"2\n", b"3\n"]
    assert report.traffic.commands_sent == 4
    assert report.traffic.execs > 1


def test_an_endless_output_is_stopped_at_the_limit(connection: Connection) -> None:
    """What writes more than the limit is stopped, with an error of its own; the rest is answered."""
    started_at = time.monotonic()
    report = ask(connection, "echo first", f"yes endless-{os.getpid()}", "echo last")

    flooding = report.outcomes[f"yes endless-{os.getpid()}"]
    assert isinstance(flooding.error, OutputTooLarge)
    assert "4194304 bytes" in str(flooding.error)
    assert getattr(report.outcomes["echo first"].value, "stdout", None) == "first\n"
    assert getattr(report.outcomes["echo last"].value, "stdout", None) == "last\n"
    assert time.monotonic() - started_at < 20
    assert _running(f"yes endless-{os.getpid()}") == []


def test_a_hundred_megabytes_do_not_reach_our_memory(connection: Connection) -> None:
    """100 MB on either stream are an error, not an answer."""
    report = ask(connection, "head -c 100000000 /dev/zero", "head -c 100000000 /dev/zero >&2", "echo after")

    kinds = {key: type(outcome.error) for key, outcome in report.outcomes.items()}
    assert kinds == {
        "head -c 100000000 /dev/zero": OutputTooLarge,
        "head -c 100000000 /dev/zero >&2": OutputTooLarge,
        "echo after": type(None),
    }


def test_a_connection_cut_in_the_middle_is_taken_up_again(sshd: LoopbackSshd) -> None:
    """When the server's process of a session dies and the host lives, everything is answered over a new session."""

    def script(scope: HostScope) -> None:
        scope.spawn("first", scope.host.check_output, "echo first")
        scope.spawn("cut", cut, scope)

    def cut(scope: HostScope) -> str:
        scope.wait("first")
        for pid in sshd.session_pids():
            os.kill(pid, 9)
        return str(scope.host.check_output("echo second"))

    (report,) = look([HostJob(connection=sshd.connection(), script=script)], limits=LIMITS)

    assert {key: outcome.value for key, outcome in report.outcomes.items()} == {"first": "first", "cut": "second"}
    assert report.unreachable is None
    assert report.traffic.execs == 2


def test_a_host_that_dies_in_the_middle_keeps_what_was_seen(sshd: LoopbackSshd) -> None:
    """Finished outcomes stay, open tasks are TransportLost, and the report says after how many."""

    def script(scope: HostScope) -> None:
        scope.spawn("first", scope.host.check_output, "echo first")
        scope.spawn("second", die, scope)
        scope.spawn("third", late, scope)

    def die(scope: HostScope) -> str:
        scope.wait("first")
        sshd.stop()
        return str(scope.host.check_output("echo second"))

    def late(scope: HostScope) -> str:
        scope.wait("second")
        return str(scope.host.check_output("echo third"))

    (report,) = look([HostJob(connection=sshd.connection(), script=script)], limits=LIMITS)

    assert report.outcomes["first"].value == "first"
    assert isinstance(report.outcomes["second"].error, TransportLost)
    assert isinstance(report.outcomes["third"].error, TransportLost)
    assert report.unreachable is not None
    assert "refused the connection" in report.unreachable
    assert "after 1 of 3" in report.unreachable
    assert report.failure is Failure.REFUSED


def test_a_command_that_ends_its_session_fails_alone(connection: Connection) -> None:
    """A command that kills everything above it loses only its own answer."""
    # The whole process group: our shell, its collectors and the login above them.
    suicide = "kill -9 0"
    report = ask(connection, "echo before", suicide, "echo after")

    assert isinstance(report.outcomes[suicide].error, TransportLost)
    assert getattr(report.outcomes["echo before"].value, "stdout", None) == "before\n"
    assert getattr(report.outcomes["echo after"].value, "stdout", None) == "after\n"
    assert report.unreachable is None


def test_a_host_has_a_deadline_of_its_own(connection: Connection) -> None:
    """Past the host's deadline open tasks are lost and the report says so; nothing goes on over there."""
    report = ask(connection, "echo quick", HANGS, limits=Limits(command_s=100, host_s=3))

    assert report.failure is Failure.HOST_DEADLINE
    assert report.unreachable is not None
    assert "within 3 s" in report.unreachable
    assert isinstance(report.outcomes[HANGS].error, TransportLost)
    assert _running(HANGS) == []


def test_a_server_that_turns_us_away_is_asked_again(tmp_path: Path) -> None:
    """Where sshd takes only so many logins at a time (MaxStartups), all hosts behind it are looked at all the same."""
    if not SSHD or os.geteuid() != 0:
        pytest.skip("needs root and openssh-server on this machine")
    with loopback_sshd(tmp_path, "MaxStartups 2:100:2") as server:
        jobs = [
            HostJob(connection=server.connection(f"host{number}"), script=lambda scope: scope.host.run("true"))
            for number in range(8)
        ]

        reports = list(look(jobs, limits=Limits(handshakes=8)))

    assert [report.unreachable for report in reports] == [None] * 8
    assert sum(report.traffic.execs for report in reports) > 8


def test_nothing_is_left_running(connection: Connection) -> None:
    """After a look, and after one that was left early, no process of ours is there."""
    before = set(descendants(os.getpid()))
    ask(connection, "echo hello")
    early = look([HostJob(connection=connection, script=lambda scope: scope.host.run("sleep 5.5"))] * 2, limits=LIMITS)
    del early

    assert [_name(pid) for pid in descendants(os.getpid()) if pid not in before and _name(pid) != "sshd"] == []


def _name(pid: int) -> str:
    """Return a process's name; the session processes of sshd go by sshd's, and so does what is gone."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except FileNotFoundError:
        return "sshd"
    return "sshd" if "sshd" in name else name


def _running(command: str) -> list[int]:
    wanted = command.replace(" ", "\0").encode()
    found = []
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if cmdline.read_bytes().startswith(wanted):
                found.append(int(cmdline.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found
