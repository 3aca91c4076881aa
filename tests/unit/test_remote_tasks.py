"""Tasks of one host run side by side over one session without getting into each other's way."""

from __future__ import annotations

import logging
import pickle
import traceback
from typing import Any

import pytest
import testinfra

from checks import ahead
from hardening.remote import (
    Become,
    Connection,
    Failure,
    HostJob,
    HostProgress,
    HostReport,
    HostScope,
    Limits,
    Secret,
    TransportLost,
    look,
)
from hardening.remote.frames import FloodError, Frame, FrameReader

HERE = Connection(name="here", transport="local")


def look_here(script: Any, **more: Any) -> HostReport:
    """Run one job on this machine."""
    (report,) = look([HostJob(connection=HERE, script=script)], limits=Limits(**more))
    return report


def test_the_same_command_is_asked_once_for_all_tasks() -> None:
    """A hundred tasks that ask the same cost one command; all of them get its answer."""

    def script(scope: HostScope) -> None:
        for number in range(100):
            scope.spawn(f"task {number}", scope.host.check_output, "echo $(date +%s%N)")

    report = look_here(script)

    assert len({outcome.value for outcome in report.outcomes.values()}) == 1
    traffic = report.traffic
    assert (traffic.commands_asked, traffic.commands_distinct, traffic.commands_sent) == (100, 1, 1)
    assert (traffic.execs, traffic.waves) == (1, 1)


def test_independent_tasks_need_one_wave_and_chains_their_length() -> None:
    """The number of waves is the longest chain of questions, not their sum."""

    def chain(host: Any, name: str) -> str:
        for _ in range(3):
            name = host.check_output(f"echo {name}x")
        return name

    def script(scope: HostScope) -> None:
        for number in range(20):
            scope.spawn(f"chain {number}", chain, scope.host, f"word{number}")

    report = look_here(script)

    assert [outcome.value for outcome in report.outcomes.values()] == [f"word{number}xxx" for number in range(20)]
    assert report.traffic.waves == 3


def test_what_is_asked_ahead_costs_no_wave_of_its_own() -> None:
    """A chain whose links are known before is one wave; who did not ask for an answer has no probe of it."""

    def chain(host: Any) -> list[str]:
        for number in range(4):
            ahead(host, "echo link %s", str(number))
        return [host.check_output("echo link %s", str(number)) for number in range(3)]

    def script(scope: HostScope) -> None:
        scope.spawn("chain", chain, scope.host)

    report = look_here(script)

    outcome = report.outcomes["chain"]
    assert outcome.value == ["link 0", "link 1", "link 2"]
    assert [probe.command for probe in outcome.probes] == ["echo link 0", "echo link 1", "echo link 2"]
    assert (report.traffic.waves, report.traffic.commands_sent) == (1, 4)


def test_asking_ahead_is_nothing_where_there_is_no_queue() -> None:
    """The same check runs over testinfra's own backends."""
    host = testinfra.get_host("local://")

    ahead(host, "exit %s", "1")

    assert host.run("echo here").stdout == "here\n"


def test_polling_asks_again() -> None:
    """memo=False asks anew each time, and does not disturb what is remembered."""

    def script(scope: HostScope) -> None:
        scope.spawn("poll", poll, scope.host)

    def poll(host: Any) -> int:
        command = "echo $(date +%s%N)"
        return len({host.run(command, memo=memo).stdout for memo in (True, False, False, True)})

    assert look_here(script).outcomes["poll"].value == 3


def test_sudo_of_one_task_is_not_the_sudo_of_another() -> None:
    """host.sudo() holds for the task that uses it, through every wait, nested or not, and ends with its block."""
    said: dict[str, list[str]] = {}

    def as_user(scope: HostScope, name: str) -> None:
        host: Any = scope.host
        commands = [host.backend.get_command("id")]
        with host.sudo(name):
            host.run("echo one")
            commands.append(host.backend.get_command("id"))
            with host.sudo("inner"):
                host.run("echo two")
                commands.append(host.backend.get_command("id"))
            host.run("echo three")
            commands.append(host.backend.get_command("id"))
        host.run("echo four")
        commands.append(host.backend.get_command("id"))
        said[name] = commands

    def plainly(scope: HostScope) -> None:
        host: Any = scope.host
        said["plain"] = [host.backend.get_command("id") for number in range(6) if host.run(f"echo {number}")]

    def script(scope: HostScope) -> None:
        for name in ("a", "b", "c"):
            scope.spawn(name, as_user, scope, name)
        scope.spawn("plain", plainly, scope)

    report = look_here(script)

    assert [outcome.error for outcome in report.outcomes.values()] == [None] * 4
    assert said["plain"] == ["id"] * 6
    for name in ("a", "b", "c"):
        sudo = f"sudo -u {name} /bin/sh -c id"
        nested = f"sudo -u {name} /bin/sh -c 'sudo -u inner /bin/sh -c id'"
        assert said[name] == ["id", sudo, nested, sudo, "id"]


