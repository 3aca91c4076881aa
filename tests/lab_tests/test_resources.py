"""Resources of real hosts: seen over one session each, recorded, held against a register, and placed upon."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from hardening.resources.probes import READERS
from hardening.resources.sampling import SHORTEST_S
from tests.command_line import CommandLine
from tests.lab.host import LabHost
from tests.lab.inventory import write_inventory
from tests.lab.lab import Lab

REGISTER = """\
---
hosts:
  res-db: {system: Case service, level: important, mlps: 3, department: IT, owner: Li, location: Room 1, zone: business,
           form: physical}
  res-web: {system: Case service, level: important, mlps: 3, department: IT, owner: Li, location: Room 1,
            zone: business}
lines:
  internet-1: {provider: Carrier, type: internet, bandwidth_mbps: 200, end_a: Room 1, end_b: ISP, department: IT,
               owner: Li, host: res-web, interface: host0}
services:
  case-db: {system: Case service, level: important, department: IT, owner: Li, hosts: [res-db], ports: [5432]}
  case-web: {system: Case service, level: important, department: IT, owner: Li, hosts: [res-web], ports: [8080]}
data:
  cases: {kind: database, category: Cases, host: res-db, database: cases, department: IT, owner: Li}
"""
REQUEST = """\
---
id: REQ-1
system: Case service
services:
  portal: {instances: 2, vcpus: 0.1, memory_gib: 0.2, disk_gib: 1, level: important, zone: business, mlps: 3}
"""


@pytest.fixture(scope="module")
def hosts(lab: Lab) -> Iterator[tuple[LabHost, LabHost]]:
    """A database server and another one, of both systems."""
    pair = (
        lab.host("res-db", image="debian12", services=("postgresql",)),
        lab.host("res-web", image="debian13"),
    )
    for host in pair:
        host.boot()
    pair[0].run("runuser -u postgres -- psql -c 'CREATE DATABASE cases'")
    # What a host that never fetched them is like.
    pair[1].run("rm -rf /var/lib/apt/lists && mkdir /var/lib/apt/lists")
    yield pair
    for host in pair:
        lab.remove(host.name)


@pytest.fixture
def fleet(hardening: CommandLine, hosts: tuple[LabHost, LabHost]) -> CommandLine:
    """The command line beside an inventory, a register and a request."""
    write_inventory(hardening.place / "lab.yml", hosts)
    (hardening.place / "resources.yml").write_text(REGISTER)
    (hardening.place / "request.yml").write_text(REQUEST)
    return hardening


def test_two_hosts_are_seen_over_one_session_each(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """Every part has a fact or a reason; one process, one wave; what was never fetched is not seen, and not zero."""
    said = fleet("resources", "collect", "-i", "lab.yml", "--json")
    seen = {host["host"]: host for host in said.document()["hosts"]}
    traffic = said.document()["traffic"]

    assert said.code == 3
    for name, host in seen.items():
        assert set(host["facts"]) | set(host["unseen"]) | {"cpu_time"} == set(READERS), name
        assert set(host["unseen"]) == ({"pending_updates"} if name == "res-web" else set()), host["unseen"]
        assert ("updates" in host["samples"]) is (name == "res-db")
        assert traffic[name]["execs"] == 1
        assert traffic[name]["commands_sent"] == len(READERS)
        assert traffic[name]["waves"] == 1
    assert seen["res-db"]["facts"]["system"]["hostname"] == "res-db"
    assert "cases" in seen["res-db"]["facts"]["postgresql"]["5432"]["databases"]
    assert seen["res-web"]["facts"]["postgresql"] == {}
    memory = json.loads(hosts[0].over_ssh("awk '/MemTotal/ {print $2}' /proc/meminfo").stdout)
    assert seen["res-db"]["samples"]["memory"]["size_bytes"] == memory * 1024


def test_faults_on_a_host_are_not_seen_and_the_rest_is(fleet: CommandLine, hosts: tuple[LabHost, LabHost]) -> None:
    """A database server that is stopped hard is gone; a program that is missing is said; a host that is off is said."""
    database, web = hosts
    database.run("systemctl stop postgresql; mv /usr/bin/lscpu /usr/bin/lscpu.off")
    try:
        said = fleet("resources", "collect", "-i", "lab.yml", "--json")
    finally:
        database.run("mv /usr/bin/lscpu.off /usr/bin/lscpu; systemctl start postgresql")
    seen = {host["host"]: host for host in said.document()["hosts"]}

    assert said.code == 3
    assert seen["res-db"]["facts"]["postgresql"] == {}
    assert "127" in seen["res-db"]["unseen"]["cpu"]
    assert "count" not in seen["res-db"]["samples"]["cpu"]
    assert seen["res-web"]["facts"]["cpu"]["count"] >= 1
    assert web.name in seen


def test_register_and_hosts_are_compared_and_a_request_is_placed(fleet: CommandLine) -> None:
    """What differs on purpose is found; two instances go to two hosts; rates come with the second look."""
    first = fleet("resources", "collect", "-i", "lab.yml", "--json")
    assert first.code == 3
    # A look of a fast machine can end within a second of the one before, which gives no rate on purpose.
    time.sleep(SHORTEST_S)
    second = fleet("resources", "collect", "-i", "lab.yml", "--json")
    drift = fleet("resources", "drift", "-i", "lab.yml", "--json")
    found = {(each["kind"], each["subject"], each["field"]) for each in drift.document()["drift"]}
    placed = fleet("resources", "plan", "request.yml", "-i", "lab.yml", "--json")

    rates = {host["host"]: host["samples"]["nic:host0"] for host in second.document()["hosts"]}
    assert rates["res-web"]["rx_bps"] > 0
    assert ("differs", "res-db", "form") in found
    assert ("differs", "case-web", "ports") in found
    assert ("differs", "case-db", "ports") not in found
    assert ("differs", "cases", "database") not in found
    assert placed.code == 0, placed.err
    assert {each["host"] for each in placed.document()["placement"]["placed"]} == {"res-db", "res-web"}
    forecast = fleet("resources", "forecast", "-i", "lab.yml")
    assert (forecast.code, "fewer than 5 days" in forecast.err) == (3, True)
    assert fleet("status", "--verify").code == 0
