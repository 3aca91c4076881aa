"""One virtual machine: the same Debian with a kernel of its own, for what belongs to the kernel.

Software emulation: a boot takes most of a minute, and nothing here is a stand-in.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab import snapshot
from tests.lab.commands import run
from tests.lab.compiled_profiles import keep_profiles, lay_in_profiles
from tests.lab.disks import Disk, disk, identity_disk
from tests.lab.errors import LabError
from tests.lab.mounts import unmount
from tests.lab.network import device_name, drop_link, make_tap
from tests.lab.overlay import furnish
from tests.lab.paths import lab_root
from tests.lab.processes import recall, start_detached, stop
from tests.lab.reachable import Done, Reachable
from tests.lab.snapshot import Entry

_MEMORY_MIB = 1024
_KERNEL_WORDS = (
    *("root=/dev/vda", "rw", "console=ttyS0", "quiet"),
    # An emulated machine shares the processor with everything else: slow is not broken.
    *("nosoftlockup", "systemd.default_timeout_start_sec=900", "systemd.default_device_timeout_sec=900"),
)
# Left waiting by others, an emulated machine stands still for so long that its own timers go off.
_PRIORITY = ("nice", "-n", "-5")


@dataclass(frozen=True, kw_only=True)
class Machine(Reachable):
    """A virtual machine of a lab, on the lab's bridge like every other host."""

    @property
    def login_timeout_s(self) -> int:
        """In software emulation, beside other work, sudo alone has taken 12 s."""
        return 180

    @property
    def pid(self) -> int | None:
        """The pid of the emulator, if it runs."""
        return recall(self.directory / "qemu.pid")

    def boot(self, *, timeout_s: float = 900) -> float:
        """Switch the machine on, wait until systemd is done and ssh lets ops in; return the seconds it took."""
        if self.pid is not None:
            raise LabError(f"{self.name} runs already")
        self._prepare()
        began = time.monotonic()
        # The disk it was made on, also when the recipe has changed since.
        start = Disk(directory=lab_root() / "images" / (self.directory / "disk-under").read_text())
        make_tap(self.network, self.address)
        argv: list[str | Path] = [
            *(*_PRIORITY, "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max"),
            # With two emulated processors Linux 6.12 has panicked at boot, where one ran code that the other patched.
            *("-smp", "1", "-m", str(_MEMORY_MIB)),
            *("-kernel", start.kernel, "-initrd", start.initrd, "-append", " ".join(_KERNEL_WORDS)),
            *("-drive", f"file={self.directory / 'disk.qcow2'},if=virtio,format=qcow2,cache=unsafe"),
            *("-drive", f"file={self.directory / 'identity.raw'},if=virtio,format=raw,read-only=on"),
            *("-netdev", f"tap,id=lab,ifname={device_name(self.address)},script=no,downscript=no"),
            *("-device", f"virtio-net-pci,netdev=lab,mac={_mac(self.address)}", "-device", "virtio-rng-pci"),
            *("-serial", f"file:{self.log}", "-monitor", f"unix:{self._monitor},server=on,wait=off"),
            *("-display", "none", "-nodefaults"),
        ]
        start_detached(argv, log=self.directory / "qemu.log", pid_file=self.directory / "qemu.pid")
        self._wait_until_up(began + timeout_s)
        took_s = time.monotonic() - began
        keep_profiles(self, start)
        return took_s

    def power_off(self, *, patience_s: float = 120) -> None:
        """Press the power button and wait; the disk stays, and boot() goes on with it."""
        pid = self.pid
        if pid is None:
            return
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self._monitor))
            monitor.sendall(b"system_powerdown\n")
            if not stop(pid, ask=0, patience_s=patience_s):
                raise LabError(f"{self.name} was killed: it did not shut down in {patience_s:.0f} s; see {self.log}")

    def cut_power(self) -> None:
        """Stop the machine as a power failure would."""
        if self.pid is not None:
            stop(self.pid, ask=signal.SIGKILL)

    def stop(self) -> None:
        """Switch the machine off for good; its link goes too."""
        self.power_off()
        drop_link(device_name(self.address))

    def exec_inside(self, command: str, *, stdin: str | None = None, timeout_s: float = 300) -> Done:
        """Run a shell command as root, over ssh as ops: the machine has no other door."""
        return self.over_ssh(f"sudo -n sh -c {shlex.quote(command)}", stdin=stdin, timeout_s=timeout_s)

    def snapshot_tree(self, paths: tuple[str, ...] = ("/etc",)) -> dict[str, Entry]:
        """Return what is at and under the paths; the same code looks as on container hosts, inside."""
        said = self.run(f"python3 - {shlex.join(paths)}", stdin=Path(snapshot.__file__).read_text(), timeout_s=600)
        return snapshot.from_json(json.loads(said))

    @property
    def _monitor(self) -> Path:
        return self.directory / "monitor"

    def _prepare(self) -> None:
        """Make the machine's own disk and identity, the first time."""
        own = self.directory / "disk.qcow2"
        if own.exists():
            return
        under = disk(self.image)
        upper, work, merged = (self.directory / part for part in ("upper", "work", "root"))
        for part in (upper, work, merged):
            part.mkdir(exist_ok=True)
        layers = f"lowerdir={self.image.debs}:{self.image.base},upperdir={upper},workdir={work}"
        run(["mount", "-t", "overlay", "overlay", "-o", layers, merged])
        try:
            furnish(merged, name=self.name, address=self.address, services=self.services, ssh=self.ssh)
            lay_in_profiles(merged, under)
            wired = merged / "etc/systemd/network/10-lab.network"
            wired.write_text(
                f"[Match]\nName=e*\n[Network]\nAddress={self.address}/24\nGateway={self.network.gateway}\n"
            )
        finally:
            unmount(merged)
        identity_disk(upper, self.directory / "identity.raw")
        shutil.rmtree(upper)
        shutil.rmtree(work)
        partial = own.with_suffix(".partial")
        run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", under.root, partial])
        (self.directory / "disk-under").write_text(under.directory.name)
        partial.rename(own)

    def _wait_until_up(self, deadline: float) -> None:
        state = "silent"
        while time.monotonic() < deadline:
            if self.pid is None:
                said = (self.directory / "qemu.log").read_text(errors="replace")
                raise LabError(f"{self.name} died while booting: {said}\n{self.console_tail()}")
            if self.log.exists() and "Kernel panic" in self.log.read_text(errors="replace"):
                raise LabError(f"the kernel of {self.name} panicked:\n{self.console_tail()}")
            with contextlib.suppress(subprocess.TimeoutExpired):
                state = self.over_ssh("systemctl is-system-running --wait; sudo -n true", timeout_s=120).stdout.strip()
            if state == "running":
                return
            if state == "degraded":
                failed = self.over_ssh("systemctl list-units --failed --plain --no-legend").stdout
                raise LabError(f"{self.name} booted, but these units failed:\n{failed}")
            # A refused connection answers at once, and a machine that is not there yet sends nothing to wait on.
            time.sleep(0.5)
        raise LabError(f"{self.name} was not up in time; systemd says: {state or 'nothing'}\n{self.console_tail()}")


def _mac(address: str) -> str:
    """Return a locally administered hardware address that is the host's alone."""
    return ":".join(["52", "54", *(f"{int(part):02x}" for part in address.split("."))])
