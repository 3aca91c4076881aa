"""Changes to the operating system that could hurt, on real hosts: each leaves what is in use alone, or says no."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from tests.lab.host import LabHost
from tests.lab.plugin import HostFactory
from tests.lab_tests.test_core_apply import apply, undo

IMAGES = ("debian12", "debian13")
SERVE = "systemd-run --quiet --collect --unit={name} python3 -m http.server {port}"
UNIT = "[Service]\nExecStart=/usr/bin/python3 -m http.server 8161\n[Install]\nWantedBy=multi-user.target\n"


def opens(host: LabHost, port: int, *, within_s: float = 2) -> bool:
    """Tell whether a connection from outside is accepted; one that is dropped runs into the time limit."""
    try:
        socket.create_connection((host.address, port), timeout=within_s).close()
    except OSError:
        return False
    return True


def wait_for(host: LabHost, port: int) -> None:
    """Wait until something listens on a port of the host."""
    host.run(f"for i in $(seq 100); do ss -Hltn sport = :{port} | grep -q . && exit; sleep 0.1; done; exit 1")


@pytest.mark.parametrize("image", IMAGES)
def test_dropping_by_default_cuts_off_nothing_that_served(own_host: HostFactory, tmp_path: Path, image: str) -> None:
    """What listened before stays reachable over new connections; what listens later is not; undo opens it again."""
    host = own_host(image=image, services=("nginx",))
    drop = {"linux_input": ({"hook": "input", "family": "ip"}, "drop")}

    (change,) = apply(host, tmp_path, {"linux.firewall_policy": drop}, "c1")
    host.run(SERVE.format(name="later", port=8099))
    wait_for(host, 8099)

    assert change["changed"]
    assert not change["failed"]
    assert opens(host, 80)
    assert opens(host, 22)
    assert not opens(host, 8099)
    assert host.over_ssh("sudo -n true").rc == 0
    (undone,) = undo(host, tmp_path, change)
    assert not undone["failed"]
    assert opens(host, 8099)


@pytest.mark.parametrize("image", IMAGES)
def test_a_service_with_a_client_is_not_stopped(own_host: HostFactory, tmp_path: Path, image: str) -> None:
    """An open connection from another host refuses the stop, by name; once it is gone the service goes off."""
    host = own_host(image=image)
    (host.root / "usr/local/lib/systemd/system").mkdir(parents=True)
    (host.root / "usr/local/lib/systemd/system/snmpd.service").write_text(UNIT)
    host.run("systemctl daemon-reload && systemctl enable --quiet --now snmpd.service")
    wait_for(host, 8161)
    off: Any = {"linux.units": {"linux_service_snmp": ({"names": ["snmpd.service"]}, "off")}}

    with socket.create_connection((host.address, 8161)):
        host.run("for i in $(seq 100); do ss -Htn state established sport = :8161 | grep -q . && exit; done; exit 1")
        (refused,) = apply(host, tmp_path, off, "c1")
    host.run(
        "for i in $(seq 100); do ss -Htn state established sport = :8161 | grep -q . || exit 0; sleep 0.1; done; exit 1"
    )
    (stopped,) = apply(host, tmp_path, off, "c2")

    assert refused["failed"]
    assert "snmpd.service serves 1 connections now" in refused["reason"]
    assert stopped["changed"]
    assert host.exec_inside("systemctl is-enabled snmpd.service").stdout.strip() == "masked"


@pytest.mark.parametrize("image", IMAGES)
def test_a_package_that_others_need_is_not_removed(own_host: HostFactory, tmp_path: Path, image: str) -> None:
    """Removing one part of nginx would take the server along, so that control fails alone and the other is done."""
    host = own_host(image=image, services=("nginx",))
    host.run("apt-get install --yes --quiet --no-install-recommends talk")
    absent: Any = {
        "linux_package_common": ({"names": ["nginx-common"]}, "absent"),
        "linux_package_talk": ({"names": ["talk"]}, "absent"),
    }

    results = {result["id"]: result for result in apply(host, tmp_path, {"linux.packages": absent}, "c1")}

    assert "would take along: nginx" in results["linux_package_common"]["reason"]
    assert results["linux_package_talk"]["changed"]
    assert opens(host, 80)
