"""Our session answers every command as testinfra's own backend does, on every system, with and without sudo."""

from __future__ import annotations

from typing import Any

import pytest

from hardening.remote import Become, Connection, HostScope, compare
from hardening.remote.verify import Comparison
from tests.lab.host import LabHost
from tests.lab.plugin import HostFactory
from tools.stand_in_checks import checks


def reach(host: LabHost, user: str, become: Become | None) -> Connection:
    """Return how to log in with nothing but the lab's configuration."""
    return Connection(
        name=host.name,
        host=host.address,
        user=user,
        private_key_file=str(host.ssh.key),
        known_hosts_file=str(host.ssh.known_hosts),
        ssh_args=("-F", "none", "-o", "IdentitiesOnly=yes"),
        become=become,
    )


def many_modules(scope: HostScope) -> None:
    """Ask with most modules of testinfra, and with commands of every sort."""
    for key, check in checks().items():
        scope.spawn(key, check, scope.host)
    host: Any = scope.host
    for name in ("root", "ops", "nobody"):
        scope.spawn(f"user {name}", lambda name=name: (host.user(name).gids, host.user(name).expiration_date))
    for path in ("/etc", "/var/lock", "/bin/sh", "/nowhere", "/dev/null", "/run/systemd/private"):
        scope.spawn(f"file {path}", _file, host, path)
    scope.spawn("valid", lambda: host.service("ssh").systemd_properties["FragmentPath"])
    scope.spawn("masked", lambda: [host.service(name).is_masked for name in ("ssh", "cron", "nftables")])
    scope.spawn("interface", lambda: (host.interface("lo").addresses, host.interface.default()))
    scope.spawn("address", lambda: host.addr("127.0.0.1").is_resolvable)
    scope.spawn("pip", lambda: host.pip.check())
    scope.spawn("listed", lambda: host.file("/etc/ssh").listdir())
    scope.spawn("all users", lambda: (host.user().get_all_users, host.group("root").get_local_groups))
    for command in (
        "exit 7",
        r"printf '\000\377'",
        "echo out; echo err >&2; false",
        "cat",
        "no-such-program --at-all",
        "id; cat /etc/shadow | wc -l",
        "sed -n 1p /etc/os-release /nowhere",
        "true\n\n# a comment\necho second line",
    ):
        scope.spawn(f"command {command}", host.run, command)


def _file(host: Any, path: str) -> object:
    file = host.file(path)
    kinds = (file.is_file, file.is_directory, file.is_symlink, file.is_socket, file.is_pipe, file.is_executable)
    return kinds, file.exists and (file.linked_to, file.size, file.mtime, file.uid, file.gid)


def assert_identical(comparison: Comparison) -> None:
    """Assert that nothing differs, and that hardly anything was too volatile to compare."""
    assert comparison.differences == ()
    assert comparison.compared > 330
    # What a process list shows changes with every look at it.
    assert all(command.startswith("ps ") for command in comparison.volatile)


@pytest.mark.parametrize("system", ["debian12", "debian13"])
@pytest.mark.parametrize(
    ("user", "become"),
    [
        pytest.param("root", None, id="root"),
        pytest.param("ops", None, id="user"),
        pytest.param("ops", Become(), id="sudo"),
    ],
)
def test_every_reply_is_the_stock_backends(
    lab_host: HostFactory, system: str, user: str, become: Become | None
) -> None:
    """Plain, fused and planned: exit code, stdout and stderr of every command equal those of testinfra over ssh."""
    assert_identical(compare(reach(lab_host(image=system), user, become), [many_modules]))


def test_every_reply_of_a_local_shell_is_the_stock_backends() -> None:
    """The same on this machine against testinfra's local backend, with what does not change while others work here."""

    def steady(scope: HostScope) -> None:
        for key, check in checks().items():
            if key.split()[0] in (
                "mode",
                "owner",
                "sysctl",
                "package",
                "account",
                "content",
                "grep",
                "group",
                "digest",
            ):
                scope.spawn(key, check, scope.host)

    comparison = compare(Connection(name="here", transport="local"), [steady])

    assert comparison.differences == ()
    assert comparison.volatile == ()
    assert comparison.compared > 200


def test_a_difference_is_found(lab_host: HostFactory) -> None:
    """The comparison itself can fail: a command that tells our session from a login of its own is reported."""
    connection = reach(lab_host(), "root", None)

    comparison = compare(connection, [lambda scope: scope.spawn("shell", scope.host.run, "echo ${_hm:+ours}")])

    assert [(difference.what, difference.ours, difference.stock) for difference in comparison.differences] == [
        ("stdout", b"ours\n", b"\n")
    ] * 3
