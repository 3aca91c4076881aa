"""The lab's hosts are what the other tests take them for."""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import pytest

from tests.lab import accounts
from tests.lab.cgroups import cpu_seconds
from tests.lab.errors import LabError
from tests.lab.inventory import write_inventory
from tests.lab.lab import Lab, clean_stale
from tests.lab.network import device_name, links
from tests.lab.paths import lab_root, locked
from tests.lab.plugin import HostFactory
from tests.lab.processes import recall, remember

IMAGES = pytest.mark.parametrize("image", ["debian12", "debian13"])


@IMAGES
def test_a_host_runs_the_release_it_is_named_after(lab_host: HostFactory, image: str) -> None:
    """A debian13 host is Debian 13, and systemd has nothing to complain about."""
    host = lab_host(image=image)

    assert f'VERSION_ID="{image.removeprefix("debian")}"' in host.run("cat /etc/os-release")
    assert host.run("systemctl is-system-running").strip() == "running"


@IMAGES
def test_each_account_becomes_root_in_its_own_way(lab_host: HostFactory, image: str) -> None:
    """ops needs no password, opspw gives its own to sudo, opssu gives root's to su."""
    host = lab_host(image=image)

    assert host.over_ssh("sudo -n id -u").stdout == "0\n"
    assert host.over_ssh("sudo -n id -u", user="opspw").rc != 0
    asked = host.over_ssh("sudo -S -p '' id -u", user="opspw", stdin=f"{accounts.OPS_PASSWORD}\n")
    assert asked.stdout == "0\n"
    assert host.over_ssh("sudo -S -p '' id -u", user="opssu", stdin=f"{accounts.OPS_PASSWORD}\n").rc != 0
    assert host.over_ssh("su -c 'id -u'", user="opssu", stdin=f"{accounts.ROOT_PASSWORD}\n").stdout == "0\n"


@IMAGES
def test_a_web_server_answers_over_tls_from_outside(lab_host: HostFactory, image: str) -> None:
    """A host with nginx serves its page on 443 to this machine."""
    host = lab_host(image=image, services=("nginx", "postgresql"))
    unverified = ssl._create_unverified_context()  # noqa: S323 - the lab's certificate is a self-made one.

    with urllib.request.urlopen(f"https://{host.address}/", context=unverified, timeout=10) as page:
        assert b"nginx" in page.read()


@IMAGES
def test_a_database_server_answers_queries(lab_host: HostFactory, image: str) -> None:
    """A host with postgresql listens on its address and runs SQL."""
    host = lab_host(image=image, services=("nginx", "postgresql"))

    assert host.run("cd / && runuser -u postgres -- psql -XAtc 'select 6 * 7'") == "42\n"
    assert f"{host.address}:5432" in host.run("ss -Hltn").replace("0.0.0.0", host.address)


def test_a_service_that_was_not_asked_for_does_not_run(lab_host: HostFactory) -> None:
    """A bare host has nginx and PostgreSQL installed, and neither runs."""
    host = lab_host()

    assert host.exec_inside("systemctl is-active nginx postgresql").stdout.split() == ["inactive", "inactive"]


def test_a_host_key_that_changed_is_refused(own_host: HostFactory) -> None:
    """Host keys are checked: a host with another key gets no login."""
    host = own_host()

    host.run("rm /etc/ssh/ssh_host_*; ssh-keygen -A; systemctl restart ssh")

    refused = host.over_ssh("true")
    assert refused.rc == 255
    assert "Host key verification failed" in refused.stderr


def test_power_off_and_boot_is_a_reboot(own_host: HostFactory) -> None:
    """Files on disk are there after a reboot, files in /run are not, and pid 1 is a new one."""
    host = own_host()
    host.run("echo kept > /srv/kept; echo gone > /run/gone")
    first_boot = host.run("systemctl show --property=UserspaceTimestampMonotonic")

    host.power_off()
    host.boot()

    assert host.run("cat /srv/kept") == "kept\n"
    assert host.exec_inside("cat /run/gone").rc != 0
    assert host.run("systemctl show --property=UserspaceTimestampMonotonic") != first_boot


def test_a_host_without_ssh_can_still_be_reached_from_outside(own_host: HostFactory) -> None:
    """exec_inside works when sshd is stopped, which is how locked-out hosts are looked at."""
    host = own_host()

    host.run("systemctl stop ssh.socket ssh.service || systemctl stop ssh.service")

    assert host.over_ssh("true").rc == 255
    assert host.exec_inside("echo inside").stdout == "inside\n"


