"""A fused read answers exactly what each command answers alone, or leaves it to be asked alone."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from hardening.remote import Connection, HostJob, HostReport, HostScope, Limits, look
from hardening.remote.desk import Question
from hardening.remote.fuse import Fused, fuse
from hardening.remote.fuse.family import Answer
from hardening.remote.plan import is_plannable

HERE = Connection(name="here", transport="local")


def ask(commands: Sequence[str], *, fused: bool) -> dict[str, tuple[int, bytes, bytes]]:
    """Ask this machine and return all replies by command."""
    scopes: list[HostScope] = []

    def script(scope: HostScope) -> None:
        scopes.append(scope)
        for command in commands:
            scope.spawn(command, scope.host.run, command)

    (report,) = look([HostJob(connection=HERE, script=script, fuse=fused)], limits=Limits())
    assert report.unreachable is None
    return {reply.command: (reply.exit_code, reply.stdout, reply.stderr) for reply in scopes[0].replies()}


def alone(command: str) -> tuple[int, bytes, bytes]:
    """Run one command by itself, without anything of ours."""
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout, done.stderr


def sent(commands: Sequence[str]) -> list[str]:
    """Return what would be sent for these commands."""
    return [work.shell for work in fuse([Question(command) for command in commands])]


@pytest.fixture
def odd_files(tmp_path: Path) -> Path:
    """Files that are hard to tell apart in one output."""
    (tmp_path / "empty").touch()
    (tmp_path / "unended").write_bytes(b"no newline")
    (tmp_path / "binary").write_bytes(b"\0\n\xff\0\n\r\n")
    (tmp_path / "newlines").write_bytes(b"\n\n\n")
    (tmp_path / "plain").write_bytes(b"one\ntwo\n")
    (tmp_path / "looks_like_a_size").write_bytes(b"4 /etc/passwd\n\0\n")
    (tmp_path / "directory").mkdir()
    (tmp_path / "dangling").symlink_to("/nowhere/at/all")
    (tmp_path / "link").symlink_to("plain")
    (tmp_path / "with space").write_bytes(b"spaced\n")
    return tmp_path


def test_files_are_read_together_and_exactly(odd_files: Path) -> None:
    """cat and stat of empty, binary, missing, linked and unreadable things give what they give alone."""
    names = [
        *("empty", "unended", "binary", "newlines", "plain", "looks_like_a_size"),
        *("directory", "dangling", "link", "missing", "missing_too", "plain/below_a_file"),
    ]
    paths = [f"{odd_files}/{name}" for name in names]
    formats = ["-Lc %U", "-Lc %a", "-Lc %s", "-c %F", "-L -c '%a %u:%g'", "-c '%N'"]
    commands = [f"stat {form} {path}" for form in formats for path in paths]
    commands += [f"cat -- {path}" for path in paths] + [f"cat {path}" for path in paths[:3]]
    commands += [f"sha256sum {path} | cut -d ' ' -f 1" for path in paths]
    commands += [f"md5sum {path} | cut -d' ' -f1" for path in paths]
    commands += [f"cat '{odd_files}/with space'", f"stat -Lc %U '{odd_files}/with space'"]

    replies = ask(commands, fused=True)

    assert {command: reply for command, reply in replies.items() if reply != alone(command)} == {}
    # What is certain took one call for each program; only what was in doubt was asked again.
    assert len(sent(commands)) < 10


def test_names_are_read_together_and_exactly() -> None:
    """Kernel parameters, accounts, groups and packages, known and unknown, give what they give alone."""
    keys = "kernel.osrelease kernel.ostype vm.swappiness kernel.no_such_key net.ipv4.nothing.here fs.file-max".split()  # noqa: SIM905
    users = ["root", "daemon", "no-such-user", "nobody", "neither"]
    packages = ["dpkg", "bash", "no-such-package", "libc6", "coreutils", "another-missing-one"]
    commands = [f"{program} -n {key}" for program in ("sysctl", "/usr/sbin/sysctl") for key in keys]
    commands += [f"getent {base} {name}" for base in ("passwd", "group") for name in users]
    commands += [f"getent group {name} | cut -d':' -f{field}" for name in users for field in (3, 4)]
    commands += [f"id {flag}{name}" for flag in ("", "-u ", "-g ", "-ng ", "-G ", "-nG ") for name in users]
    commands += [f"dpkg-query -f '${{Status}}' -W {name}" for name in packages]
    commands += [f"dpkg-query -f '${{Status}} ${{Version}}' -W {name}" for name in packages]

    replies = ask(commands, fused=True)

    assert {command: reply for command, reply in replies.items() if reply != alone(command)} == {}
    assert len(sent(commands)) < 16


def test_odd_commands_are_never_fused() -> None:
    """Patterns, options, several subjects, quotes, variables and made-up files stay single commands."""
    odd = [
        "cat /etc/host*",
        "cat /etc/hosts /etc/passwd",
        "cat -- -",
        "cat -- relative",
        "cat /proc/mounts",
        "cat /sys/kernel/mm/transparent_hugepage/enabled",
        "cat $HOME",
        "stat -c %U /etc/*",
        "stat -c '%U\\n' /etc/hosts",
        "stat --printf %U /etc/hosts",
        "sysctl -a",
        "sysctl -n net.ipv4.conf.*.forwarding",
        "sysctl -n kernel.osrelease kernel.ostype",
        "sysctl -w vm.swappiness=1",
        "getent passwd 0",
        "getent passwd",
        "dpkg-query -f '${Status}' -W 'lib*'",
        "dpkg-query -f '${Status}' -W libc6:i386",
        "systemctl is-enabled a b",
        "systemctl is-enabled 'a*'",
        "systemctl restart ssh",
        "id",
    ]

    assert sent([command for command in odd for _ in (1, 2)]) == [command for command in odd for _ in (1, 2)]


@pytest.mark.parametrize(
    ("commands", "reply"),
    [
        pytest.param(
            ["cat /etc/a", "cat /etc/b"], Answer(0, b"3 /etc/a\n3 /etc/b\n6 total\n\0\nabcdefg"), id="a-file-grew"
        ),
        pytest.param(["cat /etc/a", "cat /etc/b"], Answer(0, b"3 /etc/a\n\0\nabc"), id="a-file-without-size"),
        pytest.param(["stat -c %U /etc/a", "stat -c %U /etc/b"], Answer(0, b"root\x1f/etc/other\n"), id="another-path"),
        pytest.param(["stat -c %U /etc/a", "stat -c %U /etc/b"], Answer(0, b"root\x1f/etc/a"), id="cut-off"),
        pytest.param(["stat -c %U /etc/a", "stat -c %U /etc/b"], Answer(127, b"", b"not found\n"), id="no-program"),
        pytest.param(["sysctl -n a.b", "sysctl -n a.c"], Answer(0, b"a.b = 1\na.b = 2\na.x = 3\n"), id="foreign-key"),
        pytest.param(["sysctl -n a.b", "sysctl -n a.c"], Answer(254, b"", b"no a/b\nno a/c\n"), id="summed-codes"),
        pytest.param(["getent passwd a", "getent passwd b"], Answer(0, b"A:x:1\nb:x:2\n"), id="another-spelling"),
        pytest.param(["id -u a", "id -u b"], Answer(0, b"1\n"), id="too-few-lines"),
        pytest.param(["id -u a", "id -u b"], Answer(1, b"1\n2\n", b"id: warning\n"), id="a-warning"),
        pytest.param(["systemctl show a", "systemctl show b"], Answer(0, b"Id=a\n"), id="a-block-missing"),
        pytest.param(["systemctl show a", "systemctl show b"], Answer(1, b"", b"Failed to connect\n"), id="no-bus"),
        pytest.param(
            ['systemctl list-unit-files | grep -q "^a"', "systemctl is-enabled a"],
            Answer(1, b"", b"Failed to connect to bus\n"),
            id="no-bus-list",
        ),
    ],
)
def test_in_doubt_nothing_is_answered(commands: list[str], reply: Answer) -> None:
    """A reply that does not add up answers none of the commands it was to answer."""
    questions = [Question(command) for command in commands]
    (work,) = fuse(questions)
    assert isinstance(work, Fused)

    work.settle(*reply)

    assert [question.is_settled for question in questions] == [False, False]


def test_what_was_in_doubt_is_sent_alone_at_once_the_next_time() -> None:
    """A plan remembers which commands a fused read could not answer, so that they cost no second wave."""
    commands = ["stat -Lc %U /etc/hosts", "stat -Lc %U /etc/passwd", "cat -- /etc/hosts", "cat -- /etc/passwd"]
    commands += ["systemctl is-enabled no-such-unit-1", "systemctl is-enabled no-such-unit-2"]

    def script(scope: HostScope) -> None:
        for command in commands:
            scope.spawn(command, scope.host.run, command)

    def look_with(plan: tuple[str, ...]) -> HostReport:
        (report,) = look([HostJob(connection=HERE, script=script, plan=plan)], limits=Limits())
        return report

    first = look_with(())
    second = look_with(first.plan)

    assert "!systemctl is-enabled no-such-unit-1" in first.plan
    assert (first.traffic.waves, second.traffic.waves) == (2, 1)
    assert {key: getattr(outcome.value, "rc", None) for key, outcome in first.outcomes.items()} == {
        key: getattr(outcome.value, "rc", None) for key, outcome in second.outcomes.items()
    }


def test_a_plan_runs_only_what_testinfra_itself_asks(tmp_path: Path) -> None:
    """Whoever can write a stored plan cannot have anything run but needless reads."""
    evil = [
        f"touch {tmp_path}/pwned",
        f"cat -- /etc/hosts; touch {tmp_path}/pwned",
        f"cat -- $(touch {tmp_path}/pwned)",
        f"cat -- /etc/hosts\ntouch {tmp_path}/pwned",
        f"test -e `touch {tmp_path}/pwned`",
        f"systemctl list-unit-files | grep -q \"^'$(touch {tmp_path}/pwned)'\"",
        f"!touch {tmp_path}/pwned",
        f"stat -Lc %U /etc/hosts > {tmp_path}/pwned",
        "systemctl stop cron",
    ]

    job = HostJob(connection=HERE, script=lambda scope: scope.host.run("true"), plan=tuple(evil))
    (report,) = look([job], limits=Limits())

    assert report.traffic.commands_sent == 1
    assert list(tmp_path.iterdir()) == []
    assert not any(is_plannable(command) for command in evil)


def test_a_plan_never_decides_an_answer() -> None:
    """A plan with commands nobody asks and without those that are asked gives the same outcomes."""
    plan = ("cat -- /etc/nothing-there", "test -e /", "uname -s", "id nosuchuser")

    def script(scope: HostScope) -> None:
        scope.spawn("mode", lambda: scope.host.file("/etc/passwd").mode)
        scope.spawn("user", lambda: scope.host.user("root").uid)

    (plain,) = look([HostJob(connection=HERE, script=script)], limits=Limits())
    (planned,) = look([HostJob(connection=HERE, script=script, plan=plan)], limits=Limits())

    assert {k: o.value for k, o in plain.outcomes.items()} == {k: o.value for k, o in planned.outcomes.items()}
    assert "cat -- /etc/nothing-there" not in planned.plan
