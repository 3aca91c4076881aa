"""How we get a shell of our own on real hosts: users, privilege, host keys, noise; and what is said where we do not."""

from __future__ import annotations

import dataclasses
import os
import platform
import shutil
import subprocess
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hardening.remote import (
    Become,
    Connection,
    Failure,
    HostJob,
    HostReport,
    HostScope,
    Limits,
    Secret,
    TransportLost,
    look,
)
from tests.lab.accounts import OPS_PASSWORD, ROOT_PASSWORD
from tests.lab.host import LabHost
from tests.lab.plugin import HostFactory

SYSTEMS = ("debian12", "debian13")
WRONG = Secret("Lab-wrong-0000-pass")


def reach(host: LabHost, user: str, **more: Any) -> Connection:
    """Return how to log in to a lab host as a user, with no configuration but the lab's."""
    return Connection(
        name=host.name,
        host=host.address,
        user=user,
        private_key_file=str(host.ssh.key),
        known_hosts_file=str(host.ssh.known_hosts),
        ssh_args=("-F", "none", "-o", "IdentitiesOnly=yes"),
        **more,
    )


def look_at(connection: Connection) -> HostReport:
    """Read a root-only file, write on both streams and finish."""

    def script(scope: HostScope) -> None:
        scope.spawn("shadow", lambda: scope.host.file("/etc/shadow").content)
        scope.spawn("who", scope.host.check_output, "id -un")
        scope.spawn("bytes", scope.host.run, r"printf '\000\377\r\n\004\003x' ; printf 'e\r\n\004' >&2; exit 5")
        scope.spawn("large", scope.host.run, "head -c 200000 /dev/zero | tr '\\0' '\\r'")
        scope.spawn("hash", lambda: scope.host.file("/etc/passwd").sha256sum)
        scope.spawn("program", scope.host.run, "command -v sshd")

    (report,) = look([HostJob(connection=connection, script=script)], limits=Limits(command_s=10, host_s=60))
    return report


def assert_seen_as(report: HostReport, user: str, host: LabHost) -> None:
    """Assert that everything was seen, unchanged, as this user."""
    assert report.unreachable is None
    assert report.user == user
    assert report.outcomes["who"].value == user
    assert report.outcomes["shadow"].value == (host.root / "etc/shadow").read_bytes()
    both: Any = report.outcomes["bytes"].value
    assert (both.rc, both.stdout_bytes, both.stderr_bytes) == (5, b"\0\xff\r\n\4\3x", b"e\r\n\4")
    large: Any = report.outcomes["large"].value
    assert large.stdout_bytes == b"\r" * 200_000
    program: Any = report.outcomes["program"].value
    assert program.stdout.endswith("/sbin/sshd\n")  # Also where su leaves us the search path of the caller.


def assert_no_secret(report: HostReport, *secrets: str) -> None:
    """Assert that no secret is in anything a report holds, tracebacks and reprs of exceptions included."""
    text = repr(report) + "".join(
        "".join(traceback.format_exception(outcome.error))
        for outcome in report.outcomes.values()
        if outcome.error is not None
    )
    for secret in secrets:
        assert secret not in text


@contextmanager
def planted(host: LabHost, path: str, text: str) -> Iterator[None]:
    """Have a file on a host for the length of a test; what was there comes back."""
    host.run(f"if [ -e {path} ]; then cp -a {path} {path}.before; fi")
    (host.root / path.lstrip("/")).write_text(text)
    try:
        yield
    finally:
        host.run(f"rm -f {path}; if [ -e {path}.before ]; then mv {path}.before {path}; fi")


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    ("user", "become"),
    [
        pytest.param("root", None, id="root"),
        pytest.param("ops", Become(), id="sudo"),
        pytest.param("ops", Become(password=Secret(OPS_PASSWORD)), id="sudo-needless-password"),
        pytest.param("opspw", Become(password=Secret(OPS_PASSWORD)), id="sudo-password"),
        pytest.param("opspw", Become(password=Secret(OPS_PASSWORD), flags="-H -n"), id="sudo-flags"),
        pytest.param("opssu", Become(method="su", password=Secret(ROOT_PASSWORD)), id="su"),
        pytest.param("opssu", Become(method="su", password=Secret(ROOT_PASSWORD), flags="-"), id="su-login"),
    ],
)
def test_we_see_as_root(lab_host: HostFactory, system: str, user: str, become: Become | None) -> None:
    """Through every way to become root, root-only files are read and every byte of both streams is unchanged."""
    host = lab_host(image=system)

    report = look_at(reach(host, user, become=become))

    assert_seen_as(report, "root", host)
    assert_no_secret(report, OPS_PASSWORD, ROOT_PASSWORD)
    assert report.traffic.execs == 1