def test_a_task_waits_for_another_and_spawns_more() -> None:
    """wait gives the outcome of a task, done or not; tasks spawn tasks; an error of one is an outcome, no more."""

    def script(scope: HostScope) -> None:
        scope.spawn("parent", parent, scope)
        scope.spawn("sum", total, scope)

    def parent(scope: HostScope) -> list[str]:
        for number in range(3):
            scope.spawn(f"child {number}", child, scope.host, number)
        return [f"child {number}" for number in range(3)]

    def child(host: Any, number: int) -> int:
        if number == 1:
            raise LookupError("not this one")
        return int(host.check_output(f"echo {number}"))

    def total(scope: HostScope) -> int:
        names: Any = scope.wait("parent").value
        return sum(outcome.value for name in names if isinstance((outcome := scope.wait(name)).value, int))

    report = look_here(script)

    assert report.outcomes["sum"].value == 2
    assert isinstance(report.outcomes["child 1"].error, LookupError)
    assert report.script.error is None


def test_tasks_that_wait_for_each_other_end_with_an_error() -> None:
    """A circle of waits is told, not waited for; the rest of the host is not touched by it."""

    def script(scope: HostScope) -> None:
        scope.spawn("a", lambda: scope.wait("b"))
        scope.spawn("b", lambda: scope.wait("a"))
        scope.spawn("c", scope.host.check_output, "echo fine")
        scope.spawn("d", lambda: scope.wait("never spawned"))

    report = look_here(script)

    assert "circle" in str(report.outcomes["a"].error) + str(report.outcomes["b"].error)
    assert report.outcomes["c"].value == "fine"
    assert isinstance(report.outcomes["d"].error, LookupError)


def test_a_script_that_fails_says_so() -> None:
    """What the script itself raises is in the report; a key used twice is such an error."""

    def script(scope: HostScope) -> None:
        scope.spawn("once", scope.host.check_output, "echo one")
        scope.spawn("once", scope.host.check_output, "echo two")

    report = look_here(script)

    assert isinstance(report.script.error, ValueError)
    assert report.outcomes["once"].value == "one"


def test_probes_are_bounded_evidence_of_what_was_asked() -> None:
    """Each task has the probes of its own commands: exit code, digest, size, short excerpts; odd bytes are escaped."""

    def script(scope: HostScope) -> None:
        scope.spawn("large", scope.host.run, "head -c 100000 /dev/zero | tr '\\0' x; echo e >&2; exit 9")
        scope.spawn("odd", scope.host.run, r"printf '\377\000'")
        scope.spawn("twice", lambda: [scope.host.run("echo again") for _ in range(3)])

    report = look_here(script)

    (large,) = report.outcomes["large"].probes
    assert (large.exit_code, large.stdout_bytes, large.stderr_excerpt) == (9, 100_000, "e\n")
    assert len(large.stdout_excerpt) == 400
    assert len(large.stdout_sha256) == 64
    (odd,) = report.outcomes["odd"].probes
    assert odd.stdout_excerpt == "\\xff\x00"
    assert len(report.outcomes["twice"].probes) == 1


def test_transport_loss_is_no_answer_of_testinfra() -> None:
    """No module of testinfra turns a lost host into False, and no assertion hides it."""
    nowhere = Connection(name="nowhere", host="127.0.0.1", port=9, known_hosts_file="/dev/null", connect_timeout_s=2)

    def script(scope: HostScope) -> None:
        host: Any = scope.host
        scope.spawn("file", lambda: host.file("/etc/passwd").exists)
        scope.spawn("contains", lambda: host.file("/etc/passwd").contains("root"))
        scope.spawn("package", lambda: host.package("bash").is_installed)
        scope.spawn("service", lambda: host.service("ssh").is_running)
        scope.spawn("user", lambda: host.user("root").exists)
        scope.spawn("socket", lambda: host.socket("tcp://22").is_listening)
        scope.spawn("process", lambda: host.process.filter(comm="init"))
        scope.spawn("sysctl", lambda: host.sysctl("vm.swappiness"))
        scope.spawn("exists", lambda: host.exists("sh"))

    (report,) = look([HostJob(connection=nowhere, script=script)], limits=Limits())

    assert report.failure is Failure.REFUSED
    assert {type(outcome.error) for outcome in report.outcomes.values()} == {TransportLost}
    assert not issubclass(TransportLost, AssertionError | ValueError | RuntimeError | OSError | LookupError)


