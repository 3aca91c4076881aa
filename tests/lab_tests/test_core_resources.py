"""Units, packages, kernel parameters, mounts and accounts on real hosts: changed, and put back exactly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.core_hosts import apply_on, undo_on
from tests.core_tree import changed, failures
from tests.lab.host import LabHost
from tests.lab.lab import Lab

MASK = 'def plan(control, system):\n    system.unit("cron.service").mask()\n'
REMOVE = "def plan(control, system):\n    system.package(control.value).remove()\n"
INSTALL = "def plan(control, system):\n    system.package(control.value).install()\n"


@pytest.fixture(scope="module", params=("debian12", "debian13"))
def host(lab: Lab, request: pytest.FixtureRequest) -> Iterator[LabHost]:
    """A host of each system for all tests of this file; each leaves it as it was, which is what they are about."""
    made = lab.host("cores-" + request.param, image=request.param)
    made.boot()
    yield made
    lab.remove(made.name)


@pytest.mark.parametrize("verb", ["mask", "disable", "stop"])
def test_a_unit_is_switched_off_and_on_again(host: LabHost, verb: str) -> None:
    """Enablement, activity and every link under /etc are as before, those of System V too."""
    host.run("systemctl is-active cron.service && systemctl is-enabled cron.service")
    plan = MASK.replace("mask()", f"{verb}()")
    before = host.snapshot_tree()

    changes = apply_on(host, plan, "cron")
    assert failures(changes) == {}
    assert host.exec_inside("systemctl is-active cron.service").rc != 0
    assert changed(apply_on(host, plan, "cron", campaign="c2")) == []

    assert failures(undo_on(host, *changes)) == {}
    assert host.run("systemctl is-active cron.service; systemctl is-enabled cron.service").split() == [
        "active",
        "enabled",
    ]
    assert host.snapshot_tree() == before


def test_a_removed_package_comes_back_in_its_very_version(host: LabHost) -> None:
    """Its configuration stays when it goes; version, automatic mark and files are as before after the undo."""
    host.run("apt-mark auto logrotate")
    tree = ("/etc", "/usr/sbin", "/usr/share/doc/logrotate")
    before = host.snapshot_tree(tree)

    changes = apply_on(host, REMOVE, "logrotate")
    assert failures(changes) == {}
    assert host.exec_inside("test -e /usr/sbin/logrotate").rc == 1
    assert host.exec_inside("test -e /etc/logrotate.conf").rc == 0
    assert changed(apply_on(host, REMOVE, "logrotate", campaign="c2")) == []

    assert failures(undo_on(host, *changes)) == {}
    assert host.snapshot_tree(tree) == before
    assert host.run("apt-mark showauto logrotate").strip() == "logrotate"


def test_a_removal_that_takes_others_along_is_refused(host: LabHost) -> None:
    """By name, before anything is removed; the other control of the run is applied."""

    results = apply_on(host, REMOVE, "openssh-client", "logrotate")

    assert "would take along:" in failures(results)["linux_openssh-client"]
    assert changed(results) == ["linux_logrotate"]
    assert host.exec_inside("dpkg -s openssh-client").rc == 0
    assert failures(undo_on(host, results[1])) == {}


def test_a_package_that_could_not_come_back_is_not_removed(host: LabHost) -> None:
    """Neither where no list has the version, nor where the list has it but the file is gone."""
    host.run("rm -rf /var/lib/hardening/debs && mkdir /root/away && mv /opt/debs/logrotate_*.deb /root/away")

    listed = apply_on(host, REMOVE, "logrotate")
    host.run("mv /var/lib/apt/lists /root/away && mkdir /var/lib/apt/lists")
    unlisted = apply_on(host, REMOVE, "logrotate", campaign="c2")
    host.run("rm -r /var/lib/apt/lists && mv /root/away/lists /var/lib/apt/")
    host.run("mv /root/away/*.deb /opt/debs && rmdir /root/away")

    assert "could not be put back, as its package cannot be had" in failures(listed)["linux_logrotate"]
    assert "is in no repository and no cache, so it could not be put back" in failures(unlisted)["linux_logrotate"]
    assert host.exec_inside("test -x /usr/sbin/logrotate").rc == 0


def test_an_installed_package_goes_again_with_what_came_along(host: LabHost) -> None:
    """Every package that came is recorded, and the list of packages is as before after the undo."""
    listing = "dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\\n'"
    packages, tree = host.run(listing), host.snapshot_tree()

    changes = apply_on(host, INSTALL, "acct")
    assert failures(changes) == {}
    assert host.exec_inside("dpkg -s acct").rc == 0
    assert changed(apply_on(host, INSTALL, "acct", campaign="c2")) == []

    assert failures(undo_on(host, *changes)) == {}
    assert host.run(listing) == packages
    assert host.snapshot_tree() == tree


def test_forwarding_does_not_drag_other_parameters_along(host: LabHost) -> None:
    """The kernel resets accept_redirects when forwarding changes; with us it stays, forth and back."""
    plan = """
