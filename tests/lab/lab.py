"""A lab: one private network, its hosts, and everything that must be gone when it is over."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Self, TypedDict

from tests.lab.cgroups import drop_groups
from tests.lab.errors import LabError
from tests.lab.host import LabHost
from tests.lab.images import Image
from tests.lab.images import image as get_image
from tests.lab.mounts import unmount
from tests.lab.network import Network, drop_link, drop_namespace, links, make_bridge
from tests.lab.paths import lab_root, locked, require_root
from tests.lab.processes import recall, remember, stop
from tests.lab.ssh import SshAccess, make_access
from tests.lab.vm import Machine

_INOTIFY_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
_FIRST_HOST = 11


class Description(TypedDict):
    """A host as its lab writes it down."""

    name: str
    address: str
    image: list[str]
    """The image's name and its layers: base, debs, standins, and middleware where it has one."""
    services: list[str]
    virtual: bool
    """A virtual machine, not a container."""


class Lab:
    """Hosts on one network. Belongs to the process that made it, or to nobody (`kept`) until `down` is called."""

    def __init__(self, network: Network) -> None:
        """Stand for the lab of that network, which exists already."""
        self.network = network
        self.directory = lab_root() / "run" / network.bridge
        self.ssh: SshAccess = make_access(self.directory)
        self.hosts: dict[str, LabHost] = {}
        self.machines: dict[str, Machine] = {}
        for described in sorted(self.directory.glob("hosts/*/host.json")):
            self._adopt(json.loads(described.read_text()))

    @classmethod
    def create(cls, network: str | None = None, *, kept: bool = False) -> Self:
        """Make a lab on that network, or the first free one from 10.99.0.0/24 on; clean up what dead processes left."""
        require_root()
        with locked("run"):
            clean_stale()
            claimed = _claim(network)
            directory = lab_root() / "run" / claimed.bridge
            directory.mkdir(parents=True)
            (directory / "network").write_text(claimed.base)
            if not kept:
                remember(directory / "owner", os.getpid())
            make_bridge(claimed)
        _raise_inotify_limit()
        lab = cls(claimed)
        if not kept:
            atexit.register(lab._down_if_mine, os.getpid())
            _exit_on_signals()
        return lab

    @classmethod
    def open(cls, network: str) -> Self:
        """Return the kept lab of that network, making it if there is none."""
        require_root()
        wanted = Network(base=network)
        directory = lab_root() / "run" / wanted.bridge
        if not directory.exists():
            return cls.create(network, kept=True)
        if (directory / "owner").exists():
            raise LabError(f"{network} belongs to the process in {directory}/owner; choose another --network")
        return cls(wanted)

    def host(self, name: str, *, image: str = "debian12", services: tuple[str, ...] = ()) -> LabHost:
        """Return a new container host, not booted yet."""
        self._adopt(self._describe(name, image, services, virtual=False))
        return self.hosts[name]

    def machine(self, name: str, *, image: str = "debian12", services: tuple[str, ...] = ()) -> Machine:
        """Return a new virtual machine, not booted yet."""
        self._adopt(self._describe(name, image, services, virtual=True))
        return self.machines[name]

    @property
    def everyone(self) -> dict[str, LabHost | Machine]:
        """All hosts by name, containers and machines."""
        return {**self.hosts, **self.machines}

    def remove(self, name: str) -> None:
        """Switch a host off and forget it."""
        host = self.everyone[name]
        host.stop()
        shutil.rmtree(host.directory)
        self.hosts.pop(name, None)
        self.machines.pop(name, None)

    def down(self) -> None:
        """Stop and remove everything this lab started."""
        take_down(self.directory)
        self.hosts.clear()
        self.machines.clear()

    def __enter__(self) -> Self:
        """Use the lab in a with statement: it is down when the statement ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the lab down."""
        self.down()

    def _describe(self, name: str, image: str, services: tuple[str, ...], *, virtual: bool) -> Description:
        """Claim a name and an address, and write the host down."""
        built = get_image(image)
        with locked("run"):
            if name in {path.name for path in self.directory.glob("hosts/*")}:
                raise LabError(f"{self.network.base} has a host {name} already")
            taken = {json.loads(path.read_text())["address"] for path in self.directory.glob("hosts/*/host.json")}
            address = next(a for a in map(self.network.address, range(_FIRST_HOST, 255)) if a not in taken)
            directory = self.directory / "hosts" / name
            directory.mkdir(parents=True)
            described: Description = {
                "name": name,
                "address": address,
                "image": [built.name, *map(str, built.layers)],
                "services": list(services),
                "virtual": virtual,
            }
            (directory / "host.json").write_text(json.dumps(described))
        return described

    def _adopt(self, described: Description) -> None:
        # The layers stand in the description: a host stays on those it was made of when the recipe changes.
        image_name, *layers = described["image"]
        base, debs, standins, *more = map(Path, layers)
        kind = Machine if described.get("virtual") else LabHost
        host = kind(
            name=described["name"],
            address=described["address"],
            image=Image(name=image_name, base=base, debs=debs, standins=standins, middleware=more[0] if more else None),
            services=tuple(described["services"]),
            network=self.network,
            directory=self.directory / "hosts" / described["name"],
            ssh=self.ssh,
        )
        if isinstance(host, Machine):
            self.machines[host.name] = host
        else:
            self.hosts[host.name] = host

    def _down_if_mine(self, maker: int) -> None:
        # A forked child inherits our exit hooks; the lab is not its to take down. Nor is that of another process, which
        # may have the network since we gave it back.
        if os.getpid() == maker == recall(self.directory / "owner"):
            self.down()


def take_down(directory: Path) -> None:
    """Stop and remove the lab kept in a run directory, from what is written there alone."""
    for pid_file in sorted(directory.rglob("*.pid")):
        pid = recall(pid_file)
        if pid is not None:
            stop(pid, patience_s=20)  # nspawn answers SIGTERM by powering the host off.
    unmount(directory)
    # The lab's network is what its directory is named after, and hosts' devices share all but the last two digits.
    family = directory.name[:-2]
    for group in {path.name for path in Path("/sys/fs/cgroup").glob(f"*/{family}*")}:
        drop_groups(group)
    for namespace in Path("/run/netns").glob(f"{family}*"):
        drop_namespace(namespace.name)
    for link in links():
        if link.startswith(family):
            drop_link(link)
    shutil.rmtree(directory)


def clean_stale() -> None:
    """Take down every lab whose owner is gone without having done so."""
    for directory in sorted((lab_root() / "run").glob("hl*")):
        owner = directory / "owner"
        if owner.exists() and recall(owner) is None:
            print(f"lab: cleaning up {directory.name}, left by a process that died", file=sys.stderr)
            take_down(directory)


def _claim(network: str | None) -> Network:
    used = links() | {path.name for path in (lab_root() / "run").glob("hl*")}
    candidates = [network] if network else [f"10.99.{third}.0/24" for third in range(256)]
    for candidate in candidates:
        claimed = Network(base=candidate)
        if claimed.bridge not in used:
            return claimed
    raise LabError(f"{network or 'every network from 10.99.0.0/24 on'} is in use by another lab; choose another")


def _raise_inotify_limit() -> None:
    # All hosts share root's limit, and each systemd needs some ten instances: with the stock 128 the ninth host fails.
    if int(_INOTIFY_INSTANCES.read_text()) < 1024:
        _INOTIFY_INSTANCES.write_text("1024")


def _exit_on_signals() -> None:
    """Let a polite kill end the process as an exception would, so that exit hooks run."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _exit)


def _exit(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