def test_we_become_another_user_than_root(lab_host: HostFactory) -> None:
    """The become user of the inventory is honoured: what it cannot read is not read."""
    host = lab_host()

    report = look_at(reach(host, "ops", become=Become(user="opspw")))

    assert report.user == "opspw"
    assert report.outcomes["who"].value == "opspw"
    assert isinstance(report.outcomes["shadow"].error, RuntimeError)


@pytest.mark.parametrize(
    ("user", "become", "sentence"),
    [
        pytest.param("opspw", Become(), "sudo wants a password for opspw", id="sudo-none-given"),
        pytest.param("opspw", Become(password=WRONG), "sudo refused the password", id="sudo-wrong"),
        pytest.param("opssu", Become(), "sudo", id="sudo-not-allowed"),
        pytest.param("opssu", Become(method="su", password=WRONG), "su refused the password", id="su-wrong"),
        pytest.param("opssu", Become(method="su"), "su wants a password for opssu", id="su-none-given"),
        pytest.param("ops", Become(method="doas"), "doas is not installed there", id="doas-missing"),
        pytest.param("ops", Become(user="nobody-at-all"), "the user nobody-at-all does not exist", id="no-such-user"),
    ],
)
@pytest.mark.parametrize("system", SYSTEMS)
def test_without_privilege_the_host_is_unreachable_and_says_why(
    lab_host: HostFactory, system: str, user: str, become: Become, sentence: str
) -> None:
    """No check runs with less privilege than was asked; the sentence names what is missing, and holds no secret."""
    report = look_at(reach(lab_host(image=system), user, become=become))

    assert report.failure is Failure.NO_PRIVILEGE
    assert report.unreachable is not None
    assert sentence in report.unreachable
    assert all(isinstance(outcome.error, TransportLost) for outcome in report.outcomes.values())
    assert_no_secret(report, WRONG.reveal())


def doas_of_this_release(room: Path) -> Path:
    """Return the doas of this machine's Debian, unpacked and not installed: the lab's repository has none."""
    fetch = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "opendoas"]
    subprocess.run(fetch, cwd=room, check=True, capture_output=True)
    (package,) = room.glob("opendoas_*.deb")
    subprocess.run(["dpkg-deb", "--extract", package, room / "doas"], check=True)
    return room / "doas/usr/bin/doas"


def test_doas_makes_us_root_with_and_without_a_password(own_host: HostFactory, tmp_path: Path) -> None:
    """doas(1) works too: without a password, and with one through a terminal."""
    host = own_host(image=f"debian{platform.freedesktop_os_release()['VERSION_ID']}")
    shutil.copy(doas_of_this_release(tmp_path), host.root / "usr/bin/doas")
    (host.root / "usr/bin/doas").chmod(0o4755)
    (host.root / "etc/pam.d/doas").write_text("@include common-auth\n@include common-account\n")
    (host.root / "etc/doas.conf").write_text("permit nopass ops as root\npermit opspw as root\n")

    silent = look_at(reach(host, "ops", become=Become(method="doas")))
    asked = look_at(reach(host, "opspw", become=Become(method="doas", password=Secret(OPS_PASSWORD))))
    refused = look_at(reach(host, "opspw", become=Become(method="doas", password=WRONG)))
    none_given = look_at(reach(host, "opspw", become=Become(method="doas")))

    assert_seen_as(silent, "root", host)
    assert_seen_as(asked, "root", host)
    assert refused.failure is Failure.NO_PRIVILEGE
    assert none_given.failure is Failure.NO_PRIVILEGE


def test_who_we_are_is_proven_not_assumed(own_host: HostFactory) -> None:
    """A program that only pretends to make us root does not get past the first answer."""
    host = own_host()
    pretend = host.root / "usr/local/bin/pretend"
    pretend.write_text('#!/bin/sh\nwhile [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n')
    pretend.chmod(0o755)

    report = look_at(reach(host, "ops", become=Become(exe="pretend")))

    assert report.failure is Failure.NO_PRIVILEGE
    assert report.unreachable == "sudo was to make us root, but the session runs as ops"
    assert all(isinstance(outcome.error, TransportLost) for outcome in report.outcomes.values())


