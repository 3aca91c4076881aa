"""The virtual machine has what container hosts only stand in for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.lab import Lab
from tests.lab.plugin import HostFactory
from tests.lab.vm import Machine

pytestmark = pytest.mark.vm

RULES = """\
-D
-b 8192
-f 1
-a always,exit -F arch=b64 -S settimeofday,adjtimex -k time-change
-a exit,always -F arch=b32 -S settimeofday -S adjtimex -S stime -k time-change
-w /etc/passwd -p wa -k identity
-w /etc/localtime -p aw
-a always,exit -F path=/usr/bin/sudo -F perm=x -F auid>=1000 -F auid!=unset -k privileged
-a always,exit -F arch=b64 -S open,openat,creat -F exit=-EACCES -F auid>=1000 -F auid!=4294967295 -F key=access
-a always,exit -F arch=b64 -S chmod,fchmod,chown -F auid>=1000 -F auid!=-1 -k perm_mod
-a always,exit -F arch=b64 -C euid!=uid -F auid!=unset -S execve -k user_emulation
-a always,exit -F dir=/etc/audit/ -F perm=wa -F key=auditconfig
-a never,exit -F path=/usr/bin/true
-a always,exclude -F msgtype=CWD
-a always,exit -F arch=b64 -S all -F uid=0 -F success=0 -k all_root
-w /etc/group -k g1 -p rwxa
-A always,exit -F arch=b64 -S mount -F auid>=1000 -k mounts
"""


@pytest.fixture(scope="module", params=["debian12", "debian13"])
def machine(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Machine]:
    """Yield a booted machine of each release."""
    made = lab.machine(f"kernel-{request.param}", image=request.param, services=("nginx",))
    made.boot()
    yield made
    lab.remove(made.name)


def test_the_machine_runs_its_own_kernel(machine: Machine, lab_host: HostFactory) -> None:
    """The kernel is Debian's, and a setting that a container could not change takes hold."""
    assert machine.run("uname -r").strip().endswith("-amd64")
    assert lab_host().run("uname -r") != machine.run("uname -r")

    machine.run("sysctl -w kernel.kptr_restrict=2")

    assert machine.run("cat /proc/sys/kernel/kptr_restrict") == "2\n"


def test_the_machine_loads_modules(machine: Machine) -> None:
    """A module is not there, is loaded, and is there."""
    machine.run("! grep -q '^udf ' /proc/modules && modprobe udf && grep -q '^udf ' /proc/modules")


def test_the_machine_has_apparmor(machine: Machine) -> None:
    """AppArmor is on in its kernel and has profiles loaded."""
    assert machine.run("cat /sys/module/apparmor/parameters/enabled") == "Y\n"
    assert int(machine.run("wc -l < /sys/kernel/security/apparmor/profiles")) > 0


def test_the_machine_audits_for_real(machine: Machine) -> None:
    """A rule that is loaded makes the kernel report what it watches, and auditd write it down."""
    machine.run("auditctl -D >/dev/null; auditctl -w /etc/issue -p wa -k lab_watch")
    machine.run("touch /etc/issue")

    assert "lab_watch" in machine.run("ausearch --input-logs --key lab_watch --raw")
    machine.run("auditctl -D")


def test_the_audit_stand_in_lists_rules_as_the_kernel_does(machine: Machine, lab_host: HostFactory) -> None:
    """For the same rules, `auditctl -l` of a container host prints the same lines as the real one."""
    host = lab_host(image=machine.image.name)
    listed = []
    for one in (machine, host):
        one.run("umask 077; cat > /root/lab.rules", stdin=RULES)
        one.run("auditctl -R /root/lab.rules")
        listed.append(one.run("auditctl -l"))
        one.run("auditctl -D; rm /root/lab.rules")

    assert listed[0] == listed[1]
    assert len(listed[0].splitlines()) == RULES.count("\n") - 3


def test_a_machine_keeps_its_disk_and_answers_after_a_reboot(machine: Machine) -> None:
    """Power off, boot: the file is there, the settings of the running kernel are not, nginx runs."""
    machine.run("echo kept > /srv/kept; sysctl -w kernel.panic=77")

    machine.power_off()
    assert machine.pid is None
    machine.boot()

    assert machine.run("cat /srv/kept") == "kept\n"
    assert machine.run("sysctl -n kernel.panic") == "0\n"
    assert machine.run("systemctl is-active nginx") == "active\n"


def test_a_snapshot_of_a_machine_is_made_inside(machine: Machine) -> None:
    """The same entries as on a container host: a changed mode is the one difference."""
    before = machine.snapshot_tree(("/etc",))

    machine.run("chmod 0600 /etc/issue.net")

    after = machine.snapshot_tree(("/etc",))
    assert {path for path in before if before[path] != after.get(path)} == {"/etc/issue.net"}
