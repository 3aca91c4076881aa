"""What a host's own layer holds before its first boot: name, keys, identity, and the services it is to run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.lab import accounts
from tests.lab.commands import run
from tests.lab.errors import LabError
from tests.lab.ssh import SshAccess

SERVICES = {
    "nginx": "nginx.service",
    "postgresql": "postgresql.service",
    # These are on the images with middleware alone.
    "mariadb": "mariadb.service",
    "rabbitmq": "rabbitmq-server.service",
    "redis": "redis-server.service",
    "tomcat": "tomcat10.service",
}
_HOST_KEYS = ("ed25519", "ecdsa", "rsa")


def furnish(root: Path, *, name: str, address: str, services: tuple[str, ...], ssh: SshAccess) -> None:
    """Make a freshly mounted root this host's own."""
    (root / "etc/hostname").write_text(f"{name}\n")
    # Services such as Erlang's do not start on a host whose name does not resolve.
    (root / "etc/hosts").write_text(
        f"127.0.0.1\tlocalhost\n127.0.1.1\t{name}\n{address}\t{name}\n::1\tlocalhost ip6-localhost ip6-loopback\n"
    )
    resolver = root / "etc/resolv.conf"
    resolver.unlink(missing_ok=True)
    resolver.touch(mode=0o644)
    _authorize(root, ssh.public_key)
    _make_host_keys(root, name, address, ssh)
    _enable(root, services)
    _calm_timers(root)


def _authorize(root: Path, public_key: str) -> None:
    owners = {"root": (0, 0), **_passwd(root)}
    for user in ("root", *accounts.KEY_USERS):
        home = root / ("root" if user == "root" else f"home/{user}")
        directory = home / ".ssh"
        directory.mkdir(mode=0o700, exist_ok=True)
        keys = directory / "authorized_keys"
        keys.write_text(public_key)
        keys.chmod(0o600)
        for path in (directory, keys):
            os.chown(path, *owners[user])


def _passwd(root: Path) -> dict[str, tuple[int, int]]:
    rows = (line.split(":") for line in (root / "etc/passwd").read_text().splitlines())
    return {row[0]: (int(row[2]), int(row[3])) for row in rows}


def _make_host_keys(root: Path, name: str, address: str, ssh: SshAccess) -> None:
    """Give the host keys of its own and tell the lab's known_hosts about them, so that host-key checking stays on."""
    public_keys = []
    for kind in _HOST_KEYS:
        key = root / f"etc/ssh/ssh_host_{kind}_key"
        run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"root@{name}", "-f", key])
        public_keys.append(key.with_name(f"{key.name}.pub").read_text())
    ssh.trust([address, name], public_keys)


def _enable(root: Path, services: tuple[str, ...]) -> None:
    unknown = set(services) - set(SERVICES)
    if unknown:
        raise LabError(f"no lab service is called {', '.join(sorted(unknown))}; there are: {', '.join(SERVICES)}")
    if services:
        run(["systemctl", f"--root={root}", "enable", "--quiet", *(SERVICES[service] for service in services)])


def _calm_timers(root: Path) -> None:
    """Tell persistent timers that they ran just now; otherwise every daily job of a server starts at its first boot."""
    stamps = root / "var/lib/systemd/timers"
    stamps.mkdir(parents=True, exist_ok=True)
    for unit in sorted((root / "usr/lib/systemd/system").glob("*.timer")):
        (stamps / f"stamp-{unit.name}").touch()
    shutil.chown(stamps, "root", "root")