@pytest.mark.parametrize("user", ["ops", "opspw"])
def test_requiretty_is_met_with_a_terminal(own_host: HostFactory, user: str) -> None:
    """Where sudo insists on a terminal we come again with one, and bytes still pass unchanged."""
    host = own_host()
    (host.root / "etc/sudoers.d/zz-tty").write_text("Defaults requiretty\n")
    password = Secret(OPS_PASSWORD) if user == "opspw" else None

    report = look_at(reach(host, user, become=Become(password=password)))

    assert_seen_as(report, "root", host)
    assert report.traffic.execs == 2


def test_a_password_login_works_and_a_wrong_one_is_said(own_host: HostFactory) -> None:
    """ssh's own password goes through askpass; a wrong one is a refused login."""
    host = own_host()
    (host.root / "etc/ssh/sshd_config.d/00-password.conf").write_text("PasswordAuthentication yes\n")
    host.run("systemctl restart ssh")
    keyless = dataclasses.replace(
        reach(host, "opspw"), private_key_file=None, ssh_args=("-F", "none", "-o", "PubkeyAuthentication=no")
    )

    good = look_at(dataclasses.replace(keyless, password=Secret(OPS_PASSWORD)))
    bad = look_at(dataclasses.replace(keyless, password=WRONG))

    assert good.unreachable is None
    assert good.outcomes["who"].value == "opspw"
    assert bad.failure is Failure.AUTH_REFUSED
    assert_no_secret(good, OPS_PASSWORD)
    assert_no_secret(bad, WRONG.reveal())


def test_a_secret_is_in_no_argument_list_and_no_environment(lab_host: HostFactory) -> None:
    """While sessions with passwords run, /proc on the controller and on the host shows no password anywhere."""
    host = lab_host()
    seen: list[bytes] = []

    def script(scope: HostScope) -> None:
        scope.host.check_output("true")
        for proc in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                try:
                    seen.append((proc / name).read_bytes())
                except OSError:
                    continue

    jobs = [
        HostJob(connection=reach(host, "opspw", become=Become(password=Secret(OPS_PASSWORD))), script=script),
        HostJob(
            connection=dataclasses.replace(
                reach(host, "opssu", become=Become(method="su", password=Secret(ROOT_PASSWORD))), name="second"
            ),
            script=script,
        ),
    ]
    reports = list(look(jobs, limits=Limits()))

    assert [report.unreachable for report in reports] == [None, None]
    assert len(seen) > 100
    for secret in (OPS_PASSWORD, ROOT_PASSWORD):
        assert not any(secret.encode() in text for text in seen)


def test_noise_of_login_scripts_is_no_answer(own_host: HostFactory) -> None:
    """What a banner, .bashrc and an environment file print before our shell changes no reply."""
    host = own_host()
    (host.root / "etc/ssh/banner").write_text("A banner: password:\n" * 50)
    (host.root / "etc/ssh/sshd_config.d/00-banner.conf").write_text("Banner /etc/ssh/banner\n")
    noise = "echo 'Welcome: \377 noise on stdout'; echo noise on stderr >&2\n"
    for home in ("root", "home/ops"):
        (host.root / home / ".bashrc").write_text(noise)
    host.run("systemctl restart ssh")

    as_root = look_at(reach(host, "root"))
    as_ops = look_at(reach(host, "ops", become=Become()))

    assert_seen_as(as_root, "root", host)
    assert_seen_as(as_ops, "root", host)


def test_a_user_without_a_shell_is_said(own_host: HostFactory) -> None:
    """nologin and a missing shell are NO_SHELL, in words."""
    host = own_host()
    host.run("usermod -s /usr/sbin/nologin opspw; usermod -s /bin/nothing-there opssu")

    nologin = look_at(reach(host, "opspw"))
    missing = look_at(reach(host, "opssu"))

    assert nologin.failure is Failure.NO_SHELL
    assert nologin.unreachable is not None
    assert "opspw has no usable shell" in nologin.unreachable
    # sshd itself refuses a user whose shell does not exist.
    assert missing.failure in (Failure.NO_SHELL, Failure.AUTH_REFUSED)


def test_a_wrong_user_is_refused(lab_host: HostFactory) -> None:
    """An account that does not exist is AUTH_REFUSED."""
    report = look_at(reach(lab_host(), "nobody-here"))

    assert report.failure is Failure.AUTH_REFUSED
    assert report.unreachable is not None
    assert "refused the login" in report.unreachable