def test_a_power_cut_leaves_what_was_written(own_host: HostFactory) -> None:
    """After a cut the host boots again with its files."""
    host = own_host()
    host.run("echo kept > /srv/kept; sync")

    host.cut_power()
    assert host.pid is None
    host.boot()

    assert host.run("cat /srv/kept") == "kept\n"


def test_a_host_with_a_failed_unit_is_not_taken_for_booted(own_host: HostFactory) -> None:
    """boot() names the unit that failed."""
    host = own_host()
    host.run("printf '[Service]\\nType=oneshot\\nExecStart=/bin/false\\n' > /etc/systemd/system/broken.service")
    host.run("systemctl add-wants multi-user.target broken.service")
    host.power_off()

    with pytest.raises(LabError, match=r"broken\.service"):
        host.boot()


def test_a_snapshot_shows_content_mode_and_owner_and_nothing_else(own_host: HostFactory) -> None:
    """Comparing two snapshots gives exactly the paths that were changed; touching a file changes nothing."""
    host = own_host()
    before = host.snapshot_tree(("/etc", "/srv"))

    host.run(
        "echo >> /etc/issue; chmod 0600 /etc/issue.net; chown ops /etc/hosts.allow 2>/dev/null || chown ops /etc/fstab;"
        "setfacl -m u:ops:r /etc/passwd; touch /etc/group; ln -s nowhere /srv/link"
    )

    after = host.snapshot_tree(("/etc", "/srv"))
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    owned = changed & {"/etc/hosts.allow", "/etc/fstab"}
    assert len(owned) == 1
    assert changed - owned == {"/etc/issue", "/etc/issue.net", "/etc/passwd", "/srv/link"}


def test_distance_is_what_was_asked_for(own_host: HostFactory) -> None:
    """The round trip is 20 and 100 ms to a millisecond, and next to nothing without the relay."""
    host = own_host()

    for asked_ms in (20, 100, 0):
        host.set_round_trip(asked_ms)
        # The first packet also waits for the address to be found.
        said = host.run(f"ping -c 1 -q {host.network.gateway} >/dev/null; ping -c 10 -i 0.2 -q {host.network.gateway}")
        found = re.search(r"= ([0-9.]+)/", said)
        assert found is not None, said
        assert asked_ms <= float(found.group(1)) < asked_ms + 1.0


def test_a_host_installs_packages_from_its_own_signed_repository(own_host: HostFactory) -> None:
    """apt works without a network, and checks signatures."""
    host = own_host()

    host.run("apt-get -qq update && apt-get -qq install --yes telnet")

    assert host.run("dpkg-query --show --showformat='${db:Status-Status}' telnet") == "installed"
    assert "trusted=yes" not in host.run("cat /etc/apt/sources.list")


def test_kernel_settings_of_a_host_are_its_own(lab_host: HostFactory) -> None:
    """A host sets kernel.* and net.* without touching the machine below or its neighbour."""
    host, neighbour = lab_host(), lab_host(image="debian13")
    outer = Path("/proc/sys/kernel/panic").read_text()

    host.run("sysctl -w kernel.panic=77 net.ipv4.conf.all.log_martians=1")

    assert host.run("sysctl -n kernel.panic net.ipv4.conf.all.log_martians").split() == ["77", "1"]
    assert neighbour.run("sysctl -n kernel.panic net.ipv4.conf.all.log_martians").split() == ["0", "0"]
    assert Path("/proc/sys/kernel/panic").read_text() == outer
    host.run("sysctl -w kernel.panic=0 net.ipv4.conf.all.log_martians=0")


def test_a_host_has_the_modules_of_its_own_release(lab_host: HostFactory) -> None:
    """modprobe -n finds what Debian's kernel has, and obeys the host's own modprobe.d."""
    host = lab_host()

    assert "udf.ko" in host.run("modprobe -n -v udf")
    host.run("echo 'install udf /bin/false' > /etc/modprobe.d/lab-test.conf")
    assert host.run("modprobe -n -v udf").splitlines()[-1].strip() == "install /bin/false"
    host.run("rm /etc/modprobe.d/lab-test.conf")