def plan(control, system):
    keys = {"forward": "net.ipv4.ip_forward", "redirects": "net.ipv4.conf.all.accept_redirects"}
    system.sysctl(keys[control.value]).set("0")
"""
    host.run("sysctl -w net.ipv4.ip_forward=1 && sysctl -w net.ipv4.conf.all.accept_redirects=1")
    both = "sysctl -n net.ipv4.ip_forward net.ipv4.conf.all.accept_redirects"

    forward = apply_on(host, plan, "forward")
    assert host.run(both).split() == ["0", "1"]
    redirects = apply_on(host, plan, "forward", "redirects", campaign="c2")
    assert host.run(both).split() == ["0", "0"]

    assert failures(undo_on(host, redirects[1])) == {}
    assert host.run(both).split() == ["0", "1"]
    assert failures(undo_on(host, *forward)) == {}
    assert host.run(both).split() == ["1", "1"]


def test_mount_options_change_live_and_back(host: LabHost) -> None:
    """Only the asked option changes, while the mount is in use."""
    plan = 'def plan(control, system):\n    system.mount("/srv/data").add_options("noexec", "nodev")\n'
    host.run("mkdir -p /srv/data && mount -t tmpfs -o nosuid,mode=0750,size=1m tmpfs /srv/data")
    options = "findmnt -no VFS-OPTIONS /srv/data"
    before = host.run(options)

    changes = apply_on(host, plan, "data")
    assert failures(changes) == {}
    assert set(host.run(options).strip().split(",")) == {*before.strip().split(","), "noexec", "nodev"}
    assert changed(apply_on(host, plan, "data", campaign="c2")) == []

    assert failures(undo_on(host, *changes)) == {}
    assert host.run(options) == before


def test_an_account_database_is_edited_under_its_lock(host: LabHost) -> None:
    """While another program holds the lock we wait; nothing of shadow is in the result; the undo is exact."""
    plan = 'def plan(control, system):\n    system.file("/etc/shadow").set_field("ops", 4, "90")\n'
    before = host.snapshot_tree()
    held = (
        "import fcntl,os,time\nfd=os.open('/etc/.pwd.lock',os.O_WRONLY|os.O_CREAT,0o600)\n"
        "if os.fork(): os._exit(0)\nos.setsid()\nnull=os.open('/dev/null',os.O_RDWR)\n"
        "[os.dup2(null,n) for n in (0,1,2)]\n"
    )
    # The holder tells by a file that it has the lock, and lets go of it by ending.
    held += "fcntl.lockf(fd,fcntl.LOCK_EX)\nopen('/run/held','w').close()\ntime.sleep(3)\n"
    host.exec_inside("python3 -", stdin=held)
    host.run("while ! test -e /run/held; do sleep 0.1; done")

    changes = apply_on(host, plan, "ages")

    assert failures(changes) == {}
    assert host.run("getent shadow ops").split(":")[4] == "90"
    secrets = [line.split(":")[1] for line in host.run("cat /etc/shadow").splitlines() if len(line.split(":")[1]) > 4]
    assert secrets
    assert not any(secret in str(changes) for secret in secrets)
    assert failures(undo_on(host, *changes)) == {}
    assert host.snapshot_tree() == before