def test_a_changed_host_key_is_never_accepted(lab_host: HostFactory, tmp_path: Path) -> None:
    """A host with another key than the known one, or with no known key, is not looked at."""
    host = lab_host()
    kind, key = "ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIFhG0Wj2bY0nJdTqOe4m0mLwz0Q0wSx2Yb1m3X8c9dEf"
    (tmp_path / "changed").write_text(f"{host.address} {kind} {key}\n")
    (tmp_path / "empty").touch()
    lax = ("-F", "none", "-o", "StrictHostKeyChecking=no")

    for args in (("-F", "none"), lax):
        connection = dataclasses.replace(reach(host, "ops"), ssh_args=args)
        changed = look_at(dataclasses.replace(connection, known_hosts_file=str(tmp_path / "changed")))
        unknown = look_at(dataclasses.replace(connection, known_hosts_file=str(tmp_path / "empty")))

        assert changed.failure is Failure.HOST_KEY_CHANGED
        assert unknown.failure is Failure.HOST_KEY_UNKNOWN
    assert (tmp_path / "empty").read_text() == ""


def test_a_host_that_is_not_there_is_said(lab_host: HostFactory) -> None:
    """No listener, no route and no name are told apart."""
    host = lab_host()
    nobody = host.address.rsplit(".", 1)[0] + ".250"

    refused = look_at(dataclasses.replace(reach(host, "ops"), port=4))
    silent = look_at(dataclasses.replace(reach(host, "ops", connect_timeout_s=1), host=nobody))
    unnamed = look_at(dataclasses.replace(reach(host, "ops"), host="no-such-host.invalid"))

    assert refused.failure is Failure.REFUSED
    assert silent.failure in (Failure.NO_ROUTE, Failure.TIMED_OUT)
    assert unnamed.failure is Failure.NO_NAME


def test_a_jump_host_is_passed(lab_host: HostFactory) -> None:
    """ssh_args with a ProxyCommand reach a host behind another, with both host keys checked."""
    first, second = lab_host(image="debian12"), lab_host(image="debian13")
    access = first.ssh
    proxy = (
        f"ssh -F none -i {access.key} -o UserKnownHostsFile={access.known_hosts} -o StrictHostKeyChecking=yes "
        f"-o BatchMode=yes -W %h:%p ops@{first.address}"
    )
    connection = reach(second, "ops", become=Become())
    connection = dataclasses.replace(connection, ssh_args=(*connection.ssh_args, "-o", f"ProxyCommand={proxy}"))

    report = look_at(connection)

    assert_seen_as(report, "root", second)


def test_many_hosts_report_as_they_finish_and_only_so_many_at_once(lab_host: HostFactory) -> None:
    """More jobs than sessions are all looked at; reports carry their own names; descriptors are not used up."""
    host = lab_host()
    before = len(list(Path(f"/proc/{os.getpid()}/fd").iterdir()))
    jobs = [
        HostJob(
            connection=dataclasses.replace(reach(host, "root"), name=f"host{number}"),
            script=lambda scope: scope.spawn("name", scope.host.check_output, "hostname"),
        )
        for number in range(30)
    ]

    reports = list(look(jobs, limits=Limits(sessions=8, handshakes=4)))

    assert sorted(report.name for report in reports) == sorted(f"host{number}" for number in range(30))
    assert {report.outcomes["name"].value for report in reports} == {host.name}
    assert len(list(Path(f"/proc/{os.getpid()}/fd").iterdir())) == before


@pytest.mark.parametrize("user", ["ops", "opssu"])
def test_a_hanging_command_as_root_is_killed(lab_host: HostFactory, user: str) -> None:
    """With sudo and through a terminal too a hanging command costs only its own answer, and does not live on."""
    host = lab_host()
    become = Become() if user == "ops" else Become(method="su", password=Secret(ROOT_PASSWORD))

    def script(scope: HostScope) -> None:
        for number in range(4):
            scope.spawn(f"before {number}", scope.host.check_output, f"echo {number}")
        scope.spawn("hung", scope.host.run, "sleep 2345.5")
        for number in range(4, 8):
            scope.spawn(f"after {number}", scope.host.check_output, f"echo {number}")

    job = HostJob(connection=reach(host, user, become=become), script=script)
    (report,) = look([job], limits=Limits(command_s=3, host_s=60))

    assert report.unreachable is None
    assert type(report.outcomes["hung"].error).__name__ == "CommandTimeout"
    values = [outcome.value for key, outcome in report.outcomes.items() if key != "hung"]
    assert values == [str(number) for number in range(8)]
    assert host.exec_inside("pgrep -f '^sleep 2345.5'").rc == 1