def test_systemd_signals_only_its_own_processes(lab_host: HostFactory) -> None:
    """`systemctl kill` works, because every host has a control group of its own; its CPU time is counted there."""
    host = lab_host()

    host.run("systemctl kill --signal=CONT cron.service")
    used_s = cpu_seconds(device_name(host.address))
    # Over ssh: what `run` starts comes from outside and is counted there.
    assert host.over_ssh("sha256sum /usr/lib/x86_64-linux-gnu/lib*.so* > /dev/null").rc == 0

    assert cpu_seconds(device_name(host.address)) > used_s


def test_ansible_reaches_every_host_of_the_inventory(lab_host: HostFactory, tmp_path: Path) -> None:
    """The inventory the lab writes is enough for Ansible, with host keys checked."""
    hosts = [lab_host(), lab_host(image="debian13")]
    inventory = write_inventory(tmp_path / "inventory.yml", hosts)

    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "ANSIBLE_HOST_KEY_CHECKING": "True"}
    # The name of a socket may not be longer than 107 bytes; a test's own directory is, with several workers.
    with tempfile.TemporaryDirectory() as sockets:
        done = subprocess.run(
            [Path(sys.executable).parent / "ansible", "all", "-i", inventory, "-m", "command", "-a", "id -u", "-o"],
            capture_output=True,
            text=True,
            env={**environment, "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets, "LC_ALL": "C.UTF-8"},
            check=False,
        )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("(stdout) 0") == 2


def test_two_labs_do_not_meet(lab: Lab) -> None:
    """A second lab has its own network and keys, may use the same host names, and takes only its own down."""
    mine = lab.host("twin")
    mine.boot()
    with Lab.create() as other:
        twin = other.host("twin")
        twin.boot()

        assert other.network != lab.network
        assert twin.run("hostname") == mine.run("hostname") == "twin\n"
        assert mine.over_ssh("true").rc == 0
        assert (
            subprocess.run([*mine.ssh.argv(twin.address), "true"], capture_output=True, check=False).returncode == 255
        )

    assert mine.over_ssh("true").rc == 0
    lab.remove("twin")


_CHILD = """
import signal
from tests.lab.lab import Lab
lab = Lab.create()
host = lab.host("orphan")
host.boot()
print(lab.directory, host.pid, host.address, flush=True)
signal.pause()
"""


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_of_a_lab_whose_process_was_killed(sent: signal.Signals) -> None:
    """A polite kill takes the lab down at once; after kill -9 the next lab to start does."""
    # A background job of a shell ignores SIGINT, and so would its children.
    heeding = ["env", "--default-signal=INT"]
    with subprocess.Popen(
        [*heeding, sys.executable, "-c", _CHILD], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        directory, pid, address = child.stdout.readline().split()
        recorded = Path(directory) / "hosts/orphan/nspawn.pid"
        assert recall(recorded) == int(pid)

        # Nobody else's lab may start and clean up before we have looked.
        with locked("run"):
            child.send_signal(sent)
            child.communicate(timeout=180)
            if sent == signal.SIGKILL:
                assert recall(recorded) == int(pid)
                clean_stale()

    assert not Path(directory).exists()
    assert not Path(f"/proc/{pid}/root").exists() or _is_zombie(int(pid))
    assert device_name(address) not in links()
    assert not (Path("/run/netns") / device_name(address)).exists()
    assert directory not in Path("/proc/self/mountinfo").read_text()
    assert not list(Path("/sys/fs/cgroup").glob(f"*/{device_name(address)}"))


def test_a_lab_of_a_living_process_is_not_cleaned_up(lab: Lab) -> None:
    """Cleaning up looks at who owns a lab, not only at what is there."""
    with locked("run"):
        clean_stale()

    assert lab.directory.exists()
    assert lab.directory.parent == lab_root() / "run"


def test_a_lab_that_has_the_network_of_an_earlier_one_is_not_taken_down_with_it() -> None:
    """A process that gave its network back, and ends much later, leaves whoever has it since alone."""
    with Lab.create() as lab:
        remember(lab.directory / "owner", os.getppid())
        lab._down_if_mine(os.getpid())
        others_are_left = lab.directory.exists()
        remember(lab.directory / "owner", os.getpid())
        lab._down_if_mine(os.getpid())
        ours_are_left = lab.directory.exists()
        lab.directory.mkdir()  # For the end of the with statement.

    assert (others_are_left, ours_are_left) == (True, False)


def _is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
