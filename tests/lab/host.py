"""One lab host: a real Debian under systemd-nspawn, with an address, a sshd and services of its own."""

from __future__ import annotations

import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab.cgroups import cpu_seconds, drop_groups, make_groups
from tests.lab.commands import run
from tests.lab.errors import LabError
from tests.lab.latency import set_round_trip
from tests.lab.mounts import is_mounted, unmount
from tests.lab.network import device_name, drop_namespace, make_namespace
from tests.lab.overlay import furnish
from tests.lab.processes import children, recall, start_detached, stop
from tests.lab.reachable import Done, Reachable, finished
from tests.lab.snapshot import Entry, snapshot_tree

_INSIDE_ENV = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root"]
_POWER_OFF = signal.SIGRTMIN + 4  # systemd(1), SIGNALS: starts poweroff.target


@dataclass(frozen=True, kw_only=True)
class LabHost(Reachable):
    """A container host of a lab. What it is stands here; whether it runs is asked of the kernel."""

    @property
    def root(self) -> Path:
        """The host's file system as this machine sees it, while it is booted."""
        return self.directory / "root"

    @property
    def pid(self) -> int | None:
        """The pid of the host's supervisor, if it runs."""
        return recall(self.directory / "nspawn.pid")

    def boot(self, *, timeout_s: float = 180) -> float:
        """Switch the host on, wait until systemd is done and ssh lets ops in; return the seconds it took."""
        if self.pid is not None:
            raise LabError(f"{self.name} runs already")
        began = time.monotonic()
        self._mount()
        namespace = make_namespace(self.network, self.address)
        argv = [
            *("systemd-nspawn", "--quiet", f"--directory={self.root}", "--register=no", "--keep-unit"),
            *(f"--network-namespace-path={namespace}", f"--hostname={self.name}"),
            # Two labs may have hosts of the same name; the machine's name is unique.
            f"--machine={device_name(self.address)}",
            # Without it nspawn refuses nftables when the namespace is given by path.
            *("--console=pipe", "--capability=CAP_NET_ADMIN", "--resolv-conf=off", "--timezone=off", "--boot"),
        ]
        start_detached(
            argv,
            log=self.log,
            pid_file=self.directory / "nspawn.pid",
            # The host's own /proc/sys/net is writable: it is a namespace of its own.
            env={"SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"},
            cgroups=make_groups(device_name(self.address)),
        )
        self._wait_until_up(began + timeout_s)
        return time.monotonic() - began

    def power_off(self, *, patience_s: float = 90) -> None:
        """Shut the host down in good order; its file system stays, and boot() goes on with it."""
        pid = self.pid
        if pid is not None:
            leader = self._leader()
            if not stop(pid, ask=_POWER_OFF if leader else signal.SIGTERM, asked=leader, patience_s=patience_s):
                raise LabError(f"{self.name} was killed: it did not shut down in {patience_s:.0f} s; see {self.log}")
        unmount(self.root)
        drop_groups(device_name(self.address))

    def cut_power(self) -> None:
        """Stop the host as a power failure would: no shutdown, nothing is asked."""
        pid = self.pid
        if pid is not None:
            leader = self._leader()
            # Killing a pid namespace's first process kills everything in it.
            stop(pid, ask=signal.SIGKILL, asked=leader or pid)
        unmount(self.root)
        drop_groups(device_name(self.address))

    def stop(self) -> None:
        """Switch the host off for good; its network goes too."""
        self.power_off()
        self._drop_link()

    def exec_inside(self, command: str, *, stdin: str | None = None, timeout_s: float = 120) -> Done:
        """Run a shell command as root inside the host, through its namespaces: works with ssh broken."""
        leader = self._leader()
        if leader is None:
            raise LabError(f"{self.name} is not running; boot it first")
        argv = ["nsenter", f"--target={leader}", "--all", "--root", "--wd", *_INSIDE_ENV, "sh", "-c", command]
        return finished(argv, stdin=stdin, timeout_s=timeout_s)

    def share(self, *paths: Path) -> None:
        """Let the host see directories of this machine at their own paths, read-only, from its next boot on.

        Raises LabError for what a host's own /tmp would cover: a checkout there cannot run on a host.
        """
        covered = [path for path in paths if path.is_relative_to("/tmp")]
        if covered:
            raise LabError(f"{covered[0]}: a lab host has a /tmp of its own; check out elsewhere for this test")
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "shared").open("a") as listed:
            listed.writelines(f"{path}\n" for path in paths)

    def snapshot_tree(self, paths: tuple[str, ...] = ("/etc",)) -> dict[str, Entry]:
        """Return what is at and under the paths, for comparing before with after; times are left out."""
        return snapshot_tree(self.root, paths)

    def set_round_trip(self, round_trip_ms: float, *, loss_percent: int = 0) -> None:
        """Move the host that far away, behind a link that loses packets; 0 brings it back. Open connections break."""
        set_round_trip(self.network, self.address, self.directory, round_trip_ms, loss_percent=loss_percent)

    def cpu_seconds(self) -> float:
        """Return the CPU time that everything inside has used since the last boot."""
        return cpu_seconds(device_name(self.address))

    def _mount(self) -> None:
        for part in ("upper", "work", "root"):
            (self.directory / part).mkdir(exist_ok=True)
        if is_mounted(self.root):
            return
        layers = f"lowerdir={self.image.lowerdir},upperdir={self.directory / 'upper'},workdir={self.directory / 'work'}"
        run(["mount", "-t", "overlay", "overlay", "-o", layers, self.root])
        made = self.directory / "furnished"
        if not made.exists():
            furnish(self.root, name=self.name, address=self.address, services=self.services, ssh=self.ssh)
            made.touch()
        shared = self.directory / "shared"
        for path in shared.read_text().splitlines() if shared.exists() else ():
            place = self.root / path.lstrip("/")
            place.mkdir(parents=True, exist_ok=True)
            run(["mount", "--bind", "-o", "ro", path, place])

    def _drop_link(self) -> None:
        relay = recall(self.directory / "delay.pid")
        if relay is not None:
            stop(relay)
        drop_namespace(device_name(self.address))

    def _leader(self) -> int | None:
        """Return the pid, seen from here, of the host's own process 1."""
        supervisor = self.pid
        for child in children(supervisor) if supervisor else []:
            try:
                status = Path(f"/proc/{child}/status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            # NSpid lists the pid in every nested namespace (proc(5)); ours is the first, the host's own the last.
            inside = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
            if len(inside) > 1 and inside[-1] == "1":
                return child
        return None

    def _wait_until_up(self, deadline: float) -> None:
        state = "not started"
        while time.monotonic() < deadline:
            if self.pid is None:
                raise LabError(f"{self.name} died while booting; its console said:\n{self.console_tail()}")
            if self._leader() is not None:
                left = max(1.0, deadline - time.monotonic())
                try:
                    state = self.exec_inside("systemctl is-system-running --wait", timeout_s=left).stdout.strip()
                except subprocess.TimeoutExpired:
                    break
                if state == "running" and self.over_ssh("sudo -n true").rc == 0:
                    return
                if state == "degraded":
                    failed = self.exec_inside("systemctl list-units --failed --plain --no-legend").stdout
                    raise LabError(f"{self.name} booted, but these units failed:\n{failed}")
            time.sleep(0.1)  # Until the host's systemd answers there is nothing to wait on.
        raise LabError(f"{self.name} was not up in time; systemd says: {state}; console:\n{self.console_tail()}")