def test_a_host_that_was_asked_nothing_must_still_be_there() -> None:
    """A script that asks nothing does not make an unreachable host look fine."""
    nowhere = Connection(name="nowhere", host="127.0.0.1", port=9, known_hosts_file="/dev/null")

    (report,) = look([HostJob(connection=nowhere, script=lambda scope: None)], limits=Limits())

    assert report.failure is Failure.REFUSED


def test_progress_is_told_and_reports_come_as_hosts_finish() -> None:
    """A slow host does not hold back a quick one; progress names states and counts."""
    told: list[HostProgress] = []
    slow = HostJob(
        connection=Connection(name="slow", transport="local"), script=lambda scope: scope.host.run("sleep 2")
    )
    quick = HostJob(
        connection=Connection(name="quick", transport="local"),
        script=lambda scope: scope.spawn("one", scope.host.run, "true"),
    )

    names = [report.name for report in look([slow, quick], limits=Limits(), on_progress=told.append)]

    assert names == ["quick", "slow"]
    assert [each.state for each in told if each.name == "quick"] == ["connecting", "looking", "looking", "done"]
    assert (told[-1].tasks_done, [each.tasks_done for each in told if each.name == "quick"][-1]) == (0, 1)


def test_an_interrupt_ends_everything() -> None:
    """Ctrl-C in the middle of a check passes through, and no session is left."""

    def script(scope: HostScope) -> None:
        scope.host.run("true")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(look([HostJob(connection=HERE, script=script)] * 3, limits=Limits()))


def test_a_secret_shows_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """repr, str, format, logs and exceptions show stars; the value is the same, and travels to a worker process."""
    secret = Secret("correct horse")
    connection = Connection(name="x", password=secret, become=Become(password=secret))

    with caplog.at_level(logging.DEBUG):
        logging.getLogger("any").warning("%s %r %s", secret, connection, f"{secret}")
        try:
            raise ValueError(f"bad {secret}", secret)
        except ValueError as error:
            text = "".join(traceback.format_exception(error)) + caplog.text + repr(connection) + f"{secret:>10}"
    assert "horse" not in text
    assert "***" in text
    assert pickle.loads(pickle.dumps(secret)) == secret  # noqa: S301 - our own bytes
    assert secret.reveal() == "correct horse"
    with pytest.raises(ValueError, match="line break"):
        Secret("two\nlines")


def test_a_missing_ssh_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """A controller without ssh is told so, not crashed on."""
    monkeypatch.setenv("PATH", str(tmp_path))

    (report,) = look([HostJob(connection=Connection(name="x", host="x"), script=lambda scope: None)], limits=Limits())

    assert report.failure is Failure.NO_CLIENT
    assert report.unreachable == "ssh is not installed on this machine"


def test_frames_are_found_however_the_bytes_arrive() -> None:
    """Split at any byte, with marks of other numbers inside the output, the same frames come out."""
    stream = b"noise M rea M ready\nout\0M 5 0\nM 0 0\nM 0 1x\nM 1 7\nM 2 0\n"
    wanted = [Frame(0, 0, b"out\0M 5 0\n"), Frame(1, 7, b"M 0 1x\n"), Frame(2, 0, b"")]

    for size in range(1, len(stream)):
        reader = FrameReader("M")
        found = []
        for start in range(0, len(stream), size):
            reader.feed(stream[start : start + size])
            found += list(reader.frames(1000))
        assert found == wanted


def test_a_frame_over_the_limit_names_its_command() -> None:
    """The command that is under way is the one that wrote too much, on a stream of its own or on a terminal."""
    out, terminal = FrameReader("MARK"), FrameReader("MARK")
    out.feed(b"MARK ready\nMARK 0 0\nMARK 1 0\n" + b"x" * 500)
    terminal.feed(b"MARK ready\nMARK 0 0\nMARK 0 e\nMARK 1 0\n" + b"e" * 500)

    for reader, culprit in ((out, 2), (terminal, 1)):
        with pytest.raises(FloodError) as flood:
            list(reader.frames(100))
        assert flood.value.id == culprit
